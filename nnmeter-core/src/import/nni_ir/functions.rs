//! Traced functions: `aten::` operators on tensors, the functions of `torch.nn.functional` (which
//! NNI calls `Function.`), and the `prim::` ones that make scalars and lists, which are evaluated at
//! import.

use serde_json::Value;

use super::pools;
use super::walk::{Call, Item, MAX_DEPTH, Walker};
use crate::error::{Error, ErrorKind, Result};
use crate::op::{Binary, Op, ReduceKind, Reshape, Unary};
use crate::tensor::Constant;

/// Evaluates a call of a function; `None` if it is a module's.
pub(super) fn call(walker: &mut Walker<'_>, call: &Call<'_>) -> Result<Option<Vec<Item>>> {
    let op_type = call.node.operation.op_type.as_str();
    if let Some(name) = op_type.strip_prefix("prim::") {
        return prim(walker, call, name).map(Some);
    }
    match op_type.strip_prefix("aten::").or_else(|| op_type.strip_prefix("Function.")) {
        Some(name) => aten(walker, call, own_name(name)).map(Some),
        None => Ok(None),
    }
}

/// A function's name without what marks it as in place (`add_`) or as one of several under a name
/// (`_max_pool2d`).
fn own_name(name: &str) -> &str {
    if name.starts_with("__") {
        return name;
    }
    let name = name.strip_prefix('_').unwrap_or(name);
    name.strip_suffix('_').unwrap_or(name)
}

fn prim(walker: &mut Walker<'_>, call: &Call<'_>, name: &str) -> Result<Vec<Item>> {
    Ok(match name {
        "Constant" => vec![call.params().get("value").map_or(Item::None, literal)],
        "GetAttr" if call.params().get("value").is_some_and(|value| !value.is_object()) => {
            vec![call.params().get("value").map_or(Item::None, literal)]
        }
        "ListConstruct" | "TupleConstruct"
            if call.inputs.iter().any(|item| item.depth() >= MAX_DEPTH) =>
        {
            return Err(Error::new(ErrorKind::Malformed, &call.subject, "nests lists too deeply"));
        }
        "ListConstruct" | "TupleConstruct" => vec![Item::List(call.inputs.clone())],
        "ListUnpack" | "TupleUnpack" => match call.input(0) {
            Item::List(items) => items.clone(),
            _ => return call.other(walker),
        },
        _ => return call.other(walker),
    })
}

fn literal(value: &Value) -> Item {
    match value {
        Value::Bool(flag) => Item::Int((*flag).into()),
        Value::Number(number) => match number.as_i64() {
            Some(int) => Item::Int(int),
            None => number.as_f64().map_or(Item::None, Item::Float),
        },
        Value::Array(items) => Item::List(items.iter().map(literal).collect()),
        Value::Null | Value::String(_) | Value::Object(_) => Item::None,
    }
}

