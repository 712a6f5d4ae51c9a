//! The devices that can be packaged: what is known of each, and how it is fitted.

use anyhow::{Result, bail};
use nnmeter_hardware::device::{Device, Precision, Runtime};
use nnmeter_hardware::fit::recipe::Recipe;
use nnmeter_hardware::fit::terms::{self, TermSpec};
use nnmeter_hardware::sweep::TOLERANCE;

use crate::choices::{self, Choices};

/// A device and how its models are fitted.
pub(crate) struct Target {
    pub(crate) device: Device,
    pub(crate) terms: &'static [TermSpec],
    pub(crate) recipe: Recipe,
    /// What was open when the fit was designed.
    pub(crate) choices: Option<Choices>,
    /// Share of its cost by which a kernel with more work may be cheaper.
    pub(crate) tolerance: f64,
    /// What a reader of its accuracy must know.
    pub(crate) notes: &'static [&'static str],
}

impl Target {
    /// How its models are fitted, in a sentence.
    pub(crate) fn method(&self) -> String {
        let linear = "Rates of a linear model of each kind of kernel from totals of whole networks: \
                      non-negative coarse rates, then a ridge towards them";
        let effects = match self.recipe.family_effect {
            0.0 => "",
            _ => ", with effects of families while fitting",
        };
        let trees = match self.recipe.correction {
            None => "",
            Some(_) => {
                "; then boosted trees (XGBoost) for some kinds, which correct their costs by a factor"
            }
        };
        format!("{linear}{effects}{trees}.")
    }
}

/// All of them.
pub(crate) fn all() -> Vec<Target> {
    vec![
        cortex_a76(),
        adreno("adreno640gpu_tflite21", "Xiaomi Mi 9", "Adreno 640"),
        adreno("adreno630gpu_tflite21", "Pixel 3 XL", "Adreno 630"),
        myriad_x(),
    ]
}

/// What is known of the device called `name`.
pub(crate) fn find(name: &str) -> Result<Target> {
    let names: Vec<String> = all().into_iter().map(|target| target.device.name).collect();
    match all().into_iter().find(|target| target.device.name == name) {
        Some(target) => Ok(target),
        None => {
            bail!("device \"{name}\": is not described here; expected {}", names.join(" or "))
        }
    }
}

fn cortex_a76() -> Target {
    Target {
        device: Device {
            name: "cortexA76cpu_tflite21".to_owned(),
            title: "Pixel 4, Cortex-A76, TFLite 2.1".to_owned(),
            chip: "Cortex-A76".to_owned(),
            clock: None,
            threads: 1,
            runtime: Runtime { name: "TFLite".to_owned(), version: "2.1".to_owned(), build: None },
            precision: Precision::Fp32,
            source: Some(
                "nn-Meter's benchmark data set. That it ran on one thread is inferred from the \
                 fitted rates: 10 GMAC/s is a little under half of what one core can do."
                    .to_owned(),
            ),
        },
        terms: terms::CPU,
        recipe: Recipe::CPU,
        choices: Some(choices::CPU),
        tolerance: TOLERANCE,
        notes: &[
            "Measured at batch 1, on inputs of 224x224 and 32x32, with square windows and without \
             dilation; kernels beyond that are marked as outside of the fitted range.",
            "The measurements themselves repeat within about 3.2 % rms (equal ResNets measured \
             again) and 2.6 % (equal NAS-Bench-201 networks): no predictor can do better than that.",
            "Trees would help little. On splits of the 85 % that the random split above fits on, and on \
             families left out, ten rounds for convolutions and depthwise convolutions (mean of families \
             within 10 % (5 %)) come to 99.9 (93.4) and 99.0 (85.8), no trees to 99.6 (93.3) and 98.8 \
             (85.4); more rounds lose again. The device is without, and stays a sum of rates.",
            "Single kernels are only partly identified by totals of whole networks. Terms that \
             make up less than one percent of the mean network (additions, ReLU, batch \
             normalisation, concatenation, shuffle, pooling, starts of kernels) may be off by a \
             factor of two or more.",
            "The list of terms was designed while looking at the figures for families left out, so \
             those are somewhat optimistic for a family of an altogether new kind.",
        ],
    }
}

fn adreno(name: &str, phone: &str, chip: &str) -> Target {
    Target {
        device: Device {
            name: name.to_owned(),
            title: format!("{phone}, {chip}, TFLite 2.1"),
            chip: chip.to_owned(),
            clock: None,
            threads: 1,
            runtime: Runtime {
                name: "TFLite".to_owned(),
                version: "2.1".to_owned(),
                build: Some("GPU delegate, OpenCL".to_owned()),
            },
            precision: Precision::Fp16,
            source: Some(
                "nn-Meter's benchmark data set. The precision is inferred: TFLite's GPU delegate \
                 computes in half precision unless told otherwise. So is OpenCL, by how the delegate's \
                 kernels would tile what was measured. One thread of the host starts them."
                    .to_owned(),
            ),
        },
        terms: terms::ADRENO,
        recipe: Recipe::ADRENO,
        choices: Some(choices::CONSTANTS),
        tolerance: TOLERANCE,
        notes: ADRENO_NOTES,
    }
}

