//! The operator table: how a node of the graph is spelled.
//!
//! What is an operand in the graph is one in the file, too: in operator set 18 axes, sizes and bounds
//! are operands. Windows are in `window`; operators that take several of ONNX's in `compose`.

use crate::error::Result;
use crate::graph::{NodeId, Operands};
use crate::op::{Binary, Norm, Op, PoolKind, Recurrent, Reshape, ResizeMode, Unary};
use crate::tensor::{Constant, DType, TensorType, Values};
use crate::typed::TypedGraph;

use super::attributes::Attributes;
use super::{refuse, type_code, weights, window};

/// A node as ONNX has it.
pub(super) struct Spelled {
    /// Name of the operator.
    pub(super) op_type: String,
    /// Its attributes.
    pub(super) attributes: Attributes,
    /// What it reads, by slot.
    pub(super) operands: Operands,
    /// Constants for further slots, each with a name for people.
    pub(super) constants: Vec<(usize, &'static str, Constant)>,
    /// The first operator set that has it in this form, if that is late.
    pub(super) since: i64,
}

/// The spelling of a node that is neither an input nor a constant.
///
/// # Errors
/// If the graph does not keep what the operator needs.
pub(super) fn spell(graph: &TypedGraph, id: NodeId) -> Result<Spelled> {
    let op = &graph.graph().node(id).op;
    let mut spelled = Spelled {
        op_type: op.name().to_owned(),
        attributes: attributes(graph, id)?,
        operands: graph.graph().operands(id),
        constants: Vec::new(),
        since: since(op),
    };
    match *op {
        Op::Unary(Unary::Clip { min, max }) => {
            let dtype = graph.operand_type(id, 0).map(|ty| ty.dtype).unwrap_or_default();
            spelled.constants.extend(bound(1, "min", min, dtype));
            spelled.constants.extend(bound(2, "max", max, dtype));
        }
        Op::MatMul { transpose_a, transpose_b }
            if transpose_a || transpose_b || spelled.operands.len() > 2 =>
        {
            let ranks = [0, 1].map(|slot| graph.operand_type(id, slot).map_or(0, |ty| ty.rank()));
            if ranks != [2, 2] {
                let found = "transposes, or adds to, products of more than matrices";
                return Err(refuse(graph, id, found));
            }
            spelled.op_type = "Gemm".to_owned();
        }
        Op::ConstantOfShape(_) => spelled.operands.truncate(1),
        _ => {}
    }
    Ok(spelled)
}

/// A bound of a Clip, if it is known.
fn bound(
    slot: usize,
    what: &'static str,
    value: Option<f32>,
    dtype: DType,
) -> Option<(usize, &'static str, Constant)> {
    let values = Some(Values::Floats(vec![f64::from(value?)]));
    Some((slot, what, Constant { ty: TensorType::new(dtype, []), values }))
}

fn since(op: &Op) -> i64 {
    match op {
        Op::Pool(pool) if pool.kind == PoolKind::Average && window::is_dilated(pool) => 19,
        Op::Unary(Unary::Gelu) => 20,
        Op::Norm(Norm::Group { .. }) => 21,
        Op::Norm(Norm::Rms { .. }) => 23,
        _ => 0,
    }
}

fn attributes(graph: &TypedGraph, id: NodeId) -> Result<Attributes> {
    let node = graph.graph().node(id);
    let none = Attributes::default();
    Ok(match &node.op {
        Op::Conv(conv) => window::conv(graph, id, conv)?,
        Op::Pool(pool) => window::pool(graph, id, pool)?,
        Op::GlobalPool(_, layout) => {
            window::channels_first(graph, id, *layout)?;
            none
        }
        Op::MatMul { transpose_a, transpose_b } => {
            none.flag("transA", *transpose_a).flag("transB", *transpose_b)
        }
        Op::Norm(norm) => normalisation(graph, id, *norm)?,
        Op::Unary(Unary::HardSigmoid { alpha, beta }) => {
            none.float("alpha", *alpha).float("beta", *beta)
        }
        Op::Binary(Binary::FloorDiv | Binary::BitShift)
        | Op::StridedSlice(_)
        | Op::Stack { .. } => {
            return Err(refuse(graph, id, "is an operator of another format"));
        }
        Op::Other { .. } => {
            return Err(refuse(graph, id, "is an operator whose attributes are not kept"));
        }
        Op::Reduce { keep_dims, .. } => none.int("keepdims", i64::from(*keep_dims)),
        Op::ArgReduce { axis, keep_dims } => {
            none.int("axis", *axis).int("keepdims", i64::from(*keep_dims))
        }
        Op::Softmax { axis, .. }
        | Op::Concat { axis }
        | Op::Gather { axis }
        | Op::TopK { axis } => none.int("axis", *axis),
        Op::Split { axis } => {
            let attributes = none.int("axis", *axis);
            let equal = graph.graph().operand(id, 1).is_none();
            if equal { attributes.int("num_outputs", i64::from(node.outputs)) } else { attributes }
        }
        Op::Reshape(reshape) => match reshape {
            Reshape::To { allow_zero } => none.flag("allowzero", *allow_zero),
            Reshape::Flatten { axis } => none.int("axis", *axis),
            Reshape::Squeeze | Reshape::Unsqueeze => none,
        },
        Op::Transpose(order) => none.ints("perm", order.iter().flatten().copied()),
        Op::Resize(mode) => none.text(
            "mode",
            match mode {
                ResizeMode::Nearest => "nearest",
                ResizeMode::Linear => "linear",
                ResizeMode::Cubic => "cubic",
            },
        ),
        Op::DepthToSpace(block, layout) | Op::SpaceToDepth(block, layout) => {
            window::channels_first(graph, id, *layout)?;
            none.int("blocksize", *block as i64)
        }
        Op::Cast(dtype) => match type_code(*dtype) {
            Some(code) => none.int("to", i64::from(code)),
            None => return Err(refuse(graph, id, format!("converts to {dtype:?}"))),
        },
        Op::Shape { start, end } => {
            let attributes = if *start == 0 { none } else { none.int("start", *start) };
            match end {
                Some(end) => attributes.int("end", *end),
                None => attributes,
            }
        }
        Op::ConstantOfShape(_) => match fill(graph, id) {
            Some(fill) => none.tensor("value", weights::given(&fill)),
            None => none,
        },
        Op::Recurrent(layer) => recurrent(graph, id, layer),
        Op::Input(..)
        | Op::Const(_)
        | Op::Unary(_)
        | Op::Binary(_)
        | Op::Where
        | Op::Slice
        | Op::Expand
        | Op::Tile
        | Op::Pad
        | Op::Size
        | Op::Range => none,
    })
}

fn normalisation(graph: &TypedGraph, id: NodeId, norm: Norm) -> Result<Attributes> {
    let none = Attributes::default();
    Ok(match norm {
        Norm::Batch(layout) => {
            window::channels_first(graph, id, layout)?;
            none
        }
        Norm::Layer { axis } | Norm::Rms { axis } => none.int("axis", axis),
        Norm::Group { groups } => none.int("num_groups", groups as i64),
        Norm::LocalResponse => {
            return Err(refuse(graph, id, "has a window whose size is not kept"));
        }
        Norm::Instance | Norm::Lp | Norm::MeanVariance => none,
    })
}

/// What a ConstantOfShape is filled with: one element of the operand's type.
fn fill(graph: &TypedGraph, id: NodeId) -> Option<Constant> {
    let operand = graph.graph().operand(id, 1)?;
    match &graph.graph().node(operand.node).op {
        Op::Const(constant) if constant.as_scalar().is_some() => {
            let mut fill = constant.clone();
            fill.ty.dims = [1].into_iter().collect();
            Some(fill)
        }
        _ => None,
    }
}

/// The width of the hidden state is that of the recurrent weight, the third operand.
fn recurrent(graph: &TypedGraph, id: NodeId, layer: &Recurrent) -> Attributes {
    let weight = graph.operand_type(id, 2).and_then(|ty| ty.dims.last().copied());
    let hidden = if layer.hidden == 0 { weight.unwrap_or(0) } else { layer.hidden };
    let attributes = Attributes::default().int("hidden_size", hidden as i64);
    let attributes = attributes.flag("layout", layer.batch_first);
    match layer.bidirectional {
        true => attributes.text("direction", "bidirectional"),
        false => attributes,
    }
}
