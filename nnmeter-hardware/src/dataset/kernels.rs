//! Single kernels with measured figures, told by their configuration alone.
//!
//! A line of a data set may hold a kernel instead of a model:
//!
//! ```json
//! {"id": "conv_0", "kernel": {"kind": "conv", "input": [56, 56], "cin": 64, "cout": 128,
//!  "window": [3, 3], "stride": [2, 2]}, "cortexA76cpu_tflite21": 1.23}
//! ```
//!
//! | field | means | if left out |
//! |---|---|---|
//! | `kind` | what prices it: a name of [`Kind`], followers that rules fuse left out | |
//! | `input` | spatial extents of the first operand, up to three | 1 |
//! | `cin` | channels of the first operand | |
//! | `output` | spatial extents of the result | `input` over `stride`, rounded up; 1 for `fc` and `global-avgpool` |
//! | `cout` | channels of the result | `cin` |
//! | `window`, `stride`, `dilation` | of convolutions and poolings | 1 |
//! | `groups` | of a convolution | 1; `cin` for `dwconv` |
//! | `operands` | data operands | 2 for `add`, `addrelu`, `mul`, `concat`; else 1 |
//! | `batch`, `bits` | batch size, bits of an element | 1, 32 |
//! | `channels` | channels of data operands after the first, three at most | 0: not told |
//! | `read`, `written` | elements of all data operands and results | those of `operands` like the first (for `concat`, of the result), and of the result (for `split`, all that is read) |
//! | `also_read` | elements that fused followers read on top of `read` | 0 |
//! | `weights`, `macs` | elements of filters and matrices, multiply-accumulates | of convolutions and `fc` they follow; `se`, `matmul` and `recurrent` need both; else 0 |
//! | `pooled` | the pooling that alone reads a convolution's result: `kind`, `window`, `stride`, and how many results a concatenation between them `joined` | none |
//!
//! [`Configuration::of`] tells a kernel that detection found in the same way. Nothing here measures or fits.

use nnmeter_core::kind::Kind;
use nnmeter_core::pooling::Pooling;
use nnmeter_core::workload::{CHANNELS, Extents, Workload};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// A kernel's configuration, as a line of a data set tells it. See the [module](self).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Configuration {
    /// Name of its [`Kind`].
    pub kind: String,
    /// Spatial extents of the first operand, the last one the width.
    pub input: Vec<u32>,
    /// Spatial extents of the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Vec<u32>>,
    /// Channels of the first operand.
    pub cin: u32,
    /// Channels of the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cout: Option<u32>,
    /// Window of a convolution or pooling.
    pub window: Vec<u32>,
    /// Strides.
    pub stride: Vec<u32>,
    /// Dilations.
    pub dilation: Vec<u32>,
    /// Groups of a convolution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<u32>,
    /// Number of data operands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operands: Option<u32>,
    /// Batch size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<u32>,
    /// Bits of an element.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bits: Option<u32>,
    /// Channels of data operands after the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<Vec<u32>>,
    /// Elements read from data operands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read: Option<u64>,
    /// Elements that fused followers read beside them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub also_read: Option<u64>,
    /// Elements written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written: Option<u64>,
    /// Elements of weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<u64>,
    /// Multiply-accumulates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub macs: Option<u64>,
    /// The pooling behind a convolution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pooled: Option<Pooled>,
}

/// The pooling that alone reads a convolution's result.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Pooled {
    /// Name of its [`Kind`].
    pub kind: String,
    /// Its window.
    pub window: Vec<u32>,
    /// Its strides.
    #[serde(default)]
    pub stride: Vec<u32>,
    /// How many results the concatenation between them joins.
    #[serde(default = "one")]
    pub joined: u32,
}

fn one() -> u32 {
    1
}

impl Configuration {
    /// The work of the kernel.
    ///
    /// # Errors
    /// If the kind is not known, an extent is zero or there are more than three, or a count is left
    /// out that does not follow from the others.
    pub fn workload(&self) -> Result<Workload> {
        let kind = kind(&self.kind)?;
        let mut work = self.extents(kind)?;
        refuse_zeros(
            &[work.batch, work.cin, work.cout, work.groups, work.operands, work.bits],
            &[work.input, work.output, work.window, work.stride, work.dilation],
        )?;
        work.pooled = self.pooled.as_ref().map(|pooled| pooled.behind(kind)).transpose()?;
        (work.read, work.written) = self.traffic(&work);
        (work.weights, work.macs) = self.arithmetic(&work)?;
        Ok(work)
    }

