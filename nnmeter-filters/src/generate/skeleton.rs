//! Skeletons: what the architectures of a space have in common. A stem, stages of layers with their
//! channels and strides, a head; which operator a layer is, is left open.
//!
//! ```json
//! {"name": "mine", "input": [1, 3, 224, 224],
//!  "stem": [{"op": "conv", "channels": 16, "kernel": 3, "stride": 2}, {"op": "bn"}, {"op": "relu"}],
//!  "stages": [{"channels": 24, "layers": 2, "stride": 2}, {"channels": 40, "layers": 3, "stride": 2}],
//!  "head": [{"op": "gap"}, {"op": "fc", "channels": 10, "bias": true}]}
//! ```
//!
//! Steps are those of [search spaces](crate::space). The first layer of a stage has its stride, the
//! others have stride 1. Resolutions follow from the input and the strides.

use serde::Deserialize;
use serde_json::Value as Json;

use crate::error::{Error, ErrorKind, Result};
use crate::space::{Block, Choice, SearchSpace};

/// The built-in skeletons, with what they are. The first two have the stages of their papers.
pub const SKELETONS: &[(&str, &str)] = &[
    ("mobilenetv2", "224x224, 16 layers in 6 stages of MobileNetV2's widths (Sandler et al. 2018)"),
    ("shufflenetv2", "224x224, 16 layers in 3 stages of ShuffleNetV2 1x (Ma et al. 2018)"),
    ("cifar", "32x32, 12 layers in 3 stages of 32, 64 and 128 channels"),
];

/// Largest number of layers of a skeleton, and of its channels, strides and extents.
const MOST_LAYERS: usize = 256;
const LARGEST: u32 = 1 << 16;

/// A macro architecture.
#[derive(Clone, Debug, PartialEq)]
pub struct Skeleton {
    name: String,
    input: [usize; 4],
    stem: Block,
    head: Block,
    slots: Vec<Slot>,
}

/// A layer of a skeleton: what its operator is given, and what it has to make of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Its name: number of the stage and of the layer in it, `2.1`.
    pub name: String,
    /// Channels, height and width of what it is given.
    pub input: [u32; 3],
    /// Channels of its result.
    pub channels: u32,
    /// Stride.
    pub stride: u32,
}

impl Slot {
    /// Whether its result has the extents of its input.
    pub fn keeps(&self) -> bool {
        self.stride == 1 && self.channels == self.input[0]
    }

