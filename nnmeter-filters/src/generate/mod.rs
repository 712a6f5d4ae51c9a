//! Hardware-aware search spaces: from a skeleton and a pool of operators, for each layer those operators
//! that give most representation capacity for their latency on the devices that a space is for.
//!
//! ```text
//! Skeleton, Pool, Targets --Survey::new--> what every operator costs in every layer
//!          Survey --select(Settings)--> Selection: the space, and why
//!          space, budgets --Yardstick, Reach--> capacity of the best and of the typical architecture
//! ```
//!
//! The idea is Zhang et al.'s ("Fast Hardware-Aware Neural Architecture Search", CVPR Workshops 2020);
//! the [score] is ours. Nothing is trained, so nothing is said about accuracy: multiply-accumulates and
//! parameters stand for what a network can learn.
//!
//! ```
//! use nnmeter_filters::generate::{Pool, Settings, Skeleton, Survey, Target};
//! use nnmeter_hardware::registry::Registry;
//!
//! let device = Registry::built_in().open("cortexA76cpu_tflite21")?;
//! let target = Target { name: "cortexA76cpu_tflite21", predictor: device.latency()? };
//! let (skeleton, pool) = (Skeleton::built_in("cifar")?, Pool::built_in());
//! let survey = Survey::new(&skeleton, &pool, &[target])?;
//! let selection = survey.select(&Settings::default())?;
//! assert_eq!(selection.generated.space.architectures(), Some(4u128.pow(12)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod network;
mod operator;
mod pool;
mod reach;
pub mod score;
mod selection;
mod skeleton;
mod survey;
mod template;

pub use operator::{Family, Operator};
pub use pool::Pool;
pub use reach::{Capacity, Reach, ReachOptions, Yardstick};
pub use score::{Across, Exponents};
pub use selection::{Selection, Settings, Standing};
pub use skeleton::{SKELETONS, Skeleton, Slot};
pub use survey::{Candidate, Figures, Finding, Subspace, Survey, Target};
