//! What operators that move or fold channels do to them: concatenations, splits, views, reductions.

use nnmeter_core::graph::{NodeId, Value};
use nnmeter_core::op::{Op, Reshape};

use super::channels::{Id, Obstacle, Why};
use super::trace::Trace;

/// An axis that may count from the end.
pub(super) fn axis_of(axis: i64, rank: usize) -> Option<usize> {
    let axis = if axis < 0 { axis.checked_add(rank as i64)? } else { axis };
    usize::try_from(axis).ok().filter(|&axis| axis < rank)
}

impl Trace<'_> {
    pub(super) fn reduce(&mut self, id: NodeId, keep_dims: bool) {
        let Some(lane) = self.lane(id, 0) else { return };
        let rank = self.graph.operand_type(id, 0).map_or(0, |ty| ty.rank());
        let axes = self.ints(id, 1).map(|axes| {
            let axes = axes.iter().map(|&axis| axis_of(axis, rank));
            axes.collect::<Option<Vec<usize>>>().unwrap_or_default()
        });
        match axes {
            Some(axes) if !axes.is_empty() && !axes.contains(&lane.axis) => {
                let before = axes.iter().filter(|&&axis| axis < lane.axis).count();
                let axis = if keep_dims { lane.axis } else { lane.axis - before };
                self.set(id, 0, axis, lane.ids);
            }
            _ => self.pin_operands(id, Why::Reduced),
        }
    }

    pub(super) fn concat(&mut self, id: NodeId, axis: i64) {
        let operands: Vec<Value> = self.operands(id).into_iter().flatten().collect();
        let lanes: Vec<_> = operands.iter().filter_map(|v| self.lanes.get(v).cloned()).collect();
        let Some(first) = lanes.first() else { return };
        let rank = self.output(id).map_or(0, |ty| ty.rank());
        let aligned = lanes.iter().all(|lane| lane.axis == first.axis);
        if !aligned || axis_of(axis, rank).is_none() {
            return self.pin_operands(id, Why::Unaligned);
        }
        if axis_of(axis, rank) == Some(first.axis) {
            let mut ids = Vec::new();
            for &value in &operands {
                ids.extend(self.ids_along(id, value, first.axis));
            }
            return self.set(id, 0, first.axis, ids);
        }
        if lanes.len() < operands.len() || lanes.iter().any(|l| l.ids.len() != first.ids.len()) {
            return self.pin_operands(id, Why::Fixed);
        }
        lanes.iter().for_each(|lane| self.channels.unite(&first.ids, &lane.ids));
        self.set(id, 0, first.axis, first.ids.clone());
    }

    /// The channels of a value along `axis`; new ones that stay, if it has none.
    fn ids_along(&mut self, id: NodeId, value: Value, axis: usize) -> Vec<Id> {
        if let Some(lane) = self.lanes.get(&value) {
            return lane.ids.clone();
        }
        let extent = self.graph.ty(value).and_then(|ty| ty.dims.get(axis).copied());
        let ids = self.channels.fresh(extent.unwrap_or(0));
        self.channels.pin(&ids, Obstacle { node: id, why: Why::Fixed });
        ids
    }

    pub(super) fn split(&mut self, id: NodeId, axis: i64) {
        let Some(lane) = self.lane(id, 0) else { return };
        let ports = self.graph.graph().node(id).outputs;
        let rank = self.graph.operand_type(id, 0).map_or(0, |ty| ty.rank());
        if axis_of(axis, rank) != Some(lane.axis) {
            return (0..ports).for_each(|port| self.set(id, port, lane.axis, lane.ids.clone()));
        }
        let extents: Option<Vec<usize>> = (0..ports)
            .map(|port| self.graph.ty(Value { node: id, port })?.dims.get(lane.axis).copied())
            .collect();
        let Some(extents) = extents.filter(|all| all.iter().sum::<usize>() == lane.ids.len())
        else {
            return self.pin_operands(id, Why::Rearranged);
        };
        let mut parts: Vec<Vec<Id>> = Vec::new();
        let mut rest = &lane.ids[..];
        for extent in extents {
            let (part, behind) = rest.split_at(extent);
            parts.push(part.to_vec());
            rest = behind;
        }
        self.keep_parts(id, &parts);
        for (port, part) in parts.into_iter().enumerate() {
            self.set(id, port as u16, lane.axis, part);
        }
    }

    /// Parts whose sizes are written in a constant are free; those that are equal by themselves must
    /// stay so, channel by channel.
    fn keep_parts(&mut self, id: NodeId, parts: &[Vec<Id>]) {
        let sizes = self.graph.graph().operand(id, 1);
        match sizes.map(|sizes| &self.graph.graph().node(sizes.node).op) {
            None if parts.iter().all(|part| part.len() == parts[0].len()) => {
                parts.iter().for_each(|part| self.channels.unite(&parts[0], part));
            }
            Some(Op::Const(_)) => {
                let all = parts.iter().enumerate();
                all.for_each(|(index, part)| self.tie_number(id, 1, index, part));
            }
            None | Some(_) => self.pin_operands(id, Why::Rearranged),
        }
    }

    pub(super) fn transpose(&mut self, id: NodeId, order: Option<&[usize]>) {
        let Some(lane) = self.lane(id, 0) else { return };
        let rank = self.output(id).map_or(0, |ty| ty.rank());
        let axis = match order {
            Some(order) => order.iter().position(|&axis| axis == lane.axis),
            None => rank.checked_sub(lane.axis + 1),
        };
        match axis {
            Some(axis) => self.set(id, 0, axis, lane.ids),
            None => self.pin_operands(id, Why::Rearranged),
        }
    }

    /// A view may fold the channels' axis together with its neighbours; it must not split it.
    pub(super) fn reshape(&mut self, id: NodeId) {
        let Some(lane) = self.lane(id, 0) else { return };
        let types = (self.graph.operand_type(id, 0), self.output(id));
        let (Some(before), Some(after)) = types else {
            return self.pin_operands(id, Why::Rearranged);
        };
        let Some(fold) = Fold::of(&before.dims, &after.dims, lane.axis) else {
            return self.pin_operands(id, Why::Rearranged);
        };
        let once: Vec<Id> = lane.ids.iter().flat_map(|&id| vec![id; fold.each]).collect();
        let ids = once.repeat(fold.times);
        let is_written = self.graph.graph().node(id).op
            == Op::Reshape(Reshape::To { allow_zero: false })
            || self.graph.graph().node(id).op == Op::Reshape(Reshape::To { allow_zero: true });
        if is_written
            && self.ints(id, 1).is_some_and(|ints| ints.get(fold.axis).is_some_and(|&n| n > 0))
        {
            self.tie_number(id, 1, fold.axis, &ids);
        }
        self.set(id, 0, fold.axis, ids);
    }
}

