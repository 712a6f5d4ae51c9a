//! Tensors put together, repeated or padded: Concat, Stack, Pad, Tile, Expand, DepthToSpace and
//! its inverse.

use super::elementwise::broadcast;
use super::site::{Rule, Site, typed};
use crate::op::Layout;
use crate::tensor::{Dims, TensorType, show_dims};

impl Site<'_> {
    pub(super) fn concat(&self, axis: i64) -> Rule<TensorType> {
        let first = self.ty(0)?;
        let axis = self.axis(axis, &first.dims)?;
        let mut dims = first.dims.clone();
        for slot in 1..self.operands.len() {
            let other = self.ty(slot)?;
            let mut agree = other.rank() == first.rank();
            for (index, (dim, &extent)) in dims.iter_mut().zip(&other.dims).enumerate() {
                if index == axis {
                    *dim = dim.saturating_add(extent);
                } else if index == 0 && self.has_old_batch(slot, extent) {
                    // A class token, say: the runtime repeats it.
                } else if index == 0 && self.has_old_batch(0, *dim) {
                    *dim = extent;
                } else {
                    agree &= *dim == extent;
                }
            }
            if !agree {
                return Err(self.mismatch(
                    format!("operand {slot} is {other}"),
                    format!("{first} as operand 0, but for axis {axis}"),
                ));
            }
        }
        Ok(typed(first, dims))
    }

    /// Whether an operand is constant with the file's own batch size written into it.
    fn has_old_batch(&self, slot: usize, extent: usize) -> bool {
        let constant = self.operand(slot).is_some_and(|value| self.facts.get(value).constant);
        constant && self.graph.rebatch.is_some_and(|rebatch| rebatch.from == extent)
    }

    pub(super) fn stack(&self, axis: i64) -> Rule<TensorType> {
        let first = self.ty(0)?;
        let axis = self.axis_of_rank(axis, first.rank() + 1)?;
        for slot in 1..self.operands.len() {
            let other = self.ty(slot)?;
            if other.dims != first.dims {
                let found = format!("operand {slot} is {other}");
                return Err(self.mismatch(found, format!("{first} as operand 0")));
            }
        }
        let mut dims = first.dims.clone();
        dims.insert(axis, self.operands.len());
        Ok(typed(first, dims))
    }

    /// Pads may be negative, which crops.
    pub(super) fn pad(&self) -> Rule<TensorType> {
        let (data, pads) = (self.ty(0)?, self.ints(1)?);
        let axes = self.optional_ints(3)?;
        let count = axes.map_or(data.rank(), <[i64]>::len);
        if pads.len() != count.saturating_mul(2) {
            let found = format!("has {} paddings", pads.len());
            return Err(self.bad(found, format!("{}, two an axis", count.saturating_mul(2))));
        }
        let (begins, ends) = pads.split_at(count);
        let mut dims = data.dims.clone();
        for (index, (&begin, &end)) in begins.iter().zip(ends).enumerate() {
            let axis = match axes {
                Some(axes) => self.axis(axes[index], &dims)?,
                None => index,
            };
            let old = i64::try_from(dims[axis]).unwrap_or(i64::MAX);
            let new = old.saturating_add(begin).saturating_add(end);
            dims[axis] = usize::try_from(new).map_err(|_| {
                let found = format!("padding of {begin} and {end} leaves nothing of {old}");
                self.mismatch(found, "no more cropped than there is")
            })?;
        }
        Ok(typed(data, dims))
    }

    pub(super) fn tile(&self) -> Rule<TensorType> {
        let (data, repeats) = (self.ty(0)?, self.ints(1)?);
        if repeats.len() != data.rank() {
            let found = format!("has {} repeats", repeats.len());
            return Err(self.bad(found, format!("{}, one for each axis of {data}", data.rank())));
        }
        let mut dims = data.dims.clone();
        for (dim, &repeat) in dims.iter_mut().zip(repeats) {
            *dim = dim.saturating_mul(self.extent(repeat)?);
        }
        Ok(typed(data, dims))
    }

    /// An extent of -1 keeps that of the data.
    pub(super) fn expand(&self) -> Rule<TensorType> {
        let (data, target) = (self.ty(0)?, self.ints(1)?);
        let wanted = |&value: &i64| if value == -1 { Ok(1) } else { self.extent(value) };
        let mut dims = target.iter().map(wanted).collect::<Rule<Dims>>()?;
        if let (Some(rebatch), Some(first)) = (self.graph.rebatch, dims.first_mut())
            && *first == rebatch.from
            && target[0] != -1
            && self.written_in_file(1)
        {
            *first = rebatch.to;
        }
        let dims = broadcast(&data.dims, &dims).ok_or_else(|| {
            self.mismatch(
                format!("cannot expand {data} to {}", show_dims(&dims)),
                "extents that are equal or 1, from the last axis back",
            )
        })?;
        Ok(typed(data, dims))
    }

    pub(super) fn depth_to_space(&self, block: usize, layout: Layout) -> Rule<TensorType> {
        let (data, channel) = self.blocked(block, layout)?;
        let area = block.saturating_mul(block);
        let channels = data.dims[channel];
        if !channels.is_multiple_of(area) {
            let found = format!("input has {channels} channels");
            return Err(self.mismatch(found, format!("a multiple of {area}")));
        }
        let mut dims = data.dims.clone();
        dims[channel] = channels / area;
        for axis in layout.spatial_axes(data.rank()) {
            dims[axis] = dims[axis].saturating_mul(block);
        }
        Ok(typed(data, dims))
    }

    pub(super) fn space_to_depth(&self, block: usize, layout: Layout) -> Rule<TensorType> {
        let (data, channel) = self.blocked(block, layout)?;
        let mut dims = data.dims.clone();
        dims[channel] = dims[channel].saturating_mul(block.saturating_mul(block));
        for axis in layout.spatial_axes(data.rank()) {
            if !dims[axis].is_multiple_of(block) {
                let found = format!("input is {data}");
                return Err(self.mismatch(found, format!("spatial extents divisible by {block}")));
            }
            dims[axis] /= block;
        }
        Ok(typed(data, dims))
    }

    /// An image and its channel axis, if the block size makes sense.
    fn blocked(&self, block: usize, layout: Layout) -> Rule<(&TensorType, usize)> {
        let data = self.ty(0)?;
        if block == 0 {
            return Err(self.bad("block size is 0", "1 or more"));
        }
        match layout.channel_axis(data.rank()) {
            Some(channel) if data.rank() == 4 => Ok((data, channel)),
            _ => Err(self.mismatch(format!("input is {data}"), "an image, with four axes")),
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::infer::tests::check;

    #[test]
    fn arranges() {
        check(
            "x = input 1x8x6x4
             a = concat x x x axis=1 ; b = stack x x axis=-1 ; c = pad x 0,0,1,2,0,0,3,-1
             d = tile x 2,1,1,3 ; e = expand x 5,-1,1,1,4 ; f = d2s x ; g = s2d x
             h = pad x 1,1 _ 2,",
            expect![[r#"
                a: 1x24x6x4
                b: 1x8x6x4x2
                c: 1x8x10x5
                d: 2x8x6x12
                e: 5x1x8x6x4
                f: 1x2x12x8
                g: 1x32x3x2
                h: 1x8x8x4
            "#]],
        );
    }

    #[test]
    fn refuses_what_does_not_fit() {
        for (text, message) in [
            (
                "z = input 1x8x5x4 ; y = concat x z axis=1",
                expect![[r#"
                node #2 "y": operand 1 is 1x8x5x4; expected 1x8x6x4 as operand 0, but for axis 1
            "#]],
            ),
            (
                "y = pad x 1,1",
                expect![[r#"
                node #1 "y": has 2 paddings; expected 8, two an axis
            "#]],
            ),
            (
                "y = pad x 0,0,-4,0,0,0,-4,0",
                expect![[r#"
                node #1 "y": padding of -4 and -4 leaves nothing of 6; expected no more cropped than there is
            "#]],
            ),
            (
                "y = expand x 1,7,6,4",
                expect![[r#"
                node #1 "y": cannot expand 1x8x6x4 to 1x7x6x4; expected extents that are equal or 1, from the last axis back
            "#]],
            ),
            (
                "y = d2s x block=3",
                expect![[r#"
                node #1 "y": input has 8 channels; expected a multiple of 9
            "#]],
            ),
            (
                "y = s2d x block=4",
                expect![[r#"
                node #1 "y": input is 1x8x6x4; expected spatial extents divisible by 4
            "#]],
            ),
            (
                "y = s2d x block=0",
                expect![[r#"
                node #1 "y": block size is 0; expected 1 or more
            "#]],
            ),
            (
                "y = tile x 2,",
                expect![[r#"
                node #1 "y": has 1 repeats; expected 4, one for each axis of 1x8x6x4
            "#]],
            ),
        ] {
            check(&format!("x = input 1x8x6x4 ; {text}"), message);
        }
    }
}
