//! nn-Meter's features of its kernels: what `get_predict_features` does, branch by branch.
//!
//! Its tests of names are tests of parts of names ([`Quirk::SubstringName`]); it is the one place
//! of this project where that is so.

use nnmeter_core::nn_meter::{Row, convolution};

use super::kernels::IrKernel;
use super::quirks::Quirk;
use crate::error::Result;

/// Features of a kernel and the quirks that made them; no features if nn-Meter has none for it.
pub(super) type Features = (Option<Row>, Vec<Quirk>);

/// The features of a kernel.
pub(super) fn features(kernel: &IrKernel) -> Result<Features> {
    let op = kernel.op.as_str();
    let has = |part: &str| op.contains(part);
    let mut quirks = kernel.quirks.clone();
    let window = match has("conv") || has("maxpool") || has("avgpool") {
        true => Some(window(kernel)?),
        false => None,
    };
    let row = match window {
        Some(window) if has("conv") => {
            let [flops, params] = convolution(!has("dwconv"), window);
            Some(window.into_iter().chain([flops, params]).collect())
        }
        _ if has("fc") => Some(fc(kernel)?),
        Some(window) if !has("global") => Some(Row::from_slice(&window)),
        _ if has("global-pool") || has("global-avgpool") || has("gap") => {
            quirks.push(Quirk::GlobalPoolHeight);
            Some(Row::from_slice(&[1.0, kernel.cin()?]))
        }
        _ if has("channelshuffle") || has("split") => shuffle(kernel)?,
        _ if has("se") || has("SE") => {
            let last = kernel.inputs.len().saturating_sub(1);
            Some(Row::from_slice(&[kernel.extent(last, -2)?, kernel.extent(last, -1)?]))
        }
        _ if has("concat") => Some(concat(kernel, &mut quirks)?),
        _ => exact(kernel)?,
    };
    Ok((row, quirks))
}

fn fc(kernel: &IrKernel) -> Result<Row> {
    let (cin, cout) = (kernel.cin()?, cout(kernel)?);
    let flop = (2.0 * cin + 1.0) * cout;
    Ok(Row::from_slice(&[cin, cout, flop / 2e6, flop / 1e6]))
}

/// A kernel that has others beside the shuffle or split gets the height and channels of some
/// kernel before it, for which there is no regressor anyway.
fn shuffle(kernel: &IrKernel) -> Result<Option<Row>> {
    if !matches!(kernel.op.as_str(), "channelshuffle" | "split") {
        return Ok(None);
    }
    let four_axes = || kernel.fails("reads something without four axes");
    let height = kernel.height().ok_or_else(four_axes)?;
    Ok(Some(Row::from_slice(&[height, kernel.cin()?])))
}

/// The kernels that are told by their whole name; [`Quirk::NoFeatures`] for all others.
fn exact(kernel: &IrKernel) -> Result<Option<Row>> {
    let axes = kernel.inputs.first().map_or(0, Vec::len);
    let row = match kernel.op.as_str() {
        "hswish" => {
            let axis = if axes == 2 { 0 } else { 1 };
            Row::from_slice(&[kernel.extent(0, axis)?, kernel.cin()?])
        }
        "bn" | "relu" | "bn-relu" => {
            let [height, channels] = if axes == 4 { [1, 3] } else { [0, 1] };
            Row::from_slice(&[kernel.extent(0, height)?, kernel.extent(0, channels)?])
        }
        "add" | "add-relu" => {
            let channels = [kernel.extent(0, 3)?, kernel.extent(1, 3)?];
            Row::from_slice(&[kernel.extent(0, 1)?, channels[0], channels[1]])
        }
        _ => return Ok(None),
    };
    Ok(Some(row))
}

/// Height, channels in and out, window and stride, the latter two along the second place.
fn window(kernel: &IrKernel) -> Result<[f64; 5]> {
    let second = |list: &Option<Vec<f64>>| list.as_ref().map(|list| list.get(1).copied());
    let k = second(&kernel.attrs.window).flatten().ok_or_else(|| kernel.fails("has no window"))?;
    let s = match second(&kernel.attrs.strides) {
        Some(stride) => stride.ok_or_else(|| kernel.fails("has a single stride"))?,
        None => 1.0,
    };
    let height =
        kernel.height().ok_or_else(|| kernel.fails("reads something without four axes"))?;
    Ok([height, kernel.cin()?, cout(kernel)?, k, s])
}

fn cout(kernel: &IrKernel) -> Result<f64> {
    kernel.cout.ok_or_else(|| kernel.fails("has several outputs, or none"))
}

/// [`Quirk::ConcatCut`].
fn concat(kernel: &IrKernel, quirks: &mut Vec<Quirk>) -> Result<Row> {
    let operands = kernel.inputs.len();
    let mut row = Row::from_slice(&[kernel.extent(0, 1)?, operands as f64]);
    for operand in 0..operands {
        row.push(kernel.extent(operand, -1)?);
    }
    if row.len() > 6 {
        quirks.push(Quirk::ConcatCut);
        row[1] = 6.0;
    }
    row.resize(6, 0.0);
    Ok(row)
}
