//! Properties over random forests: the fast path gives the plain walker's bits whatever the `f64`
//! thresholds are, and the binary form gives the forest back.

use nnmeter_core::ensemble::{Forest, ForestNode, ForestTree, PlainForest};
use nnmeter_core::error::ErrorKind;
use proptest::prelude::*;

use super::sklearn::{pickles, read};

/// Predicts `rows` in every way there is and checks that all give the same bits.
pub(crate) fn predict_all_ways(forest: &Forest, rows: &[f32]) -> Vec<f64> {
    let n_features = forest.n_features();
    let plain = forest.to_plain();
    let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    let by_walker: Vec<f64> = rows.chunks(n_features).map(|row| plain.predict_row(row)).collect();
    let by_row: Vec<f64> = rows.chunks(n_features).map(|row| forest.predict_row(row)).collect();
    let mut by_block = vec![f64::NAN; by_row.len()];
    forest.predict_rows(rows, n_features, &mut by_block);
    assert_eq!(bits(&by_row), bits(&by_walker), "row by row against the walker");
    assert_eq!(bits(&by_block), bits(&by_walker), "blocks of rows against the walker");
    by_block
}

/// Numbers that make ties likely and cover the edges of `f32`.
const VALUES: [f32; 13] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    2.5,
    0.1,
    f32::MIN_POSITIVE,
    1e-45,
    -1e-45,
    f32::MAX,
    f32::MIN,
    f32::INFINITY,
    f32::NEG_INFINITY,
];

fn feature_value() -> impl Strategy<Value = f32> {
    prop_oneof![
        4 => prop::sample::select(VALUES.to_vec()).boxed(),
        2 => (-3.0f32..3.0).boxed(),
        1 => Just(f32::NAN).boxed(),
    ]
}

/// An `f32` or an `f64` next to one; and numbers beyond all `f32`s.
fn threshold() -> impl Strategy<Value = f64> {
    let value = prop_oneof![prop::sample::select(VALUES.to_vec()).boxed(), (-3.0f32..3.0).boxed()];
    let near = (value, 0..4).prop_map(|(value, which)| match which {
        0 => f64::from(value).next_up(),
        1 => f64::from(value).next_down(),
        _ => f64::from(value),
    });
    prop_oneof![8 => near.boxed(), 1 => prop::sample::select(vec![1e300, -1e300, 1e-300]).boxed()]
}

/// Grows a tree from a leaf: each entry splits one of the leaves so far.
fn tree(n_features: u32, max_splits: usize) -> impl Strategy<Value = ForestTree> {
    let split = (any::<prop::sample::Index>(), 0..n_features, threshold(), any::<bool>());
    let splits = prop::collection::vec(split, 0..=max_splits);
    let leaf = prop_oneof![3 => (-1e3f64..1e3).boxed(), 1 => Just(0.1).boxed()];
    let leaves = prop::collection::vec(leaf, max_splits + 1);
    (splits, leaves).prop_map(|(splits, values)| {
        let mut nodes = vec![None];
        let mut leaves = vec![0];
        for (which, feature, threshold, missing_left) in splits {
            let at = leaves.swap_remove(which.index(leaves.len()));
            let (left, right) = (nodes.len() as u32, nodes.len() as u32 + 1);
            nodes[at as usize] =
                Some(ForestNode::Split { feature, threshold, missing_left, left, right });
            nodes.extend([None, None]);
            leaves.extend([left, right]);
        }
        let mut values = values.into_iter();
        let leaf = |node: Option<ForestNode>| {
            node.unwrap_or_else(|| ForestNode::Leaf { value: values.next().unwrap() })
        };
        ForestTree { nodes: nodes.into_iter().map(leaf).collect() }
    })
}

fn forest_and_rows() -> impl Strategy<Value = (PlainForest, Vec<f32>)> {
    (1u32..6, 0usize..90).prop_flat_map(|(n_features, n_rows)| {
        let tree =
            prop_oneof![3 => tree(n_features, 12).boxed(), 1 => tree(n_features, 60).boxed()];
        let n_features = n_features as usize;
        let forest = prop::collection::vec(tree, 1..14)
            .prop_map(move |trees| PlainForest { n_features, trees });
        (forest, prop::collection::vec(feature_value(), n_rows * n_features))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_fast_path_is_the_walker((plain, rows) in forest_and_rows()) {
        let forest = Forest::new(&plain).unwrap();
        let fast = predict_all_ways(&forest, &rows);
        for (row, fast) in rows.chunks(plain.n_features).zip(fast) {
            prop_assert_eq!(plain.predict_row(row).to_bits(), fast.to_bits());
        }
    }

    #[test]
    fn the_binary_form_gives_the_forest_back((plain, _) in forest_and_rows()) {
        let forest = Forest::new(&plain).unwrap();
        let bytes = forest.to_bytes();
        let back = Forest::from_bytes(&bytes).unwrap();
        prop_assert_eq!(&back, &forest);
        prop_assert_eq!(back.to_bytes(), bytes);
        prop_assert_eq!(Forest::new(&back.to_plain()).unwrap(), forest);
    }

    #[test]
    fn garbage(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Forest::from_bytes(&bytes);
        let _ = Forest::from_bytes(&[b"nnmfrst\x01", &bytes[..]].concat());
        let _ = Forest::from_sklearn(&bytes);
        let _ = Forest::from_sklearn(&[b"\x80\x04", &bytes[..]].concat());
    }
}

/// Truncations and changes of the binary form give errors or forests that have no other form.
#[test]
fn broken_binary_forms() {
    let bytes = read(&pickles(false)[0]).to_bytes();
    let mut broken = bytes.clone();
    for at in 0..bytes.len() {
        assert!(Forest::from_bytes(&bytes[..at]).is_err(), "cut at {at}");
        for flip in [0x01, 0x10, 0x80, 0xff] {
            broken[at] ^= flip;
            if let Ok(forest) = Forest::from_bytes(&broken) {
                assert_eq!(forest.to_bytes(), broken, "changed at {at}");
            }
            broken[at] = bytes[at];
        }
    }
}

#[test]
fn forests_that_are_none_are_refused() {
    let leaf = |value| vec![ForestNode::Leaf { value }];
    let split = |threshold, right| {
        let split = ForestNode::Split { feature: 0, threshold, missing_left: true, left: 1, right };
        vec![split, ForestNode::Leaf { value: 0.0 }, ForestNode::Leaf { value: 1.0 }]
    };
    let cases = [
        vec![],
        vec![leaf(f64::NAN)],
        vec![leaf(0.0), leaf(f64::INFINITY)],
        vec![split(f64::NAN, 2)],
        vec![split(0.0, 3)],
        vec![split(0.0, 0)],
        vec![vec![]],
    ];
    let mut found = String::new();
    for trees in cases {
        let trees = trees.into_iter().map(|nodes| ForestTree { nodes }).collect();
        let error = Forest::new(&PlainForest { n_features: 1, trees }).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadModel);
        found += &format!("{error}\n");
    }
    expect_test::expect![[r#"
        forest: no trees; expected at least one
        forest: node #0 in order is NaN; expected a finite number
        forest: node #1 in order is inf; expected a finite number
        tree #0, node #0: threshold is NaN; expected a number
        tree #0, node #0: refers to node #3 of 3
        tree #0, node #0: refers to node #0, which has a parent already
        tree #0, node #0: refers to node #0 of 0
    "#]]
    .assert_eq(&found);
}