    /// Channels, height and width of its result.
    pub fn output(&self) -> [u32; 3] {
        let [_, height, width] = self.input;
        [self.channels, height.div_ceil(self.stride), width.div_ceil(self.stride)]
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    name: String,
    input: [usize; 4],
    stem: Json,
    stages: Vec<Stage>,
    head: Json,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stage {
    channels: u32,
    layers: usize,
    #[serde(default = "one")]
    stride: u32,
}

fn one() -> u32 {
    1
}

impl Skeleton {
    /// The built-in skeleton called `name`.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownSpace`] if there is none.
    pub fn built_in(name: &str) -> Result<Self> {
        let json = match name {
            "mobilenetv2" => include_str!("skeletons/mobilenetv2.json"),
            "shufflenetv2" => include_str!("skeletons/shufflenetv2.json"),
            "cifar" => include_str!("skeletons/cifar.json"),
            _ => {
                let names: Vec<&str> = SKELETONS.iter().map(|(name, _)| *name).collect();
                let subject = format!("skeleton {name:?}");
                return Err(Error::new(ErrorKind::UnknownSpace, subject, "is not a built-in one")
                    .expected(format!("one of {}, or a JSON file", names.join(", "))));
            }
        };
        Self::from_json(json.as_bytes())
    }

    /// Reads a skeleton.
    ///
    /// # Errors
    /// [`ErrorKind::BadSpace`] if the bytes are not of the form of skeletons, a stage has no layers,
    /// or the numbers of a stage are out of range; what is wrong with the steps of stem or head.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        let wire: Wire = serde_json::from_slice(bytes)
            .map_err(|error| bad("skeleton", format!("is not valid: {error}")))?;
        let stem = Block::from_json(&wire.stem).map_err(|error| error.within("stem"))?;
        let head = Block::from_json(&wire.head).map_err(|error| error.within("head"))?;
        let from = extents(wire.input, &stem).map_err(|error| error.within("stem"))?;
        let slots = slots(from, &wire.stages)?;
        let last = slots.last().map_or(from, Slot::output);
        let [channels, height, width] = last.map(|extent| extent as usize);
        let before_head = [wire.input[0], channels, height, width];
        extents(before_head, &head).map_err(|error| error.within("head"))?;
        Ok(Self { name: wire.name, input: wire.input, stem, head, slots })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its layers, in the order of execution.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Extents of the input: batch, channels, height, width.
    pub fn input(&self) -> [usize; 4] {
        self.input
    }

    /// The space in which every layer is one of some blocks, by name.
    pub(super) fn space(&self, name: &str, layers: Vec<Vec<(&str, Block)>>) -> Result<SearchSpace> {
        let mut choices = Vec::new();
        let mut body = Block::new();
        let mut value = body.append(&self.stem, body.input());
        for (slot, options) in self.slots.iter().zip(layers) {
            let (names, blocks): (Vec<&str>, Vec<Block>) = options.into_iter().unzip();
            choices.push(Choice::new(format!("layer {}", slot.name), names));
            value = body.choose(choices.len() - 1, blocks, value);
        }
        body.append(&self.head, value);
        SearchSpace::new(name, self.input, choices, body)
    }
}

fn slots(mut input: [u32; 3], stages: &[Stage]) -> Result<Vec<Slot>> {
    let mut slots: Vec<Slot> = Vec::new();
    for (number, stage) in (1..).zip(stages) {
        let place = format!("stage {number}");
        let in_range = |value| (1..=LARGEST).contains(&value);
        if !in_range(stage.channels) || !in_range(stage.stride) {
            let found = format!("has {} channels and stride {}", stage.channels, stage.stride);
            return Err(bad(place, found).expected(format!("numbers from 1 to {LARGEST}")));
        }
        if stage.layers == 0 || stage.layers > MOST_LAYERS - slots.len() {
            let found = format!("has {} layers", stage.layers);
            let expected = format!("1 or more, and at most {MOST_LAYERS} in all stages");
            return Err(bad(place, found).expected(expected));
        }
        for layer in 1..=stage.layers {
            let stride = if layer == 1 { stage.stride } else { 1 };
            let name = format!("{number}.{layer}");
            let slot = Slot { name, input, channels: stage.channels, stride };
            input = slot.output();
            slots.push(slot);
        }
    }
    match slots.is_empty() {
        true => Err(bad("skeleton", "has no stages").expected("one or more")),
        false => Ok(slots),
    }
}

/// Channels, height and width of what `block` makes of an input.
///
/// # Errors
/// [`ErrorKind::BadSpace`] if the block does not fit the input.
pub(super) fn extents(input: [usize; 4], block: &Block) -> Result<[u32; 3]> {
    let space = SearchSpace::new("block", input, Vec::new(), block.clone())?;
    let graph = space.typed(&space.sample(&[])?)?;
    let result = graph.graph().outputs().first().and_then(|&value| graph.ty(value));
    let dims: Vec<u32> =
        result.iter().flat_map(|ty| &ty.dims).filter_map(|&dim| dim.try_into().ok()).collect();
    match dims[..] {
        [_, channels, height, width] => Ok([channels, height, width]),
        [_, channels] => Ok([channels, 1, 1]),
        _ => Err(bad("result", format!("has the extents {dims:?}"))
            .expected("batch and channels, and height and width")),
    }
}

fn bad(subject: impl Into<String>, found: impl Into<String>) -> Error {
    Error::new(ErrorKind::BadSpace, subject, found)
}
