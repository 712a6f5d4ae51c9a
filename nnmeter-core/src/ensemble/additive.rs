//! What the two kinds of sums of trees have in common, for the code that walks them.
//!
//! [`Ensemble`](super::Ensemble) adds `f32` leaves as they stand in the layout;
//! [`Forest`](super::Forest) looks its `f64` leaves up. The walk over the splits is the same.

use std::ops::AddAssign;

use smallvec::SmallVec;

use super::flat::{LANES, Layout, walk};

/// A sum of trees over rows of `f32` features.
pub(super) trait Additive {
    /// The number that leaves are summed in.
    type Sum: Copy + AddAssign;

    /// The trees.
    fn layout(&self) -> &Layout;

    /// The length of a row.
    fn row_len(&self) -> usize;

    /// Where the sum starts.
    fn start(&self) -> Self::Sum;

    /// What the value in a leaf of the layout adds to the sum.
    fn leaf(&self, value: f32) -> Self::Sum;

    /// The prediction that the sum makes.
    fn finish(&self, sum: Self::Sum) -> Self::Sum;
}

/// Predicts one row.
///
/// # Panics
/// If `row` has another length than the model's.
pub(super) fn predict_row<M: Additive>(model: &M, row: &[f32]) -> M::Sum {
    assert_eq!(row.len(), model.row_len(), "features in the row");
    let keys: SmallVec<[u32; 32]> = model.layout().slots.keys(row).collect();
    model.finish(sum_row(model, &keys))
}

/// Sums the leaves of one row, with the trees interleaved.
fn sum_row<M: Additive>(model: &M, keys: &[u32]) -> M::Sum {
    let Layout { nodes, values, trees, .. } = model.layout();
    let mut sum = model.start();
    for group in trees.chunks(LANES) {
        let depth = group.iter().map(|tree| tree.depth).max().unwrap_or(0);
        // The last group may have fewer trees than there are lanes; the others walk the first one.
        let roots = std::array::from_fn(|lane| group.get(lane).unwrap_or(&group[0]).root);
        let leaves: [_; LANES] = walk(nodes, roots, depth, |_, slot| keys[slot]);
        for (_, leaf) in group.iter().zip(leaves) {
            sum += model.leaf(values[leaf as usize]);
        }
    }
    sum
}
