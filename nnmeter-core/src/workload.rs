//! What a kernel has to do, in numbers: extents, channels, window, arithmetic and memory traffic.
//!
//! Everything a kernel model may look at is here, and nothing of the graph is left: two kernels with
//! equal workloads cost the same. Extents are logical, whatever the memory layout of the file was, and
//! stop at `u32::MAX`.

use crate::detect::{Kernel, Unit};
use crate::graph::{NodeId, Value};
use crate::kind::Kind;
use crate::op::{Conv, FilterLayout, Layout, Op, Pool, Spatial};
use crate::pooling::Pooling;
use crate::tensor::TensorType;
use crate::typed::TypedGraph;
use crate::units::{Bytes, Flops};

/// Extents over depth, height and width; absent axes are 1.
pub type Extents = [u32; 3];

/// How many data operands have their channels in a [`Workload`].
pub const CHANNELS: usize = 4;

/// The work of one kernel, or of one of several heavy operators that rules fused into one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Workload {
    /// Which model prices it.
    pub kind: Kind,
    /// Batch size.
    pub batch: u32,
    /// Spatial extents of the first data operand.
    pub input: Extents,
    /// Spatial extents of the result.
    pub output: Extents,
    /// Channels of the first data operand.
    pub cin: u32,
    /// Channels of the result.
    pub cout: u32,
    /// Window of a convolution or pooling; ones elsewhere.
    pub window: Extents,
    /// Strides; ones elsewhere.
    pub stride: Extents,
    /// Dilations; ones elsewhere.
    pub dilation: Extents,
    /// Groups of a convolution; 1 elsewhere.
    pub groups: u32,
    /// Number of data operands.
    pub operands: u32,
    /// Channels of the first data operands; zero where there is none.
    pub channels: [u32; CHANNELS],
    /// Bits of an element of the first data operand.
    pub bits: u32,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Elements of weight matrices and filters (not of biases).
    pub weights: u64,
    /// Elements read from data operands, those of fused followers included.
    pub read: u64,
    /// Elements written.
    pub written: u64,
    /// The pooling that takes in all of a convolution's result; `None` elsewhere.
    pub pooled: Option<Pooling>,
}

impl Workload {
    /// The work of a unit on its own, without what is fused to it; `None` if a shape it needs is not
    /// known.
    pub fn of_unit(graph: &TypedGraph, kernel: Kernel<'_>, unit: &Unit) -> Option<Self> {
        let data = Data::of(graph, kernel, unit)?;
        let result = graph.output_type(unit.tail)?;
        let layout = graph.graph().layout();
        let (batch, cin, input) = logical(unit.kind, layout, data.first);
        let (_, cout, output) = logical(unit.kind, layout, result);
        let mut work = Self {
            kind: unit.kind,
            batch,
            input,
            output,
            cin,
            cout,
            window: [1; 3],
            stride: [1; 3],
            dilation: [1; 3],
            groups: 1,
            operands: data.operands,
            channels: data.channels,
            bits: narrow(data.first.dtype.bits()),
            macs: 0,
            weights: 0,
            read: data.elements,
            written: outputs_of(graph, unit.tail)?,
            pooled: (unit.kind == Kind::Conv).then(|| Pooling::after(graph, unit.tail)).flatten(),
        };
        if unit.kind.is_anchor() {
            for &node in kernel.nodes_of(unit) {
                work.add_operator(graph, node)?;
            }
        }
        Some(work)
    }

    /// Adds what one operator of the unit brings: its window, its weights, its arithmetic.
    fn add_operator(&mut self, graph: &TypedGraph, id: NodeId) -> Option<()> {
        match &graph.graph().node(id).op {
            Op::Conv(conv) => self.add_convolution(graph, id, conv),
            Op::MatMul { transpose_b, .. } => self.add_product(graph, id, *transpose_b),
            Op::Pool(pool) => {
                self.add_pool(pool);
                Some(())
            }
            _ => Some(()),
        }
    }

