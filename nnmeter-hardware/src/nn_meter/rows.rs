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

/// What lives on from one kernel to the next: see [`Quirk::StaleFeatures`].
#[derive(Default)]
pub(super) struct Extraction {
    height: Option<f64>,
    cin: Option<f64>,
}

impl Extraction {
    /// The features of the next kernel.
    pub(super) fn features(&mut self, kernel: &IrKernel) -> Result<Features> {
        let op = kernel.op.as_str();
        let has = |part: &str| op.contains(part);
        let mut quirks = kernel.quirks.clone();
        let window = if has("conv") || has("maxpool") || has("avgpool") {
            let [hw, cin, cout, k, s] = window(kernel)?;
            (self.height, self.cin) = (Some(hw), Some(cin));
            Some([hw, cin, cout, k, s])
        } else {
            None
        };
        if op == "channelshuffle" || op == "split" {
            if kernel.inputs.first().is_none_or(|shape| shape.len() != 4) {
                return Err(kernel.fails("reads something without four axes"));
            }
            (self.height, self.cin) = (kernel.height(), Some(kernel.cin()?));
        }
        let row = match window {
            Some(window) if has("conv") => {
                let [flops, params] = convolution(!has("dwconv"), window);
                Some(window.into_iter().chain([flops, params]).collect())
            }
            _ if has("fc") => Some(self.fc(kernel)?),
            Some(window) if !has("global") => Some(Row::from_slice(&window)),
            _ if has("global-pool") || has("global-avgpool") || has("gap") => {
                quirks.push(Quirk::GlobalPoolHeight);
                (self.height, self.cin) = (Some(1.0), Some(kernel.cin()?));
                Some(Row::from_slice(&[1.0, kernel.cin()?]))
            }
            _ if has("channelshuffle") || has("split") => Some(self.shuffle(kernel, &mut quirks)?),
            _ if has("se") || has("SE") => {
                if op != "se" {
                    quirks.push(Quirk::SubstringName);
                }
                Some(self.squeeze(kernel)?)
            }
            _ if has("concat") => {
                self.height = Some(kernel.extent(0, 1)?);
                Some(concat(kernel, &mut quirks)?)
            }
            _ => self.exact(kernel)?,
        };
        Ok((row, quirks))
    }

    fn fc(&mut self, kernel: &IrKernel) -> Result<Row> {
        let (cin, cout) = (kernel.cin()?, cout(kernel)?);
        self.cin = Some(cin);
        let flop = (2.0 * cin + 1.0) * cout;
        Ok(Row::from_slice(&[cin, cout, flop / 2e6, flop / 1e6]))
    }

    fn shuffle(&mut self, kernel: &IrKernel, quirks: &mut Vec<Quirk>) -> Result<Row> {
        if !matches!(kernel.op.as_str(), "channelshuffle" | "split") {
            quirks.push(Quirk::StaleFeatures);
        }
        match (self.height, self.cin) {
            (Some(height), Some(cin)) => Ok(Row::from_slice(&[height, cin])),
            _ => Err(kernel.fails("has no height, and no kernel before it has")),
        }
    }

    fn squeeze(&mut self, kernel: &IrKernel) -> Result<Row> {
        let last = kernel.inputs.len().saturating_sub(1);
        let (height, cin) = (kernel.extent(last, -2)?, kernel.extent(last, -1)?);
        (self.height, self.cin) = (Some(height), Some(cin));
        Ok(Row::from_slice(&[height, cin]))
    }

    /// The kernels that are told by their whole name; [`Quirk::NoFeatures`] for all others.
    fn exact(&mut self, kernel: &IrKernel) -> Result<Option<Row>> {
        let (first, four) = (kernel.inputs.first().map_or(0, Vec::len), kernel.height().is_some());
        let pair = match kernel.op.as_str() {
            "hswish" => {
                let axis = if first == 2 { 0 } else { 1 };
                [kernel.extent(0, axis)?, kernel.cin()?]
            }
            "bn" | "relu" | "bn-relu" if four => [kernel.extent(0, 1)?, kernel.extent(0, 3)?],
            "bn" | "relu" | "bn-relu" => [kernel.extent(0, 0)?, kernel.extent(0, 1)?],
            "add" | "add-relu" => {
                self.height = Some(kernel.extent(0, 1)?);
                let channels = [kernel.extent(0, 3)?, kernel.extent(1, 3)?];
                return Ok(Some([kernel.extent(0, 1)?].into_iter().chain(channels).collect()));
            }
            _ => return Ok(None),
        };
        (self.height, self.cin) = (Some(pair[0]), Some(pair[1]));
        Ok(Some(Row::from_slice(&pair)))
    }
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
