//! Non-negative least squares on normal equations: minimise `x'Gx - 2 b'x` subject to `x >= 0`.
//!
//! The active-set method of Lawson and Hanson (1974, chapter 23) in the form of Bro and de Jong
//! (1997), which never sees the observations: with a few dozen unknowns the Gram matrix is all it
//! takes, and the answer is exact up to rounding. Not meant for hundreds of unknowns.

/// Added to the diagonal once it is scaled to ones, so that equal columns do not matter.
const RIDGE: f64 = 1e-12;
/// Gradients below this, on the scale of the right-hand side, count as zero.
const TOLERANCE: f64 = 1e-13;

/// A symmetric matrix, all of it stored.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Gram {
    size: usize,
    values: Vec<f64>,
}

impl Gram {
    /// A matrix of zeros.
    pub(crate) fn zeros(size: usize) -> Self {
        Self { size, values: vec![0.0; size * size] }
    }

    /// The matrix whose entry at `(i, j)` is `entry(i, j)`.
    pub(crate) fn from_fn(size: usize, entry: impl Fn(usize, usize) -> f64) -> Self {
        let values = (0..size * size).map(|at| entry(at / size, at % size)).collect();
        Self { size, values }
    }

    /// Number of rows.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// The entry in row `i` and column `j`.
    pub(crate) fn at(&self, i: usize, j: usize) -> f64 {
        self.values[i * self.size + j]
    }

    /// Adds the outer product of `row` with itself, `weight` times.
    pub(crate) fn add_outer(&mut self, row: &[f64], weight: f64) {
        for (i, &a) in row.iter().enumerate().filter(|(_, a)| **a != 0.0) {
            let line = &mut self.values[i * self.size..(i + 1) * self.size];
            line.iter_mut().zip(row).for_each(|(value, &b)| *value += weight * a * b);
        }
    }

    /// Adds `other` times `factor`.
    pub(crate) fn add_scaled(&mut self, other: &Gram, factor: f64) {
        self.values.iter_mut().zip(&other.values).for_each(|(value, add)| *value += add * factor);
    }

    /// The product with a vector.
    pub(crate) fn times(&self, x: &[f64]) -> Vec<f64> {
        let dot = |row: &[f64]| row.iter().zip(x).map(|(a, b)| a * b).sum();
        self.values.chunks_exact(self.size.max(1)).map(dot).collect()
    }
}

/// The `x >= 0` that minimises `x'Gx - 2 b'x` for a positive semidefinite `G`.
pub(crate) fn solve(gram: &Gram, b: &[f64]) -> Vec<f64> {
    solve_from(gram, b, &vec![0.0; b.len()])
}

/// As [`solve`], from a guess, which costs little where few of its positive entries will be zero.
pub(crate) fn solve_from(gram: &Gram, b: &[f64], guess: &[f64]) -> Vec<f64> {
    let scale: Vec<f64> = (0..gram.size())
        .map(|i| gram.at(i, i).max(0.0).sqrt())
        .map(|root| if root > 0.0 { root } else { 1.0 })
        .collect();
    let ridge = |i: usize, j: usize| if i == j { RIDGE } else { 0.0 };
    let scaled =
        Gram::from_fn(gram.size(), |i, j| gram.at(i, j) / (scale[i] * scale[j]) + ridge(i, j));
    let right: Vec<f64> = b.iter().zip(&scale).map(|(b, scale)| b / scale).collect();
    let guess = guess.iter().zip(&scale).map(|(guess, scale)| guess * scale).collect();
    let x = ActiveSet::new(&scaled, &right, guess).run();
    x.iter().zip(&scale).map(|(x, scale)| x / scale).collect()
}

/// The state of the search: which unknowns are free, and the feasible point reached.
struct ActiveSet<'a> {
    gram: &'a Gram,
    b: &'a [f64],
    x: Vec<f64>,
    free: Vec<usize>,
}

impl<'a> ActiveSet<'a> {
    fn new(gram: &'a Gram, b: &'a [f64], x: Vec<f64>) -> Self {
        let free = (0..x.len()).filter(|&j| x[j] > 0.0).collect();
        Self { gram, b, x, free }
    }

    /// Frees the most promising unknown until none is left that lowers the objective. Each round
    /// lowers it strictly; the bound on rounds only guards against rounding.
    fn run(mut self) -> Vec<f64> {
        self.settle();
        let tolerance = TOLERANCE * self.b.iter().fold(1.0, |max: f64, b| max.max(b.abs()));
        for _ in 0..50 * self.b.len() {
            let product = self.gram.times(&self.x);
            let slope = |j: &usize| self.b[*j] - product[*j];
            let bound = (0..self.b.len()).filter(|j| !self.free.contains(j));
            match bound.max_by(|a, b| slope(a).total_cmp(&slope(b))) {
                Some(best) if slope(&best) > tolerance => self.free.push(best),
                _ => break,
            }
            self.settle();
        }
        self.x
    }

