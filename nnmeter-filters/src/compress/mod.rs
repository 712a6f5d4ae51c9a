//! Smaller versions of a given network that stay within a budget: pruned channels, students.
//!
//! [`Groups`] says which channels can only be pruned together, and which must stay, with the reason.
//! What every width costs is a sum of tables, so the widths that keep most within a budget are found
//! exactly ([`Pruning`]); [`Teacher`] also takes blocks out and makes windows smaller. Which channels of
//! a layer are kept is for whoever has its weights: there are none here. What was found is rebuilt as a
//! graph and predicted before it is given out.
//!
//! ```
//! use nnmeter_core::import;
//! use nnmeter_filters::compress::{Groups, Keep, PruneOptions, Pruning, Widths, alignment};
//! use nnmeter_hardware::registry::Registry;
//!
//! # let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/models/resnet18.onnx");
//! # let bytes = std::fs::read(file)?;
//! let graph = import::read(bytes.into(), None)?.infer_shapes()?;
//! let groups = Groups::find(&graph)?;
//! let device = Registry::built_in().open("cortexA76cpu_tflite21")?;
//! let predictor = device.latency()?;
//! let widths = Widths { align: alignment(predictor)?, least: 0.5, most: 4 };
//! let (keep, allow_uncovered) = (Keep::Macs, false);
//! let options = PruneOptions { widths, keep, device: None, allow_uncovered };
//! let pruned = Pruning::new(&graph, &groups, predictor, &options)?.best(150.0)?;
//! assert!(pruned.cost[1] <= 150.0 && pruned.share > 0.5);
//! assert!((predictor.predict(&pruned.graph).total.0 / pruned.cost[1] - 1.0).abs() < 1e-9);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod arrange;
mod channels;
mod costs;
mod depth;
mod groups;
mod keep;
mod kernels;
mod knobs;
mod optimum;
mod prune;
mod rebuild;
mod rules;
mod staircase;
mod student;
mod trace;

pub use channels::{Obstacle, Why};
pub use depth::{Block, Stage};
pub use groups::{FixedLayer, Group, Groups};
pub use keep::{Importance, Keep};
pub use kernels::DepthwiseKernel;
pub use knobs::{Knob, Widths};
pub use prune::{PruneOptions, Pruned, Pruning};
pub use staircase::alignment;
pub use student::{Shape, Student, StudentOptions, Teacher};
