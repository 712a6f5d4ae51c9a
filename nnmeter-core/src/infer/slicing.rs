//! Parts of a tensor: Slice, StridedSlice, Gather.

use smallvec::SmallVec;

use super::site::{Rule, Site, typed};
use crate::op::StridedSliceMasks;
use crate::tensor::{Dims, TensorType};

/// A strided range of an axis. Absent bounds are open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) begin: Option<i64>,
    pub(super) end: Option<i64>,
    pub(super) step: i64,
}

impl Part {
    /// First index and number of indices in an axis of `extent`; bounds are clamped as numpy does.
    pub(super) fn resolve(self, extent: usize) -> (usize, usize) {
        let extent = i64::try_from(extent).unwrap_or(i64::MAX);
        let wrap = |bound: i64| if bound < 0 { bound.saturating_add(extent) } else { bound };
        let forward = self.step > 0;
        let (low, high) = if forward { (0, extent) } else { (-1, extent - 1) };
        let (first, last) = if forward { (0, extent) } else { (extent - 1, -1) };
        let begin = self.begin.map_or(first, |bound| wrap(bound).clamp(low, high));
        let end = self.end.map_or(last, |bound| wrap(bound).clamp(low, high));
        let room = if forward { end - begin } else { begin - end };
        let step = self.step.unsigned_abs().max(1) as usize;
        let count = usize::try_from(room).unwrap_or(0).div_ceil(step);
        (usize::try_from(begin).unwrap_or(0), count)
    }
}

impl Site<'_> {
    pub(super) fn slice(&self) -> Rule<TensorType> {
        let data = self.ty(0)?;
        let mut dims = data.dims.clone();
        for (axis, part) in self.slice_parts(&data.dims)? {
            dims[axis] = part.resolve(data.dims[axis]).1;
        }
        Ok(typed(data, dims))
    }

    /// The parts that a Slice takes, with their axes.
    pub(super) fn slice_parts(&self, dims: &[usize]) -> Rule<SmallVec<[(usize, Part); 4]>> {
        let (starts, ends) = (self.ints(1)?, self.ints(2)?);
        let (axes, steps) = (self.optional_ints(3)?, self.optional_ints(4)?);
        let lengths = [Some(ends), axes, steps].into_iter().flatten().map(<[i64]>::len);
        for length in lengths {
            self.same_length(starts.len(), length)?;
        }
        let part = |(index, (&start, &end)): (usize, (&i64, &i64))| {
            let axis = axes.map_or(index as i64, |axes| axes[index]);
            let step = self.step(steps.map_or(1, |steps| steps[index]))?;
            Ok((self.axis(axis, dims)?, Part { begin: Some(start), end: Some(end), step }))
        };
        starts.iter().zip(ends).enumerate().map(part).collect()
    }

    fn same_length(&self, starts: usize, other: usize) -> Rule<()> {
        if starts == other {
            return Ok(());
        }
        let found = format!("starts have {starts} values, their companions {other}");
        Err(self.bad(found, "as many of one as of the other"))
    }

    fn step(&self, step: i64) -> Rule<i64> {
        if step == 0 { Err(self.bad("step is 0", "another number")) } else { Ok(step) }
    }

    pub(super) fn strided_slice(&self, masks: StridedSliceMasks) -> Rule<TensorType> {
        let data = self.ty(0)?;
        let (begin, end, steps) = (self.ints(1)?, self.ints(2)?, self.ints(3)?);
        self.same_length(begin.len(), end.len())?;
        self.same_length(begin.len(), steps.len())?;
        let mut dims = Dims::new();
        let mut axis = 0;
        for index in 0..begin.len() {
            if bit(masks.ellipsis, index) {
                let later = (index + 1..begin.len()).filter(|&i| !bit(masks.new_axis, i)).count();
                let stop = data.rank().saturating_sub(later).max(axis);
                dims.extend_from_slice(&data.dims[axis..stop]);
                axis = stop;
            } else if bit(masks.new_axis, index) {
                dims.push(1);
            } else {
                let extent = *data.dims.get(axis).ok_or_else(|| {
                    self.bad(format!("takes a part of axis {axis}"), format!("an axis of {data}"))
                })?;
                axis += 1;
                dims.extend(self.strided(masks, index, extent)?);
            }
        }
        dims.extend_from_slice(&data.dims[axis..]);
        Ok(typed(data, dims))
    }

    /// What entry `index` of a StridedSlice leaves of an axis; nothing if it picks one element.
    fn strided(
        &self,
        masks: StridedSliceMasks,
        index: usize,
        extent: usize,
    ) -> Rule<Option<usize>> {
        let (begin, end, steps) = (self.ints(1)?, self.ints(2)?, self.ints(3)?);
        if bit(masks.shrink_axis, index) {
            return self.index(begin[index], extent).map(|_| None);
        }
        let part = Part {
            begin: Some(begin[index]).filter(|_| !bit(masks.begin, index)),
            end: Some(end[index]).filter(|_| !bit(masks.end, index)),
            step: self.step(steps[index])?,
        };
        Ok(Some(part.resolve(extent).1))
    }

    /// An index into an axis that may count from the end.
    pub(super) fn index(&self, index: i64, extent: usize) -> Rule<usize> {
        let signed = i64::try_from(extent).unwrap_or(i64::MAX);
        let found = if index < 0 { index.saturating_add(signed) } else { index };
        if (0..signed).contains(&found) {
            return Ok(found as usize);
        }
        let found = format!("index {index} is out of range");
        Err(self.mismatch(found, format!("one into an extent of {extent}")))
    }

    pub(super) fn gather(&self, axis: i64) -> Rule<TensorType> {
        let (data, indices) = (self.ty(0)?, self.ty(1)?);
        let axis = self.axis(axis, &data.dims)?;
        if let Ok(values) = self.ints(1) {
            for &index in values {
                self.index(index, data.dims[axis])?;
            }
        }
        let mut dims = Dims::from_slice(&data.dims[..axis]);
        dims.extend_from_slice(&indices.dims);
        dims.extend_from_slice(&data.dims[axis + 1..]);
        Ok(typed(data, dims))
    }
}

