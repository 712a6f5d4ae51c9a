//! NNI's own protocols, of NNI 3.0 and 2.10: the tuner's channel, and a trial's.
//!
//! ```text
//! frame --frame--> Command --Tuner::step--> Outcome --frame--> frames
//! ```
//!
//! [`tuner`] is the whole behaviour of a tuner as a function of messages: no sockets, no clock, no
//! files. Around it, [`keeper`] holds the WebSocket and [`worker`], a process of its own, runs the tuner
//! with its [`journal`]; so a tuner that is killed is started again, knows all it knew, and the manager
//! does not notice. [`trial`] is the other side: what a trial asks and reports.
//!
//! The other way round, [`fleet`] starts experiments whose trials measure models.
//!
//! What architectures cost, and which are within a budget, is said by `nnmeter-filters`.

pub mod architecture;
pub mod command;
pub mod draw;
pub mod evolution;
pub mod fleet;
pub mod frame;
pub mod gene;
pub mod grid;
pub mod journal;
pub mod keeper;
pub mod log;
pub mod manager;
pub mod model;
pub mod mutation;
pub mod number;
pub mod options;
pub mod propose;
pub mod python_json;
pub mod socket;
pub mod space;
pub mod trial;
mod trial_channel;
pub mod tuner;
pub mod worker;
