//! Intervals, probabilities and flags of predictions, on a network of one convolution.

use nnmeter_core::builder::GraphBuilder;
use nnmeter_core::feature::Feature;
use nnmeter_core::kind::Kind;
use nnmeter_core::model::{FittedRange, KernelModel, Parametric, Term, WindowClass};
use nnmeter_core::op::{Conv, Layout, Op};
use nnmeter_core::predict::{FittedModel, Interval, Prediction, Predictor};
use nnmeter_core::rules::FusionRules;
use nnmeter_core::tensor::{Constant, DType, Dim, TensorType};
use nnmeter_core::typed::TypedGraph;
use nnmeter_core::uncertainty::{OutsideFit, Quantiles, Uncertainty};
use nnmeter_core::units::Millis;
use proptest::prelude::*;

/// A pointwise convolution of 8 x 8 pixels from `cin` to 8 channels.
fn network(cin: usize) -> TypedGraph {
    let mut builder = GraphBuilder::new();
    let image = [1, cin, 8, 8].map(Dim::Known).to_vec();
    builder.node("x", Op::Input(DType::F32, Some(image)), [], &["x"]).expect("an input");
    let filter = TensorType::f32([8, cin, 1, 1]);
    builder.constant("w", Constant::opaque(filter)).expect("a constant");
    builder.node("c", Op::Conv(Conv::default()), ["x", "w"], &["y"]).expect("a convolution");
    let graph = builder.finish(Layout::ChannelsFirst).expect("a graph");
    graph.infer_shapes().expect("known shapes")
}

/// A device that takes 1 ms for each input channel, fitted on 8 to 64 channels and 10 to 50 ms.
fn predict(cin: usize) -> Prediction<Millis> {
    let rate = Term { feature: Feature::Cin, window: WindowClass::Any, rate: 1.0 };
    let model = KernelModel::Parametric(Parametric::new(vec![rate]).expect("a rate"));
    let range = FittedRange::new(vec![(Feature::Cin, 8.0..=64.0)]);
    let inside = vec![(0.01, -0.3), (0.05, -0.1), (0.5, 0.02), (0.95, 0.2), (0.99, 0.5)];
    let outside = vec![(0.05, -0.7), (0.95, 0.7)];
    let inside = Quantiles::new(inside).expect("they rise");
    let outside = Quantiles::new(outside).expect("they rise");
    let uncertainty = Uncertainty::new(0.9, inside, outside, 10.0..=50.0).expect("a level");
    let rules = FusionRules::from_json(b"{}").expect("no rules");
    let device = Predictor::new(rules, [(Kind::Conv, FittedModel { model, range })], uncertainty);
    device.predict(&network(cin))
}

fn is_near(found: Millis, right: f64) -> bool {
    (found.0 / right - 1.0).abs() < 1e-9
}

#[test]
fn an_interval_at_any_level() {
    let prediction = predict(20);
    let Interval { low, high, level } = prediction.interval.expect("known");
    assert!(is_near(low, 20.0 * (-0.1_f64).exp()) && is_near(high, 20.0 * 0.2_f64.exp()));
    assert_eq!((level, prediction.interval), (0.9, prediction.interval_at(0.9)));
    let Interval { low, high, .. } = prediction.interval_at(0.98).expect("known");
    assert!(is_near(low, 20.0 * (-0.3_f64).exp()) && is_near(high, 20.0 * 0.5_f64.exp()));
    let beyond = Interval { low: Millis(0.0), high: Millis(f64::INFINITY), level: 0.999 };
    assert_eq!(prediction.interval_at(0.999), Some(beyond));
}

#[test]
fn flags_say_what_lies_outside() {
    use OutsideFit::{Kernels, LargeTotal, SmallTotal};
    for (cin, flags, width) in [
        (20, &[][..], 0.3),
        (8, &[SmallTotal][..], 1.4),
        (4, &[Kernels, SmallTotal][..], 1.4),
        (60, &[LargeTotal][..], 1.4),
        (70, &[Kernels, LargeTotal][..], 1.4),
    ] {
        let prediction = predict(cin);
        assert_eq!(prediction.outside_fit.as_slice(), flags, "{cin}");
        let Interval { low, high, .. } = prediction.interval.expect("known");
        assert!(((high.0 / low.0).ln() - width).abs() < 1e-9, "{cin}");
    }
}

#[test]
fn budgets_that_make_no_sense_are_never_kept() {
    let prediction = predict(20);
    for budget in [0.0, -1.0, f64::NAN, f64::NEG_INFINITY] {
        assert_eq!(prediction.probability_within(Millis(budget)), Some(0.0), "{budget}");
    }
    // No surer than the quantiles are.
    assert_eq!(prediction.probability_within(Millis(f64::INFINITY)), Some(0.99));
    assert_eq!(prediction.probability_within(Millis(1e-9)), Some(0.01));
}

proptest! {
    #[test]
    fn more_budget_is_never_less_probable(a in 0.0..80.0, b in 0.0..80.0, cin in 1_usize..80) {
        let prediction = predict(cin);
        let (less, more) = if a < b { (a, b) } else { (b, a) };
        let probability = |budget| prediction.probability_within(Millis(budget)).expect("known");
        prop_assert!(probability(less) <= probability(more));
        prop_assert!((0.0..=1.0).contains(&probability(more)));
    }

    #[test]
    fn the_ends_of_intervals_are_budgets_of_their_probability(
        level in 0.0..0.9,
        cin in 1_usize..80,
    ) {
        let prediction = predict(cin);
        let Interval { low, high, .. } = prediction.interval_at(level).expect("known");
        let probability = |budget| prediction.probability_within(budget).expect("known");
        let above = probability(high) - (0.5 + level / 2.0);
        let below = probability(low) - (0.5 - level / 2.0);
        prop_assert!(above.abs() < 1e-6 && below.abs() < 1e-6, "{} {}", above, below);
    }
}
