//! How long it takes to open a package: unpacking, digests, checks and the layout of its trees.
//!
//! Three sizes: what a device with a few corrected models has, ten times that, and the 3 MB or so that
//! a package may have. The trees are made up, with leaves that do not compress well.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use nnmeter_core::ensemble::{Ensemble, Node, PlainEnsemble, Tree};
use nnmeter_core::feature::Feature;
use nnmeter_core::kind::Kind;
use nnmeter_core::model::{FittedRange, KernelModel, Learned};
use nnmeter_core::predict::FittedModel;
use nnmeter_core::uncertainty::{Quantiles, Uncertainty};
use nnmeter_hardware::device::{Device, Precision, Provenance, Runtime};
use nnmeter_hardware::package::{MetricModels, Package, RuleFile};
use nnmeter_hardware::registry::{OpenDevice, Origin};
use nnmeter_hardware::version::Version;

const KINDS: [Kind; 5] = [Kind::Conv, Kind::DwConv, Kind::Fc, Kind::MaxPool, Kind::Concat];
const FEATURES: [Feature; 8] = [
    Feature::Macs,
    Feature::Cin,
    Feature::Cout,
    Feature::Height,
    Feature::Stride,
    Feature::KernelHeight,
    Feature::Read,
    Feature::Written,
];

/// Numbers that look random (xorshift).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn fraction(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1 << 24) as f32
    }
}

/// A full tree of 31 splits and 32 leaves.
fn tree(noise: &mut Noise) -> Tree {
    let node = |index: u32| match index {
        0..31 => Node::Split {
            feature: (noise.next() % FEATURES.len() as u64) as u32,
            threshold: (noise.fraction() * 1024.0).round(),
            default_left: true,
            left: 2 * index + 1,
            right: 2 * index + 2,
        },
        _ => Node::Leaf { value: noise.fraction() - 0.5 },
    };
    Tree { nodes: (0..63).map(node).collect() }
}

fn model(trees: usize, noise: &mut Noise) -> FittedModel {
    let trees = (0..trees).map(|_| tree(noise)).collect();
    let plain = PlainEnsemble { n_features: FEATURES.len(), trees, ..Default::default() };
    let ensemble = Ensemble::new(&plain).expect("valid trees");
    let learned = Learned::new(FEATURES.to_vec(), ensemble).expect("as many features");
    FittedModel { model: KernelModel::Learned(learned), range: FittedRange::default() }
}

fn package(trees: usize) -> Vec<u8> {
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
    let text = || "made up".to_owned();
    let runtime = Runtime { name: text(), version: text(), build: None };
    let package = Package {
        device: Device {
            name: "bench".to_owned(),
            title: text(),
            chip: text(),
            clock: None,
            threads: 1,
            runtime,
            precision: Precision::Fp32,
            source: None,
        },
        version: Version::FIRST,
        provenance: Provenance {
            data_set: text(),
            licence: text(),
            source: text(),
            models: 0,
            kernels: 0,
            date: "2024-01-01".to_owned(),
            seed: 0,
            tool: text(),
            method: text(),
        },
        accuracy: Vec::new(),
        rules: RuleFile::from_json(br#"{"BF_conv_relu": {"obey": true}}"#).expect("valid rules"),
        latency: Some(MetricModels {
            uncertainty: Some(uncertainty()),
            kernels: KINDS.map(|kind| (kind, model(trees, &mut noise))).into(),
        }),
        energy: None,
    };
    package.to_bytes().expect("a valid package")
}

fn uncertainty() -> Uncertainty {
    let points = (1..30).map(|i| (f64::from(i) / 30.0, 0.01 * f64::from(i - 15))).collect();
    let errors = Quantiles::new(points).expect("they rise");
    Uncertainty::new(0.9, errors.clone(), errors, 1.0..=100.0).expect("a level within reach")
}

fn open(criterion: &mut Criterion) {
    for trees in [50, 500, 2000] {
        let bytes = package(trees);
        let name = format!("open, 5 x {trees} trees of 63 nodes, {} KB", bytes.len() / 1000);
        criterion.bench_function(&name, |bencher| {
            bencher.iter(|| {
                let package = Package::from_bytes(black_box(&bytes)).expect("a valid package");
                OpenDevice::new(package, Origin::BuiltIn)
            });
        });
    }
}

criterion_group!(benches, open);
criterion_main!(benches);
