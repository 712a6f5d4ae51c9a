//! Prediction of many rows: equal rows once, the others in blocks, one tree after another over all
//! rows of a block.
//!
//! Each row's sum takes its leaves in tree order, so the bits are those of row-by-row prediction.

use std::collections::HashMap;

use super::additive::{Additive, predict_row};
use super::flat::{LANES, Layout, Span, walk};
use super::keys::Slots;
use super::masks::{Column, ROWS};

/// How many keys a block of rows has at most: few enough that they stay in the second-level cache,
/// enough that a tree larger than that is fetched once for many rows.
const BLOCK_KEYS: usize = 1 << 17;

/// At most so many rows that fill no group are predicted one by one.
const MAX_SINGLE: usize = ROWS / 4;

/// From so many steps on, those to the deepest leaf of every tree, looking for equal rows costs
/// little of what it may save: 70 ns a row, where a prediction takes 1000 ns or more.
const MIN_STEPS_TO_COMPARE: u32 = 5_000;

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
    let steps: u32 = model.layout().trees.iter().map(|tree| tree.depth).sum();
    if out.len() <= ROWS || steps < MIN_STEPS_TO_COMPARE {
        return predict_each(model, rows, out);
    }
    let (different, places) = different_rows(rows, n_features);
    let mut found = vec![model.start(); different.len() / n_features];
    predict_each(model, &different, &mut found);
    for (out, place) in out.iter_mut().zip(places) {
        *out = found[place];
    }
}

/// The rows of which no two have the same bits, and where among them each row is.
fn different_rows(rows: &[f32], n_features: usize) -> (Vec<f32>, Vec<usize>) {
    let bits: Vec<u32> = rows.iter().map(|value| value.to_bits()).collect();
    let mut different = Vec::with_capacity(rows.len());
    let mut places = HashMap::with_capacity(rows.len() / n_features);
    let place = |(bits, row)| {
        let next = places.len();
        *places.entry(bits).or_insert_with(|| {
            different.extend_from_slice(row);
            next
        })
    };
    let found = bits.chunks_exact(n_features).zip(rows.chunks_exact(n_features)).map(place);
    let found = found.collect();
    (different, found)
}

fn predict_each<M: Additive>(model: &M, rows: &[f32], out: &mut [M::Sum]) {
    let n_features = model.row_len();
    let single = Some(out.len() % ROWS).filter(|rest| *rest <= MAX_SINGLE).unwrap_or(0);
    let (out, single_out) = out.split_at_mut(out.len() - single);
    let (rows, single_rows) = rows.split_at(out.len() * n_features);
    let n_slots = model.layout().slots.len().max(1);
    let block = (BLOCK_KEYS / n_slots / ROWS).max(1) * ROWS;
    for (rows, out) in rows.chunks(block * n_features).zip(out.chunks_mut(block)) {
        predict_block(model, rows, out);
    }
    for (row, out) in single_rows.chunks(n_features).zip(single_out) {
        *out = predict_row(model, row);
    }
}

/// Predicts a block of rows, which `out` first has the sums of.
fn predict_block<M: Additive>(model: &M, rows: &[f32], out: &mut [M::Sum]) {
    let (layout, masks) = (model.layout(), model.layout().masks());
    let (n_slots, n_columns) = (layout.slots.len().max(1), masks.n_columns().max(1));
    let n_groups = out.len().div_ceil(ROWS);
    let mut keys = vec![[0; ROWS]; n_groups * n_slots];
    let mut codes = vec![[0; ROWS]; n_groups * n_columns];
    let groups = keys.chunks_exact_mut(n_slots).zip(codes.chunks_exact_mut(n_columns));
    for ((keys, codes), rows) in groups.zip(rows.chunks(ROWS * model.row_len())) {
        transpose(&layout.slots, rows, model.row_len(), keys);
        masks.encode(keys, codes);
    }
    out.fill(model.start());
    for (tree, small) in layout.trees.iter().zip(masks.trees()) {
        let groups = out.chunks_mut(ROWS);
        match small {
            Some(tree) => {
                for (codes, sums) in codes.chunks_exact(n_columns).zip(groups) {
                    for (sum, leaf) in sums.iter_mut().zip(masks.leaves(tree, codes)) {
                        *sum += model.leaf(leaf);
                    }
                }
            }
            None => {
                for (keys, sums) in keys.chunks_exact(n_slots).zip(groups) {
                    add_leaves(model, *tree, keys, sums);
                }
            }
        }
    }
    out.iter_mut().for_each(|sum| *sum = model.finish(*sum));
}

/// Writes the keys of a group of rows as columns. Rows that the group lacks keep zeros, which lead
/// to some leaf.
fn transpose(slots: &Slots, rows: &[f32], n_features: usize, columns: &mut [Column<u32>]) {
    for (lane, row) in rows.chunks_exact(n_features).enumerate() {
        for (column, key) in columns.iter_mut().zip(slots.keys(row)) {
            column[lane] = key;
        }
    }
}

/// Adds the leaves of a large tree to the sums of a group of rows.
fn add_leaves<M: Additive>(model: &M, tree: Span, keys: &[Column<u32>], sums: &mut [M::Sum]) {
    let Layout { nodes, values, .. } = model.layout();
    for (sums, first) in sums.chunks_mut(LANES).zip((0..).step_by(LANES)) {
        let key = |lane, slot: usize| keys[slot][first + lane];
        let leaves = walk(nodes, [tree.root; LANES], tree.depth, key);
        for (sum, leaf) in sums.iter_mut().zip(leaves) {
            *sum += model.leaf(values[leaf as usize]);
        }
    }
}