fn aten(walker: &mut Walker<'_>, call: &Call<'_>, name: &str) -> Result<Vec<Item>> {
    let x = call.input(0);
    if let Some(item) = arithmetic(name, x, call.input(1)) {
        return Ok(vec![item]);
    }
    if let Some(unary) = unary(name) {
        return walker.add(call, Op::Unary(unary), &[x], Vec::new(), 1);
    }
    if let Some(binary) = binary(name) {
        return walker.add(call, Op::Binary(binary), &[x, call.input(1)], Vec::new(), 1);
    }
    let with = |list: Vec<i64>| vec![(1, Constant::ints(list))];
    let (op, constants) = match name {
        "contiguous" | "detach" | "clone" | "to" | "dropout" | "dropout2d" | "feature_dropout" => {
            return Ok(vec![x.clone()]);
        }
        "max_pool2d" | "avg_pool2d" => return pools::pool(walker, call, name == "max_pool2d"),
        "split" | "split_with_sizes" => return split(walker, call),
        "cat" | "stack" => return join(walker, call, name == "cat"),
        "chunk" => return chunk(walker, call),
        "matmul" | "mm" | "bmm" => {
            let op = Op::MatMul { transpose_a: false, transpose_b: false };
            return walker.add(call, op, &[x, call.input(1)], Vec::new(), 1);
        }
        "__getitem__" => match (x, int(call.input(1))) {
            (Item::List(items), Some(index)) => {
                let index = if index < 0 { index + items.len() as i64 } else { index };
                let item = usize::try_from(index).ok().and_then(|index| items.get(index));
                return Ok(vec![item.cloned().unwrap_or(Item::None)]);
            }
            _ => return call.other(walker),
        },
        "size" => return size(walker, call),
        "mean" | "sum" => match ints(call.input(1)) {
            Some(axes) => (reduce(name, int(call.input(2)) == Some(1)), with(axes)),
            None => return call.other(walker),
        },
        "flatten" if int(call.input(1)) == Some(1) && int(call.input(2)) == Some(-1) => {
            (Op::Reshape(Reshape::Flatten { axis: 1 }), Vec::new())
        }
        "view" | "reshape" => match ints(call.input(1)).or_else(|| recorded(call)) {
            Some(shape) => (Op::Reshape(Reshape::To { allow_zero: false }), with(shape)),
            None => return call.other(walker),
        },
        "flatten" => match recorded(call) {
            Some(shape) => (Op::Reshape(Reshape::To { allow_zero: false }), with(shape)),
            None => return call.other(walker),
        },
        "squeeze" | "unsqueeze" => match int(call.input(1)) {
            Some(axis) if name == "squeeze" => (Op::Reshape(Reshape::Squeeze), with(vec![axis])),
            Some(axis) => (Op::Reshape(Reshape::Unsqueeze), with(vec![axis])),
            None => return call.other(walker),
        },
        "permute" | "transpose" => match permutation(call, name) {
            Some(perm) => (Op::Transpose(Some(perm)), Vec::new()),
            None => return call.other(walker),
        },
        "softmax" | "log_softmax" => {
            let axis = int(call.input(1)).unwrap_or(-1);
            (Op::Softmax { axis, log: name == "log_softmax" }, Vec::new())
        }
        "adaptive_avg_pool2d" if ints(call.input(1)).is_some_and(|o| o.iter().all(|&n| n == 1)) => {
            let kind = crate::op::PoolKind::Average;
            (Op::GlobalPool(kind, crate::op::Layout::ChannelsFirst), Vec::new())
        }
        _ => return call.other(walker),
    };
    walker.add(call, op, &[x], constants, 1)
}

fn unary(name: &str) -> Option<Unary> {
    Some(match name {
        "relu" => Unary::Relu,
        "relu6" => Unary::Clip { min: Some(0.0), max: Some(6.0) },
        "hardtanh" | "clamp" => Unary::Clip { min: None, max: None },
        "hardswish" => Unary::HardSwish,
        "hardsigmoid" => Unary::HardSigmoid { alpha: 1.0 / 6.0, beta: 0.5 },
        "silu" => Unary::Swish,
        "sigmoid" => Unary::Sigmoid,
        "tanh" => Unary::Tanh,
        "gelu" => Unary::Gelu,
        "leaky_relu" => Unary::LeakyRelu,
        "elu" => Unary::Elu,
        "mish" => Unary::Mish,
        "exp" => Unary::Exp,
        "log" => Unary::Log,
        "sqrt" => Unary::Sqrt,
        "rsqrt" => Unary::Rsqrt,
        "neg" => Unary::Neg,
        "abs" => Unary::Abs,
        _ => return None,
    })
}

fn binary(name: &str) -> Option<Binary> {
    Some(match name {
        "add" => Binary::Add,
        "sub" => Binary::Sub,
        "mul" => Binary::Mul,
        "div" => Binary::Div,
        "pow" => Binary::Pow,
        "maximum" => Binary::Max,
        "minimum" => Binary::Min,
        _ => return None,
    })
}

fn reduce(name: &str, keep_dims: bool) -> Op {
    let kind = if name == "sum" { ReduceKind::Sum } else { ReduceKind::Mean };
    Op::Reduce { kind, keep_dims }
}

fn join(walker: &mut Walker<'_>, call: &Call<'_>, concat: bool) -> Result<Vec<Item>> {
    let axis = int(call.input(1)).unwrap_or(0);
    let Item::List(items) = call.input(0) else { return call.other(walker) };
    let op = if concat { Op::Concat { axis } } else { Op::Stack { axis } };
    walker.add(call, op, &items.iter().collect::<Vec<_>>(), Vec::new(), 1)
}

/// Equal parts along an axis: one value that is a list.
fn chunk(walker: &mut Walker<'_>, call: &Call<'_>) -> Result<Vec<Item>> {
    let count = int(call.input(1)).and_then(|count| u16::try_from(count).ok());
    let Some(count) = count.filter(|count| (1..=256).contains(count)) else {
        return call.other(walker);
    };
    let op = Op::Split { axis: int(call.input(2)).unwrap_or(0) };
    let parts = walker.add(call, op, &[call.input(0)], Vec::new(), count)?;
    Ok(vec![Item::List(parts)])
}

