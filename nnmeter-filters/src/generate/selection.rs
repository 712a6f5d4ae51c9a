//! Selections: which operators of a survey become the options of a space's layers.

use std::collections::BTreeSet;

use super::score::{Across, Exponents};
use super::survey::{Candidate, Subspace, Survey};
use crate::error::{Error, ErrorKind, Result};

/// How operators are chosen.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How many operators a layer may choose from.
    pub top: usize,
    /// How many families these are of at least, where so many have a price.
    pub families: usize,
    /// Whether layers that keep extents may also be left out, beyond the operators chosen.
    pub identity: bool,
    /// Exponents of the score.
    pub exponents: Exponents,
    /// What scores on several devices are together.
    pub across: Across,
}

impl Default for Settings {
    /// Four operators of two families or more; no layer may be left out.
    fn default() -> Self {
        let (exponents, across) = (Exponents::default(), Across::default());
        Self { top: 4, families: 2, identity: false, exponents, across }
    }
}

/// A space that was generated, and how operators stood.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The space. Options of a layer are in the order of their ranks.
    pub generated: Subspace,
    /// By layer and operator of the pool; `None` without a price.
    pub standings: Vec<Vec<Option<Standing>>>,
}

/// How an operator stands in a layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// Its score: its share of the layer's best, on one device or on [several](Across).
    pub score: f64,
    /// Its place by score, from 1; of equal scores, the earlier one in the pool is first.
    pub rank: usize,
    /// Whether it was chosen. One may be chosen before others of a better rank, for its family.
    pub chosen: bool,
}

impl Survey<'_> {
    /// Chooses the operators of every layer: the best of the best `families` families, then the best
    /// that are left. No other choice of so many operators and families has a higher sum of scores.
    ///
    /// # Errors
    /// [`ErrorKind::BadConstraint`] if nothing is to be chosen, more families than operators, or an
    /// exponent is out of range; as [`SearchSpace::new`](crate::space::SearchSpace::new).
    pub fn select(&self, settings: &Settings) -> Result<Selection> {
        if settings.top == 0 || settings.families > settings.top {
            let found = format!("are {} of {} families", settings.top, settings.families);
            return Err(Error::new(ErrorKind::BadConstraint, "operators of a layer", found)
                .expected("1 or more, and no more families than operators"));
        }
        settings.exponents.check()?;
        let mut standings = Vec::new();
        let mut kept = Vec::new();
        for candidates in self.layers() {
            let ranked = self.ranked(candidates, settings);
            let families: Vec<&str> =
                ranked.iter().map(|&(index, _)| self.pool.operators()[index].family()).collect();
            let chosen = chosen(&families, settings.top, settings.families);
            let mut of_layer = vec![None; candidates.len()];
            for (place, &(index, score)) in ranked.iter().enumerate() {
                let chosen = chosen.contains(&place);
                of_layer[index] = Some(Standing { score, rank: place + 1, chosen });
            }
            kept.push(chosen.iter().map(|&place| ranked[place].0).collect());
            standings.push(of_layer);
        }
        let name = format!("{}-{}", self.skeleton.name(), self.devices.join("-"));
        Ok(Selection { generated: self.subspace(&name, settings.identity, kept)?, standings })
    }

    /// Operators with a price, by index, and their scores, the best first.
    fn ranked(&self, candidates: &[Candidate], settings: &Settings) -> Vec<(usize, f64)> {
        let priced = candidates.iter().enumerate();
        let (indices, figures): (Vec<usize>, Vec<_>) =
            priced.filter_map(|(index, candidate)| Some((index, candidate.figures()?))).unzip();
        let scores = settings.across.scores(&settings.exponents, &figures);
        let mut ranked: Vec<(usize, f64)> = indices.into_iter().zip(scores).collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        ranked
    }
}

/// Places, in ascending order, of those that are chosen, given families from the best place to the
/// worst.
fn chosen(families: &[&str], top: usize, least_families: usize) -> BTreeSet<usize> {
    let is_first = |&place: &usize| !families[..place].contains(&families[place]);
    let mut chosen: BTreeSet<usize> =
        (0..families.len()).filter(is_first).take(least_families).collect();
    for place in 0..families.len() {
        if chosen.len() < top {
            chosen.insert(place);
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NAMES: [&str; 4] = ["a", "b", "c", "d"];

    fn count(families: &[&str], places: impl Iterator<Item = usize>) -> usize {
        places.map(|place| families[place]).collect::<BTreeSet<_>>().len()
    }

    proptest! {
        /// No other choice that has so many families has a higher sum of scores.
        #[test]
        fn choices_are_the_best_of_their_diversity(
            families in prop::collection::vec(0..4usize, 1..9),
            mut scores in prop::collection::vec(0.0..1.0f64, 9),
            top in 1..6usize,
            least in 0..5usize,
        ) {
            let families: Vec<&str> = families.into_iter().map(|family| NAMES[family]).collect();
            scores.sort_by(|a, b| b.total_cmp(a));
            let least = least.min(top);
            let chosen = chosen(&families, top, least);
            let size = top.min(families.len());
            let wanted = least.min(count(&families, 0..families.len()));
            prop_assert_eq!(chosen.len(), size);
            prop_assert!(count(&families, chosen.iter().copied()) >= wanted);
            let sum = |places: &mut dyn Iterator<Item = usize>| -> f64 {
                places.map(|place| scores[place]).sum()
            };
            let own = sum(&mut chosen.iter().copied());
            for set in 0..1u32 << families.len() {
                let places = || (0..families.len()).filter(move |place| set >> place & 1 == 1);
                if set.count_ones() as usize == size && count(&families, places()) >= wanted {
                    prop_assert!(sum(&mut places()) <= own + 1e-12);
                }
            }
        }
    }
}
