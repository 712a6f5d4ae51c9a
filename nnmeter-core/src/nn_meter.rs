//! nn-Meter's view of a kernel: the features that its published regressors are functions of, and
//! forests over them.
//!
//! The features are computed as nn-Meter documents them, not as its prediction code happens to: a
//! global pooling has its height here. What that code does is repeated by nnmeter-hardware's
//! compatibility mode.
//!
//! Source: nn-Meter 2.0, `nn_meter/builder/kernel_predictor_builder/predictor_builder`.

use smallvec::SmallVec;

use crate::ensemble::Forest;
use crate::error::{Error, ErrorKind, Result};
use crate::kind::Kind;
use crate::workload::{CHANNELS, Workload};

/// nn-Meter's features of a kernel.
pub type Row = SmallVec<[f64; 8]>;

/// A forest over nn-Meter's features of one kind of kernel.
#[derive(Clone, Debug)]
pub struct NnMeterForest {
    kind: Kind,
    forest: Forest,
}

impl NnMeterForest {
    /// The model of `kind` that is `forest`.
    ///
    /// # Errors
    /// If nn-Meter has no features for that kind, or another number of them.
    pub fn new(kind: Kind, forest: Forest) -> Result<Self> {
        let wrong =
            |found: String| Error::new(ErrorKind::BadModel, format!("forest of {kind}"), found);
        let Some(count) = feature_count(kind) else {
            return Err(wrong("nn-Meter has no features for this kind of kernel".to_owned()));
        };
        if forest.n_features() == count {
            return Ok(Self { kind, forest });
        }
        let found = format!("reads {} features", forest.n_features());
        Err(wrong(found).expected(format!("{count}, as nn-Meter has for {kind}")))
    }

    /// The forest.
    pub fn forest(&self) -> &Forest {
        &self.forest
    }

    /// Its prediction for `work`, in the unit it was trained in.
    pub fn value(&self, work: &Workload) -> f64 {
        let row = features(&Workload { kind: self.kind, ..*work }).unwrap_or_default();
        self.predict(&row)
    }

    /// Its prediction for a row of nn-Meter's features.
    ///
    /// # Panics
    /// If the row has another length.
    pub fn predict(&self, row: &[f64]) -> f64 {
        let row: SmallVec<[f32; 8]> = row.iter().map(|&value| value as f32).collect();
        self.forest.predict_row(&row)
    }
}

/// The number of nn-Meter's features for a kind of kernel, if it has any.
pub fn feature_count(kind: Kind) -> Option<usize> {
    match kind {
        Kind::Conv | Kind::DwConv => Some(7),
        Kind::Fc => Some(4),
        Kind::MaxPool | Kind::AvgPool => Some(5),
        Kind::Add | Kind::AddRelu => Some(3),
        Kind::Concat => Some(2 + CHANNELS),
        Kind::GlobalAvgPool
        | Kind::Bn
        | Kind::BnRelu
        | Kind::Relu
        | Kind::Hswish
        | Kind::Se
        | Kind::Split
        | Kind::ChannelShuffle => Some(2),
        _ => None,
    }
}

/// nn-Meter's own features of a kernel, in the order and units of its published regressors;
/// `None` for kinds it has no features for. A concatenation has places for the channels of four
/// operands, and the rest are left out.
pub fn features(work: &Workload) -> Option<Row> {
    feature_count(work.kind)?;
    let (hw, cin, cout) = (f64::from(work.input[1]), f64::from(work.cin), f64::from(work.cout));
    let (k, s) = (f64::from(work.window[1]), f64::from(work.stride[1]));
    let channels = work.channels.map(f64::from);
    Some(match work.kind {
        Kind::Conv | Kind::DwConv => {
            let [flops, params] = convolution(work.kind == Kind::Conv, [hw, cin, cout, k, s]);
            Row::from_slice(&[hw, cin, cout, k, s, flops, params])
        }
        Kind::Fc => {
            let flop = (2.0 * cin + 1.0) * cout;
            Row::from_slice(&[cin, cout, flop / 2e6, flop / 1e6])
        }
        Kind::MaxPool | Kind::AvgPool => Row::from_slice(&[hw, cin, cout, k, s]),
        Kind::Add | Kind::AddRelu => Row::from_slice(&[hw, channels[0], channels[1]]),
        Kind::Concat => [hw, f64::from(work.operands)].into_iter().chain(channels).collect(),
        _ => Row::from_slice(&[hw, cin]),
    })
}

/// Millions of multiply-accumulates and of parameters, as nn-Meter counts them; `full` is false for
/// a depthwise convolution.
pub fn convolution(full: bool, [hw, cin, cout, k, s]: [f64; 5]) -> [f64; 2] {
    let fan_in = if full { k * k * cin } else { k * k };
    let params = cout * (fan_in + 1.0);
    [2.0 * hw / s * hw / s * params / 2e6, params / 1e6]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ensemble::{ForestNode, ForestTree, PlainForest};
    use crate::feature::tests::convolution as workload;

    #[test]
    fn features_follow_nn_meters_formulas() {
        let conv = workload();
        let params = 128.0 * (9.0 * 64.0 + 1.0);
        let expected = [56.0, 64.0, 128.0, 3.0, 2.0, 2.0 * 784.0 * params / 2e6, params / 1e6];
        assert_eq!(features(&conv).as_deref(), Some(&expected[..]));
        let channels = [16, 16, 32, 0];
        let concat = Workload { kind: Kind::Concat, operands: 3, channels, ..conv };
        let row = features(&concat);
        assert_eq!(row.as_deref(), Some(&[56.0, 3.0, 16.0, 16.0, 32.0, 0.0][..]));
        assert_eq!(features(&Workload { kind: Kind::Swish, ..conv }), None);
    }

    #[test]
    fn counts_are_the_lengths_of_rows() {
        for &kind in Kind::ALL {
            let row = features(&Workload { kind, ..workload() });
            assert_eq!(row.map(|row| row.len()), feature_count(kind), "{kind}");
        }
    }

    #[test]
    fn a_forest_must_read_as_many_features_as_there_are() {
        let trees = vec![ForestTree { nodes: vec![ForestNode::Leaf { value: 0.25 }] }];
        let forest = |n_features| {
            let plain = PlainForest { n_features, trees: trees.clone() };
            Forest::new(&plain).expect("a forest")
        };
        let model = NnMeterForest::new(Kind::Conv, forest(7)).expect("seven features");
        assert_eq!(model.value(&workload()), 0.25);
        // Whatever the kernel says it is.
        assert_eq!(model.value(&Workload { kind: Kind::Swish, ..workload() }), 0.25);
        let errors = [(Kind::Conv, 5), (Kind::Swish, 2)].map(|(kind, count)| {
            NnMeterForest::new(kind, forest(count)).expect_err("another number").to_string()
        });
        expect_test::expect![[r#"
            forest of conv: reads 5 features; expected 7, as nn-Meter has for conv
            forest of swish: nn-Meter has no features for this kind of kernel"#]]
        .assert_eq(&errors.join("\n"));
    }
}