const ADRENO_NOTES: &[&str] = &[
    "Measured at batch 1, on inputs of 224x224 and 32x32, with square windows and without dilation \
     or grouped convolutions; kernels beyond that are marked as outside of the fitted range. \
     Networks with channel shuffles and splits were not measured: those kinds have no price.",
    "Not identified: fully connected layers, global average pooling, additions (with ReLU or \
     without) and batch normalisation with ReLU. Totals give them no cost of their own: their price \
     of 0.1 us stands for \"next to nothing, or not within the time that was measured\", whatever \
     their size. An AlexNet with 43 million weights in fully connected layers took 0.97 ms (Adreno \
     640) or 1.19 ms (Adreno 630) in all.",
    "ReLUs on their own (NAS-Bench-201), hard swishes (MobileNetV3) and squeeze-and-excite blocks \
     (MnasNet, MobileNetV3) occur in one or two families only; a ReLU has one price for every size. \
     Concatenations whose first operand has a multiple of 4 channels cost next to nothing. Average \
     pooling has the rate of maximum pooling.",
    "Rates of a convolution's terms are not meaningful one by one: their sum is.",
    "More rounds of trees gain on known families what they lose on others: on splits of the 85 % that \
     the random split above fits on, and on families left out, 20 rounds on Adreno 630 come to 98.0 \
     and 97.5 % within 5 % (means of families), 80 rounds to 98.6 and 97.2 %. What is beyond 5 % is \
     NAS-Bench-201 (77 % within 5 % after 20 rounds, all within 10 %).",
    "Networks measured twice (equal ones of NAS-Bench-201) differ by 0.6 % on Adreno 640 and 1.1 % \
     on Adreno 630.",
    "The list of terms was designed while looking at the figures for families left out. In the study \
     that found it (without trees), a list chosen among nine without the family gave 99.9 % within \
     10 % on both GPUs; a search for terms made without the family gave 92 % (Adreno 640) and 90 % \
     (Adreno 630), which is what to expect of networks with kernels of an altogether new kind.",
];

fn myriad_x() -> Target {
    Target {
        device: Device {
            name: "myriadvpu_openvino2019r2".to_owned(),
            title: "Neural Compute Stick 2, Myriad X, OpenVINO 2019 R2".to_owned(),
            chip: "Myriad X".to_owned(),
            clock: None,
            threads: 1,
            runtime: Runtime {
                name: "OpenVINO".to_owned(),
                version: "2019 R2".to_owned(),
                build: None,
            },
            precision: Precision::Fp16,
            source: Some(
                "nn-Meter's benchmark data set. The precision is that of the chip, which computes \
                 in half precision."
                    .to_owned(),
            ),
        },
        terms: terms::MYRIAD,
        recipe: Recipe::MYRIAD,
        choices: Some(choices::CONSTANTS),
        tolerance: TOLERANCE,
        notes: MYRIAD_NOTES,
    }
}

const MYRIAD_NOTES: &[&str] = &[
    "Measured at batch 1, on inputs of 224x224 and 32x32, with square windows and without dilation \
     or grouped convolutions; kernels beyond that are marked as outside of the fitted range.",
    "What the hardware executes for a convolution is found by the search of OpenVINO's compiler for \
     tiles, whose source is public in a later version than 2019 R2. So costs jump where the number \
     of tiles or the mode does: a convolution may be much cheaper than one with fewer channels that \
     needs more tiles (up to two thirds), as the runtime's own really is. Sweeps compare kernels that \
     are tiled alike.",
    "Not identified, for totals hardly tell them: average pooling, maximum pooling (within a factor \
     of three), splits, junk at the edges of tiles, what a depthwise convolution writes, and \
     convolutions that the hardware cannot do (few MobileNetV2 only). ReLU, batch normalisation and \
     concatenation are told apart by few families; of a convolution's terms the cycles are \
     identified, the rest only as a sum. Global average pooling has one price for every size.",
    "Channel shuffles and splits occur in ShuffleNetV2 alone, and the weight of a shuffle (10 units \
     an element) was set after seeing it. In the study that found the terms, with that weight and \
     the constants chosen without the family, ShuffleNetV2 came out 32 % too low, none within 10 %: \
     this is what a family with kernels of an altogether new kind must expect. All other families \
     together had 93.5 % within 10 % there; over all of them it was 86.3 %.",
    "Measurements repeat within 0.2 %, but networks of NAS-Bench-201 with equal kernels differ by 3.8 \
     % rms: their order matters. No sum over kernels, fitted to that family alone, gets more than 72 % \
     of it within 5 % (96 % within 10 %). Counts of which stage follows which in the file, and whether \
     it reads its result, bring 86 % of networks left out within 5 % (99 % within 10 %): a fact of \
     the graph that kernels here do not know. MnasNets with squeeze-and-excite blocks of about 640 to \
     1010 channels at 14x14 take 0, 4 or 8 ms more, and no kernel tells which; how the compiler lays \
     the whole graph out in memory might.",
    "Trees were chosen by splits of the 85 % that the random split above fits on, and by families left \
     out (mean of families within 10 % (5 %) of each). Without trees for additions: 99.3 (94.0) and \
     96.5 (84.6); with them 99.2 (94.4) and 97.5 (85.6). 40 rounds, of leaves three times as large, \
     come to 99.2 (94.7) and 97.5 (87.0), 80 rounds to 99.3 (94.9) and 97.0 (85.8), but sweeps are no \
     longer sensible then. Trees for all kinds, 80 rounds: 99.5 (95.2) and 96.0 (82.6), for AlexNet's \
     products follow other families' then. One booster for all kinds, which is told the kind: 99.3 \
     (94.1) and 96.3 (82.8).",
    "The list of terms, and what the trees look at, were chosen while looking at the figures for \
     families left out, so those are somewhat optimistic for a family of an altogether new kind.",
];