/// Bit `index` of a mask.
fn bit(mask: u32, index: usize) -> bool {
    index < 32 && (mask >> index) & 1 == 1
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use proptest::prelude::*;

    use super::Part;
    use crate::infer::tests::check;

    proptest! {
        #[test]
        fn a_part_has_as_many_indices_as_a_walk_finds(
            begin in -12_i64..12, end in -12_i64..12,
            step in prop_oneof![-4_i64..0, 1_i64..5],
            extent in 0_i64..10,
        ) {
            let part = Part { begin: Some(begin), end: Some(end), step };
            let (low, high) = if step > 0 { (0, extent) } else { (-1, extent - 1) };
            let wrap = |b: i64| (if b < 0 { b + extent } else { b }).clamp(low, high);
            let mut at = wrap(begin);
            let mut count = 0;
            while (step > 0 && at < wrap(end)) || (step < 0 && at > wrap(end)) {
                count += 1;
                at += step;
            }
            prop_assert_eq!(part.resolve(extent as usize).1, count);
        }
    }

    #[test]
    fn slices() {
        check(
            "x = input 1x10x20x30
             a = slice x 2,5 -1,9999 1,3 ; b = slice x -1 -9999 2 -1 ; c = slice x 0 7 3 2
             d = stridedslice x 0,0,1,0 0,0,9,0 1,1,1,1 begin=11 end=11 shrink=0
             e = stridedslice x 0,-1 0,0 1,1 ellipsis=1 shrink=2
             f = stridedslice x 0,0 0,5 1,1 new=1 begin=1 end=1",
            expect![[r#"
                a: 1x7x20x25
                b: 1x10x20x30
                c: 1x10x20x4
                d: 1x10x8x30
                e: 1x10x20
                f: 1x1x10x20x30
            "#]],
        );
    }

    #[test]
    fn gathers() {
        check(
            "x = input 4x10x6 ; i = input i64:2x3
             g = gather x i axis=1 ; h = gather x 0i axis=-1",
            expect![[r#"
                g: 4x2x3x6
                h: 4x10
            "#]],
        );
    }

    #[test]
    fn refuses_what_does_not_fit() {
        for (text, message) in [
            (
                "y = slice x 0,0 5",
                expect![[r#"
                node #1 "y": starts have 2 values, their companions 1; expected as many of one as of the other
            "#]],
            ),
            (
                "y = slice x 0 5 1 0",
                expect![[r#"
                node #1 "y": step is 0; expected another number
            "#]],
            ),
            (
                "y = slice x 0 5 3",
                expect![[r#"
                node #1 "y": axis 3 is out of range; expected -3 to 2
            "#]],
            ),
            (
                "y = stridedslice x 0,0 1,1 1,0",
                expect![[r#"
                node #1 "y": step is 0; expected another number
            "#]],
            ),
            (
                "y = stridedslice x 9, 1, 1, shrink=1",
                expect![[r#"
                node #1 "y": index 9 is out of range; expected one into an extent of 4
            "#]],
            ),
            (
                "y = stridedslice x 0,0,0,0 1,1,1,1 1,1,1,1",
                expect![[r#"
                node #1 "y": takes a part of axis 3; expected an axis of 4x10x2
            "#]],
            ),
            (
                "y = gather x 4i",
                expect![[r#"
                node #1 "y": index 4 is out of range; expected one into an extent of 4
            "#]],
            ),
        ] {
            check(&format!("x = input 4x10x2 ; {text}"), message);
        }
    }
}
