//! nn-Meter's own features of kernels, for models that it trained.
//!
//! They follow its code, odd units included, and are not what this crate's own models look at.

use crate::kind::Kind;
use crate::workload::Workload;

/// nn-Meter's own features of a kernel, in the order and units of its published regressors, for
/// models trained by it; `None` for kinds it has no features for. `channels` are those of each data
/// operand, of which a concatenation has four places and the rest are left out, as nn-Meter does.
///
/// Source: nn-Meter 2.0, `nn_meter/predictor/prediction/utils.py`.
pub fn nn_meter_features(work: &Workload, channels: &[u32]) -> Option<Vec<f64>> {
    let (hw, cin, cout) = (f64::from(work.input[1]), f64::from(work.cin), f64::from(work.cout));
    let (k, s) = (f64::from(work.window[1]), f64::from(work.stride[1]));
    let channels_of = |place: usize| channels.get(place).map_or(0.0, |&count| f64::from(count));
    match work.kind {
        Kind::Conv | Kind::DwConv => {
            let fan_in = if work.kind == Kind::Conv { k * k * cin } else { k * k };
            let params = cout * (fan_in + 1.0);
            let flops = 2.0 * (hw / s) * (hw / s) * params;
            Some(vec![hw, cin, cout, k, s, flops / 2e6, params / 1e6])
        }
        Kind::Fc => {
            let flop = (2.0 * cin + 1.0) * cout;
            Some(vec![cin, cout, flop / 2e6, flop / 1e6])
        }
        Kind::MaxPool | Kind::AvgPool => Some(vec![hw, cin, cout, k, s]),
        Kind::Add | Kind::AddRelu => Some(vec![hw, channels_of(0), channels_of(1)]),
        Kind::Concat => {
            let places = (0..4).map(channels_of);
            Some([hw, channels.len() as f64].into_iter().chain(places).collect())
        }
        Kind::GlobalAvgPool
        | Kind::Bn
        | Kind::BnRelu
        | Kind::Relu
        | Kind::Hswish
        | Kind::Se
        | Kind::Split
        | Kind::ChannelShuffle => Some(vec![hw, cin]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feature::tests::convolution;

    #[test]
    fn features_follow_its_formulas() {
        let conv = convolution();
        let params = 128.0 * (9.0 * 64.0 + 1.0);
        let expected = vec![56.0, 64.0, 128.0, 3.0, 2.0, 2.0 * 784.0 * params / 2e6, params / 1e6];
        assert_eq!(nn_meter_features(&conv, &[64]), Some(expected));
        let concat = Workload { kind: Kind::Concat, ..conv };
        let row = nn_meter_features(&concat, &[16, 16, 32]);
        assert_eq!(row, Some(vec![56.0, 3.0, 16.0, 16.0, 32.0, 0.0]));
        assert_eq!(nn_meter_features(&Workload { kind: Kind::Swish, ..conv }, &[64]), None);
    }
}
