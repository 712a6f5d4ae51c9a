//! The JSON form of search spaces, as it is in files.
//!
//! ```json
//! {"name": "small", "input": [1, 3, 32, 32],
//!  "choices": [{"name": "width", "options": [16, 24]}, {"name": "block", "options": ["k3", "skip"]}],
//!  "body": [
//!    {"op": "conv", "channels": {"choice": "width", "of": [16, 24]}, "kernel": 3, "stride": 2},
//!    {"op": "relu", "as": "x"},
//!    {"op": "choose", "choice": "block", "candidates": [[{"op": "dwconv", "kernel": 3}], []]},
//!    {"op": "add", "from": ["x", "-"]},
//!    {"op": "gap"}, {"op": "fc", "channels": 10, "bias": true}]}
//! ```
//!
//! A step without `from` reads the result of the step before it, which is also called `-`; the block's
//! input is called `in`; other values by the name that `as` gives them (a list for a split). A number
//! that is left out is 1.

use serde::{Deserialize, Serialize};

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Space {
    pub(super) name: String,
    pub(super) input: Vec<usize>,
    pub(super) choices: Vec<Choice>,
    pub(super) body: Vec<Step>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Choice {
    pub(super) name: String,
    pub(super) options: Vec<serde_json::Value>,
}

/// A step of any kind, which has some of these members.
#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    pub(super) op: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<OneOrMore>,
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    pub(super) names: Option<OneOrMore>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) channels: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) kernel: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) stride: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) groups: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) bias: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) parts: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) choice: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) candidates: Option<Vec<Vec<Step>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) times: Option<Vec<usize>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) layers: Option<Vec<Vec<Step>>>,
}

impl Step {
    /// Names of the members that are there, beside those of every step.
    pub(super) fn members(&self) -> Vec<&'static str> {
        let all = [
            ("channels", self.channels.is_some()),
            ("kernel", self.kernel.is_some()),
            ("stride", self.stride.is_some()),
            ("groups", self.groups.is_some()),
            ("bias", self.bias.is_some()),
            ("parts", self.parts.is_some()),
            ("choice", self.choice.is_some()),
            ("candidates", self.candidates.is_some()),
            ("times", self.times.is_some()),
            ("layers", self.layers.is_some()),
        ];
        all.into_iter().filter(|(_, there)| *there).map(|(name, _)| name).collect()
    }
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(untagged)]
pub(super) enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    pub(super) fn into_vec(self) -> Vec<String> {
        match self {
            OneOrMore::One(name) => vec![name],
            OneOrMore::More(names) => names,
        }
    }
}

#[derive(Deserialize, Serialize)]
#[serde(untagged)]
pub(super) enum Number {
    Fixed(u32),
    By(By),
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct By {
    pub(super) choice: String,
    pub(super) of: Vec<Number>,
}
