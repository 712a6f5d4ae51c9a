//! Properties over random ensembles: the fast path gives the plain walker's bits, and the binary
//! form gives the ensemble back.

use nnmeter_core::ensemble::{Ensemble, Link, Node, PlainEnsemble, Tree};
use nnmeter_core::error::ErrorKind;
use proptest::prelude::*;

use super::predict_all_ways;

/// Values that make ties likely and cover the special ones; NaN is added for features.
fn value() -> impl Strategy<Value = f32> {
    let special = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        2.5,
        f32::MIN_POSITIVE,
        1e-45,
        f32::MAX,
        f32::MIN,
        f32::INFINITY,
        f32::NEG_INFINITY,
    ];
    prop_oneof![3 => prop::sample::select(special.to_vec()).boxed(), 1 => (-3.0f32..3.0).boxed()]
}

fn feature_value() -> impl Strategy<Value = f32> {
    prop_oneof![4 => value().boxed(), 1 => Just(f32::NAN).boxed()]
}

/// Grows a tree from a leaf: each entry splits one of the leaves so far.
fn tree(n_features: u32, max_splits: usize) -> impl Strategy<Value = Tree> {
    let split = (any::<prop::sample::Index>(), 0..n_features, value(), any::<bool>());
    let splits = prop::collection::vec(split, 0..=max_splits);
    let leaves = prop::collection::vec(-1e3f32..1e3, max_splits + 1);
    (splits, leaves).prop_map(|(splits, values)| {
        let mut values = values.into_iter();
        let mut nodes = vec![None];
        let mut leaves = vec![0];
        for (which, feature, threshold, default_left) in splits {
            let at = leaves.swap_remove(which.index(leaves.len()));
            // The right child comes first, so that siblings are not in the order of the layout.
            let (right, left) = (nodes.len() as u32, nodes.len() as u32 + 1);
            nodes[at as usize] =
                Some(Node::Split { feature, threshold, default_left, left, right });
            nodes.extend([None, None]);
            leaves.extend([left, right]);
        }
        let leaf = |node: Option<Node>| {
            node.unwrap_or_else(|| Node::Leaf { value: values.next().unwrap() })
        };
        Tree { nodes: nodes.into_iter().map(leaf).collect() }
    })
}

/// Most trees are small enough for the mask form (32 leaves, 31 splits), some are not.
fn sized_tree(n_features: u32) -> impl Strategy<Value = Tree> {
    prop_oneof![
        3 => tree(n_features, 12).boxed(),
        1 => tree(n_features, 33).boxed(),
        1 => tree(n_features, 80).boxed(),
    ]
}

fn ensemble() -> impl Strategy<Value = PlainEnsemble> {
    (1u32..6, prop::bool::ANY, -1e3f32..1e3, prop::bool::ANY).prop_flat_map(
        |(n_features, exp, base_score, named)| {
            prop::collection::vec(sized_tree(n_features), 0..20).prop_map(move |trees| {
                PlainEnsemble {
                    base_score,
                    link: if exp { Link::Exp } else { Link::Identity },
                    n_features: n_features as usize,
                    feature_names: named
                        .then(|| (0..n_features).map(|i| format!("f{i}")).collect()),
                    trees,
                }
            })
        },
    )
}

