//! Ensembles and batches at which inference changes its ways: more thresholds than a byte counts,
//! more features than fit one block of many rows, enough trees that equal rows are looked for, and
//! sizes beyond the layout's.

use nnmeter_core::ensemble::{Ensemble, Node, PlainEnsemble, Tree};

use super::predict_all_ways;

/// Numbers that look random (xorshift).
struct Noise(u64);

impl Noise {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }

    /// A number of which there are `count`, from below zero to above.
    fn value(&mut self, count: usize) -> f32 {
        (self.below(count) as f32 - count as f32 / 3.0) / 8.0
    }

    fn feature_value(&mut self, count: usize) -> f32 {
        match self.below(20) {
            0 => f32::NAN,
            1 => f32::INFINITY,
            2 => f32::NEG_INFINITY,
            _ => self.value(count),
        }
    }

    fn tree(&mut self, n_leaves: usize, n_features: usize, n_thresholds: usize) -> Tree {
        let mut nodes = vec![Node::Leaf { value: 0.5 }];
        let mut leaves = vec![0];
        for _ in 1..n_leaves {
            let at = leaves.swap_remove(self.below(leaves.len()));
            let left = nodes.len() as u32;
            nodes[at as usize] = Node::Split {
                feature: self.below(n_features) as u32,
                threshold: self.value(n_thresholds),
                default_left: self.below(2) == 0,
                left,
                right: left + 1,
            };
            for child in [left, left + 1] {
                nodes.push(Node::Leaf { value: self.value(1000) });
                leaves.push(child);
            }
        }
        Tree { nodes }
    }
}

fn ensemble(n_features: usize, trees: Vec<Tree>) -> Ensemble {
    Ensemble::new(&PlainEnsemble { n_features, trees, ..Default::default() }).unwrap()
}

#[test]
fn more_thresholds_than_a_byte_counts() {
    let mut noise = Noise(1);
    for n_trees in [17, 200] {
        let trees = (0..n_trees).map(|at| noise.tree(1 + at % 32, 2, 900)).collect();
        let rows: Vec<f32> = (0..2 * 300).map(|_| noise.feature_value(900)).collect();
        predict_all_ways(&ensemble(2, trees), &rows);
    }
}

#[test]
fn equal_rows_among_others() {
    let mut noise = Noise(2);
    let trees = (0..2000).map(|at| noise.tree(if at % 100 == 0 { 40 } else { 8 }, 3, 20)).collect();
    // Few values, so that rows repeat, some of them with missing values.
    let rows: Vec<f32> = (0..3 * 400).map(|_| noise.feature_value(5)).collect();
    predict_all_ways(&ensemble(3, trees), &rows);
}

#[test]
fn many_features_and_rows_in_several_blocks() {
    let mut noise = Noise(3);
    let sizes = [400, 31, 32, 33, 700, 5];
    let trees = sizes.map(|n_leaves| noise.tree(n_leaves, 500, 50)).to_vec();
    let rows: Vec<f32> = (0..500 * 700).map(|_| noise.feature_value(50)).collect();
    predict_all_ways(&ensemble(500, trees), &rows);
}

#[test]
fn sizes_beyond_the_layout_are_refused() {
    let chain = |n_splits: u32| {
        let leaf = Node::Leaf { value: 1.0 };
        let split = |feature| Node::Split {
            feature,
            threshold: 0.0,
            default_left: feature % 2 == 0,
            left: 2 * feature + 2,
            right: 2 * feature + 1,
        };
        Tree { nodes: (0..n_splits).flat_map(|at| [split(at), leaf]).chain([leaf]).collect() }
    };
    let refusal = |n_features, tree| {
        let plain = PlainEnsemble { n_features, trees: vec![tree], ..Default::default() };
        Ensemble::new(&plain).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(refusal(2000, chain(1024)), Ok(()));
    expect_test::expect![[r#"
        Err(
            "tree #0, node #2048: splits on feature 1024, one too many; expected at most 1024 features in all splits",
        )
    "#]]
    .assert_debug_eq(&refusal(2000, chain(1025)));
    expect_test::expect![[r#"
        Err(
            "tree ensemble: 3 nodes over 65537 features; expected at most 4294967295 over 65536",
        )
    "#]]
    .assert_debug_eq(&refusal(65537, chain(1)));
}
