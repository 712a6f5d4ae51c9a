//! Small trees as bit masks: all splits are tested, for many rows at once, without walking.
//!
//! Number a tree's leaves from left to right and let a word have a bit a leaf. A split that sends
//! a row right takes away the leaves of its left subtree; of the leaves that remain after all
//! splits, the leftmost is the row's. (The idea is that of QuickScorer, Lucchese et al., SIGIR
//! 2015; that of working byte by byte is RapidScorer's, Ye et al., KDD 2018.)
//!
//! Rows are compared by *codes*: a column holds, of each row, how many of its thresholds the row's
//! key reaches, which is a byte because a slot of more thresholds than 255 has several columns. So
//! the inner loop is a comparison and two bitwise operations on bytes, of which a vector holds many,
//! and a split costs nothing where it takes away no leaf.

use std::ops::Range;

use super::flat::{FlatNode, Layout};

/// How many rows are tested at once.
pub(super) const ROWS: usize = 64;

/// A number of each row of a group.
pub(super) type Column<T> = [T; ROWS];

/// Most leaves of a tree that has this form.
const MAX_LEAVES: usize = u32::BITS as usize;

/// Leaves are tested eight by eight.
const BYTES: usize = MAX_LEAVES / 8;

/// Most thresholds of a column.
const MAX_CODES: usize = u8::MAX as usize;

/// A split, for eight leaves that it may take away.
#[derive(Clone, Copy, Debug)]
struct Test {
    column: u32,
    /// Rows of a greater code go right.
    code: i8,
    /// The leaves that a row loses if it goes right.
    lost: u8,
}

/// A tree of at most 32 leaves.
#[derive(Clone, Debug)]
pub(super) struct MaskTree {
    /// Where the tests of each eight leaves start, and where the last ones end.
    tests: [usize; BYTES + 1],
    leaves: [f32; MAX_LEAVES],
}

/// Thresholds of a slot that rows are compared with.
#[derive(Clone, Debug)]
struct Thresholds {
    slot: usize,
    /// At most [`MAX_CODES`] keys, ascending.
    keys: Vec<u32>,
}

/// The trees that have a mask form.
#[derive(Clone, Debug, Default)]
pub(super) struct Masks {
    columns: Vec<Thresholds>,
    tests: Vec<Test>,
    trees: Vec<Option<MaskTree>>,
}

impl Masks {
    /// The mask form of the small trees of a layout.
    pub(super) fn new(layout: &Layout) -> Self {
        let spans = || (0..layout.trees.len()).map(|tree| layout.span(tree));
        let is_small = |span: &Range<usize>| span.len().div_ceil(2) <= MAX_LEAVES;
        let nodes = spans().filter(is_small).flat_map(|span| &layout.nodes[span]);
        let mut masks = Self { columns: columns(nodes), ..Self::default() };
        for span in spans() {
            let tree = is_small(&span).then(|| masks.add(layout, span));
            masks.trees.push(tree);
        }
        masks
    }

    fn add(&mut self, layout: &Layout, span: Range<usize>) -> MaskTree {
        let (mut splits, mut leaves) = (Vec::new(), Vec::new());
        add_subtree(layout, span.start, &mut leaves, &mut splits);
        leaves.resize(MAX_LEAVES, 0.0);
        let mut tests = [self.tests.len(); BYTES + 1];
        let place = |(node, lost): (FlatNode, u32)| {
            let (column, code) = compared(&self.columns, node);
            (column, code, lost.to_le_bytes())
        };
        let splits: Vec<_> = splits.into_iter().map(place).collect();
        for byte in 0..BYTES {
            let test = |&(column, code, lost): &(_, _, [u8; BYTES])| {
                Some(Test { column, code, lost: lost[byte] }).filter(|test| test.lost != 0)
            };
            self.tests.extend(splits.iter().filter_map(test));
            tests[byte + 1] = self.tests.len();
        }
        MaskTree { tests, leaves: std::array::from_fn(|at| leaves[at]) }
    }

    /// The mask form of each tree, if it is small.
    pub(super) fn trees(&self) -> &[Option<MaskTree>] {
        &self.trees
    }

