//! What a shape rule sees: one node, its operands' types and values, and the words for errors.

use smallvec::{SmallVec, smallvec};

use crate::error::{Error, ErrorKind};
use crate::graph::{Graph, Node, NodeId, Value};
use crate::op::Op;
use crate::tensor::{Dims, TensorType, Values};
use crate::typed::Fact;

/// Types of a node's outputs by port; those past its end are unknown.
pub(super) type Types = SmallVec<[Option<TensorType>; 2]>;

/// Why a rule gives no result.
#[derive(Debug)]
pub(super) enum Stop {
    /// Something that it needs is not known, which is no error.
    Unknown,
    /// The node contradicts itself or its operands.
    Wrong(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Wrong(error)
    }
}

/// Result of a shape rule.
pub(super) type Rule<T> = Result<T, Stop>;

/// The types of a node with a single output.
pub(super) fn one(ty: TensorType) -> Types {
    smallvec![Some(ty)]
}

/// What is known of all values so far. `first` has the index of each node's first fact.
pub(super) struct Facts {
    pub(super) first: Vec<u32>,
    pub(super) facts: Vec<Fact>,
    /// How many elements the folded values have so far.
    pub(super) folded: usize,
}

impl Facts {
    pub(super) fn get(&self, value: Value) -> &Fact {
        &self.facts[self.first[value.node.index()] as usize + usize::from(value.port)]
    }
}

/// A node whose operands are known as well as they will ever be.
pub(super) struct Site<'a> {
    pub(super) graph: &'a Graph,
    pub(super) id: NodeId,
    pub(super) operands: &'a [Option<Value>],
    pub(super) facts: &'a Facts,
}

impl<'a> Site<'a> {
    pub(super) fn node(&self) -> &'a Node {
        &self.graph.dag[self.id]
    }

    /// The operand in a slot, if there is one.
    pub(super) fn operand(&self, slot: usize) -> Option<Value> {
        self.operands.get(slot).copied().flatten()
    }

    /// Type of an operand that the operator cannot do without.
    pub(super) fn ty(&self, slot: usize) -> Rule<&'a TensorType> {
        let value = self.operand(slot).ok_or_else(|| self.lacks(slot))?;
        self.facts.get(value).ty.as_ref().ok_or(Stop::Unknown)
    }

    /// Type of an operand that may be left out.
    pub(super) fn optional_ty(&self, slot: usize) -> Rule<Option<&'a TensorType>> {
        match self.operand(slot) {
            Some(_) => self.ty(slot).map(Some),
            None => Ok(None),
        }
    }

    /// Elements of an operand, if they are known.
    pub(super) fn values(&self, slot: usize) -> Option<&'a Values> {
        let value = self.operand(slot)?;
        let fact = self.facts.get(value);
        let values = fact.values.as_ref().or(match &self.graph.dag[value.node].op {
            Op::Const(constant) => constant.values.as_ref(),
            _ => None,
        })?;
        let elements = fact.ty.as_ref().map(TensorType::elements);
        (elements == Some(count(values))).then_some(values)
    }

    /// Integers of an operand that the operator cannot do without.
    pub(super) fn ints(&self, slot: usize) -> Rule<&'a [i64]> {
        if self.operand(slot).is_none() {
            return Err(self.lacks(slot));
        }
        match self.values(slot) {
            Some(Values::Ints(values)) => Ok(values),
            Some(Values::Floats(_)) | None => Err(Stop::Unknown),
        }
    }

    /// Integers of an operand that may be left out.
    pub(super) fn optional_ints(&self, slot: usize) -> Rule<Option<&'a [i64]>> {
        match self.operand(slot) {
            Some(_) => self.ints(slot).map(Some),
            None => Ok(None),
        }
    }

    /// The single number of an operand that the operator cannot do without.
    pub(super) fn scalar(&self, slot: usize) -> Rule<f64> {
        if self.operand(slot).is_none() {
            return Err(self.lacks(slot));
        }
        match self.values(slot) {
            Some(Values::Ints(values)) if values.len() == 1 => Ok(values[0] as f64),
            Some(Values::Floats(values)) if values.len() == 1 => Ok(values[0]),
            Some(Values::Ints(_) | Values::Floats(_)) | None => Err(Stop::Unknown),
        }
    }

    /// An axis of `dims` that may count from the end.
    pub(super) fn axis(&self, axis: i64, dims: &[usize]) -> Rule<usize> {
        self.axis_of_rank(axis, dims.len())
    }

    /// An axis of a tensor of `rank` axes that may count from the end.
    pub(super) fn axis_of_rank(&self, axis: i64, rank: usize) -> Rule<usize> {
        let signed = rank as i64;
        let index = if axis < 0 { axis.saturating_add(signed) } else { axis };
        if (0..signed).contains(&index) {
            return Ok(index as usize);
        }
        let found = format!("axis {axis} is out of range");
        Err(match rank {
            0 => self.bad(found, "an operand with axes"),
            _ => self.bad(found, format!("{} to {}", -signed, signed - 1)),
        })
    }

    /// An extent that a constant gives.
    pub(super) fn extent(&self, value: i64) -> Rule<usize> {
        usize::try_from(value)
            .map_err(|_| self.bad(format!("extent {value} is negative"), "zero or more"))
    }

    /// Shapes contradict each other.
    pub(super) fn mismatch(&self, found: impl Into<String>, expected: impl Into<String>) -> Stop {
        self.wrong(ErrorKind::ShapeMismatch, found, expected)
    }

    /// An attribute, or an operand that acts as one, is out of range.
    pub(super) fn bad(&self, found: impl Into<String>, expected: impl Into<String>) -> Stop {
        self.wrong(ErrorKind::BadAttribute, found, expected)
    }

    fn lacks(&self, slot: usize) -> Stop {
        let found = format!("operand {slot} is missing");
        let expected = format!("one, as every {} has", self.node().op.name());
        self.wrong(ErrorKind::Malformed, found, expected)
    }

    fn wrong(
        &self,
        kind: ErrorKind,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Stop {
        Error::new(kind, self.graph.label(self.id), found).expected(expected).into()
    }
}

/// Number of elements.
pub(super) fn count(values: &Values) -> usize {
    match values {
        Values::Ints(values) => values.len(),
        Values::Floats(values) => values.len(),
    }
}

/// A tensor of the element type of `like`.
pub(super) fn typed(like: &TensorType, dims: Dims) -> TensorType {
    TensorType { dtype: like.dtype, dims }
}