fn ensemble_and_rows() -> impl Strategy<Value = (PlainEnsemble, Vec<f32>)> {
    (ensemble(), 0usize..150, any::<bool>()).prop_flat_map(|(plain, n_rows, missing)| {
        let value = if missing { feature_value().boxed() } else { value().boxed() };
        let rows = prop::collection::vec(value, n_rows * plain.n_features);
        (Just(plain), rows)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_fast_path_is_the_walker((plain, rows) in ensemble_and_rows()) {
        let ensemble = Ensemble::new(&plain).unwrap();
        let fast = predict_all_ways(&ensemble, &rows);
        for (row, fast) in rows.chunks(plain.n_features).zip(fast) {
            prop_assert_eq!(plain.predict_row(row).to_bits(), fast.to_bits());
        }
    }

    #[test]
    fn the_binary_form_gives_the_ensemble_back(plain in ensemble()) {
        let ensemble = Ensemble::new(&plain).unwrap();
        let bytes = ensemble.to_bytes();
        let back = Ensemble::from_bytes(&bytes).unwrap();
        prop_assert_eq!(&back, &ensemble);
        prop_assert_eq!(back.to_bytes(), bytes);
        prop_assert_eq!(Ensemble::new(&back.to_plain()).unwrap(), ensemble);
    }
}

#[test]
fn chains_around_the_size_of_the_mask_form() {
    for (n_splits, to_left) in (28..36).flat_map(|n| [(n, false), (n, true)]) {
        let mut nodes = Vec::new();
        for at in 0..n_splits {
            let (next, leaf) = (2 * at + 2, 2 * at + 1);
            let (left, right) = if to_left { (next, leaf) } else { (leaf, next) };
            let threshold = if to_left { (n_splits - at) as f32 } else { at as f32 };
            nodes.push(Node::Split { feature: 0, threshold, default_left: to_left, left, right });
            nodes.push(Node::Leaf { value: at as f32 });
        }
        nodes.push(Node::Leaf { value: -1.0 });
        let trees = vec![Tree { nodes }];
        let plain = PlainEnsemble { n_features: 1, trees, ..Default::default() };
        let rows: Vec<f32> = (-2..38).map(|at| at as f32).chain([f32::NAN]).collect();
        let found = predict_all_ways(&Ensemble::new(&plain).unwrap(), &rows);
        assert_eq!(found.last(), Some(&-1.0), "{n_splits} splits");
    }
}

#[test]
fn without_features_every_row_is_the_same() {
    let leaves = [1.0, 2.0, 4.0].map(|value| Tree { nodes: vec![Node::Leaf { value }] });
    let plain = PlainEnsemble { base_score: 0.5, trees: leaves.to_vec(), ..Default::default() };
    let ensemble = Ensemble::new(&plain).unwrap();
    let mut out = [0.0; 9];
    ensemble.predict_rows(&[], 0, &mut out);
    assert_eq!(out, [7.5; 9]);
    assert_eq!(Ensemble::from_bytes(&ensemble.to_bytes()).unwrap(), ensemble);
}

#[test]
fn a_chain_of_many_nodes_is_walked_and_read_back() {
    let n_splits = 20_000;
    let mut nodes = Vec::new();
    for at in 0..n_splits {
        let (left, right) = (2 * at + 1, 2 * at + 2);
        let threshold = at as f32;
        nodes.push(Node::Split { feature: 0, threshold, default_left: true, left, right });
        nodes.push(Node::Leaf { value: threshold });
    }
    nodes.push(Node::Leaf { value: -1.0 });
    let plain = PlainEnsemble { n_features: 1, trees: vec![Tree { nodes }], ..Default::default() };
    let ensemble = Ensemble::new(&plain).unwrap();
    let rows = [-5.0, 0.0, 0.5, 19_998.5, 19_999.0, f32::NAN, f32::INFINITY, 7.0, 8.0, 9.0];
    assert_eq!(predict_all_ways(&ensemble, &rows)[3..7], [19_999.0, -1.0, 0.0, -1.0]);
    assert_eq!(Ensemble::from_bytes(&ensemble.to_bytes()).unwrap(), ensemble);
}

#[test]
fn trees_that_are_none_are_refused() {
    let split = |feature, threshold, left, right| Node::Split {
        feature,
        threshold,
        default_left: false,
        left,
        right,
    };
    let leaf = Node::Leaf { value: 1.0 };
    let cases: [(&str, Vec<Node>); 9] = [
        ("empty", vec![]),
        ("child out of range", vec![split(0, 0.0, 1, 2), leaf]),
        ("cycle", vec![split(0, 0.0, 0, 1), leaf]),
        ("same child twice", vec![split(0, 0.0, 1, 1), leaf]),
        ("shared child", vec![split(0, 0.0, 1, 2), split(0, 0.0, 2, 3), leaf, leaf]),
        ("node apart", vec![leaf, leaf]),
        ("feature out of range", vec![split(1, 0.0, 1, 2), leaf, leaf]),
        ("threshold NaN", vec![split(0, f32::NAN, 1, 2), leaf, leaf]),
        ("leaf infinite", vec![Node::Leaf { value: f32::INFINITY }]),
    ];
    let mut found = String::new();
    for (name, nodes) in cases {
        let trees = vec![Tree { nodes: vec![leaf] }, Tree { nodes }];
        let plain = PlainEnsemble { n_features: 1, trees, ..Default::default() };
        let error = Ensemble::new(&plain).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadModel);
        found += &format!("{name}: {error}\n");
    }
    expect_test::expect![[r#"
        empty: tree #1, node #0: refers to node #0 of 0
        child out of range: tree #1, node #0: refers to node #2 of 2
        cycle: tree #1, node #0: refers to node #0, which has a parent already
        same child twice: tree #1, node #0: refers to node #1, which has a parent already
        shared child: tree #1, node #1: refers to node #2, which has a parent already
        node apart: tree #1, node #1: is no node's child; expected every node but the root to be the child of one split
        feature out of range: tree #1, node #0: splits on feature 1; expected below 1
        threshold NaN: tree #1, node #0: threshold is NaN; expected a number
        leaf infinite: tree #1, node #0: leaf value is inf; expected a finite number
    "#]].assert_eq(&found);
}
