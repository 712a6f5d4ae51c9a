//! Exact answers about the architectures within a budget, of which there are too many to list: which
//! is the cheapest, how many there are, uniform draws from them, the best, the Pareto front.
//!
//! All of it is done on one graph (`trellis.rs`) in which every path is an architecture. Architectures
//! are canonical samples: choices without effect take their first option, so a network that several
//! samples describe counts once. It works for costs that tie few choices to each other, as
//! [cost tables](crate::table) of chains of blocks do; where too many are tied, errors name them.
//!
//! ```
//! use std::sync::Arc;
//! use nnmeter_filters::{builtin, constraint::{Constraints, Limit}, exact::{Feasible, SamplerOptions}};
//! use nnmeter_filters::{metric::Macs, random::Random, table::{CompileOptions, CostTable}};
//!
//! let space = builtin::space("spos")?;
//! let macs = Arc::new(CostTable::compile(&space, &Macs, &CompileOptions::default())?);
//! let feasible = Feasible::new(&space, Constraints::new([Limit::at_most(macs.clone(), 300e6)?]))?;
//! let mut sampler = feasible.sampler(&SamplerOptions::default())?;
//! let sample = sampler.draw(&mut Random::new(0))?;
//! assert!(macs.cost(&sample) <= 300e6 && sampler.acceptance() > 0.5);
//!
//! // Below the cheapest there is nothing, and that is known without a draw.
//! let tight = Constraints::new([Limit::at_most(macs.clone(), 100e6)?]);
//! let error = Feasible::new(&space, tight).expect_err("nothing is that small").to_string();
//! assert!(error.starts_with("over budget: every architecture needs"), "{error}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod best;
mod count;
mod fair;
mod feasible;
mod front;
mod grid;
mod halves;
mod order;
mod ranked;
mod relaxed;
mod sampler;
mod trellis;

pub use count::CountBounds;
pub use fair::FairSampler;
pub use feasible::{Feasible, cheapest, dearest};
pub use front::pareto;
pub use ranked::{Objective, Ranked};
pub use sampler::{BinnedSampler, Sampler, SamplerOptions};
