//! The same elements under other extents: Reshape, Flatten, Squeeze, Unsqueeze, Transpose.

use smallvec::SmallVec;

use super::site::{Rule, Site, typed};
use crate::graph::Rebatch;
use crate::op::Op;
use crate::tensor::{Dims, TensorType};

impl Site<'_> {
    pub(super) fn reshape(&self, allow_zero: bool) -> Rule<TensorType> {
        let (data, target) = (self.ty(0)?, self.ints(1)?);
        let mut dims = Dims::new();
        let mut rest = None;
        for (axis, &value) in target.iter().enumerate() {
            let extent = match value {
                -1 if rest.is_none() => {
                    rest = Some(axis);
                    1
                }
                -1 => return Err(self.bad("target has two extents of -1", "one at most")),
                0 if !allow_zero => *data.dims.get(axis).ok_or_else(|| {
                    self.bad(
                        format!("target copies extent {axis} of its data"),
                        format!("one of the {} extents of {data}", data.rank()),
                    )
                })?,
                _ => self.extent(value)?,
            };
            dims.push(extent);
        }
        self.follow_batch(data, target, &mut dims, rest.is_some());
        self.fill(data, target, dims, rest)
    }

    /// Gives the -1 its extent and compares the numbers of elements.
    fn fill(
        &self,
        data: &TensorType,
        target: &[i64],
        mut dims: Dims,
        rest: Option<usize>,
    ) -> Rule<TensorType> {
        let elements = data.elements();
        let product = dims.iter().fold(1_usize, |product, &dim| product.saturating_mul(dim));
        let fits = match rest {
            None => product == elements,
            Some(axis) => {
                dims[axis] = elements.checked_div(product).unwrap_or(0);
                elements.is_multiple_of(product)
            }
        };
        if fits {
            return Ok(typed(data, dims));
        }
        let target: Vec<String> = target.iter().map(i64::to_string).collect();
        let expected = match rest {
            None => format!("{elements} elements, not {product}"),
            Some(_) => format!("a divisor of {elements} elements, not {product}"),
        };
        Err(self.mismatch(format!("cannot give {data} the shape {}", target.join("x")), expected))
    }

    /// Replaces a batch size that the file has written into the target by the one asked for.
    fn follow_batch(&self, data: &TensorType, target: &[i64], dims: &mut Dims, rest: bool) {
        let Some(Rebatch { from, to }) = self.graph.rebatch else { return };
        if dims.is_empty() || target[0] <= 0 || dims[0] != from {
            return;
        }
        let product = dims.iter().fold(1_usize, |product, &dim| product.saturating_mul(dim));
        let stale = if rest {
            self.written_in_file(1) && data.dims.first() == Some(&to)
        } else {
            data.elements().checked_mul(from).is_some_and(|n| Some(n) == product.checked_mul(to))
        };
        if stale {
            dims[0] = to;
        }
    }

    /// Whether an operand is a constant of the file, and not computed from shapes.
    pub(super) fn written_in_file(&self, slot: usize) -> bool {
        self.operand(slot)
            .is_some_and(|value| matches!(self.graph.dag[value.node].op, Op::Const(_)))
    }

    pub(super) fn flatten(&self, axis: i64) -> Rule<TensorType> {
        let data = self.ty(0)?;
        let rank = data.rank();
        let axis = if axis == rank as i64 { rank } else { self.axis_of_rank(axis, rank)? };
        let product =
            |dims: &[usize]| dims.iter().fold(1_usize, |all, &dim| all.saturating_mul(dim));
        let (outer, inner) = data.dims.split_at(axis);
        Ok(typed(data, Dims::from_slice(&[product(outer), product(inner)])))
    }

    pub(super) fn squeeze(&self) -> Rule<TensorType> {
        let data = self.ty(0)?;
        let Some(axes) = self.optional_ints(1)?.filter(|axes| !axes.is_empty()) else {
            return Ok(typed(data, data.dims.iter().copied().filter(|&dim| dim != 1).collect()));
        };
        let mut drop: SmallVec<[bool; 8]> = SmallVec::from_elem(false, data.rank());
        for &axis in axes {
            let axis = self.axis(axis, &data.dims)?;
            if data.dims[axis] != 1 {
                return Err(self.mismatch(
                    format!("axis {axis} of {data} has extent {}", data.dims[axis]),
                    "1 for an axis that is squeezed",
                ));
            }
            drop[axis] = true;
        }
        let kept = data.dims.iter().zip(&drop).filter(|(_, drop)| !**drop);
        Ok(typed(data, kept.map(|(&dim, _)| dim).collect()))
    }

    pub(super) fn unsqueeze(&self) -> Rule<TensorType> {
        let (data, axes) = (self.ty(0)?, self.ints(1)?);
        let rank = data.rank().saturating_add(axes.len());
        let mut added: SmallVec<[bool; 8]> = SmallVec::from_elem(false, rank);
        for &axis in axes {
            let axis = self.axis_of_rank(axis, rank)?;
            if std::mem::replace(&mut added[axis], true) {
                return Err(self.bad(format!("axis {axis} is added twice"), "each axis once"));
            }
        }
        let mut old = data.dims.iter().copied();
        let dims = added.iter().map(|&new| if new { 1 } else { old.next().unwrap_or(1) });
        Ok(typed(data, dims.collect()))
    }

    pub(super) fn transpose(&self, permutation: Option<&[usize]>) -> Rule<TensorType> {
        let data = self.ty(0)?;
        let Some(permutation) = permutation else {
            return Ok(typed(data, data.dims.iter().rev().copied().collect()));
        };
        let mut seen: SmallVec<[bool; 8]> = SmallVec::from_elem(false, data.rank());
        let once = |&axis: &usize| seen.get_mut(axis).is_some_and(|s| !std::mem::replace(s, true));
        if permutation.len() != data.rank() || !permutation.iter().all(once) {
            return Err(self.bad(
                format!("permutation is {permutation:?}"),
                format!("one of the {} axes of {data}", data.rank()),
            ));
        }
        Ok(typed(data, permutation.iter().map(|&axis| data.dims[axis]).collect()))
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::infer::tests::check;

    #[test]
    fn reshapes() {
        check(
            "x = input 2x116x28x28
             a = reshape x 2,2,58,28,28 ; b = transpose a 0,2,1,3,4 ; c = reshape b 0,-1,28,28
             d = flatten x ; e = flatten x axis=4 ; f = flatten x axis=-1 ; g = transpose x",
            expect![[r#"
                a: 2x2x58x28x28
                b: 2x58x2x28x28
                c: 2x116x28x28
                d: 2x90944
                e: 181888x1
                f: 6496x28
                g: 28x28x116x2
            "#]],
        );
    }

    #[test]
    fn squeezes_and_unsqueezes() {
        check(
            "x = input 1x5x1x1
             a = squeeze x ; b = squeeze x 2,-1 ; c = squeeze x 0 ; d = unsqueeze x 0,-1",
            expect![[r#"
                a: 5
                b: 1x5
                c: 5x1x1
                d: 1x1x5x1x1x1
            "#]],
        );
    }

    #[test]
    fn refuses_what_does_not_fit() {
        for (text, message) in [
            (
                "y = reshape x 7,3",
                expect![[r#"
                node #1 "y": cannot give 1x4x5 the shape 7x3; expected 20 elements, not 21
            "#]],
            ),
            (
                "y = reshape x -1,3",
                expect![[r#"
                node #1 "y": cannot give 1x4x5 the shape -1x3; expected a divisor of 20 elements, not 3
            "#]],
            ),
            (
                "y = reshape x -1,-1",
                expect![[r#"
                node #1 "y": target has two extents of -1; expected one at most
            "#]],
            ),
            (
                "y = reshape x 1,4,5,0",
                expect![[r#"
                node #1 "y": target copies extent 3 of its data; expected one of the 3 extents of 1x4x5
            "#]],
            ),
            (
                "y = reshape x -2",
                expect![[r#"
                node #1 "y": extent -2 is negative; expected zero or more
            "#]],
            ),
            (
                "y = flatten x axis=4",
                expect![[r#"
                node #1 "y": axis 4 is out of range; expected -3 to 2
            "#]],
            ),
            (
                "y = squeeze x 1",
                expect![[r#"
                node #1 "y": axis 1 of 1x4x5 has extent 4; expected 1 for an axis that is squeezed
            "#]],
            ),
            (
                "y = unsqueeze x 0,-5",
                expect![[r#"
                node #1 "y": axis 0 is added twice; expected each axis once
            "#]],
            ),
            (
                "y = transpose x 0,1,1",
                expect![[r#"
                node #1 "y": permutation is [0, 1, 1]; expected one of the 3 axes of 1x4x5
            "#]],
            ),
        ] {
            check(&format!("x = input 1x4x5 ; {text}"), message);
        }
    }
}
