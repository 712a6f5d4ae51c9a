//! Counts of paths by their rounded cost: the dynamic programme behind counting and sampling.
//!
//! Costs are first *reduced*: what the cheapest way on costs anyway is taken off an edge, so every
//! reduced cost is 0 or more and those of a path add up to its cost less the least of all. Reduced
//! costs are rounded to whole steps, down or up, of a size that lets the budget's distance from the
//! least cost be a given number of steps. So a tight budget has fine steps, and rounding down never
//! loses a path that is within the bounds: sums of what was rounded down do not exceed the budget's.
//! Bounds are widened by far more than what sums of floating-point numbers are off.

use super::trellis::{Edge, Layer, Trellis};

/// How much bounds are widened or narrowed, relative to the costs.
pub(super) const SLACK: f64 = 1e-11;
/// A distance that is taken for steps where there is none.
const NO_DISTANCE: f64 = 1e-200;

/// Costs by one table in steps.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    /// By layer and edge: the steps that it takes; more than `steps` means that no budget allows it.
    units: Vec<Vec<u32>>,
    /// Steps that a path may take at most.
    steps: usize,
    /// Steps that it must take at least.
    least: usize,
}

/// Which paths an axis counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rounding {
    /// All that are within the bounds, and some that are not.
    Generous,
    /// None that is outside of the upper bound. A lower bound is left to another axis.
    StrictUpper,
    /// None that is outside of the lower bound. An upper bound is left to another axis.
    StrictLower,
}

/// Least and most cost of all paths, and the bounds on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) least: f64,
    pub(super) most: f64,
    pub(super) lower: Option<f64>,
    pub(super) upper: Option<f64>,
}

impl Span {
    /// Far more than what sums of floating-point numbers are off.
    pub(super) fn slack(&self) -> f64 {
        SLACK * self.least.abs().max(self.most.abs())
    }

    /// Whether paths may cross a bound that this rounding looks at.
    pub(super) fn binds(&self, rounding: Rounding) -> bool {
        let over = self.upper.is_some_and(|upper| upper <= self.most + self.slack());
        let under = self.lower.is_some_and(|lower| lower >= self.least - self.slack());
        match rounding {
            Rounding::Generous => over || under,
            Rounding::StrictUpper => over,
            Rounding::StrictLower => under,
        }
    }

    /// How far the highest cost allowed is from the least there is.
    fn room(&self, rounding: Rounding) -> f64 {
        let high = match (rounding, self.upper) {
            (Rounding::StrictLower, _) | (_, None) => self.most,
            (_, Some(upper)) => upper.min(self.most),
        };
        let slack = if rounding == Rounding::StrictUpper { -self.slack() } else { self.slack() };
        (high - self.least + slack).max(NO_DISTANCE)
    }
}

impl Axis {
    /// Steps of the costs by `table`, as many as `steps` up to the upper bound.
    pub(super) fn new(
        trellis: &Trellis,
        table: usize,
        span: Span,
        rounding: Rounding,
        steps: usize,
    ) -> Self {
        let step = span.room(rounding) / steps as f64;
        let least = trellis.least(|edge| edge.costs[table]);
        let units = |(number, layer): (usize, &Layer)| {
            let unit = |(node, edge): (usize, &Edge)| {
                let behind = least[number + 1][edge.target];
                let reduced = (edge.costs[table] + behind - least[number][node]).max(0.0);
                let steps_taken = match rounding {
                    Rounding::StrictUpper => (reduced / step).ceil(),
                    Rounding::Generous | Rounding::StrictLower => (reduced / step).floor(),
                };
                steps_taken.min((steps + 1) as f64) as u32
            };
            let of = |node| layer.edges_of(node).map(move |(_, edge)| (node, edge));
            (0..layer.nodes()).flat_map(of).map(unit).collect()
        };
        let units: Vec<Vec<u32>> = trellis.layers.iter().enumerate().map(units).collect();
        let least = least_steps(&span, rounding, step, units.len());
        Self { units, steps, least }
    }
}

/// The steps that a path must take for the lower bound.
fn least_steps(span: &Span, rounding: Rounding, step: f64, layers: usize) -> usize {
    let Some(lower) = span.lower else { return 0 };
    let steps = match rounding {
        Rounding::StrictUpper => 0.0,
        Rounding::StrictLower => ((lower - span.least + span.slack()) / step).ceil(),
        // Each layer may lose a step.
        Rounding::Generous => ((lower - span.least - span.slack()) / step).floor() - layers as f64,
    };
    steps.max(0.0) as usize
}

/// Counts of the ways to go on, by layer, node and steps left on all axes.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    axes: Vec<Axis>,
    /// By axis: how far apart neighbouring numbers of steps are.
    strides: Vec<usize>,
    cells: usize,
    counts: Vec<Vec<u128>>,
    /// By layer and edge: whether paths may take it.
    open: Vec<Vec<bool>>,
}

