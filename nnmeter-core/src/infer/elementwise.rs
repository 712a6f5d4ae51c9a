//! Elementwise operators with numpy's broadcasting.

use super::site::{Rule, Site, typed};
use crate::op::Binary;
use crate::tensor::{DType, Dims, TensorType, show_dims};

impl Site<'_> {
    pub(super) fn binary(&self, binary: Binary) -> Rule<TensorType> {
        if binary == Binary::PRelu {
            return self.prelu();
        }
        let mut ty = self.ty(0)?.clone();
        for slot in 1..self.operands.len() {
            let other = self.ty(slot)?;
            ty.dims = self.broadcast(&ty.dims, &other.dims)?;
        }
        ty.dtype = if binary.is_comparison() { DType::Bool } else { self.element_type(ty.dtype) };
        Ok(ty)
    }

    /// Element type of the first operand that is not constant. Literals next to it follow it.
    fn element_type(&self, otherwise: DType) -> DType {
        let mut computed =
            self.operands.iter().flatten().map(|&v| self.facts.get(v)).filter(|f| !f.constant);
        let first = computed.next().and_then(|fact| fact.ty.as_ref());
        first.map_or(otherwise, |ty| ty.dtype)
    }

    /// The slope does not widen the data. A vector is one slope a channel, as opset 6 has it.
    fn prelu(&self) -> Rule<TensorType> {
        let (data, slope) = (self.ty(0)?, self.ty(1)?);
        let per_channel = slope.rank() == 1 && data.dims.get(1) == slope.dims.first();
        if !per_channel && broadcast(&data.dims, &slope.dims).as_ref() != Some(&data.dims) {
            return Err(self
                .mismatch(format!("slope is {slope}"), format!("one that broadcasts to {data}")));
        }
        Ok(data.clone())
    }

    pub(super) fn choice(&self) -> Rule<TensorType> {
        let (condition, x, y) = (self.ty(0)?, self.ty(1)?, self.ty(2)?);
        let dims = self.broadcast(&x.dims, &y.dims)?;
        Ok(typed(x, self.broadcast(&dims, &condition.dims)?))
    }

    /// The common shape of two operands.
    pub(super) fn broadcast(&self, a: &[usize], b: &[usize]) -> Rule<Dims> {
        broadcast(a, b).ok_or_else(|| {
            self.mismatch(
                format!("operands {} and {} do not broadcast", show_dims(a), show_dims(b)),
                "extents that are equal or 1, from the last axis back",
            )
        })
    }
}

/// The shape that `a` and `b` broadcast to, if they do.
pub(super) fn broadcast(a: &[usize], b: &[usize]) -> Option<Dims> {
    let (long, short) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    let mut dims = Dims::from_slice(long);
    let skip = long.len() - short.len();
    for (dim, &other) in dims[skip..].iter_mut().zip(short) {
        *dim = match (*dim, other) {
            (x, y) if x == y => x,
            (1, y) => y,
            (x, 1) => x,
            _ => return None,
        };
    }
    Some(dims)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::broadcast;

    proptest! {
        #[test]
        fn broadcasting_commutes_and_is_idempotent(
            a in prop::collection::vec(0_usize..4, 0..5),
            b in prop::collection::vec(0_usize..4, 0..5),
        ) {
            let both = broadcast(&a, &b);
            prop_assert_eq!(&both, &broadcast(&b, &a));
            if let Some(both) = both {
                prop_assert_eq!(broadcast(&both, &a), Some(both.clone()));
                prop_assert_eq!(broadcast(&b, &both), Some(both));
            }
        }
    }
}