    /// What is said of the kernel, with all counts of elements zero.
    fn extents(&self, kind: Kind) -> Result<Workload> {
        let (input, stride) = (extents(&self.input)?, extents(&self.stride)?);
        let output = match (&self.output, kind) {
            (Some(output), _) => extents(output)?,
            (None, Kind::Fc | Kind::GlobalAvgPool) => [1; 3],
            (None, _) => [0, 1, 2].map(|axis| input[axis].div_ceil(stride[axis].max(1))),
        };
        let groups = if kind == Kind::DwConv { self.cin } else { 1 };
        let operands = match kind {
            Kind::Add | Kind::AddRelu | Kind::Mul | Kind::Concat => 2,
            _ => 1,
        };
        Ok(Workload {
            kind,
            batch: self.batch.unwrap_or(1),
            input,
            output,
            cin: self.cin,
            cout: self.cout.unwrap_or(self.cin),
            window: extents(&self.window)?,
            stride,
            dilation: extents(&self.dilation)?,
            groups: self.groups.unwrap_or(groups),
            operands: self.operands.unwrap_or(operands),
            channels: self.operand_channels()?,
            bits: self.bits.unwrap_or(32),
            macs: 0,
            weights: 0,
            read: 0,
            written: 0,
            pooled: None,
        })
    }

    /// Elements read and written.
    pub(super) fn traffic(&self, work: &Workload) -> (u64, u64) {
        let first = product(&[work.input[0], work.input[1], work.input[2], work.cin, work.batch]);
        let result = work.output_points().saturating_mul(work.cout.into());
        let (read, written) = match work.kind {
            Kind::Concat => (result, result),
            Kind::Split => (first, first),
            _ => (first.saturating_mul(work.operands.into()), result),
        };
        let also = self.also_read.unwrap_or_default();
        (self.read.unwrap_or(read).saturating_add(also), self.written.unwrap_or(written))
    }

    /// Channels of the data operands, as far as they are told.
    fn operand_channels(&self) -> Result<[u32; CHANNELS]> {
        let after = self.channels.as_deref().unwrap_or_default();
        let mut channels = [0; CHANNELS];
        channels[0] = self.cin;
        let places = channels.get_mut(1..=after.len()).ok_or_else(|| {
            wrong(format!("has channels of {} operands after the first", after.len()))
                .expected(format!("{} at most", CHANNELS - 1))
        })?;
        places.copy_from_slice(after);
        Ok(channels)
    }

    /// Elements of weights, and multiply-accumulates.
    pub(super) fn arithmetic(&self, work: &Workload) -> Result<(u64, u64)> {
        let fan_in = u64::from(work.cin.checked_div(work.groups).unwrap_or_default());
        let filter = fan_in.saturating_mul(work.cout.into()).saturating_mul(work.window_area());
        let swept = match work.kind {
            Kind::ConvTrans => product(&[work.input[0], work.input[1], work.input[2], work.batch]),
            _ => work.output_points(),
        };
        let follows = match work.kind {
            Kind::Conv | Kind::DwConv | Kind::ConvTrans | Kind::Fc => {
                Some((filter, filter.saturating_mul(swept)))
            }
            Kind::Se | Kind::MatMul | Kind::Recurrent => None,
            _ => Some((0, 0)),
        };
        let weights = self.weights.or(follows.map(|(weights, _)| weights));
        let macs = self.macs.or(follows.map(|(_, macs)| macs));
        weights.zip(macs).ok_or_else(|| {
            wrong(format!("is of kind \"{}\" and lacks weights or macs", work.kind))
                .expected("both, for they do not follow from its extents")
        })
    }
}

impl Pooled {
    /// The pooling, behind a kernel of the kind `of`.
    fn behind(&self, of: Kind) -> Result<Pooling> {
        let kind = kind(&self.kind)?;
        if of != Kind::Conv {
            return Err(wrong(format!("is of kind \"{of}\" and has a pooling behind it"))
                .expected("\"pooled\" for convolutions alone"));
        }
        if !matches!(kind, Kind::MaxPool | Kind::AvgPool | Kind::OtherPool) {
            return Err(wrong(format!("has a \"{kind}\" for the pooling behind it"))
                .expected("\"maxpool\", \"avgpool\" or \"pool\""));
        }
        let (window, stride) = (extents(&self.window)?, extents(&self.stride)?);
        refuse_zeros(&[self.joined], &[window, stride])?;
        Ok(Pooling { kind, window, stride, joined: self.joined })
    }
}

fn kind(name: &str) -> Result<Kind> {
    Kind::from_name(name).ok_or_else(|| {
        wrong(format!("is of kind \"{name}\", which is not known"))
            .expected("a name like \"conv\", \"dwconv\", \"add\"")
    })
}

fn refuse_zeros(counts: &[u32], extents: &[Extents]) -> Result<()> {
    if counts.contains(&0) || extents.as_flattened().contains(&0) {
        return Err(wrong("has an extent or count of 0".to_owned()).expected("1 or more"));
    }
    Ok(())
}

/// Right-aligned extents.
fn extents(given: &[u32]) -> Result<Extents> {
    match *given {
        [] => Ok([1; 3]),
        [x] => Ok([1, 1, x]),
        [y, x] => Ok([1, y, x]),
        [z, y, x] => Ok([z, y, x]),
        _ => Err(wrong(format!("has {} spatial extents", given.len())).expected("up to three")),
    }
}

fn product(extents: &[u32]) -> u64 {
    extents.iter().fold(1, |product, &extent| product.saturating_mul(extent.into()))
}

fn wrong(found: String) -> Error {
    Error::new(ErrorKind::BadData, "measured kernel", found)
}
