//! Tree ensemble inference: the fast path against the plain walker, for one row and for 10,000, on
//! 1,000 trees of 31 leaves and on 100 trees of 500, which are too large for the mask form.
//!
//! The trees are grown leaf by leaf at random, as LightGBM's and loss-guided XGBoost's are in
//! shape. Run it with `cargo bench --bench ensemble`.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use nnmeter_core::ensemble::{Ensemble, Node, PlainEnsemble, Tree};

const N_FEATURES: usize = 16;
const N_ROWS: usize = 10_000;

/// A small fixed generator (splitmix64), so that every run has the same trees.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// Uniform from 0 to 1.
    fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1 << 24) as f32
    }
}

fn tree(random: &mut Random, n_leaves: usize) -> Tree {
    let mut nodes = vec![Node::Leaf { value: 0.0 }];
    let mut leaves = vec![0];
    for _ in 1..n_leaves {
        let at = leaves.swap_remove(random.below(leaves.len()));
        let left = nodes.len();
        nodes[at] = Node::Split {
            feature: random.below(N_FEATURES) as u32,
            threshold: random.unit(),
            default_left: random.below(2) == 0,
            left: left as u32,
            right: left as u32 + 1,
        };
        for child in [left, left + 1] {
            nodes.push(Node::Leaf { value: random.unit() - 0.5 });
            leaves.push(child);
        }
    }
    Tree { nodes }
}

fn ensemble(random: &mut Random, n_trees: usize, n_leaves: usize) -> (PlainEnsemble, Ensemble) {
    let trees = (0..n_trees).map(|_| tree(random, n_leaves)).collect();
    let plain = PlainEnsemble { n_features: N_FEATURES, trees, ..Default::default() };
    let ensemble = Ensemble::new(&plain).expect("the trees are valid");
    (plain, ensemble)
}

fn bench(c: &mut Criterion) {
    let mut random = Random(1);
    let small = ensemble(&mut random, 1_000, 31);
    let large = ensemble(&mut random, 100, 500);
    let rows: Vec<f32> = (0..N_ROWS * N_FEATURES).map(|_| random.unit()).collect();
    let mut missing = rows.clone();
    missing.iter_mut().step_by(10).for_each(|value| *value = f32::NAN);

    bench_row(c, "1000 trees of 31 leaves, 1 row", &small, &rows);
    bench_rows(c, "1000 trees of 31 leaves, 10000 rows", &small, &rows);
    bench_rows(c, "1000 trees of 31 leaves, 10000 rows, a tenth missing", &small, &missing);
    bench_row(c, "100 trees of 500 leaves, 1 row", &large, &rows);
    bench_rows(c, "100 trees of 500 leaves, 10000 rows", &large, &rows);
}

/// Another row each time: the same one again and again, the branch predictor learns by heart.
fn bench_row(c: &mut Criterion, name: &str, models: &(PlainEnsemble, Ensemble), rows: &[f32]) {
    let (plain, ensemble) = models;
    let mut next = rows.chunks_exact(N_FEATURES).cycle();
    let mut next = || next.next().expect("a cycle has no end");
    let mut group = c.benchmark_group(name);
    group.bench_function("walker", |b| b.iter(|| plain.predict_row(black_box(next()))));
    group.bench_function("fast", |b| b.iter(|| ensemble.predict_row(black_box(next()))));
    group.finish();
}

fn bench_rows(c: &mut Criterion, name: &str, models: &(PlainEnsemble, Ensemble), rows: &[f32]) {
    let (plain, ensemble) = models;
    let mut out = vec![0.0; N_ROWS];
    let mut group = c.benchmark_group(name);
    group.sample_size(10);
    group.bench_function("walker", |b| {
        b.iter(|| {
            for (row, out) in black_box(rows).chunks_exact(N_FEATURES).zip(&mut out) {
                *out = plain.predict_row(row);
            }
        });
    });
    group.bench_function("fast", |b| {
        b.iter(|| ensemble.predict_rows(black_box(rows), N_FEATURES, black_box(&mut out)));
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