/// Parts of given extents along an axis, the last one what is left: one value that is a list.
fn split(walker: &mut Walker<'_>, call: &Call<'_>) -> Result<Vec<Item>> {
    let axis = int(call.input(2)).unwrap_or(0);
    let Some(sizes) = part_sizes(call, axis).filter(|sizes| (1..=256).contains(&sizes.len()))
    else {
        return call.other(walker);
    };
    let count = sizes.len() as u16;
    let constants = vec![(1, Constant::ints(sizes))];
    let parts = walker.add(call, Op::Split { axis }, &[call.input(0)], constants, count)?;
    Ok(vec![Item::List(parts)])
}

fn part_sizes(call: &Call<'_>, axis: i64) -> Option<Vec<i64>> {
    let Item::Int(size) = call.input(1) else { return ints(call.input(1)) };
    let dims = call.input_shape(0)?;
    let axis = if axis < 0 { axis + dims.len() as i64 } else { axis };
    let extent = *dims.get(usize::try_from(axis).ok()?)? as i64;
    let whole = extent.checked_div(*size).filter(|&whole| *size > 0 && whole < 256)?;
    let rest = Some(extent - whole * size).filter(|&rest| rest > 0);
    Some(std::iter::repeat_n(*size, whole as usize).chain(rest).collect())
}

/// Arithmetic of two integers that are known at import, as of extents.
fn arithmetic(name: &str, a: &Item, b: &Item) -> Option<Item> {
    let (&Item::Int(a), &Item::Int(b)) = (a, b) else { return None };
    let result = match name {
        "add" => a.checked_add(b),
        "sub" => a.checked_sub(b),
        "mul" => a.checked_mul(b),
        "floordiv" | "floor_divide" => a.checked_div_euclid(b).filter(|_| b > 0),
        _ => None,
    };
    result.map(Item::Int)
}

/// One extent, if the shape is recorded; else the tensor's shape cannot be known here.
fn size(walker: &mut Walker<'_>, call: &Call<'_>) -> Result<Vec<Item>> {
    let dims = call.input_shape(0);
    let items: Option<Vec<Item>> =
        dims.map(|dims| dims.iter().map(|&dim| Item::Int(dim as i64)).collect());
    match (items, int(call.input(1))) {
        (Some(items), Some(axis)) => {
            let axis = if axis < 0 { axis + items.len() as i64 } else { axis };
            let item = usize::try_from(axis).ok().and_then(|axis| items.get(axis));
            Ok(vec![item.cloned().unwrap_or(Item::None)])
        }
        (Some(items), None) => Ok(vec![Item::List(items)]),
        (None, _) => call.other(walker),
    }
}

fn permutation(call: &Call<'_>, name: &str) -> Option<smallvec::SmallVec<[usize; 5]>> {
    let perm = match name {
        "permute" => ints(call.input(1))?,
        _ => {
            let rank = call.input_shape(0)?.len() as i64;
            let axis = |slot| {
                let axis = int(call.input(slot))?;
                let axis = if axis < 0 { axis + rank } else { axis };
                usize::try_from(axis).ok().filter(|&axis| axis < rank as usize)
            };
            let mut perm: Vec<i64> = (0..rank).collect();
            perm.swap(axis(1)?, axis(2)?);
            perm
        }
    };
    let mut sorted = perm.clone();
    sorted.sort_unstable();
    let valid = sorted.into_iter().eq(0..perm.len() as i64);
    valid.then(|| perm.into_iter().map(|axis| axis as usize).collect())
}

/// The recorded extents of the first output.
fn recorded(call: &Call<'_>) -> Option<Vec<i64>> {
    let dims = call.output_shapes().into_iter().next()??;
    Some(dims.iter().map(|&dim| dim as i64).collect())
}

pub(super) fn int(item: &Item) -> Option<i64> {
    match item {
        Item::Int(value) => Some(*value),
        _ => None,
    }
}

pub(super) fn ints(item: &Item) -> Option<Vec<i64>> {
    match item {
        Item::List(items) => items.iter().map(int).collect(),
        Item::Int(value) => Some(vec![*value]),
        _ => None,
    }
}
