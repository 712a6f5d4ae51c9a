//! The operator table: what a node of the file becomes.
//!
//! Here are elementwise functions, layers without a window, and the fallback; windowed operators
//! are in `ops_window`, those about shapes in `ops_shape`, padding and interpolation in
//! `ops_resize`. Operators that none of them knows, or whose attributes ask for something that
//! [`Op`] cannot say, become [`Op::Other`] under their name: reported, never guessed.

use smallvec::SmallVec;

use crate::error::{Error, ErrorKind, Result};
use crate::op::{Binary, Layout, Norm, Op, Recurrent, RecurrentCell, Reshape, Unary};
use crate::tensor::{Constant, DType, Dims};

use super::attributes::Site;
use super::{ops_resize, ops_shape, ops_window, subgraphs};

/// What earlier nodes and the file's declarations say of values.
pub(super) trait Scope {
    /// The constant called `name`.
    fn constant(&self, name: &str) -> Option<&Constant>;
    /// Extents of the value called `name`, if the file states them all.
    fn dims(&self, name: &str) -> Option<Dims>;
    /// Element type of the value called `name`.
    fn dtype(&self, name: &str) -> Option<DType>;
}

/// How many captured values a node is wired to; more could not be numbered as operands.
const MOST_CAPTURES: usize = 1 << 14;

/// Operands of a node to be, by slot.
pub(super) type Names<'m> = SmallVec<[&'m str; 5]>;

/// What a node of the file becomes.
#[expect(clippy::large_enum_variant, reason = "one at a time, on the stack, mostly the large one")]
pub(super) enum Plan<'m> {
    /// Its first output is another name of this value.
    Alias(&'m str),
    /// A node, with the names of its operands and constants for further slots.
    Node(Op, Names<'m>, SmallVec<[(u16, Constant); 1]>),
}

impl<'m> Plan<'m> {
    /// A node with the operands that the file writes.
    pub(super) fn plain(op: Op, site: &Site<'m>) -> Self {
        let names = site.node.input.iter().map(String::as_str).collect();
        Plan::Node(op, names, SmallVec::new())
    }

    /// A node with the given operands.
    pub(super) fn with(op: Op, operands: impl IntoIterator<Item = &'m str>) -> Self {
        Plan::Node(op, operands.into_iter().collect(), SmallVec::new())
    }

    /// An operator that is reported by name. `detail` says which attribute is to blame.
    pub(super) fn other(site: &Site<'m>, detail: Option<&str>) -> Self {
        let node = site.node;
        let mut op_type = match site.in_default_domain() {
            true => node.op_type.clone(),
            false => format!("{}::{}", node.domain, node.op_type),
        };
        if let Some(detail) = detail {
            op_type = format!("{op_type}[{detail}]");
        }
        let captured = subgraphs::captures(site).into_iter().take(MOST_CAPTURES);
        let names = node.input.iter().map(String::as_str).chain(captured);
        Plan::with(Op::Other { op_type: op_type.into() }, names)
    }

    /// Adds a constant operand.
    pub(super) fn operand(mut self, slot: u16, constant: Constant) -> Self {
        if let Plan::Node(_, _, constants) = &mut self {
            constants.push((slot, constant));
        }
        self
    }
}

/// What the node at `site` becomes. Constant nodes are not for this function.
///
/// # Errors
/// If an attribute is missing, of the wrong type or out of range.
pub(super) fn plan<'m>(site: &Site<'m>, scope: &impl Scope) -> Result<Plan<'m>> {
    let plan = by_family(site, scope)?;
    if let Plan::Node(op, names, constants) = &plan {
        let is_there = |slot: usize| {
            names.get(slot).is_some_and(|name| !name.is_empty())
                || constants.iter().any(|(at, _)| usize::from(*at) == slot)
        };
        if let Some(slot) = (0..least_operands(op)).find(|&slot| !is_there(slot)) {
            let found = format!("has no operand {slot}");
            return Err(Error::new(ErrorKind::Malformed, site.label(), found)
                .expected(format!("at least {}", least_operands(op))));
        }
    }
    Ok(plan)
}

/// How many leading operands an operator cannot do without.
fn least_operands(op: &Op) -> usize {
    match op {
        Op::Other { .. } | Op::Input(..) | Op::Const(_) => 0,
        Op::Norm(Norm::Batch(_)) => 5,
        Op::Where | Op::Range | Op::Slice | Op::Recurrent(_) => 3,
        Op::Conv(_) | Op::MatMul { .. } | Op::Binary(_) | Op::Gather { .. } => 2,
        Op::Expand | Op::Tile | Op::Pad | Op::TopK { .. } => 2,
        Op::Reshape(Reshape::To { .. } | Reshape::Unsqueeze) => 2,
        _ => 1,
    }
}

fn by_family<'m>(site: &Site<'m>, scope: &impl Scope) -> Result<Plan<'m>> {
    if !site.in_default_domain() {
        return Ok(Plan::other(site, None));
    }
    if let Some(plan) = ops_window::plan(site, scope)? {
        return Ok(plan);
    }
    if let Some(plan) = elementwise(site, scope)? {
        return Ok(plan);
    }
    if let Some(plan) = layer(site)? {
        return Ok(plan);
    }
    if let Some(plan) = ops_shape::plan(site, scope)? {
        return Ok(plan);
    }
    if let Some(plan) = ops_resize::plan(site, scope)? {
        return Ok(plan);
    }
    Ok(Plan::other(site, None))
}

