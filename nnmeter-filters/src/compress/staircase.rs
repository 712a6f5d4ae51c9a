//! The alignment of a device, read off the staircase of its own prices: the number of channels in
//! whose multiples the price of a convolution mainly rises.

use nnmeter_core::builder::GraphBuilder;
use nnmeter_core::graph::Value;
use nnmeter_core::op::{Conv, Layout, Op};
use nnmeter_core::tensor::{Constant, DType, Dim, TensorType};

use crate::error::Result;
use crate::metric::Metric;

/// Widths that are priced: from the first on, a multiple of every alignment, twice as many.
const FIRST: usize = 64;
/// The largest alignment that is told.
const MOST: usize = 32;
/// How much of the rise at multiples of a number must be at multiples of its double for these to be the
/// steps. Of an even rise, it is one half.
const SHARE: f64 = 0.7;
/// Extent of the images, and channels on the other side of the convolution.
const IMAGE: usize = 28;
const OTHER: usize = 64;

/// The alignment for widths by `metric`, a power of two up to 32; 1 where prices rise evenly. It is the
/// larger one of those for channels read and channels made by a pointwise convolution.
///
/// # Errors
/// What shape inference says, which is nothing.
pub fn alignment(metric: &dyn Metric) -> Result<usize> {
    let mut alignment = 1;
    for reads in [false, true] {
        let mut prices = Vec::new();
        for width in FIRST..=2 * FIRST {
            let (read, made) = if reads { (width, OTHER) } else { (OTHER, width) };
            prices.push(price(metric, read, made)?);
        }
        alignment = alignment.max(period(&prices));
    }
    Ok(alignment)
}

fn price(metric: &dyn Metric, read: usize, made: usize) -> Result<f64> {
    let mut builder = GraphBuilder::new();
    let dims = [1, read, IMAGE, IMAGE].map(Dim::Known).to_vec();
    let data = builder.place("x", Op::Input(DType::F32, Some(dims)), &[], 1);
    let weight = Op::Const(Constant::opaque(TensorType::f32([made, read, 1, 1])));
    let weight = builder.place("w", weight, &[], 1);
    let operands = [data, weight].map(|node| Value { node, port: 0 });
    builder.place("y", Op::Conv(Conv::default()), &operands, 1);
    Ok(metric.bill(&builder.finish(Layout::ChannelsFirst)?.infer_shapes()?).total())
}

/// The largest power of two after whose multiples most of the rise comes.
fn period(prices: &[f64]) -> usize {
    let rises = |step: usize| -> f64 {
        let steps = prices.windows(2).step_by(step);
        steps.map(|pair| (pair[1] - pair[0]).max(0.0)).sum()
    };
    let mut period = 1;
    while period < MOST && rises(2 * period) > 0.0 && rises(2 * period) >= SHARE * rises(period) {
        period *= 2;
    }
    period
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Macs;

    #[test]
    fn steps_are_told_from_slopes() {
        let prices = |step: usize, slope: f64| -> Vec<f64> {
            (64..=128usize).map(|w| w.div_ceil(step) as f64 + slope * w as f64).collect()
        };
        assert_eq!(period(&prices(8, 0.0)), 8);
        assert_eq!(period(&prices(4, 0.01)), 4);
        assert_eq!(period(&prices(8, 0.03)), 8);
        assert_eq!(period(&prices(1, 0.0)), 1);
        assert_eq!(period(&[1.0; 65]), 1);
        assert_eq!(alignment(&Macs).expect("a price"), 1);
    }
}
