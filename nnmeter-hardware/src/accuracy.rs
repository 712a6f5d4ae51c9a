//! How well predictions agree with measurements: figures for one set of models, and tables of them
//! by family.
//!
//! Ratios are always predicted over measured. Nothing here predicts or prints; rendering a table is
//! the business of whoever shows it.

use crate::rank;

/// Agreement of predictions with measurements over a set of models.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Accuracy {
    /// Number of models.
    pub models: usize,
    /// Share of models predicted within 5 % of the measured value, in percent.
    pub within_5: f64,
    /// Share of models predicted within 10 % of the measured value, in percent.
    pub within_10: f64,
    /// Root of the mean square of `predicted / measured - 1`, in percent (nn-Meter's RMSPE).
    pub rmspe: f64,
    /// Mean of `predicted / measured - 1`, in percent.
    pub bias: f64,
    /// Spearman's rank correlation of measured and predicted, ties at their average rank; `None`
    /// for fewer than two models or where all values are equal.
    pub spearman: Option<f64>,
    /// Share of models whose measured value lay in the interval predicted for them, in percent;
    /// `None` where there were no intervals.
    pub coverage: Option<f64>,
}

/// A measured value and its prediction, in the same unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// What was measured; positive.
    pub measured: f64,
    /// What was predicted.
    pub predicted: f64,
}

/// Accuracies by family, in order of first appearance, and over all.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// A family's name and its accuracy.
    pub families: Vec<(String, Accuracy)>,
    /// All models together.
    pub overall: Accuracy,
}

impl Pair {
    /// `predicted / measured - 1`.
    pub fn relative_error(self) -> f64 {
        self.predicted / self.measured - 1.0
    }

    /// Absolute value of the log of predicted over measured.
    pub fn log_distance(self) -> f64 {
        (self.predicted / self.measured).ln().abs()
    }
}

impl Accuracy {
    /// The accuracy over `pairs`; `None` if there are none.
    pub fn of(pairs: &[Pair]) -> Option<Self> {
        if pairs.is_empty() {
            return None;
        }
        let count = pairs.len() as f64;
        let errors: Vec<f64> = pairs.iter().map(|pair| pair.relative_error()).collect();
        let share = |limit: f64| {
            100.0 * errors.iter().filter(|error| error.abs() <= limit).count() as f64 / count
        };
        let squares: f64 = errors.iter().map(|error| error * error).sum();
        Some(Self {
            models: pairs.len(),
            within_5: share(0.05),
            within_10: share(0.10),
            rmspe: 100.0 * (squares / count).sqrt(),
            bias: 100.0 * errors.iter().sum::<f64>() / count,
            spearman: spearman(pairs),
            coverage: None,
        })
    }
}

impl Table {
    /// Groups pairs by the family they come with; `None` if there are none.
    pub fn of<'f>(pairs: impl IntoIterator<Item = (&'f str, Pair)>) -> Option<Self> {
        let mut groups: Vec<(&str, Vec<Pair>)> = Vec::new();
        let mut all = Vec::new();
        for (family, pair) in pairs {
            all.push(pair);
            match groups.iter_mut().find(|(name, _)| *name == family) {
                Some((_, group)) => group.push(pair),
                None => groups.push((family, vec![pair])),
            }
        }
        let families = groups
            .into_iter()
            .filter_map(|(name, pairs)| Some((name.to_owned(), Accuracy::of(&pairs)?)))
            .collect();
        Some(Self { families, overall: Accuracy::of(&all)? })
    }

    /// Mean of a figure over the families, each counted once.
    pub fn mean(&self, figure: impl Fn(&Accuracy) -> f64) -> f64 {
        let sum: f64 = self.families.iter().map(|(_, accuracy)| figure(accuracy)).sum();
        sum / self.families.len() as f64
    }
}

