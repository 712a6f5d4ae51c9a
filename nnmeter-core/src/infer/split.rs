//! Parts of a tensor by their number: Split, TopK.

use smallvec::SmallVec;

use super::site::{Rule, Site, Types, one, typed};
use crate::tensor::{DType, TensorType};

impl Site<'_> {
    pub(super) fn split(&self, axis: i64) -> Rule<Types> {
        let data = self.ty(0)?;
        let axis = self.axis(axis, &data.dims)?;
        let parts = self.split_sizes(data.dims[axis])?;
        let part = |extent| {
            let mut dims = data.dims.clone();
            dims[axis] = extent;
            Some(typed(data, dims))
        };
        Ok(parts.into_iter().map(part).collect())
    }

    /// Extents of the parts of a Split.
    pub(super) fn split_sizes(&self, extent: usize) -> Rule<SmallVec<[usize; 4]>> {
        let parts = usize::from(self.node().outputs);
        match self.optional_ints(1)? {
            Some(sizes) => self.given_sizes(sizes, extent, parts),
            None => {
                let part = extent.div_ceil(parts.max(1));
                let before = part.saturating_mul(parts.saturating_sub(1));
                let last = extent.checked_sub(before).filter(|&last| last > 0 || extent == 0);
                let last = last.ok_or_else(|| {
                    let found = format!("cannot split {extent} into {parts} parts");
                    self.mismatch(found, "an extent for each part")
                })?;
                let mut sizes = SmallVec::from_elem(part, parts);
                if let Some(end) = sizes.last_mut() {
                    *end = last;
                }
                Ok(sizes)
            }
        }
    }

    /// Sizes as an operand gives them; one of -1 is what the others leave.
    fn given_sizes(
        &self,
        sizes: &[i64],
        extent: usize,
        parts: usize,
    ) -> Rule<SmallVec<[usize; 4]>> {
        if sizes.len() != parts {
            let found = format!("has sizes for {} parts", sizes.len());
            return Err(self.mismatch(found, format!("{parts}, the number of its outputs")));
        }
        let mut given = SmallVec::new();
        for &size in sizes {
            given.push(if size == -1 { 0 } else { self.extent(size)? });
        }
        let total = given.iter().fold(0_usize, |sum, &size| sum.saturating_add(size));
        let open = sizes.iter().filter(|&&size| size == -1).count();
        if total > extent || open > 1 || (open == 0 && total != extent) {
            let found = format!("parts add up to {total}");
            return Err(self.mismatch(found, format!("{extent}, the extent that is split")));
        }
        if let Some(rest) = sizes.iter().position(|&size| size == -1) {
            given[rest] = extent - total;
        }
        Ok(given)
    }

    pub(super) fn top_k(&self, axis: i64) -> Rule<Types> {
        let data = self.ty(0)?;
        let axis = self.axis(axis, &data.dims)?;
        let k = self.scalar(1)?;
        let extent = data.dims[axis];
        if !(0.0..=extent as f64).contains(&k) {
            let found = format!("asks for {k} largest elements");
            return Err(self.mismatch(found, format!("{extent} at most, the extent of the axis")));
        }
        let mut dims = data.dims.clone();
        dims[axis] = k as usize;
        let mut types = one(typed(data, dims.clone()));
        types.push(Some(TensorType { dtype: DType::I64, dims }));
        Ok(types)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::infer::tests::check;

    #[test]
    fn splits_and_selects() {
        check(
            "x = input 4x10x6
             a,b,c = split x axis=1 ; d,e = split x 3,7 axis=1 ; f,k = split x 2,-1 axis=-1
             v,w = topk x 5i axis=1",
            expect![[r#"
                a: 4x4x6 4x4x6 4x2x6
                d: 4x3x6 4x7x6
                f: 4x10x2 4x10x4
                v: 4x5x6 4x5x6
            "#]],
        );
    }

    #[test]
    fn refuses_what_does_not_fit() {
        for (text, message) in [
            (
                "y,z = split x 3,6 axis=1",
                expect![[r#"
                node #1 "y": parts add up to 9; expected 10, the extent that is split
            "#]],
            ),
            (
                "y,z = split x 3,3,4 axis=1",
                expect![[r#"
                node #1 "y": has sizes for 3 parts; expected 2, the number of its outputs
            "#]],
            ),
            (
                "y,z,w = split x axis=2",
                expect![[r#"
                node #1 "y": cannot split 2 into 3 parts; expected an extent for each part
            "#]],
            ),
            (
                "y = topk x 11i axis=1",
                expect![[r#"
                node #1 "y": asks for 11 largest elements; expected 10 at most, the extent of the axis
            "#]],
            ),
        ] {
            check(&format!("x = input 4x10x2 ; {text}"), message);
        }
    }
}
