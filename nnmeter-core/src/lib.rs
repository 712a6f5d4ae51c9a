//! Kernel-level latency prediction of neural networks.
//!
//! A runtime on a phone does not execute a network operator by operator: it fuses some of them, and
//! executes *kernels*. This crate finds the kernels that a device's runtime makes of a model, and
//! sums what a model of each kind of kernel says they cost. It reads bytes, never files; knows no
//! network and no clock; and links no C. Devices and their predictors are another crate's.
//!
//! ```
//! use nnmeter_core::builder::GraphBuilder;
//! use nnmeter_core::feature::Feature;
//! use nnmeter_core::kind::Kind;
//! use nnmeter_core::model::{FittedRange, KernelModel, Parametric, Term, WindowClass};
//! use nnmeter_core::op::{Conv, Layout, Op, Unary};
//! use nnmeter_core::predict::{FittedModel, Predictor};
//! use nnmeter_core::rules::FusionRules;
//! use nnmeter_core::tensor::{Constant, DType, Dim, TensorType};
//! use nnmeter_core::uncertainty::{Quantiles, Uncertainty};
//! use nnmeter_core::units::Millis;
//!
//! // A graph: `import::read` makes one of an ONNX file; here it is built by hand.
//! let mut builder = GraphBuilder::new();
//! let image = [1, 16, 8, 8].map(Dim::Known).to_vec();
//! builder.node("x", Op::Input(DType::F32, Some(image)), [], &["x"])?;
//! builder.constant("w", Constant::opaque(TensorType::f32([32, 16, 1, 1])))?;
//! builder.node("conv", Op::Conv(Conv::default()), ["x", "w"], &["y"])?;
//! builder.node("relu", Op::Unary(Unary::Relu), ["y"], &["z"])?;
//! let graph = builder.finish(Layout::ChannelsFirst)?.infer_shapes()?;
//!
//! // A device: what its runtime fuses, and what a kernel costs (here 0.1 us per 1000 MACs).
//! let rules = FusionRules::from_json(br#"{"BF_conv_relu": {"obey": true}}"#)?;
//! let rate = Term { feature: Feature::Macs, window: WindowClass::Any, rate: 1e-7 };
//! let model = KernelModel::Parametric(Parametric::new(vec![rate])?);
//! let conv = FittedModel { model, range: FittedRange::default() };
//! // How far totals are off: nine in ten of ln(measured / predicted) lie within 0.05 of 0.
//! let errors = Quantiles::new(vec![(0.05, -0.05), (0.95, 0.05)])?;
//! let uncertainty = Uncertainty::new(0.9, errors.clone(), errors, 0.0..=100.0)?;
//! let device = Predictor::<Millis>::new(rules, [(Kind::Conv, conv)], uncertainty);
//!
//! let prediction = device.predict(&graph);
//! assert_eq!(prediction.detection().kernel(0).name(), "conv-relu");
//! assert!((prediction.total.0 - 1e-7 * (8 * 8 * 16 * 32) as f64).abs() < 1e-12);
//! assert_eq!(prediction.coverage, 1.0);
//! let interval = prediction.interval.expect("the device's errors are known");
//! assert!(interval.high > prediction.total);
//! assert!((prediction.probability_within(interval.high).unwrap_or(0.0) - 0.95).abs() < 1e-9);
//! # Ok::<(), nnmeter_core::error::Error>(())
//! ```

pub mod builder;
pub mod detect;
mod edit;
pub mod ensemble;
pub mod error;
pub mod export;
pub mod feature;
pub mod graph;
pub mod import;
pub mod infer;
pub mod kind;
pub mod model;
mod myriad;
pub mod nn_meter;
pub mod op;
mod pickle;
pub mod pooling;
pub mod predict;
pub mod random;
pub mod rules;
pub mod tensor;
#[cfg(test)]
pub(crate) mod text;
pub mod typed;
pub mod uncertainty;
pub mod units;
pub mod workload;