/// The family that the id of a model tells: what stands before the last `_`, without digits.
///
/// `mobilenetv3large_12` is of `mobilenetvlarge`, `resnet18_0` of `resnet`.
pub fn family_of(id: &str) -> String {
    let stem = id.rsplit_once('_').map_or(id, |(stem, _)| stem);
    stem.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// The `level` quantile of `values`, linear between order statistics (type 7 of Hyndman and Fan
/// 1996); `None` if there are none.
pub fn quantile(mut values: Vec<f64>, level: f64) -> Option<f64> {
    let place = level.clamp(0.0, 1.0) * values.len().checked_sub(1)? as f64;
    let (_, &mut low, above) = values.select_nth_unstable_by(place as usize, f64::total_cmp);
    let high = above.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    Some(low + (high - low) * place.fract())
}

/// The `level` quantile where every group weighs the same, however large it is.
pub fn quantile_of_groups(groups: &[Vec<f64>], level: f64) -> Option<f64> {
    let filled = groups.iter().filter(|group| !group.is_empty());
    let mut weighted: Vec<(f64, f64)> = filled
        .flat_map(|group| group.iter().map(|&value| (value, 1.0 / group.len() as f64)))
        .collect();
    weighted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let total: f64 = weighted.iter().map(|(_, weight)| weight).sum();
    let mut reached = 0.0;
    for &(value, weight) in &weighted {
        reached += weight;
        if reached >= level * total {
            return Some(value);
        }
    }
    weighted.last().map(|&(value, _)| value)
}

/// Spearman's rank correlation of measured and predicted.
fn spearman(pairs: &[Pair]) -> Option<f64> {
    let of = |value: fn(&Pair) -> f64| pairs.iter().map(value).collect::<Vec<f64>>();
    rank::spearman(&of(|pair| pair.measured), &of(|pair| pair.predicted))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(values: &[(f64, f64)]) -> Vec<Pair> {
        values.iter().map(|&(measured, predicted)| Pair { measured, predicted }).collect()
    }

    #[test]
    fn figures_of_four_models() {
        let pairs = pairs(&[(100.0, 104.0), (100.0, 92.0), (10.0, 12.0), (1.0, 1.0)]);
        let accuracy = Accuracy::of(&pairs).expect("four models");
        assert_eq!(accuracy.models, 4);
        assert_eq!(accuracy.within_5, 50.0);
        assert_eq!(accuracy.within_10, 75.0);
        // (0.04^2 + 0.08^2 + 0.2^2) / 4 = 0.012
        assert!((accuracy.rmspe - 10.954_451).abs() < 1e-6);
        assert!((accuracy.bias - 4.0).abs() < 1e-9);
        // Ranks 3.5 3.5 2 1 against 4 3 2 1: 4.5 / sqrt(4.5 x 5).
        assert!((accuracy.spearman.expect("four models") - 0.948_683).abs() < 1e-6);
    }

    #[test]
    fn too_few_models_have_no_rank_correlation() {
        assert_eq!(Accuracy::of(&[]), None);
        let one = Accuracy::of(&pairs(&[(2.0, 2.0)])).expect("one model");
        assert_eq!(one.spearman, None);
        let equal = Accuracy::of(&pairs(&[(2.0, 2.0), (2.0, 3.0)])).expect("two models");
        assert_eq!(equal.spearman, None);
    }

    #[test]
    fn families_keep_their_order() {
        assert_eq!(family_of("mobilenetv3large_12"), "mobilenetvlarge");
        assert_eq!(family_of("resnet18_0"), "resnet");
        assert_eq!(family_of("plain"), "plain");
        let [a, b] = pairs(&[(1.0, 1.0), (1.0, 2.0)])[..] else { panic!("two pairs") };
        let table = Table::of([("vgg", a), ("alexnet", b), ("vgg", a)]).expect("three models");
        let names: Vec<&str> = table.families.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["vgg", "alexnet"]);
        assert_eq!(table.overall.models, 3);
        assert_eq!(table.mean(|accuracy| accuracy.within_5), 50.0);
    }

    #[test]
    fn quantiles() {
        assert_eq!(quantile(vec![3.0, 1.0, 2.0], 0.5), Some(2.0));
        assert_eq!(quantile(vec![1.0, 2.0], 0.9), Some(1.9));
        assert_eq!(quantile(Vec::new(), 0.9), None);
        let groups = [vec![1.0; 100], vec![2.0, 3.0]];
        assert_eq!(quantile_of_groups(&groups, 0.75), Some(2.0));
    }
}
