//! The compact binary form of a forest inside predictor packages.
//!
//! Little-endian; `varint` as in `bytes.rs`:
//!
//! ```text
//! magic        8 bytes   "nnmfrst" and the version, 1
//! n_features   varint
//! n_leaves     varint    different leaf values, then each:
//!   value      f64       ascending
//! n_tests      varint    different tests, then each:
//!   feature    varint    2 * feature + (missing values go left), not descending
//!   threshold  f32       left when the feature is below it; ascending for the same feature
//! n_trees      varint
//!   n_nodes    varint    of each tree, then its nodes breadth first:
//!     node     varint    below n_leaves a leaf value, else n_leaves + a test
//! ```
//!
//! A fitted forest has few different leaf values and tests, so that a node takes two or three bytes
//! instead of scikit-learn's 64. The children of a tree's k-th split are its nodes 1 + 2k and
//! 2 + 2k. A forest has one encoding.

use std::collections::HashMap;

use super::bytes::{Reader, put_varint};
use super::forest::{Forest, MAX_LEAVES};
use super::walker::{Node, Tree};
use crate::error::{Error, ErrorKind, Result};

const MAGIC: &[u8; 8] = b"nnmfrst\x01";

/// What a split asks: twice the feature, plus 1 if missing values go left; and the threshold.
type Test = (u64, f32);

impl Forest {
    /// Encodes the forest; the same forest gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let trees = self.layout.to_trees();
        let tests = different_tests(&trees);
        let places: HashMap<(u64, u32), u64> =
            (0..).zip(&tests).map(|(at, test)| ((test.0, test.1.to_bits()), at)).collect();
        let mut out = MAGIC.to_vec();
        put_varint(&mut out, self.n_features as u64);
        put_varint(&mut out, self.leaves.len() as u64);
        self.leaves.iter().for_each(|value| out.extend(value.to_le_bytes()));
        put_varint(&mut out, tests.len() as u64);
        for (feature, threshold) in tests {
            put_varint(&mut out, feature);
            out.extend(threshold.to_le_bytes());
        }
        put_varint(&mut out, trees.len() as u64);
        let code = |node: &Node| match *node {
            Node::Leaf { value } => value as u64,
            Node::Split { feature, threshold, default_left, .. } => {
                let test = (asked(feature, default_left), threshold.to_bits());
                self.leaves.len() as u64 + places[&test]
            }
        };
        for tree in &trees {
            put_varint(&mut out, tree.nodes.len() as u64);
            tree.nodes.iter().for_each(|node| put_varint(&mut out, code(node)));
        }
        out
    }

    /// Decodes what [`Forest::to_bytes`] wrote, and checks all of it.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownFormat`] for other bytes or another version, [`ErrorKind::Malformed`]
    /// for an encoding that `to_bytes` does not write, [`ErrorKind::BadModel`] as for
    /// [`Forest::new`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let Some(rest) = bytes.strip_prefix(MAGIC) else {
            return Err(Error::new(ErrorKind::UnknownFormat, "forest", "other leading bytes")
                .expected("\"nnmfrst\" and version 1"));
        };
        let mut reader = Reader::new(bytes.len(), rest);
        let n_features = reader.varint()? as usize;
        let leaves = leaves(&mut reader)?;
        let tests = tests(&mut reader)?;
        let n_trees = reader.count(2)?;
        let mut used = vec![false; leaves.len() + tests.len()];
        let trees = (0..n_trees).map(|_| tree(&mut reader, leaves.len(), &tests, &mut used));
        let trees: Vec<Tree> = trees.collect::<Result<_>>()?;
        if !reader.rest.is_empty() {
            let found = format!("{} bytes follow the last tree", reader.rest.len());
            return Err(reader.error(found));
        }
        match used.iter().position(|used| !used) {
            Some(index) => Err(reader.error(format!("no node uses entry #{index}"))),
            None => Self::from_parts(n_features, &trees, leaves),
        }
    }
}

/// A feature and where missing values go, as one number.
fn asked(feature: u32, default_left: bool) -> u64 {
    2 * u64::from(feature) + u64::from(default_left)
}

fn test_of(node: &Node) -> Option<Test> {
    match *node {
        Node::Leaf { .. } => None,
        Node::Split { feature, threshold, default_left, .. } => {
            Some((asked(feature, default_left), threshold))
        }
    }
}

fn order(a: &Test, b: &Test) -> std::cmp::Ordering {
    a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
}

fn different_tests(trees: &[Tree]) -> Vec<Test> {
    let mut tests: Vec<Test> =
        trees.iter().flat_map(|tree| &tree.nodes).filter_map(test_of).collect();
    tests.sort_unstable_by(order);
    tests.dedup_by(|a, b| order(a, b).is_eq());
    tests
}

fn leaves(reader: &mut Reader<'_>) -> Result<Vec<f64>> {
    let n_leaves = reader.count(size_of::<f64>())?;
    if n_leaves > MAX_LEAVES {
        return Err(reader.error(format!("{n_leaves} different leaf values")));
    }
    let mut leaves = Vec::with_capacity(n_leaves);
    for _ in 0..n_leaves {
        let value = reader.f64()?;
        let ascends = leaves.last().is_none_or(|last: &f64| last.total_cmp(&value).is_lt());
        if !(value.is_finite() && ascends) {
            return Err(reader.error(format!("leaf value {value}")).expected("finite, ascending"));
        }
        leaves.push(value);
    }
    Ok(leaves)
}

fn tests(reader: &mut Reader<'_>) -> Result<Vec<Test>> {
    let n_tests = reader.count(5)?;
    let mut tests: Vec<Test> = Vec::with_capacity(n_tests);
    for _ in 0..n_tests {
        let test = (reader.varint()?, reader.f32()?);
        if tests.last().is_some_and(|last| !order(last, &test).is_lt()) {
            return Err(reader.error("a test out of order").expected("ascending ones"));
        }
        tests.push(test);
    }
    Ok(tests)
}

fn tree(
    reader: &mut Reader<'_>,
    n_leaves: usize,
    tests: &[Test],
    used: &mut [bool],
) -> Result<Tree> {
    let n_nodes = reader.count(1)?;
    let mut nodes = Vec::with_capacity(n_nodes);
    let mut next_child = 1;
    for _ in 0..n_nodes {
        let code = reader.varint()? as usize;
        match used.get_mut(code) {
            Some(used) => *used = true,
            None => return Err(reader.error(format!("node {code}"))),
        }
        let Some(&(feature, threshold)) = code.checked_sub(n_leaves).map(|test| &tests[test])
        else {
            nodes.push(Node::Leaf { value: code as f32 });
            continue;
        };
        let (left, right) = (next_child, next_child + 1);
        next_child += 2;
        let default_left = feature % 2 == 1;
        let feature = u32::try_from(feature / 2)
            .map_err(|_| reader.error(format!("feature {}", feature / 2)))?;
        nodes.push(Node::Split { feature, threshold, default_left, left, right });
    }
    Ok(Tree { nodes })
}
