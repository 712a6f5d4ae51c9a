//! Interpolation to sizes, or by scales.

use super::site::{Rule, Site, Stop, typed};
use crate::tensor::{TensorType, Values};

impl Site<'_> {
    /// Sizes win over scales. As many as axes, or one for each spatial axis.
    pub(super) fn resize(&self) -> Rule<TensorType> {
        let data = self.ty(0)?;
        let mut dims = data.dims.clone();
        if self.operand(3).is_some() {
            let sizes = self.ints(3)?;
            if !sizes.is_empty() {
                let first = self.resized_axes(data, sizes.len())?;
                for (dim, &size) in dims[first..].iter_mut().zip(sizes) {
                    *dim = self.extent(size)?;
                }
                return Ok(typed(data, dims));
            }
        }
        let scales = self.scales()?;
        let first = self.resized_axes(data, scales.len())?;
        for (dim, scale) in dims[first..].iter_mut().zip(scales) {
            if !(scale > 0.0 && scale.is_finite()) {
                return Err(self.bad(format!("scale is {scale}"), "a positive number"));
            }
            *dim = (*dim as f64 * scale).floor() as usize;
        }
        Ok(typed(data, dims))
    }

    fn scales(&self) -> Rule<Vec<f64>> {
        let scales = match self.values(2) {
            Some(Values::Floats(scales)) => scales.clone(),
            Some(Values::Ints(scales)) => scales.iter().map(|&scale| scale as f64).collect(),
            None => return Err(Stop::Unknown),
        };
        if scales.is_empty() { Err(Stop::Unknown) } else { Ok(scales) }
    }

    /// First of the axes that `count` sizes or scales are for.
    fn resized_axes(&self, data: &TensorType, count: usize) -> Rule<usize> {
        let spatial = self.graph.layout.spatial_axes(data.rank());
        if count == data.rank() {
            Ok(0)
        } else if count == spatial.len() {
            Ok(spatial.start)
        } else {
            let found = format!("has sizes for {count} axes");
            Err(self.bad(found, format!("{}, one for each axis of {data}", data.rank())))
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::infer::tests::check;

    #[test]
    fn resizes() {
        check(
            "x = input 1x3x10x15
             a = resize x scales=1,1,2,0.5 ; b = resize x sizes=1,3,7,8 ; c = resize x sizes=7,8
             d = resize x",
            expect![[r#"
                a: 1x3x20x7
                b: 1x3x7x8
                c: 1x3x7x8
                d: ?
            "#]],
        );
        check(
            "x = input 1x3x10x15 ; y = resize x scales=1,1,-2,1",
            expect![[r#"
            node #1 "y": scale is -2; expected a positive number
        "#]],
        );
        check(
            "x = input 1x3x10x15 ; y = resize x sizes=1,3,2",
            expect![[r#"
            node #1 "y": has sizes for 3 axes; expected 4, one for each axis of 1x3x10x15
        "#]],
        );
    }
}
