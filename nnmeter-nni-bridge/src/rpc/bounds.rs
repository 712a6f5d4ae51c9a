//! Constraints as they travel: for each a table and bounds whose keys have the table's unit,
//! `{"table": "table-...", "at_most_ms": 30, "probability": 0.9}`.

use std::collections::BTreeMap;
use std::sync::Arc;

use nnmeter_filters::constraint::{Constraints, Limit};
use nnmeter_filters::exact::Feasible;
use nnmeter_filters::stop::Stop;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::store::{Space, Store, Table};
use crate::error::{Error, ErrorKind, Result};

/// A bound on the cost by one table.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Bound {
    table: String,
    /// That the measured cost is at most the bound, not only the predicted one.
    #[serde(default)]
    probability: Option<f64>,
    #[serde(flatten)]
    bounds: BTreeMap<String, f64>,
}

/// Constraints with the tables that they are about, all of one space.
#[derive(Debug)]
pub(super) struct Bounds {
    pub(super) space: Arc<Space>,
    pub(super) tables: Vec<Arc<Table>>,
    pub(super) constraints: Constraints,
    /// What tells these constraints from others.
    pub(super) key: String,
}

impl Bounds {
    /// Reads constraints on a space, which their tables tell if it is not given.
    ///
    /// # Errors
    /// If a table is not loaded or of another space, or a bound contradicts itself.
    pub(super) fn read(store: &Store, space: Option<&Value>, bounds: &[Bound]) -> Result<Self> {
        let tables: Vec<Arc<Table>> =
            bounds.iter().map(|bound| store.table(&bound.table)).collect::<Result<_>>()?;
        let space = match (space, tables.first()) {
            (Some(space), _) => store.space(space)?,
            (None, Some(table)) => Arc::clone(&table.space),
            (None, None) => {
                return Err(Error::new(ErrorKind::InvalidParams, "space", "is missing")
                    .expected("a space, where no constraint tells it"));
            }
        };
        if let Some(other) = tables.iter().find(|table| table.space.handle != space.handle) {
            let found = format!("is of {}", other.space.handle);
            return Err(Error::new(ErrorKind::BadConstraint, other.handle.as_str(), found)
                .expected(format!("a table of {}", space.handle)));
        }
        let limits = bounds.iter().zip(&tables).map(|(bound, table)| bound.limit(table));
        let constraints = Constraints::new(limits.collect::<Result<Vec<_>>>()?);
        let key = format!("{} {}", space.handle, serde_json::json!(bounds));
        Ok(Self { space, tables, constraints, key })
    }

    /// The architectures that satisfy the constraints.
    ///
    /// # Errors
    /// [`ErrorKind::Infeasible`] and [`ErrorKind::TooHard`], as [`Feasible::new`].
    pub(super) fn feasible(&self, stop: &Stop) -> Result<Feasible<'_>> {
        let feasible = Feasible::new(&self.space.space, self.constraints.clone())?;
        Ok(feasible.stopped_by(stop.clone()))
    }
}

impl Bound {
    fn limit(&self, table: &Table) -> Result<Limit> {
        let (upper, lower) = (table.key("at_most"), table.key("at_least"));
        let is_known = |key: &&String| **key == upper || **key == lower;
        if let Some(key) = self.bounds.keys().find(|key| !is_known(key)) {
            let found = "is no bound of this table";
            return Err(Error::new(ErrorKind::BadConstraint, format!("bound {key:?}"), found)
                .expected(format!("{upper} or {lower}")));
        }
        let bound = |key: &str| self.bounds.get(key).copied();
        let costs = Arc::clone(&table.costs);
        match (bound(&lower), bound(&upper), self.probability) {
            (None, None, _) => {
                Err(Error::new(ErrorKind::BadConstraint, self.table.as_str(), "has no bound")
                    .expected(format!("{upper}, {lower} or both")))
            }
            (low, high, None) => Ok(Limit::between(costs, low, high)?),
            (None, Some(budget), Some(probability)) => {
                let uncertainty = table.cost.uncertainty(table.device()?)?;
                let outside = table.outside.as_ref();
                Ok(Limit::probable(costs, uncertainty, outside, budget, probability)?)
            }
            (Some(_), _, Some(_)) => {
                let found = "has a lower bound and a probability";
                Err(Error::new(ErrorKind::BadConstraint, self.table.as_str(), found)
                    .expected(format!("{upper} alone with a probability")))
            }
        }
    }
}
