//! The architectures of a space that satisfy constraints. Whether there are any is known at once.

use super::grid::Span;
use super::trellis::Trellis;
use crate::constraint::{Constraints, Limit, brief};
use crate::error::{Error, ErrorKind, Result};
use crate::space::{Sample, SearchSpace};
use crate::stop::Stop;
use crate::table::CostTable;

/// The architectures of a space that satisfy constraints.
#[derive(Clone, Debug)]
pub struct Feasible<'a> {
    pub(super) space: &'a SearchSpace,
    pub(super) constraints: Constraints,
    pub(super) trellis: Trellis,
    /// By limit.
    pub(super) spans: Vec<Span>,
    pub(super) stop: Stop,
}

impl<'a> Feasible<'a> {
    /// The architectures of `space` that satisfy `constraints`.
    ///
    /// # Errors
    /// [`ErrorKind::Infeasible`] if a limit is below the cheapest architecture or above the dearest:
    /// with that cost, and what its sample takes as the hint. (That no architecture satisfies several limits, or
    /// is within a window, is found when a [sampler](Feasible::sampler) is made.)
    /// [`ErrorKind::TooLarge`] if costs tie too many choices together, which are named;
    /// [`ErrorKind::BadConstraint`] if a table is of another space.
    pub fn new(space: &'a SearchSpace, constraints: Constraints) -> Result<Self> {
        let tables: Vec<&CostTable> = constraints.limits().iter().map(Limit::table).collect();
        let trellis = Trellis::new(space, &tables)?;
        let spans =
            (0..tables.len()).map(|index| span(&trellis, &constraints.limits()[index], index));
        let spans = spans.collect();
        let stop = Stop::default();
        let feasible = Self { space, trellis, constraints, spans, stop };
        feasible.refuse_infeasible()?;
        Ok(feasible)
    }

    /// The same, where `stop` may end what is asked of it.
    #[must_use]
    pub fn stopped_by(self, stop: Stop) -> Self {
        Self { stop, ..self }
    }

    /// The constraints.
    pub fn constraints(&self) -> &Constraints {
        &self.constraints
    }

    fn refuse_infeasible(&self) -> Result<()> {
        for (index, limit) in self.constraints.limits().iter().enumerate() {
            let span = &self.spans[index];
            let table = (index, limit.table());
            let error = |sign, bound| infeasible(self.space, &self.trellis, table, sign, bound);
            if let Some(upper) = limit.upper().filter(|&upper| span.least > upper) {
                return Err(error(1.0, upper));
            }
            if let Some(lower) = limit.lower().filter(|&lower| span.most < lower) {
                return Err(error(-1.0, lower));
            }
        }
        Ok(())
    }
}

/// The error that the extreme cost by a table, with what `sign` looks for, is beyond `bound`.
pub(super) fn infeasible(
    space: &SearchSpace,
    trellis: &Trellis,
    (index, table): (usize, &CostTable),
    sign: f64,
    bound: f64,
) -> Error {
    let unit = table.quantity().suffix;
    let device = table.device().map_or(String::new(), |name| format!(" on {name}"));
    let sample = trellis.extreme(index, sign);
    let (subject, words, which) = match sign > 0.0 {
        true => ("over budget", "or more", "cheapest"),
        false => ("under the lower bound", "or less", "dearest"),
    };
    let cost = brief(table.cost(&sample));
    let found = format!("every architecture needs {cost} {unit} {words}{device}");
    let names = space.option_names(&sample).map(|name| name.unwrap_or("-"));
    let names: Vec<&str> = names.collect();
    Error::new(ErrorKind::Infeasible, subject, found)
        .expected(format!("{} {unit}", brief(bound)))
        .hint(format!("the {which} architecture takes, choice by choice, {}", names.join(", ")))
}

/// Exact costs of the cheapest and the dearest architecture, and the bounds.
fn span(trellis: &Trellis, limit: &Limit, index: usize) -> Span {
    let cost = |sign| limit.table().cost(&trellis.extreme(index, sign));
    Span { least: cost(1.0), most: cost(-1.0), lower: limit.lower(), upper: limit.upper() }
}

/// The architecture of a space that costs least by a table, and what it costs.
///
/// # Errors
/// [`ErrorKind::TooLarge`] and [`ErrorKind::BadConstraint`] as [`Feasible::new`].
pub fn cheapest(space: &SearchSpace, table: &CostTable) -> Result<(Sample, f64)> {
    let sample = Trellis::new(space, &[table])?.extreme(0, 1.0);
    let cost = table.cost(&sample);
    Ok((sample, cost))
}

/// The architecture of a space that costs most by a table, and what it costs.
///
/// # Errors
/// As [`cheapest`].
pub fn dearest(space: &SearchSpace, table: &CostTable) -> Result<(Sample, f64)> {
    let sample = Trellis::new(space, &[table])?.extreme(0, -1.0);
    let cost = table.cost(&sample);
    Ok((sample, cost))
}