    fn add_convolution(&mut self, graph: &TypedGraph, id: NodeId, conv: &Conv) -> Option<()> {
        let filter = graph.operand_type(id, 1)?;
        let data = graph.operand_type(id, 0)?;
        let window = match conv.filter {
            FilterLayout::Oihw => filter.dims.get(2..)?,
            FilterLayout::Hwio | FilterLayout::HwioDepthwise => {
                &filter.dims[..filter.rank().checked_sub(2)?]
            }
        };
        let swept = if conv.transposed { data } else { graph.output_type(id)? };
        let points = spatial_points(swept, conv.layout);
        let filter_elements = filter.elements() as u64;
        self.weights = self.weights.saturating_add(filter_elements);
        self.macs = self.macs.saturating_add(points.saturating_mul(filter_elements));
        if self.kind != Kind::Se {
            self.window = extents(window);
            self.stride = extents_or_ones(&conv.strides);
            self.dilation = extents_or_ones(&conv.dilations);
            self.groups = if self.kind == Kind::DwConv { self.cin } else { narrow(conv.groups) };
        }
        Some(())
    }

    fn add_product(&mut self, graph: &TypedGraph, id: NodeId, transpose_b: bool) -> Option<()> {
        let (a, b) = (graph.operand_type(id, 0)?, graph.operand_type(id, 1)?);
        let inner_axis = b.rank().saturating_sub(if transpose_b { 1 } else { 2 });
        let inner = b.dims.get(inner_axis).copied().or_else(|| a.dims.last().copied())?;
        if matches!(self.kind, Kind::Fc | Kind::MatMul) {
            self.set_product(graph.output_type(id)?, inner);
        }
        let result = graph.output_type(id)?.elements() as u64;
        self.macs = self.macs.saturating_add(result.saturating_mul(inner as u64));
        for (slot, ty) in [(0, a), (1, b)] {
            let value = graph.graph().operand(id, slot)?;
            if graph.fact(value).constant {
                self.weights = self.weights.saturating_add(ty.elements() as u64);
            }
        }
        Some(())
    }

    /// Extents of a product by its result and inner extent, whichever operand is transposed.
    fn set_product(&mut self, result: &TensorType, inner: usize) {
        let (batch, cout, rows) = logical(self.kind, Layout::ChannelsLast, result);
        (self.batch, self.cin, self.cout) = (batch, narrow(inner), cout);
        (self.input, self.output) = (rows, rows);
    }

    fn add_pool(&mut self, pool: &Pool) {
        if self.kind != Kind::Se {
            self.window = extents(&pool.kernel);
            self.stride = extents_or_ones(&pool.strides);
            self.dilation = extents_or_ones(&pool.dilations);
        }
    }

    /// Output positions of all images of the batch.
    pub fn output_points(&self) -> u64 {
        product(&self.output).saturating_mul(u64::from(self.batch))
    }

    /// Elements of the window.
    pub fn window_area(&self) -> u64 {
        product(&self.window)
    }

    /// Floating-point operations: two a multiply-accumulate; for kinds without any, one for each
    /// element of the window (or operand) and result.
    pub fn flops(&self) -> Flops {
        match self.kind {
            Kind::MaxPool | Kind::AvgPool | Kind::OtherPool => {
                Flops(self.written.saturating_mul(self.window_area()))
            }
            Kind::Reshape | Kind::Concat | Kind::Split | Kind::ChannelShuffle => Flops(0),
            Kind::Transpose | Kind::Pad | Kind::Copy | Kind::Select => Flops(0),
            Kind::GlobalAvgPool | Kind::Reduce => Flops(self.read),
            Kind::Se => {
                Flops(self.macs.saturating_mul(2).saturating_add(self.read.saturating_mul(2)))
            }
            _ if self.macs > 0 => Flops(self.macs.saturating_mul(2)),
            _ => Flops(self.written.saturating_mul(u64::from(self.operands.max(1)))),
        }
    }

    /// Memory read from data operands.
    pub fn bytes_read(&self) -> Bytes {
        Bytes(self.read.saturating_mul(u64::from(self.bits)) / 8)
    }

    /// Memory written.
    pub fn bytes_written(&self) -> Bytes {
        Bytes(self.written.saturating_mul(u64::from(self.bits)) / 8)
    }

