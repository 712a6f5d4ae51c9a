//! Search spaces: a network in which some things are left to *choices*.
//!
//! The language is as small as the spaces people search in. A [`Block`] is a list of steps, each of
//! which reads values of steps before it; its result is that of its last step. A step is a [`Layer`],
//! or `choose` (a choice picks one of several blocks), or `repeat` (a choice says how many of a list
//! of blocks are run, one after the other). Any number of a layer (channels, kernel, ...) may be a
//! [`Number`] that choices pick from a list. Choices are named once, for the whole space, so one
//! choice may be used in several places. There is no arithmetic: what the numbers are for each option
//! is written out, by whoever makes the space.
//!
//! A [`SearchSpace`] is checked when it is made; afterwards every [`Sample`] of it can be
//! instantiated. Training details, weights and accuracy are no part of it.

mod activity;
mod block;
mod check;
mod count;
mod draft;
mod instance;
mod layer;
mod likeness;
mod read;
mod sample;
mod shape;
mod site;
mod wire;
mod write;

pub use activity::{Activity, Guard};
pub use block::{Action, Block, Step, ValueId};
pub(crate) use draft::Pass;
pub(crate) use instance::Instance;
pub use layer::{Activation, Layer, Number};
pub use sample::Sample;
pub(crate) use site::Site;

use crate::error::Result;

/// How many options a choice may have: an index into them is a byte.
pub const MOST_OPTIONS: usize = 256;

/// A choice: its name, and what may be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Its name, which no other choice of the space has.
    pub name: String,
    /// Names of the options, in the order of their indices.
    pub options: Vec<String>,
}

impl Choice {
    /// A choice among `options`.
    pub fn new(name: impl Into<String>, options: impl IntoIterator<Item = impl ToString>) -> Self {
        let options = options.into_iter().map(|option| option.to_string()).collect();
        Self { name: name.into(), options }
    }
}

/// A search space. See the [module](self).
#[derive(Clone, Debug, PartialEq)]
pub struct SearchSpace {
    name: String,
    input: [usize; 4],
    choices: Vec<Choice>,
    body: Block,
    activity: Vec<Activity>,
    sites: Vec<Site>,
    /// By choice and option: the first option that looks the same from outside.
    likeness: Vec<Vec<u8>>,
}

impl SearchSpace {
    /// A space over an input of the extents `input` (batch, channels, height, width).
    ///
    /// # Errors
    /// [`ErrorKind::BadSpace`](crate::error::ErrorKind::BadSpace) if a choice has no options, has a
    /// name twice or is used nowhere, or a step does not fit its choice or its operands; or what
    /// shape inference says of an option. The error names the choice or the place.
    pub fn new(
        name: impl Into<String>,
        input: [usize; 4],
        choices: Vec<Choice>,
        mut body: Block,
    ) -> Result<Self> {
        check::structure(&input, &choices, &body)?;
        let places = body.number_sites(&choices);
        let sites = site::all(input, &choices, &body, places);
        let activity = activity::of(&choices, &body);
        let likeness = likeness::of(&choices, &body);
        let space = Self { name: name.into(), input, choices, body, activity, sites, likeness };
        check::instances(&space)?;
        Ok(space)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Extents of the input: batch, channels, height, width.
    pub fn input(&self) -> [usize; 4] {
        self.input
    }

    /// The choices; a [`Sample`] has an option's index for each, in this order.
    pub fn choices(&self) -> &[Choice] {
        &self.choices
    }

    /// The network.
    pub fn body(&self) -> &Block {
        &self.body
    }

    /// By choice: when it matters.
    pub fn activity(&self) -> &[Activity] {
        &self.activity
    }

    /// The layers, by number.
    pub(crate) fn sites(&self) -> &[Site] {
        &self.sites
    }

    /// By choice and option: the first option that looks the same from outside.
    pub(crate) fn likeness(&self) -> &[Vec<u8>] {
        &self.likeness
    }

    /// The choice called `name`.
    pub fn choice(&self, name: &str) -> Option<usize> {
        self.choices.iter().position(|choice| choice.name == name)
    }
}
