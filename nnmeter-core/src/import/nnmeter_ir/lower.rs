//! What a node of nn-Meter IR does: TensorFlow's and ONNX's operator names to one [`Op`]. Windowed
//! operators are in [`super::conv`], those about shapes in [`super::shaping`].

use smallvec::SmallVec;

use super::attrs::{View, first, flag, known};
use super::{conv, reduce, shaping};
use crate::error::Result;
use crate::op::{Binary, Norm, Op, PoolKind, ReduceKind, Unary};
use crate::tensor::{Constant, DType, Dim, TensorType, Values};

/// What becomes of a node.
pub(super) struct Lowered {
    pub(super) op: Op,
    pub(super) wired: Wired,
    /// Operands that the file has as attributes, by slot.
    pub(super) constants: SmallVec<[(u16, Constant); 1]>,
}

/// Which inbounds become operands, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wired {
    /// All of them.
    All,
    /// The first ones, as many as this.
    First(usize),
    /// The first ones that are not constants.
    Data(usize),
}

impl Lowered {
    /// An operator whose inbounds are its operands.
    pub(super) fn all(op: Op) -> Self {
        Self { op, wired: Wired::All, constants: SmallVec::new() }
    }

    /// An operator of one operand.
    pub(super) fn one(op: Op) -> Self {
        Self { op, wired: Wired::First(1), constants: SmallVec::new() }
    }

    /// An operator of `count` operands that are not constants of the file.
    pub(super) fn data(op: Op, count: usize) -> Self {
        Self { op, wired: Wired::Data(count), constants: SmallVec::new() }
    }

    /// Adds a constant operand.
    pub(super) fn with(mut self, slot: u16, constant: Constant) -> Self {
        self.constants.push((slot, constant));
        self
    }
}

/// Whether an operator only passes its operand on.
pub(super) fn is_alias(op_type: &str) -> bool {
    matches!(op_type, "Identity" | "Dropout" | "StopGradient" | "CheckNumerics")
}

/// Gives a node its operator, its operands and its constants.
pub(super) fn lower(view: &View<'_, '_>) -> Result<Lowered> {
    let op_type = view.node.op_type();
    Ok(match op_type {
        "Placeholder" | "PlaceholderWithDefault" | "Input" => Lowered::data(input(view), 0),
        "Const" | "Constant" => Lowered::data(Op::Const(constant(view)?), 0),
        "Conv2D" | "Conv" | "Conv1D" | "Conv3D" => conv::conv(view, conv::Kind::Plain)?,
        "DepthwiseConv2dNative" | "DepthwiseConv2D" => conv::conv(view, conv::Kind::Depthwise)?,
        "Conv2DBackpropInput" | "Conv2DTranspose" | "ConvTranspose" => {
            conv::conv(view, conv::Kind::Transposed)?
        }
        "MaxPool" | "MaxPoolV2" => conv::pool(view, PoolKind::Max)?,
        "AvgPool" | "AveragePool" => conv::pool(view, PoolKind::Average)?,
        "GlobalAveragePool" => Lowered::one(Op::GlobalPool(PoolKind::Average, view.layout())),
        "GlobalMaxPool" => Lowered::one(Op::GlobalPool(PoolKind::Max, view.layout())),
        "MatMul" | "Gemm" | "BatchMatMul" | "BatchMatMulV2" => matmul(view)?,
        "FusedBatchNorm" | "FusedBatchNormV2" | "FusedBatchNormV3" | "BatchNormalization" => {
            Lowered::one(Op::Norm(Norm::Batch(view.layout())))
        }
        "Mean" if !view.has_axes() && view.data_count() > 1 => {
            Lowered::all(Op::Binary(Binary::Mean))
        }
        _ => match reduction(op_type) {
            Some(kind) => reduce::reduce(view, kind)?,
            None => elementwise(view, op_type).map_or_else(|| shaping::lower(view), Ok)?,
        },
    })
}

fn reduction(op_type: &str) -> Option<ReduceKind> {
    Some(match op_type {
        "Mean" | "ReduceMean" => ReduceKind::Mean,
        "ReduceSum" => ReduceKind::Sum,
        "ReduceMax" => ReduceKind::Max,
        "ReduceMin" => ReduceKind::Min,
        "ReduceProd" => ReduceKind::Prod,
        _ => return None,
    })
}

fn elementwise(view: &View<'_, '_>, op_type: &str) -> Option<Lowered> {
    if let Some(unary) = unary(view, op_type) {
        return Some(Lowered::one(Op::Unary(unary)));
    }
    let binary = match op_type {
        "AddV2" | "AddN" | "BiasAdd" | "Sum" => Binary::Add,
        "RealDiv" => Binary::Div,
        "Multiply" => Binary::Mul,
        "Minimum" => Binary::Min,
        "Maximum" => Binary::Max,
        "PReLU" => Binary::PRelu,
        _ => Binary::from_name(op_type)?,
    };
    let lowered = Lowered::all(Op::Binary(binary));
    if view.node.inbounds.len() != 1 {
        return Some(lowered);
    }
    let other = if op_type == "BiasAdd" { bias(view) } else { view.recorded_input(1) };
    Some(lowered.with(1, Constant::opaque(other.unwrap_or_default())))
}

