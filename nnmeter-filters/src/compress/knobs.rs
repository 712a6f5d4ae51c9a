//! Knobs: what a search may turn. A knob sets the widths of one group, or of several together.

use std::collections::BTreeMap;

use super::groups::{Group, Groups};
use crate::error::{Error, ErrorKind, Result};
use crate::space::Choice;

/// A knob with its settings; the first is that of the network as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Knob {
    /// Its name.
    pub name: String,
    /// The groups that it sets.
    pub groups: Vec<usize>,
    /// By setting: a width for each of the groups. Widths fall.
    pub widths: Vec<Vec<usize>>,
}

/// Which widths a group may have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Widths {
    /// Widths are multiples of it, but for the one that a group has.
    pub align: usize,
    /// Least share of a group's channels that is kept, above 0 and at most 1.
    pub least: f64,
    /// How many widths a group may have at most; they are spread evenly.
    pub most: usize,
}

impl Widths {
    /// Refuses what means nothing.
    ///
    /// # Errors
    /// [`ErrorKind::BadConstraint`].
    pub fn check(&self) -> Result<()> {
        let error = |subject: &str, found: String, expected: &str| {
            Err(Error::new(ErrorKind::BadConstraint, subject, found).expected(expected))
        };
        if self.align == 0 {
            return error("alignment", "is 0".to_owned(), "1 or more");
        }
        if !(self.least > 0.0 && self.least <= 1.0) {
            return error("least share kept", format!("is {}", self.least), "above 0, at most 1");
        }
        if !(1..=crate::space::MOST_OPTIONS).contains(&self.most) {
            return error("number of widths", format!("is {}", self.most), "1 to 256");
        }
        Ok(())
    }

    /// The widths of a group of so many channels, from all of them down.
    pub fn of(&self, channels: usize) -> Vec<usize> {
        let least = ((self.least * channels as f64).ceil() as usize).max(2);
        let multiples = least.div_ceil(self.align)..channels.div_ceil(self.align);
        let all: Vec<usize> = multiples.map(|k| k * self.align).rev().collect();
        let mut widths = vec![channels];
        let wanted = all.len().min(self.most - 1);
        widths.extend((1..=wanted).map(|k| all[k * all.len() / wanted - 1]));
        widths
    }

    /// The width nearest to a share of the channels.
    fn at(&self, share: f64, channels: usize) -> usize {
        let target = share * channels as f64;
        let all = Widths { most: crate::space::MOST_OPTIONS, ..*self }.of(channels);
        let off = |width: &usize| (*width as f64 - target).abs();
        all.into_iter().min_by(|a, b| off(a).total_cmp(&off(b))).unwrap_or(channels)
    }
}

/// A knob for each group.
pub(super) fn each(groups: &Groups, widths: &Widths) -> Vec<Knob> {
    let knob = |(index, group): (usize, &Group)| Knob {
        name: group.name.clone(),
        groups: vec![index],
        widths: widths.of(group.channels).into_iter().map(|width| vec![width]).collect(),
    };
    groups.groups().iter().enumerate().map(knob).collect()
}

/// Knobs that scale groups together: `stages` has a stage for each group.
pub(super) fn scaled(groups: &Groups, widths: &Widths, stages: &[usize]) -> Vec<Knob> {
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (group, &stage) in stages.iter().enumerate() {
        members.entry(stage).or_default().push(group);
    }
    let of = |members: &[usize], share: f64| -> Vec<usize> {
        let width = |&group: &usize| widths.at(share, groups.groups()[group].channels);
        members.iter().map(width).collect()
    };
    let knob = |members: Vec<usize>| {
        let shares = (0..widths.most)
            .map(|step| 1.0 - (1.0 - widths.least) * step as f64 / (widths.most - 1).max(1) as f64);
        let mut settings: Vec<Vec<usize>> = shares.map(|share| of(&members, share)).collect();
        settings.dedup();
        let name = groups.groups()[members[0]].name.clone();
        Knob { name, groups: members, widths: settings }
    };
    members.into_values().map(knob).collect()
}

/// The widths of all groups, of which every knob sets some.
pub(super) fn widths(knobs: &[Knob], full: &[usize], settings: &[u8]) -> Vec<usize> {
    let mut widths = full.to_vec();
    for (knob, &setting) in knobs.iter().zip(settings) {
        for (&group, &width) in knob.groups.iter().zip(&knob.widths[usize::from(setting)]) {
            widths[group] = width;
        }
    }
    widths
}

/// The knobs as choices.
pub(super) fn choices(knobs: &[Knob]) -> Vec<Choice> {
    let show =
        |widths: &Vec<usize>| widths.iter().map(usize::to_string).collect::<Vec<_>>().join("/");
    knobs.iter().map(|knob| Choice::new(&knob.name, knob.widths.iter().map(show))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_multiples_spread_evenly() {
        let widths = |align, most| Widths { align, least: 0.25, most };
        assert_eq!(widths(8, 8).of(64), [64, 56, 48, 40, 32, 24, 16]);
        assert_eq!(widths(8, 4).of(64), [64, 48, 32, 16]);
        assert_eq!(widths(8, 4).of(58), [58, 48, 32, 16]);
        assert_eq!(widths(8, 8).of(8), [8]);
        assert_eq!(widths(1, 8).of(4), [4, 3, 2]);
        assert_eq!(widths(8, 1).of(64), [64]);
        assert_eq!(widths(8, 8).at(0.5, 100), 48);
        assert!(Widths { align: 0, least: 0.5, most: 8 }.check().is_err());
        assert!(Widths { align: 1, least: f64::NAN, most: 8 }.check().is_err());
    }
}
