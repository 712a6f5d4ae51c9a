//! Prediction of many rows: in blocks, transposed into groups of sixteen, one tree after another
//! over all groups of a block.
//!
//! Each row's sum takes its leaves in tree order, so the bits are those of row-by-row prediction.

use super::Ensemble;
use super::flat::walk;
use super::masks::{Column, ROWS};

/// How many groups of rows meet one tree before the next tree: few enough that their features stay
/// in the first-level cache, enough that the tree is fetched once for all of them.
const GROUPS: usize = 4;

/// At most so many rows that fill no group are predicted one by one: a group costs as much as four.
const MAX_SINGLE: usize = 3;

impl Ensemble {
    /// Predicts `out.len()` rows, which lie one after another in `rows`, `n_features` values
    /// each. Gives the same bits as [`Ensemble::predict_row`] on each row, faster.
    ///
    /// # Panics
    /// If `n_features` is not [`Ensemble::n_features`], or `rows` does not hold
    /// `out.len() * n_features` values.
    pub fn predict_rows(&self, rows: &[f32], n_features: usize, out: &mut [f32]) {
        assert_eq!(n_features, self.n_features, "features in a row");
        assert_eq!(Some(rows.len()), out.len().checked_mul(n_features), "values in the rows");
        if n_features == 0 {
            out.fill(self.predict_row(&[]));
            return;
        }
        let single = Some(out.len() % ROWS).filter(|rest| *rest <= MAX_SINGLE).unwrap_or(0);
        let (out, single_out) = out.split_at_mut(out.len() - single);
        let (rows, single_rows) = rows.split_at(out.len() * n_features);
        let mut columns = vec![[0.0; ROWS]; out.len().div_ceil(ROWS).min(GROUPS) * n_features];
        let blocks = rows.chunks(GROUPS * ROWS * n_features);
        for (rows, out) in blocks.zip(out.chunks_mut(GROUPS * ROWS)) {
            self.predict_block(rows, &mut columns, out);
        }
        for (row, out) in single_rows.chunks(n_features).zip(single_out) {
            *out = self.predict_row(row);
        }
    }

    /// Predicts a block of rows; `columns` is room for their transposition.
    fn predict_block(&self, rows: &[f32], columns: &mut [Column], out: &mut [f32]) {
        let n_groups = out.len().div_ceil(ROWS);
        let columns = &mut columns[..n_groups * self.n_features];
        transpose(rows, self.n_features, columns);
        let mut sums = [[self.base_score; ROWS]; GROUPS];
        if rows.iter().any(|value| value.is_nan()) {
            self.add_leaves::<true>(columns, &mut sums);
        } else {
            self.add_leaves::<false>(columns, &mut sums);
        }
        for (out, &sum) in out.iter_mut().zip(sums.as_flattened()) {
            *out = self.link.apply(sum);
        }
    }

    fn add_leaves<const MISSING: bool>(&self, columns: &[Column], sums: &mut [Column; GROUPS]) {
        let layout = &self.layout;
        for tree in &layout.trees {
            for (columns, sums) in columns.chunks_exact(self.n_features).zip(&mut *sums) {
                let leaves = match tree.masks {
                    Some(masks) => layout.masks.leaves(masks, columns),
                    None => walk::<ROWS, MISSING>(
                        &layout.nodes,
                        [tree.root; ROWS],
                        tree.depth,
                        |lane, feature| columns[feature][lane],
                    ),
                };
                for (sum, leaf) in sums.iter_mut().zip(leaves) {
                    *sum += leaf;
                }
            }
        }
    }
}

/// Writes each group of rows as columns. Rows that the last group lacks are left as they are:
/// numbers of a former block, whose predictions nobody reads.
fn transpose(rows: &[f32], n_features: usize, columns: &mut [Column]) {
    let groups = columns.chunks_exact_mut(n_features).zip(rows.chunks(ROWS * n_features));
    for (columns, rows) in groups {
        for (lane, row) in rows.chunks_exact(n_features).enumerate() {
            for (column, &value) in columns.iter_mut().zip(row) {
                column[lane] = value;
            }
        }
    }
}
