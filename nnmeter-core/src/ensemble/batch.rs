//! Prediction of many rows: in blocks, transposed into groups of sixteen, one tree after another
//! over all groups of a block.
//!
//! Each row's sum takes its leaves in tree order, so the bits are those of row-by-row prediction.

use super::additive::{Additive, predict_row};
use super::flat::walk;
use super::masks::{Column, ROWS};

/// How many groups of rows meet one tree before the next tree: few enough that their features stay
/// in the first-level cache, enough that the tree is fetched once for all of them.
const GROUPS: usize = 4;

/// At most so many rows that fill no group are predicted one by one: a group costs as much as four.
const MAX_SINGLE: usize = 3;

/// Predicts `out.len()` rows, which lie one after another in `rows`: the same bits as
/// [`predict_row`] on each row, faster.
///
/// # Panics
/// If `rows` does not hold as many values as the rows have.
pub(super) fn predict_rows<M: Additive>(model: &M, rows: &[f32], out: &mut [M::Sum]) {
    let n_features = model.row_len();
    assert_eq!(Some(rows.len()), out.len().checked_mul(n_features), "values in the rows");
    if n_features == 0 {
        out.fill(predict_row(model, &[]));
        return;
    }
    let single = Some(out.len() % ROWS).filter(|rest| *rest <= MAX_SINGLE).unwrap_or(0);
    let (out, single_out) = out.split_at_mut(out.len() - single);
    let (rows, single_rows) = rows.split_at(out.len() * n_features);
    let mut columns = vec![[0.0; ROWS]; out.len().div_ceil(ROWS).min(GROUPS) * n_features];
    let blocks = rows.chunks(GROUPS * ROWS * n_features);
    for (rows, out) in blocks.zip(out.chunks_mut(GROUPS * ROWS)) {
        predict_block(model, rows, &mut columns, out);
    }
    for (row, out) in single_rows.chunks(n_features).zip(single_out) {
        *out = predict_row(model, row);
    }
}

/// Predicts a block of rows; `columns` is room for their transposition.
fn predict_block<M: Additive>(model: &M, rows: &[f32], columns: &mut [Column], out: &mut [M::Sum]) {
    let n_groups = out.len().div_ceil(ROWS);
    let columns = &mut columns[..n_groups * model.row_len()];
    transpose(rows, model.row_len(), columns);
    let mut sums = [[model.start(); ROWS]; GROUPS];
    if rows.iter().any(|value| value.is_nan()) {
        add_leaves::<M, true>(model, columns, &mut sums);
    } else {
        add_leaves::<M, false>(model, columns, &mut sums);
    }
    for (out, &sum) in out.iter_mut().zip(sums.as_flattened()) {
        *out = model.finish(sum);
    }
}

fn add_leaves<M: Additive, const MISSING: bool>(
    model: &M,
    columns: &[Column],
    sums: &mut [[M::Sum; ROWS]; GROUPS],
) {
    let layout = model.layout();
    for tree in &layout.trees {
        for (columns, sums) in columns.chunks_exact(model.row_len()).zip(&mut *sums) {
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
                *sum += model.leaf(leaf);
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
