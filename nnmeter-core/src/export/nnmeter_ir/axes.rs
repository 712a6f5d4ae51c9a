//! Shapes and axes of the graph as `NHWC`, whatever its own layout is.

use crate::op::Layout;
use crate::typed::TypedGraph;

/// Turns axes of a graph into those of nn-Meter IR.
#[derive(Clone, Copy)]
pub(super) struct Axes {
    turn: bool,
}

impl Axes {
    /// For the tensors of `graph`.
    pub(super) fn of(graph: &TypedGraph) -> Self {
        Self { turn: graph.graph().layout() == Layout::ChannelsFirst }
    }

    /// The graph's axes in the order of nn-Meter IR. Five axes are those of a channel shuffle,
    /// `[N, groups, channels, H, W]`.
    pub(super) fn order(self, rank: usize) -> Vec<usize> {
        match rank {
            4 if self.turn => vec![0, 2, 3, 1],
            5 if self.turn => vec![0, 3, 4, 1, 2],
            3 if self.turn => vec![0, 2, 1],
            _ => (0..rank).collect(),
        }
    }

    /// Whether tensors of `rank` axes have another order of axes in nn-Meter IR.
    pub(super) fn turns(self, rank: usize) -> bool {
        !self.order(rank).is_sorted()
    }

    /// Extents in the order of nn-Meter IR.
    pub(super) fn dims(self, dims: &[usize]) -> Vec<usize> {
        self.order(dims.len()).into_iter().map(|axis| dims[axis]).collect()
    }

    /// Where an axis of a tensor of `rank` axes is in nn-Meter IR.
    pub(super) fn axis(self, axis: i64, rank: usize) -> i64 {
        let index = if axis < 0 { axis + rank as i64 } else { axis };
        let found = self.order(rank).iter().position(|&from| from as i64 == index);
        found.map_or(axis, |index| index as i64)
    }

    /// A permutation between turned tensors.
    pub(super) fn permutation(self, perm: &[usize]) -> Vec<i64> {
        let order = self.order(perm.len());
        order.iter().map(|&to| self.axis(perm[to] as i64, perm.len())).collect()
    }

    /// Extents of a constant that is broadcast to `rank` axes.
    pub(super) fn broadcast(self, dims: &[usize], rank: usize) -> Vec<usize> {
        if !self.turn || dims.is_empty() || dims.len() >= rank {
            return self.dims(dims);
        }
        let missing = rank - dims.len();
        let full: Vec<usize> =
            std::iter::repeat_n(1, missing).chain(dims.iter().copied()).collect();
        self.dims(&full)
    }
}
