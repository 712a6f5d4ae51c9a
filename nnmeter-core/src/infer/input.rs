//! Graph inputs, whose extents must be known, and shapes that are computed from shapes.

use super::site::{Rule, Site, Stop};
use crate::error::{Error, ErrorKind};
use crate::tensor::{DType, Dim, Dims, TensorType, show_dims};

impl Site<'_> {
    pub(super) fn input(&self, dtype: DType, dims: Option<&[Dim]>) -> Rule<TensorType> {
        let Some(dims) = dims else {
            return Err(self.open_input("its shape is not given", "1x3x224x224"));
        };
        let rank = dims.len();
        let known: Result<Dims, usize> = dims
            .iter()
            .enumerate()
            .map(|(axis, dim)| match dim {
                Dim::Known(dim) => Ok(*dim),
                Dim::Open(_) if axis == 0 && rank >= 2 => Ok(1),
                Dim::Open(_) => Err(axis),
            })
            .collect();
        known.map(|dims| TensorType { dtype, dims }).map_err(|axis| self.open_axis(dims, axis))
    }

    fn open_axis(&self, dims: &[Dim], axis: usize) -> Stop {
        let name = match &dims[axis] {
            Dim::Open(name) if !name.is_empty() => format!(" (\"{name}\")"),
            Dim::Open(_) | Dim::Known(_) => String::new(),
        };
        let guess = if dims.len() == 4 { 224 } else { 128 };
        let example: Vec<usize> = dims
            .iter()
            .enumerate()
            .map(|(axis, dim)| match dim {
                Dim::Known(dim) => *dim,
                Dim::Open(_) if axis == 0 => 1,
                Dim::Open(_) => guess,
            })
            .collect();
        self.open_input(&format!("dimension {axis} is open{name}"), &show_dims(&example))
    }

    /// An error about an input in use; one that nothing reads needs no shape.
    fn open_input(&self, found: &str, example: &str) -> Stop {
        let used = self.graph.dag.neighbors(self.id).next().is_some()
            || self.graph.outputs.iter().any(|output| output.node == self.id);
        if !used {
            return Stop::Unknown;
        }
        let name = &self.node().name;
        Error::new(ErrorKind::MissingShape, format!("input \"{name}\""), found)
            .expected("a fixed extent")
            .hint(format!("give it with --input-shape {name}:{example}"))
            .into()
    }

    /// The part of an operand's extents between two axes: a vector of so many integers.
    pub(super) fn shape_of(&self, start: i64, end: Option<i64>) -> Rule<TensorType> {
        let part = shape_part(&self.ty(0)?.dims, start, end);
        Ok(TensorType::new(DType::I64, [part.len()]))
    }

    pub(super) fn constant_of_shape(&self, dtype: DType) -> Rule<TensorType> {
        let dims = self.ints(0)?.iter().map(|&value| self.extent(value));
        Ok(TensorType { dtype, dims: dims.collect::<Rule<Dims>>()? })
    }

    /// `ceil((limit - start) / delta)` elements, at least none.
    pub(super) fn range(&self) -> Rule<TensorType> {
        let dtype = self.ty(0)?.dtype;
        let (start, limit, delta) = (self.scalar(0)?, self.scalar(1)?, self.scalar(2)?);
        let steps = ((limit - start) / delta).ceil();
        if !steps.is_finite() {
            return Err(self.bad(
                format!("range from {start} to {limit} by {delta} has no length"),
                "a step other than zero",
            ));
        }
        Ok(TensorType::new(dtype, [steps.max(0.0) as usize]))
    }
}

/// Extents from axis `start` to axis `end`, clamped to the rank as ONNX does.
pub(super) fn shape_part(dims: &[usize], start: i64, end: Option<i64>) -> &[usize] {
    let rank = dims.len() as i64;
    let clamp = |axis: i64| {
        let axis = if axis < 0 { axis.saturating_add(rank) } else { axis };
        axis.clamp(0, rank) as usize
    };
    let (start, end) = (clamp(start), clamp(end.unwrap_or(rank)));
    &dims[start.min(end)..end]
}
