//! What is to be kept: capacity, by a stated measure, or what the user says is important.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::groups::{Group, Groups};
use super::knobs::{self, Knob};
use crate::error::{Error, ErrorKind, Result};
use crate::metric::Quantity;
use crate::table::CostTable;

/// A measure of what a network keeps.
#[derive(Clone, Debug, PartialEq)]
pub enum Keep {
    /// Multiply-accumulates.
    Macs,
    /// Trained parameters.
    Parameters,
    /// Channels: the sum over layers of the logarithm of the share of their channels that is kept.
    Channels,
    /// Scores of groups at their widths.
    Importance(Importance),
}

/// Scores of groups at their widths, by names of groups.
#[derive(Clone, Debug, PartialEq)]
pub struct Importance(BTreeMap<String, Scores>);

#[derive(Clone, Debug, PartialEq)]
enum Scores {
    /// Of each channel; a width has those of its best channels.
    Channels(Vec<f64>),
    /// By width.
    Widths(BTreeMap<usize, f64>),
}

impl Keep {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Keep::Macs => "macs",
            Keep::Parameters => "parameters",
            Keep::Channels => "channels",
            Keep::Importance(_) => "importance",
        }
    }

    /// The share that is kept: of what there was, or for channels the geometric mean over layers.
    pub(super) fn share(&self, groups: &Groups, before: f64, kept: f64) -> f64 {
        let layers: usize = groups.groups().iter().map(|group| group.layers.len()).sum();
        match self {
            Keep::Channels => ((kept - before) / layers.max(1) as f64).exp(),
            Keep::Macs | Keep::Parameters | Keep::Importance(_) if before != 0.0 => kept / before,
            Keep::Macs | Keep::Parameters | Keep::Importance(_) => 1.0,
        }
    }

    /// The table of a measure that is a sum over knobs; `None` for one that follows from the graph.
    pub(super) fn table(&self, groups: &Groups, knobs: &[Knob]) -> Result<Option<CostTable>> {
        match self {
            Keep::Macs | Keep::Parameters => return Ok(None),
            Keep::Channels => {}
            Keep::Importance(importance) => importance.refuse_strangers(groups)?,
        }
        let score = |group: &Group, width: usize| match self {
            Keep::Importance(importance) => importance.score(group, width),
            Keep::Macs | Keep::Parameters | Keep::Channels => {
                let share = width as f64 / group.channels as f64;
                Ok(group.layers.len() as f64 * share.ln())
            }
        };
        let cardinalities: Vec<usize> = knobs.iter().map(|knob| knob.widths.len()).collect();
        let full = groups.full_widths();
        let mut factors = Vec::new();
        for (index, knob) in knobs.iter().enumerate() {
            let mut scores = Vec::new();
            for setting in 0..knob.widths.len() {
                let widths = knobs::widths(std::slice::from_ref(knob), &full, &[setting as u8]);
                let of = |&group: &usize| score(&groups.groups()[group], widths[group]);
                scores.push(knob.groups.iter().map(of).sum::<Result<f64>>()?);
            }
            factors.push((vec![index], scores));
        }
        let quantity = Quantity { metric: self.name(), suffix: "score" };
        Ok(Some(CostTable::summed(quantity, cardinalities, factors)))
    }
}

impl Importance {
    /// Reads `{"GROUP": [a score for each channel], "GROUP": {"WIDTH": score, ...}}`.
    ///
    /// # Errors
    /// [`ErrorKind::BadConstraint`] if it is no such JSON, or a score is not finite.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        let bad = |found: String| {
            Error::new(ErrorKind::BadConstraint, "importance", found)
                .expected("an object: by group a list of scores, or an object of scores by width")
        };
        let json: BTreeMap<String, Json> =
            serde_json::from_slice(bytes).map_err(|error| bad(format!("is malformed: {error}")))?;
        let number = |json: &Json| json.as_f64().filter(|score| score.is_finite());
        let scores = |json: &Json| match json {
            Json::Array(all) => all.iter().map(number).collect::<Option<_>>().map(Scores::Channels),
            Json::Object(all) => {
                let entry =
                    |(width, score): (&String, &Json)| Some((width.parse().ok()?, number(score)?));
                all.iter().map(entry).collect::<Option<_>>().map(Scores::Widths)
            }
            _ => None,
        };
        let entries = json.into_iter().map(|(name, json)| match scores(&json) {
            Some(scores) => Ok((name, scores)),
            None => Err(bad(format!("of group {name:?} is not scores"))),
        });
        Ok(Self(entries.collect::<Result<_>>()?))
    }

    fn refuse_strangers(&self, groups: &Groups) -> Result<()> {
        let is_known = |name: &String| groups.groups().iter().any(|group| group.name == *name);
        match self.0.keys().find(|name| !is_known(name)) {
            None => Ok(()),
            Some(name) => {
                let known: Vec<&str> = groups.groups().iter().map(|g| g.name.as_str()).collect();
                let found = format!("names group {name:?}, which there is not");
                Err(Error::new(ErrorKind::BadConstraint, "importance", found)
                    .expected(format!("groups of {}", known.join(", "))))
            }
        }
    }

    /// What a group is worth at a width.
    fn score(&self, group: &Group, width: usize) -> Result<f64> {
        let bad = |found: &str| {
            let subject = format!("importance of group {:?}", group.name);
            Error::new(ErrorKind::BadConstraint, subject, found)
        };
        match self.0.get(&group.name) {
            Some(Scores::Channels(scores)) if scores.len() == group.channels => {
                let mut scores = scores.clone();
                scores.sort_by(|a, b| b.total_cmp(a));
                Ok(scores[..width].iter().sum())
            }
            Some(Scores::Channels(scores)) => {
                let found = format!("has {} scores", scores.len());
                Err(bad(&found).expected(format!("{}, one for each channel", group.channels)))
            }
            Some(Scores::Widths(scores)) => match scores.get(&width) {
                Some(score) => Ok(*score),
                None => Err(bad("lacks a width").expected(format!("a score at width {width}"))),
            },
            None => Err(bad("is missing").expected("scores for every group")),
        }
    }
}
