//! Tables of scores that are given, not compiled: a number for each option of each choice.

use super::compile::joined;
use super::factor::{Factor, size};
use super::{CompileOptions, CostTable};
use crate::error::{Error, ErrorKind, Result};
use crate::metric::Quantity;
use crate::space::SearchSpace;

impl CostTable {
    /// The table of additive scores: by choice and option, what the option adds where the choice has
    /// an effect. Where it has none, nothing is added.
    ///
    /// # Errors
    /// [`ErrorKind::BadSample`] if there is not a finite score for each option, and
    /// [`ErrorKind::Indecomposable`] if whether a choice has an effect depends on too many others.
    pub fn additive(space: &SearchSpace, scores: &[Vec<f64>]) -> Result<Self> {
        Self::sums(space, Quantity { metric: "score", suffix: "score" }, 0.0, scores)
    }

    /// As [`CostTable::additive`], of a quantity, of which every sample has `constant` anyway.
    pub(crate) fn sums(
        space: &SearchSpace,
        quantity: Quantity,
        constant: f64,
        scores: &[Vec<f64>],
    ) -> Result<Self> {
        check(space, scores)?;
        let cardinalities: Vec<usize> = space.choices().iter().map(|c| c.options.len()).collect();
        let factors = scores.iter().enumerate();
        let factors = factors.map(|(choice, scores)| factor(space, &cardinalities, choice, scores));
        let constant = Factor::new(Vec::new(), &cardinalities, vec![constant]);
        let factors = factors.chain([Ok(constant)]).collect::<Result<_>>()?;
        let factors = joined(factors, &cardinalities);
        Ok(Self::new(quantity, cardinalities, factors))
    }

    /// The table, as one of costs on a device.
    pub(crate) fn on_device(mut self, name: &str) -> Self {
        self.device = Some(name.to_owned());
        self
    }
}

impl CostTable {
    /// The table with all entries rounded down to multiples of `step`.
    pub(crate) fn rounded_down(&self, step: f64) -> Self {
        let down = |costs: &[f64]| costs.iter().map(|cost| (cost / step).floor() * step).collect();
        let factors = self.factors.iter().map(|f| (f.choices().to_vec(), down(f.costs())));
        let constant = (Vec::new(), vec![self.constant]);
        Self::summed(self.quantity, self.cardinalities.clone(), factors.chain([constant]))
    }

    /// This table and `weight` times another of the same choices.
    pub(crate) fn plus(&self, weight: f64, other: &Self) -> Self {
        let scaled = |costs: &[f64]| costs.iter().map(|cost| weight * cost).collect::<Vec<f64>>();
        let own = self.factors.iter().map(|f| (f.choices().to_vec(), f.costs().to_vec()));
        let others = other.factors.iter().map(|f| (f.choices().to_vec(), scaled(f.costs())));
        let constant = (Vec::new(), vec![self.constant + weight * other.constant]);
        Self::summed(self.quantity, self.cardinalities.clone(), own.chain(others).chain([constant]))
    }

    /// The table with the name of the device that it is for.
    pub(crate) fn on(mut self, device: Option<&str>) -> Self {
        self.device = device.map(str::to_owned);
        self
    }
}

fn check(space: &SearchSpace, scores: &[Vec<f64>]) -> Result<()> {
    if scores.len() != space.choices().len() {
        let found = format!("are of {} choices", scores.len());
        return Err(Error::new(ErrorKind::BadSample, "scores", found)
            .expected(format!("{}, as many as the space has", space.choices().len())));
    }
    for (choice, scores) in space.choices().iter().zip(scores) {
        let wrong = scores.iter().find(|score| !score.is_finite());
        let found = match wrong {
            Some(score) => format!("has a score of {score}"),
            None if scores.len() == choice.options.len() => continue,
            None => format!("has {} scores", scores.len()),
        };
        return Err(Error::new(ErrorKind::BadSample, format!("choice {:?}", choice.name), found)
            .expected(format!("{} finite scores, one for each option", choice.options.len())));
    }
    Ok(())
}

fn factor(
    space: &SearchSpace,
    cardinalities: &[usize],
    choice: usize,
    scores: &[f64],
) -> Result<Factor> {
    let activity = &space.activity()[choice];
    let mut choices = activity.depends_on();
    choices.push(choice);
    choices.sort_unstable();
    choices.dedup();
    let size = size(&choices, cardinalities);
    let most = CompileOptions::default().most_entries;
    if size > most {
        let subject = format!("choice {:?}", space.choices()[choice].name);
        let found = format!("has an effect that depends on {} choices", choices.len());
        return Err(Error::new(ErrorKind::Indecomposable, subject, found)
            .expected(format!("at most {most} combinations of their options")));
    }
    let blank = Factor::new(choices.clone(), cardinalities, vec![0.0; size]);
    let mut sample = vec![0u8; cardinalities.len()];
    let entry = |index: usize| {
        blank.options(index, cardinalities, &mut sample);
        if activity.holds(&sample) { scores[usize::from(sample[choice])] } else { 0.0 }
    };
    let costs = (0..size).map(entry).collect();
    Ok(Factor::new(choices, cardinalities, costs))
}
