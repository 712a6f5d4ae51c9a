//! Devices to try tables on: the built-in one, and made-up ones whose rules fuse across blocks.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod exact;
pub(crate) mod random_space;

use nnmeter_core::feature::Feature;
use nnmeter_core::kind::Kind;
use nnmeter_core::model::{FittedRange, KernelModel, Parametric, Term, WindowClass};
use nnmeter_core::predict::{FittedModel, Predictor};
use nnmeter_core::rules::FusionRules;
use nnmeter_core::units::Millis;
use nnmeter_hardware::registry::Registry;

/// Rules in the manner of a phone's GPU: sums and activations go with whatever comes before them.
pub(crate) const GPU: &str = r#"{
    "BF_conv_add": {"obey": true}, "BF_conv_relu": {"obey": true}, "BF_conv_bn": {"obey": true},
    "BF_dwconv_bn": {"obey": true}, "BF_bn_relu": {"obey": true}, "BF_bn_add": {"obey": true},
    "BF_add_add": {"obey": true}, "BF_add_relu": {"obey": true}, "BF_relu_add": {"obey": true},
    "BF_relu_relu": {"obey": true}, "BF_concat_relu": {"obey": true}, "BF_conv_hswish": {"obey": true},
    "BF_pooling_add": {"obey": true}, "BF_conv_bn_relu": {"obey": true}, "MON": {"obey": 0}}"#;

/// Rules under which kernels begin in one block and end in the next, with several consumers: sums,
/// activations and concatenations are taken into the convolutions behind them.
pub(crate) const GREEDY: &str = r#"{
    "BF_add_conv": {"obey": true}, "BF_relu_conv": {"obey": true}, "BF_bn_conv": {"obey": true},
    "BF_concat_channelshuffle": {"obey": true}, "BF_channelshuffle_split": {"obey": true},
    "BF_bn_add": {"obey": true}, "BF_add_add": {"obey": true}, "BF_conv_bn": {"obey": true},
    "BF_add_dwconv": {"obey": true}, "BF_add_pooling": {"obey": true}, "BF_pooling_add": {"obey": true},
    "BF_relu_concat": {"obey": true}, "BF_add_relu_conv": {"obey": true}, "MON": {"obey": 1}}"#;

/// The built-in CPU.
pub(crate) fn cpu() -> Predictor<Millis> {
    let device = Registry::built_in().open("cortexA76cpu_tflite21").expect("a built-in device");
    device.latency().expect("a predictor of latency").clone()
}

/// A device with `rules` and a made-up price for every kind of kernel.
pub(crate) fn made_up(rules: &str) -> Predictor<Millis> {
    let rules = FusionRules::from_json(rules.as_bytes()).expect("valid rules");
    Predictor::new(rules, Kind::ALL.iter().map(|&kind| (kind, model(kind))), None)
}

fn model(kind: Kind) -> FittedModel {
    let scale = 1.0 + kind as u8 as f64 / 7.0;
    let term = |feature, rate: f64| Term { feature, window: WindowClass::Any, rate: rate * scale };
    let terms = vec![
        term(Feature::One, 1e-2),
        term(Feature::Macs, 1e-8),
        term(Feature::Read, 3e-8),
        term(Feature::Written, 1e-7),
    ];
    let parametric = Parametric::new(terms).expect("valid terms");
    FittedModel { model: KernelModel::Parametric(parametric), range: FittedRange::default() }
}