/// How an axis comes to lie in another shape of the same elements.
struct Fold {
    axis: usize,
    /// How many elements there are of each channel, one after the other.
    each: usize,
    /// How often the row of all channels is repeated.
    times: usize,
}

impl Fold {
    fn of(before: &[usize], after: &[usize], axis: usize) -> Option<Self> {
        let product = |dims: &[usize]| dims.iter().product::<usize>();
        for (place, &extent) in after.iter().enumerate() {
            let outer = product(&after[..place]);
            for first in 0..=axis {
                for last in axis..before.len() {
                    if product(&before[..first]) == outer
                        && product(&before[first..=last]) == extent
                        && extent >= before[axis]
                    {
                        let each = product(&before[axis + 1..=last]);
                        return Some(Self {
                            axis: place,
                            each,
                            times: product(&before[first..axis]),
                        });
                    }
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_found_in_other_shapes() {
        let fold = |before: &[usize], after: &[usize], axis| {
            Fold::of(before, after, axis).map(|fold| (fold.axis, fold.each, fold.times))
        };
        assert_eq!(fold(&[1, 512, 7, 7], &[1, 512 * 49], 1), Some((1, 49, 1)));
        assert_eq!(fold(&[1, 7, 7, 512], &[1, 512 * 49], 3), Some((1, 1, 49)));
        assert_eq!(fold(&[1, 64, 1, 1], &[64], 1), Some((0, 1, 1)));
        assert_eq!(fold(&[1, 64], &[1, 64, 1, 1], 1), Some((1, 1, 1)));
        assert_eq!(fold(&[1, 116, 28, 28], &[1, 2, 58, 28, 28], 1), None);
    }
}