impl Grid {
    /// The counts of the trellis's paths within all axes.
    pub(super) fn new(trellis: &Trellis, axes: Vec<Axis>) -> Self {
        let mut strides = vec![1; axes.len()];
        for axis in (1..axes.len()).rev() {
            strides[axis - 1] = strides[axis] * (axes[axis].steps + 1);
        }
        let cells = axes.iter().map(|axis| axis.steps + 1).product();
        let counts = vec![Vec::new(); trellis.layers.len() + 1];
        let mut grid = Self { axes, strides, cells, counts, open: Vec::new() };
        grid.recount(trellis, |_, _| true);
        grid
    }

    /// Counts again, only edges for which `open` holds, by choice and option.
    pub(super) fn recount(&mut self, trellis: &Trellis, open: impl Fn(usize, u8) -> bool) {
        let is_open = |layer: &Layer| -> Vec<bool> {
            layer.edges.iter().map(|edge| open(layer.choice, edge.option)).collect()
        };
        self.open = trellis.layers.iter().map(is_open).collect();
        let last = trellis.layers.len();
        self.counts[last] = (0..self.cells).map(|cell| u128::from(self.ends_at(cell))).collect();
        for number in (0..last).rev() {
            let layer = &trellis.layers[number];
            let mut counts = std::mem::take(&mut self.counts[number]);
            counts.clear();
            counts.resize(layer.nodes() * self.cells, 0);
            for (node, to) in counts.chunks_mut(self.cells).enumerate() {
                for (index, edge) in layer.edges_of(node) {
                    let from = &self.counts[number + 1][edge.target * self.cells..][..self.cells];
                    self.add(number, index, from, to);
                }
            }
            self.counts[number] = counts;
        }
    }

    /// Whether a path may end with these steps left.
    fn ends_at(&self, cell: usize) -> bool {
        self.axes.iter().zip(&self.strides).all(|(axis, stride)| {
            let left = cell / stride % (axis.steps + 1);
            axis.steps - left >= axis.least
        })
    }

    /// Adds the counts behind an edge to those of the node before it.
    fn add(&self, layer: usize, edge: usize, from: &[u128], to: &mut [u128]) {
        let Some(shift) = self.shift(layer, edge) else { return };
        let (width, taken) = match self.axes.last() {
            Some(axis) => (axis.steps + 1, axis.units[layer][edge] as usize),
            None => (1, 0),
        };
        for row in (0..self.cells).step_by(width).filter(|&row| self.fits(layer, edge, row)) {
            let start = row + taken;
            let len = width - taken;
            let behind = &from[start - shift..][..len];
            to[start..][..len].iter_mut().zip(behind).for_each(|(sum, count)| *sum += count);
        }
    }

    /// How many cells an edge goes back; `None` if it is not open, or takes more steps than there are.
    fn shift(&self, layer: usize, edge: usize) -> Option<usize> {
        if !self.open[layer][edge] {
            return None;
        }
        let mut shift = 0;
        for (axis, stride) in self.axes.iter().zip(&self.strides) {
            let taken = axis.units[layer][edge] as usize;
            if taken > axis.steps {
                return None;
            }
            shift += taken * stride;
        }
        Some(shift)
    }

    /// Whether the steps left in a cell suffice for an edge, on all axes but the last.
    fn fits(&self, layer: usize, edge: usize, cell: usize) -> bool {
        let axes = self.axes.iter().zip(&self.strides);
        axes.take(self.axes.len().saturating_sub(1)).all(|(axis, stride)| {
            cell / stride % (axis.steps + 1) >= axis.units[layer][edge] as usize
        })
    }

    /// Number of paths.
    pub(super) fn total(&self) -> u128 {
        self.counts[0][self.cells - 1]
    }

    /// The options of the path with this number, which is below [`Grid::total`], by layer.
    pub(super) fn path(&self, trellis: &Trellis, mut number: u128, options: &mut Vec<u8>) {
        options.clear();
        let (mut node, mut cell) = (0, self.cells - 1);
        for (position, layer) in trellis.layers.iter().enumerate() {
            for (index, edge) in layer.edges_of(node) {
                let Some(next) = self.next_cell(position, index, cell) else { continue };
                let count = self.counts[position + 1][edge.target * self.cells + next];
                if number < count {
                    options.push(edge.option);
                    (node, cell) = (edge.target, next);
                    break;
                }
                number -= count;
            }
        }
    }

    fn next_cell(&self, layer: usize, edge: usize, cell: usize) -> Option<usize> {
        let shift = self.shift(layer, edge)?;
        let fits = self.axes.iter().zip(&self.strides).all(|(axis, stride)| {
            cell / stride % (axis.steps + 1) >= axis.units[layer][edge] as usize
        });
        fits.then(|| cell - shift)
    }
}
