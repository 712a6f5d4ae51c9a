//! Search spaces, and the exact cost of every architecture in them.
//!
//! Architecture search under a latency budget asks for the cost of millions of networks that differ in
//! a few choices. A [`SearchSpace`](space::SearchSpace) says what these choices are; a
//! [`CostTable`](table::CostTable) has the cost of all its architectures as sums of table entries,
//! equal to predicting every one of them as a graph. The crate knows devices only through their
//! predictors, and nothing of NNI.
//!
//! ```
//! use nnmeter_filters::space::{Activation, Block, Choice, Layer, Number, SearchSpace};
//! use nnmeter_filters::table::{CompileOptions, CostTable};
//! use nnmeter_hardware::registry::Registry;
//!
//! // A network of 2 widths, in which a depthwise convolution of 3x3 or 5x5 may be left out.
//! let choices = vec![Choice::new("width", [16, 24]), Choice::new("middle", ["k3", "k5", "none"])];
//! let mut body = Block::new();
//! let first = Layer::strided_conv(Number::by(0, [16, 24]), 3, 2);
//! let relu = Layer::Activation(Activation::Relu);
//! let value = body.chain([first, relu.clone()], body.input());
//! let middle = |kernel| {
//!     let mut block = Block::new();
//!     block.chain([Layer::depthwise(kernel, 1), relu.clone()], block.input());
//!     block
//! };
//! let value = body.choose(1, vec![middle(3), middle(5), Block::new()], value);
//! body.chain([Layer::GlobalPool, Layer::Linear { channels: 10.into(), bias: true }], value);
//! let space = SearchSpace::new("small", [1, 3, 224, 224], choices, body)?;
//! assert_eq!(space.architectures(), Some(6));
//!
//! // Its costs on a device, and that of one architecture.
//! let device = Registry::built_in().open("cortexA76cpu_tflite21")?;
//! let predictor = device.latency()?;
//! let table = CostTable::compile(&space, predictor, &CompileOptions::default())?;
//! let sample = space.sample_from_json(&serde_json::json!({"width": 24, "middle": "k5"}))?;
//! let predicted = predictor.predict(&space.typed(&sample)?).total.0;
//! assert!((table.cost(&sample) / predicted - 1.0).abs() < 1e-9);
//!
//! // The spaces that people use are built in.
//! let spos = nnmeter_filters::builtin::space("spos")?;
//! assert_eq!(spos.architectures(), Some(4u128.pow(20)));
//!
//! // Uniform draws from those within a latency budget, how many these are, and the largest of them.
//! use nnmeter_filters::constraint::{Constraints, Limit};
//! use nnmeter_filters::exact::{Feasible, Objective, SamplerOptions};
//! use nnmeter_filters::{metric::Macs, random::Random};
//!
//! let options = CompileOptions::default();
//! let latency = std::sync::Arc::new(CostTable::compile(&spos, predictor, &options)?);
//! let within = Constraints::new([Limit::at_most(latency.clone(), 42.0)?]);
//! let feasible = Feasible::new(&spos, within)?;
//! let mut sampler = feasible.sampler(&SamplerOptions::default())?;
//! let drawn = sampler.draw(&mut Random::new(0))?;
//! assert!(latency.cost(&drawn) <= 42.0);
//! assert_eq!(feasible.count(&SamplerOptions::default())?.exact(), Some(12147));
//! let macs = CostTable::compile(&spos, &Macs, &options)?;
//! let best = feasible.best(Objective::Most(&macs), 1)?;
//! assert!(macs.cost(&drawn) <= best[0].value);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod budget;
pub mod builtin;
pub mod compress;
pub mod constraint;
pub mod error;
pub mod exact;
pub mod expect;
pub mod generate;
pub mod metric;
pub use nnmeter_core::random;
pub mod search;
pub mod space;
pub mod stop;
pub mod table;
