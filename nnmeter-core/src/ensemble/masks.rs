//! Small trees as bit masks: all splits are tested, for sixteen rows at once, without walking.
//!
//! Number a tree's leaves from left to right and let a word have a bit a leaf. A split that sends
//! a row right takes away the leaves of its left subtree; of the leaves that remain after all
//! splits, the leftmost is the row's. (The idea is that of QuickScorer, Lucchese et al., SIGIR
//! 2015, without its sorting of splits by feature.) The inner loop is a comparison and two bitwise
//! operations a row, which the compiler makes vector code of. It pays for trees whose leaves fit
//! a 32-bit word; larger ones are walked.

use super::flat::{DEFAULT_LEFT, FlatNode};

/// How many rows are tested at once.
pub(super) const ROWS: usize = 16;

/// The values of one feature in a group of rows.
pub(super) type Column = [f32; ROWS];

const MAX_LEAVES: usize = u32::BITS as usize;

/// A split and the leaves that remain if a row goes right.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Split {
    threshold: f32,
    feature: u32,
    keep: u32,
}

/// A tree of at most 32 leaves: which splits and which leaves are its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct MaskTree {
    /// The first split; the first that sends a missing value left, as all after it do; the end.
    splits: [u32; 3],
    first_leaf: u32,
}

/// The splits and leaves of all trees that have a mask form.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Masks {
    splits: Vec<Split>,
    leaves: Vec<f32>,
}

impl Masks {
    /// Adds the tree whose nodes are `nodes[root..]`, unless it has too many leaves.
    pub(super) fn add(&mut self, nodes: &[FlatNode], root: u32) -> Option<MaskTree> {
        let n_nodes = nodes.len() - root as usize;
        if n_nodes.div_ceil(2) > MAX_LEAVES {
            return None;
        }
        let (first, first_leaf) = (self.splits.len(), self.leaves.len());
        self.add_subtree(nodes, root, first_leaf);
        // Splits may stand in any order. This one puts those with the flag last, and meets a
        // feature again while its column is at hand.
        let splits = &mut self.splits[first..];
        splits.sort_by_key(|split| split.feature);
        let middle = first + splits.partition_point(|split| split.feature & DEFAULT_LEFT == 0);
        splits.iter_mut().for_each(|split| split.feature &= !DEFAULT_LEFT);
        let splits = [first, middle, self.splits.len()].map(|at| at as u32);
        Some(MaskTree { splits, first_leaf: first_leaf as u32 })
    }

    /// Adds a subtree, its leaves from left to right. It is at most 31 levels deep.
    fn add_subtree(&mut self, nodes: &[FlatNode], at: u32, first_leaf: usize) {
        let node = nodes[at as usize];
        if node.is_leaf(at) {
            self.leaves.push(node.value);
            return;
        }
        let before = self.leaves.len() - first_leaf;
        self.add_subtree(nodes, node.left, first_leaf);
        let between = self.leaves.len() - first_leaf;
        self.add_subtree(nodes, node.left + 1, first_leaf);
        // The right subtree has a leaf, so `between` is at most 31.
        let left_leaves = (1u32 << between) - (1u32 << before);
        self.splits.push(Split {
            threshold: node.split,
            feature: node.feature,
            keep: !left_leaves,
        });
    }

    /// The leaves of a group of rows; `columns` has a column a feature.
    pub(super) fn leaves(&self, tree: MaskTree, columns: &[Column]) -> Column {
        let [first, middle, end] = tree.splits.map(|at| at as usize);
        let mut alive = [u32::MAX; ROWS];
        let (right, left) = (&self.splits[first..middle], &self.splits[middle..end]);
        keep_alive(right, columns, &mut alive, |value, threshold| value < threshold);
        #[expect(clippy::neg_cmp_op_on_partial_ord, reason = "NaN is to go left")]
        keep_alive(left, columns, &mut alive, |value, threshold| !(value >= threshold));
        let leaves = &self.leaves[tree.first_leaf as usize..];
        alive.map(|alive| leaves[alive.trailing_zeros() as usize])
    }
}

/// Leaves in `alive` the leaves that no split takes away, where `left` says which rows keep all.
///
/// It is not inlined because the compiler would take `alive` apart into sixteen scalars, which
/// makes the prediction of a batch four times as slow.
#[inline(never)]
fn keep_alive(
    splits: &[Split],
    columns: &[Column],
    alive: &mut [u32; ROWS],
    left: impl Fn(f32, f32) -> bool,
) {
    for split in splits {
        for (alive, &value) in alive.iter_mut().zip(&columns[split.feature as usize]) {
            let all_if_left = u32::from(left(value, split.threshold)).wrapping_neg();
            *alive &= split.keep | all_if_left;
        }
    }
}