    /// How many columns the codes of a group of rows have.
    pub(super) fn n_columns(&self) -> usize {
        self.columns.len()
    }

    /// Writes the codes of a group of rows.
    pub(super) fn encode(&self, keys: &[Column<u32>], codes: &mut [Column<i8>]) {
        for (column, codes) in self.columns.iter().zip(codes) {
            for (code, key) in codes.iter_mut().zip(&keys[column.slot]) {
                *code = to_code(column.keys.partition_point(|threshold| threshold <= key));
            }
        }
    }

    /// The leaves of a group of rows.
    #[inline]
    pub(super) fn leaves(&self, tree: &MaskTree, codes: &[Column<i8>]) -> Column<f32> {
        let mut alive = [[0; ROWS]; BYTES];
        for (alive, tests) in alive.iter_mut().zip(tree.tests.windows(2)) {
            keep_alive(&self.tests[tests[0]..tests[1]], codes, alive);
        }
        let mut leaves = [0.0; ROWS];
        let [first, second, third, fourth] = &alive;
        for (row, leaf) in leaves.iter_mut().enumerate() {
            let alive = u32::from_le_bytes([first[row], second[row], third[row], fourth[row]]);
            // No split takes the last leaf away. Saying so spares a test for zero.
            let alive = alive | 1 << (MAX_LEAVES - 1);
            *leaf = tree.leaves[alive.trailing_zeros() as usize];
        }
        leaves
    }
}

/// The columns that the thresholds of `nodes` make, those of a slot one after another.
fn columns<'n>(nodes: impl Iterator<Item = &'n FlatNode>) -> Vec<Thresholds> {
    let splits = nodes.filter(|node| !node.is_leaf());
    let mut pairs: Vec<(usize, u32)> = splits.map(|node| (node.slot(), node.key)).collect();
    pairs.sort_unstable();
    pairs.dedup();
    let slots = pairs.chunk_by(|a, b| a.0 == b.0).flat_map(|slot| slot.chunks(MAX_CODES));
    slots
        .map(|pairs| Thresholds {
            slot: pairs[0].0,
            keys: pairs.iter().map(|&(_, key)| key).collect(),
        })
        .collect()
}

/// The column that a split compares, and the greatest code that goes left.
fn compared(columns: &[Thresholds], node: FlatNode) -> (u32, i8) {
    let last = |column: &Thresholds| (column.slot, *column.keys.last().unwrap_or(&0));
    let column = columns.partition_point(|column| last(column) < (node.slot(), node.key));
    let at = columns[column].keys.partition_point(|key| *key < node.key);
    (column as u32, to_code(at))
}

/// A count of thresholds, at most [`MAX_CODES`], as a signed byte, which is faster to compare.
fn to_code(count: usize) -> i8 {
    (count as u8 ^ 1 << 7) as i8
}

/// Lists the splits of a subtree with the leaves that each takes away, and its leaves from left
/// to right. It is at most 31 levels deep.
fn add_subtree(
    layout: &Layout,
    at: usize,
    leaves: &mut Vec<f32>,
    splits: &mut Vec<(FlatNode, u32)>,
) {
    let node = layout.nodes[at];
    if node.is_leaf() {
        leaves.push(layout.values[at]);
        return;
    }
    let left = at + node.ahead() as usize;
    let before = leaves.len();
    add_subtree(layout, left, leaves, splits);
    // The right subtree has a leaf, so there are at most 31 so far.
    splits.push((node, (1 << leaves.len()) - (1 << before)));
    add_subtree(layout, left + 1, leaves, splits);
}

/// Leaves in `alive` the leaves that no split takes away.
///
/// It is not inlined, and works on a variable of its own, because that is to stay in vector
/// registers.
#[inline(never)]
fn keep_alive(tests: &[Test], codes: &[Column<i8>], alive: &mut Column<u8>) {
    let mut left = [u8::MAX; ROWS];
    for &Test { column, code: last, lost } in tests {
        for (left, &code) in left.iter_mut().zip(&codes[column as usize]) {
            *left &= !(u8::from(code > last).wrapping_neg() & lost);
        }
    }
    *alive = left;
}
