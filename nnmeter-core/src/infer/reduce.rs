//! Reductions over axes, and the index of an extreme element.

use smallvec::SmallVec;

use super::site::{Rule, Site, typed};
use crate::tensor::{DType, TensorType};

impl Site<'_> {
    pub(super) fn reduce(&self, keep_dims: bool) -> Rule<TensorType> {
        let data = self.ty(0)?;
        let axes = self.optional_ints(1)?;
        self.without(data, axes.unwrap_or_default(), keep_dims)
    }

    pub(super) fn arg_reduce(&self, axis: i64, keep_dims: bool) -> Rule<TensorType> {
        let reduced = self.without(self.ty(0)?, &[axis], keep_dims)?;
        Ok(TensorType { dtype: DType::I64, dims: reduced.dims })
    }

    /// `data` without some axes; without any at all if none is named.
    fn without(&self, data: &TensorType, axes: &[i64], keep_dims: bool) -> Rule<TensorType> {
        let mut gone: SmallVec<[bool; 8]> = SmallVec::from_elem(axes.is_empty(), data.rank());
        for &axis in axes {
            gone[self.axis(axis, &data.dims)?] = true;
        }
        let dims =
            data.dims.iter().zip(&gone).filter_map(|(&dim, &gone)| match (gone, keep_dims) {
                (false, _) => Some(dim),
                (true, true) => Some(1),
                (true, false) => None,
            });
        Ok(typed(data, dims.collect()))
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::infer::tests::check;

    #[test]
    fn reduces() {
        check(
            "x = input 2x3x4x5
             a = mean x axes=2,3 keep ; b = mean x axes=-1,1 ; c = reducesum x
             d = reducemax x keep ; e = argmax x axis=1 ; f = softmax x ; g = cast x i8",
            expect![[r#"
                a: 2x3x1x1
                b: 2x4
                c: scalar
                d: 1x1x1x1
                e: 2x4x5
                f: 2x3x4x5
                g: 2x3x4x5
            "#]],
        );
        check(
            "x = input 2x3 ; y = mean x axes=2",
            expect![[r#"
            node #1 "y": axis 2 is out of range; expected -2 to 1
        "#]],
        );
    }
}