    /// Memory of weights.
    pub fn weight_bytes(&self) -> Bytes {
        Bytes(self.weights.saturating_mul(u64::from(self.bits)) / 8)
    }
}

/// The data operands of a unit.
struct Data<'g> {
    first: &'g TensorType,
    operands: u32,
    channels: [u32; CHANNELS],
    elements: u64,
}

impl<'g> Data<'g> {
    fn of(graph: &'g TypedGraph, kernel: Kernel<'_>, unit: &Unit) -> Option<Self> {
        let channels_of = |ty| logical(unit.kind, graph.graph().layout(), ty).1;
        if let Some(input) = unit.input {
            let first = graph.ty(input)?;
            let channels = [channels_of(first), 0, 0, 0];
            let elements = first.elements() as u64;
            return Some(Self { first, operands: 1, channels, elements });
        }
        let mut data: Option<Self> = None;
        for value in graph.graph().operands(kernel.nodes_of(unit)[0]).into_iter().flatten() {
            if graph.fact(value).constant {
                continue;
            }
            let ty = graph.ty(value)?;
            let none = Self { first: ty, operands: 0, channels: [0; CHANNELS], elements: 0 };
            let data = data.get_or_insert(none);
            if let Some(channels) = data.channels.get_mut(data.operands as usize) {
                *channels = channels_of(ty);
            }
            data.operands += 1;
            data.elements = data.elements.saturating_add(ty.elements() as u64);
        }
        data
    }
}

/// Elements of all outputs of an operator.
fn outputs_of(graph: &TypedGraph, id: NodeId) -> Option<u64> {
    let ports = 0..graph.graph().node(id).outputs;
    let elements = |port| Some(graph.ty(Value { node: id, port })?.elements() as u64);
    let first = elements(0)?;
    Some(ports.skip(1).filter_map(elements).fold(first, u64::saturating_add))
}

/// Batch, channels and spatial extents of a tensor. A product's columns are its channels and its
/// rows beyond the batch lie along the width.
fn logical(kind: Kind, layout: Layout, ty: &TensorType) -> (u32, u32, Extents) {
    let rank = ty.rank();
    let batch = if rank > 1 { ty.dims[0] } else { 1 };
    if matches!(kind, Kind::Fc | Kind::MatMul) {
        let columns = ty.dims.last().copied().unwrap_or(1);
        let rows = ty.elements() / columns.saturating_mul(batch).max(1);
        return (narrow(batch), narrow(columns), [1, 1, narrow(rows)]);
    }
    let channels = layout.channel_axis(rank).map_or(ty.elements(), |axis| ty.dims[axis]);
    (narrow(batch), narrow(channels), extents(&ty.dims[layout.spatial_axes(rank)]))
}

fn narrow(extent: usize) -> u32 {
    u32::try_from(extent).unwrap_or(u32::MAX)
}

/// Positions of all images of a batch.
fn spatial_points(ty: &TensorType, layout: Layout) -> u64 {
    let spatial = &ty.dims[layout.spatial_axes(ty.rank())];
    let batch = ty.dims.first().map_or(1, |&batch| batch as u64);
    spatial.iter().fold(batch, |points, &extent| points.saturating_mul(extent as u64))
}

/// Right-aligned extents; more than three axes are folded into the first.
pub(crate) fn extents(dims: &[usize]) -> Extents {
    match *dims {
        [] => [1; 3],
        [x] => [1, 1, narrow(x)],
        [y, x] => [1, narrow(y), narrow(x)],
        [ref outer @ .., y, x] => {
            let depth = outer.iter().fold(1usize, |depth, &dim| depth.saturating_mul(dim));
            [narrow(depth), narrow(y), narrow(x)]
        }
    }
}

pub(crate) fn extents_or_ones(dims: &Spatial) -> Extents {
    if dims.is_empty() { [1; 3] } else { extents(dims) }
}

fn product(extents: &Extents) -> u64 {
    extents.iter().fold(1, |product, &extent| product.saturating_mul(u64::from(extent)))
}
