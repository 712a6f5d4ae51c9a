//! Where a rule on two kinds holds: what `"where"` says beside its `"obey"`.
//!
//! ```json
//! {"BF_add_relu": {"obey": true, "where": {"kernel_begins_with": ["conv", "dwconv"]}},
//!  "BF_conv_add": {"obey": true, "where": {"not_beside": ["input"]}},
//!  "BF_conv_hswish": {"obey": true, "where": {"not_returned": true}}}
//! ```
//!
//! A rule without it holds everywhere. nn-Meter's own readers pass over it, and take the rule as one
//! that holds everywhere. Whether a wire meets it is for [`crate::detect`] to find out.

use std::fmt;

use serde::Deserialize;

use crate::error::Result;
use crate::kind::Kind;

use super::kinds_of;

/// What `not_beside` calls an input of the model.
const INPUT: &str = "input";

/// What a wire has to meet for a rule to hold; all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// What the kernel that ends in the first operator may begin with; anything, if empty.
    pub kernel_begins_with: Vec<Kind>,
    /// What the second operator must not read as well: results of these kinds.
    pub not_beside: Vec<Kind>,
    /// Whether it must not read an input of the model as well.
    pub not_beside_inputs: bool,
    /// Whether the second operator's result must be no output of the model.
    pub not_returned: bool,
}

/// Why a rule does not hold where a wire lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// The kernel begins with this kind.
    Begins(Kind),
    /// The second operator reads a result of this kind as well.
    Beside(Kind),
    /// The second operator reads an input of the model as well.
    BesideInput,
    /// The second operator's result is an output of the model.
    Returned,
}

/// As it is written in rule files.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Where {
    kernel_begins_with: Vec<String>,
    not_beside: Vec<String>,
    not_returned: bool,
}

impl Where {
    /// What it says, of the rule with this name.
    pub(super) fn read(&self, rule: &str) -> Result<Context> {
        let kinds = |names: &mut dyn Iterator<Item = &String>| -> Result<Vec<Kind>> {
            let kinds: Vec<Vec<Kind>> =
                names.map(|op| kinds_of(rule, op)).collect::<Result<_>>()?;
            Ok(kinds.concat())
        };
        let (inputs, others): (Vec<&String>, Vec<&String>) =
            self.not_beside.iter().partition(|name| *name == INPUT);
        Ok(Context {
            kernel_begins_with: kinds(&mut self.kernel_begins_with.iter())?,
            not_beside: kinds(&mut others.into_iter())?,
            not_beside_inputs: !inputs.is_empty(),
            not_returned: self.not_returned,
        })
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Misfit::Begins(kind) => write!(f, "in a kernel that begins with {kind}"),
            Misfit::Beside(kind) => write!(f, "where it also reads the result of a {kind}"),
            Misfit::BesideInput => f.write_str("where it also reads an input of the model"),
            Misfit::Returned => f.write_str("where its result is an output of the model"),
        }
    }
}
