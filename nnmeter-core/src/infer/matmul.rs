//! Matrix products, as numpy multiplies: vectors count as one-row or one-column matrices whose
//! extra axis is dropped again, and the axes before the last two broadcast.

use super::elementwise::broadcast;
use super::site::{Rule, Site, typed};
use crate::tensor::TensorType;

/// A factor: its batch axes, its outer extent (none for a vector), and the summed extent.
struct Factor<'a> {
    batch: &'a [usize],
    outer: Option<usize>,
    inner: usize,
}

impl Site<'_> {
    pub(super) fn matmul(&self, transpose_a: bool, transpose_b: bool) -> Rule<TensorType> {
        let (a, b) = (self.ty(0)?, self.ty(1)?);
        let left = self.factor(a, transpose_a)?;
        // B is read the other way round: its inner axis is the one before the last.
        let right = self.factor(b, !transpose_b)?;
        if left.inner != right.inner {
            let mark = |transposed| if transposed { " transposed" } else { "" };
            let found =
                format!("cannot multiply {a}{} by {b}{}", mark(transpose_a), mark(transpose_b));
            let expected = format!("equal inner extents, not {} and {}", left.inner, right.inner);
            return Err(self.mismatch(found, expected));
        }
        let mut dims = self.broadcast(left.batch, right.batch)?;
        dims.extend(left.outer);
        dims.extend(right.outer);
        let product = typed(a, dims);
        self.check_addend(&product)?;
        Ok(product)
    }

    fn factor<'t>(&self, ty: &'t TensorType, transposed: bool) -> Rule<Factor<'t>> {
        match ty.dims.as_slice() {
            [] => Err(self.mismatch("a factor is a scalar", "a vector or a matrix")),
            [inner] => Ok(Factor { batch: &[], outer: None, inner: *inner }),
            [batch @ .., rows, columns] => {
                let (outer, inner) = if transposed { (columns, rows) } else { (rows, columns) };
                Ok(Factor { batch, outer: Some(*outer), inner: *inner })
            }
        }
    }

    fn check_addend(&self, product: &TensorType) -> Rule<()> {
        match self.optional_ty(2) {
            Ok(Some(c)) if broadcast(&product.dims, &c.dims).as_ref() != Some(&product.dims) => {
                Err(self.mismatch(
                    format!("addend is {c}"),
                    format!("one that broadcasts to the product, {product}"),
                ))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::infer::tests::check;

    #[test]
    fn multiplies_as_numpy() {
        check(
            "a = input 8x1x5x7 ; b = input 3x7x2 ; v = input 7
             ab = matmul a b ; av = matmul a v ; vb = matmul v b ; vv = matmul v v
             t = matmul b a ta tb",
            expect![[r#"
                ab: 8x3x5x2
                av: 8x1x5
                vb: 3x2
                vv: scalar
                t: 8x3x2x5
            "#]],
        );
    }

    #[test]
    fn refuses_what_does_not_fit() {
        check(
            "x = input 1x1280 ; y = fc x in=512 out=10",
            expect![[r#"
                node #1 "y": cannot multiply 1x1280 by 512x10; expected equal inner extents, not 1280 and 512
            "#]],
        );
        check(
            "x = input 1x8 ; w = const 8x10 ; c = const 3 ; y = matmul x w c",
            expect![[r#"
                node #3 "y": addend is 3; expected one that broadcasts to the product, 1x10
            "#]],
        );
    }
}
