//! A small package that has every form of model, made in memory.

use nnmeter_core::ensemble::{Ensemble, Node, PlainEnsemble, Tree};
use nnmeter_core::feature::Feature;
use nnmeter_core::kind::Kind;
use nnmeter_core::model::{FittedRange, KernelModel, Learned, Parametric, Term, WindowClass};
use nnmeter_core::predict::FittedModel;
use nnmeter_core::uncertainty::{Quantiles, Uncertainty};
use nnmeter_hardware::device::{
    AccuracyRow, AccuracyTable, Device, Precision, Provenance, Runtime,
};
use nnmeter_hardware::package::{MetricModels, Package, RuleFile};
use nnmeter_hardware::version::Version;

/// A package of a device called `name`.
pub(crate) fn package(name: &str) -> Package {
    let rules = br#"{"BF_conv_relu": {"obey": true, "latency": {}}, "RT": {"obey": null}}"#;
    Package {
        device: device(name),
        version: Version::FIRST,
        provenance: provenance(),
        accuracy: vec![accuracy()],
        rules: RuleFile::from_json(rules).expect("valid rules"),
        latency: Some(latency()),
        energy: None,
    }
}

fn device(name: &str) -> Device {
    Device {
        name: name.to_owned(),
        title: "A test".to_owned(),
        chip: "Abacus".to_owned(),
        clock: Some("2 beads a second".to_owned()),
        threads: 1,
        runtime: Runtime { name: "Hand".to_owned(), version: "2".to_owned(), build: None },
        precision: Precision::Fp32,
        source: None,
    }
}

fn provenance() -> Provenance {
    Provenance {
        data_set: "thin air".to_owned(),
        licence: "CC0-1.0".to_owned(),
        source: "made up".to_owned(),
        models: 2,
        kernels: 3,
        date: "2024-05-06".to_owned(),
        seed: u64::MAX,
        tool: "nnmeter 0.1.0".to_owned(),
        method: "None.".to_owned(),
    }
}

fn accuracy() -> AccuracyTable {
    let row = |family: &str, spearman| AccuracyRow {
        family: family.to_owned(),
        models: 2,
        within_5: 0.5,
        within_10: 1.0,
        rmspe: 0.1 + 0.2,
        bias: -0.01,
        spearman,
        coverage: spearman,
    };
    AccuracyTable {
        metric: "latency_ms".to_owned(),
        protocol: "leave one family out".to_owned(),
        rows: vec![row("a", Some(1.0)), row("b", None)],
        overall: row("all", Some(0.5)),
        notes: vec!["labels are noisy".to_owned()],
    }
}

fn latency() -> MetricModels {
    let range = vec![(Feature::Macs, 1.0..=1e9), (Feature::Cin, 1.0..=2048.0)];
    let fitted = |model| FittedModel { model, range: FittedRange::new(range.clone()) };
    let kernels = vec![
        (Kind::Conv, fitted(KernelModel::Corrected(parametric(), learned(0.25)))),
        (Kind::Fc, fitted(KernelModel::Learned(learned(-0.5)))),
        (Kind::GlobalAvgPool, fitted(KernelModel::Parametric(parametric()))),
    ];
    let errors =
        |width: f64| Quantiles::new(vec![(0.05, -width), (0.95, width)]).expect("they rise");
    let uncertainty = Uncertainty::new(0.9, errors(0.1), errors(0.3), 0.25..=900.0);
    MetricModels { uncertainty: Some(uncertainty.expect("a level within reach")), kernels }
}

fn parametric() -> Parametric {
    let term = |feature, window, rate| Term { feature, window, rate };
    let terms = vec![
        term(Feature::One, WindowClass::Any, 1e-3),
        term(Feature::Macs, WindowClass::Pointwise, 1.0 / 3.0 * 1e-7),
        term(Feature::Macs, WindowClass::Large, 5e-324),
    ];
    Parametric::new(terms).expect("valid terms")
}

fn learned(leaf: f32) -> Learned {
    let split = Node::Split { feature: 1, threshold: 16.0, default_left: true, left: 1, right: 2 };
    let nodes = vec![split, Node::Leaf { value: leaf }, Node::Leaf { value: 0.0 }];
    let plain = PlainEnsemble { n_features: 2, trees: vec![Tree { nodes }], ..Default::default() };
    let ensemble = Ensemble::new(&plain).expect("a valid tree");
    Learned::new(vec![Feature::Cin, Feature::Cout], ensemble).expect("two features")
}