/// Functions of each element.
fn elementwise<'m>(site: &Site<'m>, scope: &impl Scope) -> Result<Option<Plan<'m>>> {
    let op_type = site.node.op_type.as_str();
    let op = match op_type {
        "Identity" | "Dropout" => return site.required(0).map(|of| Some(Plan::Alias(of))),
        "Clip" => return clip(site, scope).map(Some),
        "HardSigmoid" => Op::Unary(Unary::HardSigmoid {
            alpha: site.float("alpha")?.unwrap_or(0.2),
            beta: site.float("beta")?.unwrap_or(0.5),
        }),
        "BitwiseNot" => Op::Unary(Unary::Not),
        "Where" => Op::Where,
        "Sum" => return nary(Binary::Add, site).map(Some),
        "BitwiseAnd" => Op::Binary(Binary::And),
        "BitwiseOr" => Op::Binary(Binary::Or),
        "BitwiseXor" => Op::Binary(Binary::Xor),
        name => match (Unary::from_name(name), Binary::from_name(name)) {
            (Some(unary), _) => Op::Unary(unary),
            (None, Some(binary)) => return nary(binary, site).map(Some),
            (None, None) => return Ok(None),
        },
    };
    Ok(Some(Plan::plain(op, site)))
}

/// A function of two or more operands; of a single one it is the identity.
fn nary<'m>(binary: Binary, site: &Site<'m>) -> Result<Plan<'m>> {
    let first = site.required(0)?;
    let takes_one = matches!(binary, Binary::Add | Binary::Min | Binary::Max | Binary::Mean);
    if takes_one && site.node.input.len() == 1 {
        return Ok(Plan::Alias(first));
    }
    // Before version 7, `axis` placed the axes of the second operand among those of the first.
    if site.opset < 7 && site.has("axis") {
        return Ok(Plan::other(site, Some("axis")));
    }
    Ok(Plan::plain(Op::Binary(binary), site))
}

/// Clip: bounds are attributes up to version 10, then operands. Operands that are not constant
/// stay wired, and their bound is unknown.
fn clip<'m>(site: &Site<'m>, scope: &impl Scope) -> Result<Plan<'m>> {
    let bound = |slot: usize, name: &str| -> Result<Option<f32>> {
        if let Some(value) = site.float(name)? {
            return Ok(Some(value));
        }
        let constant = site.operand(slot).and_then(|operand| scope.constant(operand));
        Ok(constant.and_then(Constant::as_scalar).map(|value| value as f32))
    };
    let op = Op::Unary(Unary::Clip { min: bound(1, "min")?, max: bound(2, "max")? });
    let is_open = |name: &&str| !name.is_empty() && scope.constant(name).is_none();
    let names = site.node.input.iter().map(String::as_str);
    let open = names.enumerate().map(|(slot, name)| match slot == 0 || is_open(&name) {
        true => name,
        false => "",
    });
    Ok(Plan::with(op, open))
}

/// Products, normalisations and recurrent layers.
fn layer<'m>(site: &Site<'m>) -> Result<Option<Plan<'m>>> {
    let norm = match site.node.op_type.as_str() {
        "MatMul" => {
            let op = Op::MatMul { transpose_a: false, transpose_b: false };
            return Ok(Some(Plan::plain(op, site)));
        }
        "Gemm" => {
            let op = Op::MatMul {
                transpose_a: site.flag("transA", false)?,
                transpose_b: site.flag("transB", false)?,
            };
            return Ok(Some(Plan::plain(op, site)));
        }
        "BatchNormalization" => Norm::Batch(Layout::ChannelsFirst),
        "LayerNormalization" => Norm::Layer { axis: site.int("axis")?.unwrap_or(-1) },
        "RMSNormalization" => Norm::Rms { axis: site.int("axis")?.unwrap_or(-1) },
        "InstanceNormalization" => Norm::Instance,
        "GroupNormalization" => Norm::Group { groups: site.required_count("num_groups")? },
        "LRN" => Norm::LocalResponse,
        "LpNormalization" => Norm::Lp,
        "MeanVarianceNormalization" => Norm::MeanVariance,
        "RNN" => return recurrent(RecurrentCell::Rnn, site).map(Some),
        "GRU" => return recurrent(RecurrentCell::Gru, site).map(Some),
        "LSTM" => return recurrent(RecurrentCell::Lstm, site).map(Some),
        _ => return Ok(None),
    };
    Ok(Some(Plan::plain(Op::Norm(norm), site)))
}

fn recurrent<'m>(cell: RecurrentCell, site: &Site<'m>) -> Result<Plan<'m>> {
    let bidirectional = match site.text("direction")?.unwrap_or("forward") {
        "forward" | "reverse" => false,
        "bidirectional" => true,
        other => {
            let expected = "forward, reverse or bidirectional";
            return Err(site.bad("direction", format!("\"{other}\""), expected));
        }
    };
    let op = Op::Recurrent(Recurrent {
        cell,
        hidden: site.count("hidden_size")?.unwrap_or(0),
        bidirectional,
        batch_first: site.flag("layout", false)?,
    });
    Ok(Plan::plain(op, site))
}