fn unary(view: &View<'_, '_>, op_type: &str) -> Option<Unary> {
    let attrs = view.attrs();
    Some(match op_type {
        "Relu6" | "ReLU6" => Unary::Clip { min: Some(0.0), max: Some(6.0) },
        "Clip" | "ClipByValue" => {
            let bound = |bound: Option<f64>| bound.map(|value| value as f32);
            Unary::Clip { min: bound(attrs.min), max: bound(attrs.max) }
        }
        "HardSigmoid" => Unary::HardSigmoid {
            alpha: attrs.alpha.unwrap_or(0.2) as f32,
            beta: attrs.beta.unwrap_or(0.5) as f32,
        },
        "ReLU" => Unary::Relu,
        "Hardswish" | "HSwish" => Unary::HardSwish,
        "SiLU" | "Silu" => Unary::Swish,
        "LogicalNot" => Unary::Not,
        _ => return Unary::from_name(op_type),
    })
}

/// The bias of a BiasAdd whose second inbound the file leaves out: one value a channel.
fn bias(view: &View<'_, '_>) -> Option<TensorType> {
    let dims = view.input_dims(0).or_else(|| view.output_dims(0))?;
    let axis = view.layout().channel_axis(dims.len())?;
    let trailing = dims.len() - axis - 1;
    Some(TensorType::f32([dims[axis]].into_iter().chain(std::iter::repeat_n(1, trailing))))
}

fn matmul(view: &View<'_, '_>) -> Result<Lowered> {
    let attrs = view.attrs();
    let transpose_b = flag(attrs.transpose_b.as_ref()).unwrap_or(false);
    let transpose_a = flag(attrs.transpose_a.as_ref()).unwrap_or(false);
    if view.node.inbounds.len() > 1 {
        return Ok(Lowered::all(Op::MatMul { transpose_a, transpose_b }));
    }
    let weight = match &attrs.weight_shape {
        Some(shape) => view.extents("weight_shape", shape)?,
        None => {
            let (input, output) = (view.input_dims(0), view.output_dims(0));
            let columns = |shape: &super::numbers::Ints| shape.0.last().copied();
            let last = |dims: Option<&[usize]>| dims.and_then(|dims| dims.last().copied());
            let rows = if transpose_a {
                input.as_deref().and_then(|dims| dims.iter().nth_back(1).copied())
            } else {
                last(input.as_deref())
            };
            let rows =
                rows.or_else(|| positive(view.node.body.input_shape.0.first().and_then(columns)));
            let cols = last(output.as_deref())
                .or_else(|| positive(view.node.body.output_shape.0.first().and_then(columns)));
            let (Some(rows), Some(cols)) = (rows, cols) else {
                return Err(view.missing("weight_shape"));
            };
            if transpose_b {
                [cols, rows].into_iter().collect()
            } else {
                [rows, cols].into_iter().collect()
            }
        }
    };
    let weight = Constant::opaque(TensorType::f32(weight));
    Ok(Lowered::one(Op::MatMul { transpose_a, transpose_b }).with(1, weight))
}

fn positive(extent: Option<i64>) -> Option<usize> {
    extent.and_then(|extent| usize::try_from(extent).ok())
}

fn input(view: &View<'_, '_>) -> Op {
    let attrs = view.attrs();
    let shape = attrs.shape.as_ref().filter(|shape| !shape.0.is_empty());
    let shape = shape.or_else(|| view.node.body.output_shape.0.first());
    let dim = |&dim: &i64| match usize::try_from(dim) {
        Ok(dim) => Dim::Known(dim),
        Err(_) => Dim::Open(String::new()),
    };
    Op::Input(DType::F32, shape.map(|shape| shape.0.iter().map(dim).collect()))
}

/// A constant of the file: its extents, and its values if there are as many as they say. One value
/// for several elements fills them.
fn constant(view: &View<'_, '_>) -> Result<Constant> {
    let attrs = view.attrs();
    let dims = match &attrs.tensor_shape {
        Some(shape) => view.extents("tensor_shape", shape)?,
        None => view.node.body.output_shape.0.first().and_then(known).unwrap_or_default(),
    };
    let ty = TensorType::f32(dims);
    let Some(numbers) = attrs.constant.as_ref().filter(|numbers| numbers.complete) else {
        return Ok(Constant::opaque(ty));
    };
    let elements = ty.elements();
    let values = match numbers.values.as_slice() {
        values if values.len() == elements => values.to_vec(),
        &[value] if elements <= crate::tensor::KEPT_ELEMENTS => vec![value; elements],
        _ => return Ok(Constant::opaque(ty)),
    };
    Ok(if numbers.integral {
        let values = values.iter().map(|&value| value as i64).collect();
        Constant {
            ty: TensorType { dtype: DType::I64, dims: ty.dims },
            values: Some(Values::Ints(values)),
        }
    } else {
        Constant { ty, values: Some(Values::Floats(values)) }
    })
}

impl View<'_, '_> {
    /// Whether the file says which axes a reduction is over.
    pub(super) fn has_axes(&self) -> bool {
        self.attrs().axes.is_some() || self.attrs().axis.is_some()
    }

    /// The recorded type of an input.
    pub(super) fn recorded_input(&self, slot: usize) -> Option<TensorType> {
        Some(TensorType::f32(known(self.node.body.input_shape.0.get(slot)?)?))
    }
}

/// The axis attribute, or `default`.
pub(super) fn axis(view: &View<'_, '_>, default: i64) -> i64 {
    first(view.attrs().axis.as_ref()).unwrap_or(default)
}
