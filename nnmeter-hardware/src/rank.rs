//! Rank correlations: whether one quantity orders things as another does.
//!
//! Both are 1 where the orders are the same, -1 where they are opposite, and `None` for fewer than two
//! values or where all values of a quantity are equal.

/// Spearman's rho (1904): Pearson's correlation of the ranks, ties at their average rank.
///
/// # Panics
/// If the two are not equally long; so does [`kendall`].
pub fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    assert_eq!(a.len(), b.len(), "two quantities of the same things");
    let (a, b) = (ranks(a), ranks(b));
    let mean = (a.len() as f64 + 1.0) / 2.0;
    let covariance = |a: &[f64], b: &[f64]| -> f64 {
        a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean)).sum()
    };
    let spread = covariance(&a, &a) * covariance(&b, &b);
    (spread > 0.0).then(|| covariance(&a, &b) / spread.sqrt())
}

/// Kendall's tau-b (1945): pairs that both order alike less pairs that they order against each other,
/// over the geometric mean of the pairs that each orders at all. Without ties, one pair in
/// `2 / (1 - tau)` is in the wrong order. In `n log n` steps, by Knight's way (1966): discordant pairs
/// are the exchanges of a merge sort.
pub fn kendall(a: &[f64], b: &[f64]) -> Option<f64> {
    assert_eq!(a.len(), b.len(), "two quantities of the same things");
    let mut pairs: Vec<(f64, f64)> = a.iter().copied().zip(b.iter().copied()).collect();
    pairs.sort_unstable_by(|(a, b), (c, d)| a.total_cmp(c).then(b.total_cmp(d)));
    let tied_in_a = tied(&pairs, |(a, _), (c, _)| a == c);
    let tied_in_both = tied(&pairs, |pair, other| pair == other);
    let mut values: Vec<f64> = pairs.iter().map(|(_, b)| *b).collect();
    let discordant = exchanges(&mut values);
    let tied_in_b = tied(&values, |b, d| b == d);
    let all = of_pairs(pairs.len());
    let balance = all - tied_in_a - tied_in_b + tied_in_both - 2.0 * discordant;
    let ordered = (all - tied_in_a) * (all - tied_in_b);
    (ordered > 0.0).then(|| balance / ordered.sqrt())
}

/// Pairs of equal values in a sorted list.
fn tied<T>(sorted: &[T], equal: impl Fn(&T, &T) -> bool) -> f64 {
    sorted.chunk_by(equal).map(|run| of_pairs(run.len())).sum()
}

fn of_pairs(count: usize) -> f64 {
    let count = count as f64;
    count * (count - 1.0) / 2.0
}

/// Sorts; gives the number of pairs that were in the wrong order.
fn exchanges(values: &mut [f64]) -> f64 {
    let half = values.len() / 2;
    if half == 0 {
        return 0.0;
    }
    let (low, high) = values.split_at_mut(half);
    let mut count = exchanges(low) + exchanges(high);
    let mut merged = Vec::with_capacity(low.len() + high.len());
    let mut rest = low.iter().peekable();
    for &value in high.iter() {
        while let Some(&before) = rest.next_if(|before| **before <= value) {
            merged.push(before);
        }
        count += rest.len() as f64;
        merged.push(value);
    }
    merged.extend(rest);
    values.copy_from_slice(&merged);
    count
}

/// Ranks from 1 on; equal values share the average of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for tied in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let rank = before as f64 + (tied.len() as f64 + 1.0) / 2.0;
        tied.iter().for_each(|&index| ranks[index] = rank);
        before += tied.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the definition, pair by pair.
    fn kendall_by_pairs(a: &[f64], b: &[f64]) -> Option<f64> {
        let sign = |x: f64, y: f64| f64::from(i8::from(x > y) - i8::from(x < y));
        let (mut balance, mut in_a, mut in_b) = (0.0, 0.0, 0.0);
        for i in 0..a.len() {
            for j in 0..i {
                let (of_a, of_b) = (sign(a[i], a[j]), sign(b[i], b[j]));
                balance += of_a * of_b;
                in_a += of_a * of_a;
                in_b += of_b * of_b;
            }
        }
        (in_a * in_b > 0.0).then(|| balance / f64::sqrt(in_a * in_b))
    }

    #[test]
    fn known_figures() {
        let (a, b) = ([100.0, 100.0, 10.0, 1.0], [104.0, 92.0, 12.0, 1.0]);
        // Ranks 3.5 3.5 2 1 against 4 3 2 1: 4.5 / sqrt(4.5 x 5).
        assert!((spearman(&a, &b).expect("four") - 0.948_683).abs() < 1e-6);
        // 5 pairs of 6 are ordered by both: 5 / sqrt(5 x 6).
        assert!((kendall(&a, &b).expect("four") - 0.912_871).abs() < 1e-6);
        let reversed: Vec<f64> = b.iter().map(|b| -b).collect();
        assert_eq!(kendall(&b, &reversed), Some(-1.0));
        assert_eq!(spearman(&b, &b), Some(1.0));
    }

    #[test]
    fn nothing_to_order() {
        for few in [&[][..], &[1.0], &[2.0, 2.0]] {
            let other: Vec<f64> = (0..few.len()).map(|index| index as f64).collect();
            assert_eq!((spearman(few, &other), kendall(few, &other)), (None, None));
            assert_eq!(kendall(&other, few), None);
        }
    }

    #[test]
    fn kendall_is_that_of_all_pairs() {
        let mut state = 1u64;
        let mut below = move |bound: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % bound
        };
        for size in 0..60 {
            let mut values = || (0..size).map(|_| below(1 + size) as f64).collect::<Vec<f64>>();
            let (a, b) = (values(), values());
            match (kendall(&a, &b), kendall_by_pairs(&a, &b)) {
                (Some(fast), Some(plain)) => assert!((fast - plain).abs() < 1e-12),
                (fast, plain) => assert_eq!(fast, plain),
            }
        }
    }
}