    /// Moves to the least-squares point of the free unknowns, giving up those that would become
    /// negative on the way.
    fn settle(&mut self) {
        while !self.free.is_empty() {
            let target = solve_free(self.gram, self.b, &self.free);
            let ratios: Vec<f64> =
                self.free.iter().zip(&target).map(|(&j, &to)| until_zero(self.x[j], to)).collect();
            let step = ratios.iter().fold(1.0, |step: f64, &ratio| step.min(ratio));
            let blocked: Vec<bool> = ratios.iter().map(|&ratio| ratio <= step).collect();
            for ((&j, &target), &blocked) in self.free.iter().zip(&target).zip(&blocked) {
                let reached = self.x[j] + step * (target - self.x[j]);
                self.x[j] = if blocked { 0.0 } else { reached };
            }
            if !blocked.contains(&true) {
                return;
            }
            let mut keep = blocked.iter().map(|blocked| !blocked);
            self.free.retain(|_| keep.next().unwrap_or(true));
        }
    }
}

/// The share of the way from `from` to `to` at which zero is reached; infinite if it is not.
fn until_zero(from: f64, to: f64) -> f64 {
    match from / (from - to) {
        _ if to > 0.0 => f64::INFINITY,
        ratio if ratio.is_finite() => ratio,
        _ => 0.0,
    }
}

/// Solves the normal equations of the unknowns in `free`, by Cholesky's decomposition.
fn solve_free(gram: &Gram, b: &[f64], free: &[usize]) -> Vec<f64> {
    let lower = cholesky(gram, free);
    let size = free.len();
    let mut x: Vec<f64> = free.iter().map(|&j| b[j]).collect();
    for i in 0..size {
        let known: f64 = (0..i).map(|k| lower.at(i, k) * x[k]).sum();
        x[i] = (x[i] - known) / lower.at(i, i);
    }
    for i in (0..size).rev() {
        let known: f64 = (i + 1..size).map(|k| lower.at(k, i) * x[k]).sum();
        x[i] = (x[i] - known) / lower.at(i, i);
    }
    x
}

/// The lower triangle whose product with its transpose is the part of `gram` that `free` names.
/// Pivots that rounding makes vanish are kept from zero.
fn cholesky(gram: &Gram, free: &[usize]) -> Gram {
    let mut lower = Gram::zeros(free.len());
    for i in 0..free.len() {
        for j in 0..=i {
            let known: f64 = (0..j).map(|k| lower.at(i, k) * lower.at(j, k)).sum();
            let rest = gram.at(free[i], free[j]) - known;
            lower.values[i * free.len() + j] =
                if i == j { rest.max(1e-15).sqrt() } else { rest / lower.at(j, j) };
        }
    }
    lower
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Gram matrix and right-hand side of a small least-squares problem.
    fn normal(rows: &[[f64; 4]], y: &[f64]) -> (Gram, Vec<f64>) {
        let mut gram = Gram::zeros(4);
        rows.iter().for_each(|row| gram.add_outer(row, 1.0));
        let b = (0..4).map(|j| rows.iter().zip(y).map(|(row, y)| row[j] * y).sum()).collect();
        (gram, b)
    }

    #[test]
    fn solves_what_needs_no_bound() {
        let gram = Gram::from_fn(2, |i, j| [[2.0, 1.0], [1.0, 3.0]][i][j]);
        let x = solve(&gram, &[4.0, 7.0]);
        assert!((x[0] - 1.0).abs() < 1e-9 && (x[1] - 2.0).abs() < 1e-9, "{x:?}");
    }

    #[test]
    fn keeps_to_the_bound() {
        let gram = Gram::from_fn(2, |i, j| [[1.0, 0.9], [0.9, 1.0]][i][j]);
        let x = solve(&gram, &[1.0, 0.5]);
        assert!((x[0] - 1.0).abs() < 1e-9, "{x:?}");
        assert_eq!(x[1], 0.0);
    }

    #[test]
    fn an_unknown_without_data_stays_zero() {
        let gram = Gram::from_fn(2, |i, j| if (i, j) == (0, 0) { 4.0 } else { 0.0 });
        assert_eq!(solve(&gram, &[8.0, 0.0])[1], 0.0);
    }

    proptest! {
        /// The conditions of Karush, Kuhn and Tucker: no slope where free, none upwards where bound.
        #[test]
        fn is_optimal(
            rows in prop::collection::vec(prop::array::uniform4(0.0..1.0), 6..12),
            y in prop::collection::vec(-1.0..2.0, 12),
            guess in prop::array::uniform4(0.0..2.0),
        ) {
            let (gram, b) = normal(&rows, &y);
            for x in [solve(&gram, &b), solve_from(&gram, &b, &guess)] {
                let product = gram.times(&x);
                for j in 0..4 {
                    let slope = b[j] - product[j];
                    prop_assert!(x[j] >= 0.0);
                    prop_assert!(slope < 1e-8, "{slope} at {j} of {x:?}");
                    prop_assert!(x[j] == 0.0 || slope.abs() < 1e-8, "{slope} at {j} of {x:?}");
                }
            }
        }
    }
}
