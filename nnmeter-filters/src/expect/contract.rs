//! A factor's table contracted with probabilities, axis by axis, and the derivatives of that.
//!
//! The last axis goes first: its options are adjacent. A table of `n` entries takes little more than
//! `n` multiplications for the value, and as many again for the gradient.

use crate::table::Factor;

/// Memory that is used again for every factor.
#[derive(Default)]
pub(super) struct Scratch {
    /// Tables over all axes but the last, all but the last two, ..., none.
    levels: Vec<f64>,
    /// Products of probabilities over the first axes.
    weights: Vec<f64>,
    next: Vec<f64>,
}

impl Scratch {
    /// What the factor costs in expectation. `axes` has the probabilities of each of its choices.
    pub(super) fn expectation(&mut self, factor: &Factor, axes: &[&[f64]]) -> f64 {
        match axes {
            [only] => dot(factor.costs(), only),
            _ => self.contract(factor.costs(), axes),
        }
    }

    /// The same; calls `add` with a place among the axes, an option, and the derivative by its
    /// probability.
    pub(super) fn gradient(
        &mut self,
        factor: &Factor,
        axes: &[&[f64]],
        mut add: impl FnMut(usize, usize, f64),
    ) -> f64 {
        let costs = factor.costs();
        let value = self.expectation(factor, axes);
        if let [_] = axes {
            costs.iter().enumerate().for_each(|(option, &cost)| add(0, option, cost));
            return value;
        }
        self.weights.clear();
        self.weights.push(1.0);
        let mut end = self.levels.len() - 1;
        for (place, &axis) in axes.iter().enumerate() {
            let size = self.weights.len() * axis.len();
            let is_last = place + 1 == axes.len();
            let level = if is_last { costs } else { &self.levels[end - size..end] };
            for (row, weight) in level.chunks_exact(axis.len()).zip(&self.weights) {
                row.iter().enumerate().for_each(|(option, cost)| add(place, option, weight * cost));
            }
            if !is_last {
                end -= size;
                self.next.clear();
                let products = self.weights.iter().flat_map(|w| axis.iter().map(move |p| w * p));
                self.next.extend(products);
                std::mem::swap(&mut self.weights, &mut self.next);
            }
        }
        value
    }

    /// Fills the levels; gives the last.
    fn contract(&mut self, costs: &[f64], axes: &[&[f64]]) -> f64 {
        self.levels.clear();
        let mut level = 0..0;
        for (step, &axis) in axes.iter().rev().enumerate() {
            let size = if step == 0 { costs.len() } else { level.len() } / axis.len();
            let start = self.levels.len();
            self.levels.resize(start + size, 0.0);
            let (before, next) = self.levels.split_at_mut(start);
            let table = if step == 0 { costs } else { &before[level] };
            for (sum, row) in next.iter_mut().zip(table.chunks_exact(axis.len())) {
                *sum = dot(row, axis);
            }
            level = start..start + size;
        }
        self.levels.last().copied().unwrap_or(0.0)
    }
}

/// The expectation of a table given the options of the choices that `keeps` names by place: a table
/// over these, in the same order.
pub(super) fn given(costs: &[f64], axes: &[&[f64]], keeps: impl Fn(usize) -> bool) -> Vec<f64> {
    let mut table = costs.to_vec();
    let mut inner = 1;
    for (place, &axis) in axes.iter().enumerate().rev() {
        if keeps(place) {
            inner *= axis.len();
        } else {
            table = without(&table, axis, inner);
        }
    }
    table
}

/// Contracts the axis whose neighbouring options are `inner` apart.
fn without(table: &[f64], axis: &[f64], inner: usize) -> Vec<f64> {
    let mut sums = Vec::with_capacity(table.len() / axis.len());
    for block in table.chunks_exact(inner * axis.len()) {
        let start = sums.len();
        sums.resize(start + inner, 0.0);
        for (row, probability) in block.chunks_exact(inner).zip(axis) {
            sums[start..].iter_mut().zip(row).for_each(|(sum, cost)| *sum += probability * cost);
        }
    }
    sums
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_some_of_three_choices() {
        let costs: Vec<f64> = (0..12).map(f64::from).collect();
        let axes: [&[f64]; 3] = [&[0.25, 0.75], &[0.5, 0.25, 0.25], &[0.1, 0.9]];
        let at = |a: usize, b: usize, c: usize| costs[6 * a + 2 * b + c];
        let first = given(&costs, &axes, |place| place == 0);
        let last = given(&costs, &axes, |place| place != 1);
        for a in 0..2 {
            let given_a = |c: usize| 0.5 * at(a, 0, c) + 0.25 * (at(a, 1, c) + at(a, 2, c));
            assert!((first[a] - 0.1 * given_a(0) - 0.9 * given_a(1)).abs() < 1e-12);
            assert!((last[2 * a] - given_a(0)).abs() < 1e-12);
            assert!((last[2 * a + 1] - given_a(1)).abs() < 1e-12);
        }
    }
}
