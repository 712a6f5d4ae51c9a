//! The network in which groups have other widths: the same operators, wired as before, with constants
//! of other extents. Weights have no values here, so there are none to choose.

use nnmeter_core::graph::NodeId;
use nnmeter_core::op::Op;
use nnmeter_core::tensor::{Constant, Dims, Values};
use nnmeter_core::typed::TypedGraph;

use super::groups::Groups;
use crate::error::{Error, ErrorKind, Result};

impl Groups {
    /// `graph`, of which these are the groups, with these widths. Nodes have the indices that they
    /// had.
    ///
    /// # Errors
    /// [`ErrorKind::BadSample`] if there is not a width for each group from 1 to the number of its
    /// channels; what shape inference says of the result.
    pub fn rebuild(&self, graph: &TypedGraph, widths: &[usize]) -> Result<TypedGraph> {
        self.check(widths)?;
        let mut changed = graph.graph().clone();
        changed.change_ops(|id, op| match op {
            Op::Const(constant) => self.resize(id, constant, widths),
            Op::Conv(conv) => {
                if let Some(extent) = self.depthwise.get(&id) {
                    conv.groups = extent.of(widths);
                }
            }
            _ => {}
        });
        let rebuilt = changed.infer_shapes()?;
        self.compare(graph, &rebuilt, widths)?;
        Ok(rebuilt)
    }

    /// Gives a constant the extents, and the numbers, that follow from `widths`.
    fn resize(&self, id: NodeId, constant: &mut Constant, widths: &[usize]) {
        let range = (id, 0)..=(id, usize::MAX);
        let before = constant.ty.dims.clone();
        for ((_, axis), extent) in self.axes.range(range.clone()) {
            constant.ty.dims[*axis] = extent.of(widths);
        }
        if constant.ty.dims != before {
            constant.values = None;
        }
        for ((_, index), extent) in self.numbers.range(range) {
            if let Some(Values::Ints(values)) = &mut constant.values
                && let Some(value) = values.get_mut(*index)
            {
                *value = extent.of(widths) as i64;
            }
        }
    }

    /// Refuses a network whose shapes are not those that follow from `widths`.
    fn compare(&self, before: &TypedGraph, after: &TypedGraph, widths: &[usize]) -> Result<()> {
        for &id in before.order().iter().filter(|&&id| before.is_op(id)) {
            for port in 0..before.graph().node(id).outputs {
                let value = nnmeter_core::graph::Value { node: id, port };
                let (Some(old), new) = (before.ty(value), after.ty(value)) else { continue };
                let mut expected: Dims = old.dims.clone();
                if let Some((axis, extent)) = self.values.get(&value) {
                    expected[*axis] = extent.of(widths);
                }
                if new.is_none_or(|new| new.dims != expected) {
                    let found = new.map_or("no shape".to_owned(), ToString::to_string);
                    let expected = nnmeter_core::tensor::show_dims(&expected);
                    let label = before.graph().label(id);
                    return Err(Error::new(ErrorKind::Rigid, label, format!("has {found}"))
                        .expected(expected));
                }
            }
        }
        Ok(())
    }
}
