//! Values of small tensors that depend on shapes and constants alone.
//!
//! Exporters compute the operand of a Reshape or a Resize in the graph: Shape, Gather, Concat and
//! integer arithmetic. This follows such chains; a step that it does not know makes the values
//! unknown, which is no error. It is no interpreter: nothing above
//! [`KEPT_ELEMENTS`] elements is computed.

use smallvec::{SmallVec, smallvec};

use super::arithmetic::{self, cast, choose, ints, pick, take};
use super::input::shape_part;
use super::site::{Site, Stop, Types, count};
use super::slicing::Part;
use crate::error::Result;
use crate::op::{Op, ReduceKind};
use crate::tensor::{KEPT_ELEMENTS, TensorType, Values};

impl Site<'_> {
    /// Values of the outputs, whose types are known as far as they can be.
    pub(super) fn fold(&self, types: &Types) -> Result<SmallVec<[Option<Values>; 2]>> {
        let small = |ty: &TensorType| ty.elements() <= KEPT_ELEMENTS;
        let Some(Some(ty)) = types.first() else {
            return Ok(SmallVec::new());
        };
        if !types.iter().flatten().all(small) {
            return Ok(SmallVec::new());
        }
        if let Op::Split { .. } = self.node().op {
            return Ok(self.fold_split(types).unwrap_or_default());
        }
        match self.folded(ty) {
            Ok(values) => {
                let values = values.filter(|values| count(values) == ty.elements());
                Ok(smallvec![values])
            }
            Err(Stop::Unknown) => Ok(SmallVec::new()),
            Err(Stop::Wrong(error)) => Err(error),
        }
    }

    fn folded(&self, ty: &TensorType) -> Result<Option<Values>, Stop> {
        Ok(match &self.node().op {
            Op::Shape { start, end } => {
                Some(ints(shape_part(&self.ty(0)?.dims, *start, *end).iter().copied()))
            }
            Op::Size => Some(ints([self.ty(0)?.elements()])),
            Op::Cast(dtype) => self.values(0).map(|values| cast(values, *dtype)),
            Op::Reshape(_) => self.values(0).cloned(),
            Op::Unary(op) => self.values(0).and_then(|values| arithmetic::unary(op, values)),
            Op::Binary(op) => {
                self.pairwise(ty, |values, other| arithmetic::binary(*op, values, other))
            }
            Op::Where => self.choose(ty),
            Op::Reduce { kind, .. } => self.fold_reduce(*kind, ty),
            Op::Concat { axis } => self.chain(self.axis(*axis, &ty.dims)?),
            Op::Stack { axis } => self.chain(self.axis(*axis, &ty.dims)?),
            Op::Slice => self.fold_slice()?,
            Op::StridedSlice(_) => self.fold_strided_slice()?,
            Op::Gather { .. } => self.fold_gather()?,
            Op::Expand => self.values(0).and_then(|values| self.spread(values, 0, ty)),
            Op::Transpose(_) if ty.rank() < 2 => self.values(0).cloned(),
            Op::ConstantOfShape(_) => {
                self.values(1).and_then(|value| pick(value, vec![0; ty.elements()]))
            }
            Op::Range => self.fold_range(ty)?,
            _ => None,
        })
    }

    /// Values of an operand broadcast to `ty`.
    fn spread(&self, values: &Values, slot: usize, ty: &TensorType) -> Option<Values> {
        let dims = &self.ty(slot).ok()?.dims;
        if *dims == ty.dims {
            return Some(values.clone());
        }
        let mut strides: SmallVec<[usize; 5]> = SmallVec::from_elem(0, ty.rank());
        let mut step = 1_usize;
        for (stride, &dim) in strides.iter_mut().rev().zip(dims.iter().rev()) {
            *stride = if dim == 1 { 0 } else { step };
            step = step.saturating_mul(dim);
        }
        let source = |index: usize| {
            let axes = ty.dims.iter().zip(&strides).rev();
            axes.fold((index, 0), |(rest, at), (&dim, &stride)| {
                (rest / dim, at + rest % dim * stride)
            })
        };
        pick(values, (0..ty.elements()).map(|index| source(index).1).collect())
    }

    fn pairwise(
        &self,
        ty: &TensorType,
        function: impl Fn(&Values, &Values) -> Option<Values>,
    ) -> Option<Values> {
        let mut result = self.spread(self.values(0)?, 0, ty)?;
        for slot in 1..self.operands.len() {
            result = function(&result, &self.spread(self.values(slot)?, slot, ty)?)?;
        }
        Some(result)
    }

    fn choose(&self, ty: &TensorType) -> Option<Values> {
        let operand = |slot| self.spread(self.values(slot)?, slot, ty);
        let Values::Ints(condition) = operand(0)? else { return None };
        Some(match (operand(1)?, operand(2)?) {
            (Values::Ints(x), Values::Ints(y)) => Values::Ints(choose(&condition, &x, &y)),
            (Values::Floats(x), Values::Floats(y)) => Values::Floats(choose(&condition, &x, &y)),
            (Values::Ints(_), Values::Floats(_)) | (Values::Floats(_), Values::Ints(_)) => None?,
        })
    }

    fn fold_reduce(&self, kind: ReduceKind, ty: &TensorType) -> Option<Values> {
        let values = self.values(0)?;
        if ty.elements() == 1 { arithmetic::reduce(kind, values) } else { None }
    }

    /// Operands one after another, which is what joining along the first axis does.
    fn chain(&self, axis: usize) -> Option<Values> {
        if axis != 0 {
            return None;
        }
        let mut chained = self.values(0)?.clone();
        for slot in 1..self.operands.len() {
            match (&mut chained, self.values(slot)?) {
                (Values::Ints(all), Values::Ints(more)) => all.extend_from_slice(more),
                (Values::Floats(all), Values::Floats(more)) => all.extend_from_slice(more),
                (Values::Ints(_), Values::Floats(_)) | (Values::Floats(_), Values::Ints(_)) => {
                    return None;
                }
            }
        }
        Some(chained)
    }

    fn fold_slice(&self) -> Result<Option<Values>, Stop> {
        let data = self.ty(0)?;
        let parts = self.slice_parts(&data.dims)?;
        Ok(match (self.values(0), parts.as_slice()) {
            (Some(values), [(0, part)]) if data.rank() == 1 => take(values, *part),
            _ => None,
        })
    }

    fn fold_strided_slice(&self) -> Result<Option<Values>, Stop> {
        let Op::StridedSlice(masks) = self.node().op else { return Ok(None) };
        let (&[begin], &[end], &[step]) = (self.ints(1)?, self.ints(2)?, self.ints(3)?) else {
            return Ok(None);
        };
        let (data, Some(values)) = (self.ty(0)?, self.values(0)) else { return Ok(None) };
        if data.rank() != 1 || (masks.new_axis | masks.ellipsis) & 1 == 1 {
            return Ok(None);
        }
        if masks.shrink_axis & 1 == 1 {
            return Ok(pick(values, vec![self.index(begin, data.dims[0])?]));
        }
        let open = |bound, mask: u32| Some(bound).filter(|_| mask & 1 == 0);
        let part = Part { begin: open(begin, masks.begin), end: open(end, masks.end), step };
        Ok(take(values, part))
    }

    /// Along the first axis: whole rows.
    fn fold_gather(&self) -> Result<Option<Values>, Stop> {
        let Op::Gather { axis } = self.node().op else { return Ok(None) };
        let (data, Some(values)) = (self.ty(0)?, self.values(0)) else { return Ok(None) };
        if self.axis(axis, &data.dims)? != 0 {
            return Ok(None);
        }
        let row = data.dims[1..].iter().fold(1_usize, |row, &dim| row.saturating_mul(dim));
        let mut indices = Vec::new();
        for &index in self.ints(1)? {
            let first = self.index(index, data.dims[0])? * row;
            indices.extend(first..first + row);
        }
        Ok(pick(values, indices))
    }

    fn fold_split(&self, types: &Types) -> Option<SmallVec<[Option<Values>; 2]>> {
        let values = self.values(0)?;
        let mut first = 0;
        let mut parts = SmallVec::new();
        for ty in types.iter().flatten().filter(|ty| ty.rank() == 1) {
            parts.push(pick(values, (first..first + ty.elements()).collect()));
            first += ty.elements();
        }
        Some(parts)
    }

    fn fold_range(&self, ty: &TensorType) -> Result<Option<Values>, Stop> {
        let (start, delta) = (self.scalar(0)?, self.scalar(2)?);
        let at = |index: usize| start + delta * index as f64;
        let floats = (0..ty.elements()).map(at);
        Ok(Some(match self.values(0) {
            Some(Values::Ints(_)) => Values::Ints(floats.map(|value| value as i64).collect()),
            Some(Values::Floats(_)) | None => Values::Floats(floats.collect()),
        }))
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::infer::tests::check;
    use crate::text::graph;

    #[test]
    fn follows_the_shape_arithmetic_of_exporters() {
        check(
            "x = input 2x512x7x7
             s = shape x ; n = gather s 0i ; u = unsqueeze n 0 ; t = concat u m axis=0 ; m = const =-1
             y = reshape x t
             h = gather s 2i ; h2 = mul h 2i ; h3 = cast h2 f32 ; h4 = floor h3 ; h5 = cast h4 i64
             p = reduceprod s ; q = slice s -2 9999 ; r = div q 3i ; z = range 0i 5i 2i",
            expect![[r#"
                s: 4 = Ints([2, 512, 7, 7])
                n: scalar = Ints([2])
                u: 1 = Ints([2])
                t: 2 = Ints([2, -1])
                y: 2x25088
                h: scalar = Ints([7])
                h2: scalar = Ints([14])
                h3: scalar = Floats([14.0])
                h4: scalar = Floats([14.0])
                h5: scalar = Ints([14])
                p: scalar = Ints([50176])
                q: 2 = Ints([7, 7])
                r: 2 = Ints([2, 2])
                z: 3 = Ints([0, 2, 4])
            "#]],
        );
    }

    #[test]
    fn expand_with_where_and_equal() {
        check(
            "x = input 3x1 ; s = const =-1,4 ; minus = const =-1
             n = shape s ; ones = constantofshape n 1i type=i64 ; e = equal s minus
             w = where e ones s ; y = expand x w
             a,b = split s axis=0 ; k = stack a b axis=0 ; v = stridedslice s 0, 0, -1, begin=1 end=1",
            expect![[r#"
                n: 1 = Ints([2])
                ones: 2 = Ints([1, 1])
                e: 2 = Ints([1, 0])
                w: 2 = Ints([1, 4])
                y: 3x4
                a: 1 = Ints([-1]) 1 = Ints([4])
                k: 2x1 = Ints([-1, 4])
                v: 2 = Ints([4, -1])
            "#]],
        );
    }

    #[test]
    fn what_a_runtime_computes_at_load_is_no_operator() {
        let typed = graph(
            "x = input 2x3x4 ; w = const 3x4 ; s = shape x ; n = gather s 0i ; t = transpose w 1,0
             y = matmul x t ; z = foo n ; u = foo x ; v = shape u",
        )
        .infer_shapes();
        let typed = typed.unwrap_or_else(|error| panic!("{error}"));
        let dag = typed.graph().dag();
        let ops = dag.node_indices().filter(|&id| typed.is_op(id)).map(|id| &*dag[id].name);
        assert_eq!(ops.collect::<Vec<_>>(), ["y", "u", "v"]);
    }
}
