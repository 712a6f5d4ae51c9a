//! The tables of a budget's costs, each compiled once, and the limits on them.

use std::sync::Arc;

use nnmeter_hardware::registry::OpenDevice;

use super::{Bounds, Budget, Cost};
use crate::constraint::Limit;
use crate::error::Result;
use crate::space::SearchSpace;
use crate::table::{CompileOptions, CostTable};

/// Opens the device of a name.
type Open<'a> = &'a dyn Fn(&str) -> nnmeter_hardware::error::Result<Arc<OpenDevice>>;

/// A cost that was compiled.
struct Compiled {
    cost: Cost,
    /// The name by which the device was asked for.
    name: Option<String>,
    device: Option<Arc<OpenDevice>>,
    table: Arc<CostTable>,
}

pub(super) struct Compiling<'a> {
    budget: &'a Budget,
    space: &'a SearchSpace,
    open: Open<'a>,
    done: Vec<Compiled>,
}

impl<'a> Compiling<'a> {
    pub(super) fn new(budget: &'a Budget, space: &'a SearchSpace, open: Open<'a>) -> Self {
        Self { budget, space, open, done: Vec::new() }
    }

    /// The tables so far.
    pub(super) fn tables(self) -> Vec<Arc<CostTable>> {
        self.done.into_iter().map(|done| done.table).collect()
    }

    /// Compiles the latency on a device, unless there is some cost on it already.
    pub(super) fn tell(&mut self, name: &str) -> Result<()> {
        if !self.done.iter().any(|done| done.name.as_deref() == Some(name)) {
            self.table(Cost::Latency, Some(name))?;
        }
        Ok(())
    }

    /// The limits that bounds are, on the device of that name.
    pub(super) fn limits(&mut self, bounds: &Bounds, name: Option<&str>) -> Result<Vec<Limit>> {
        let (space, probability) = (self.space, self.budget.probability);
        let Compiled { cost, device, table, .. } = self.table(bounds.cost, name)?;
        let shared = || Arc::clone(table);
        let (Some(device), Some(probability), Some(upper)) = (device, probability, bounds.upper)
        else {
            return Ok(vec![Limit::between(shared(), bounds.lower, bounds.upper)?]);
        };
        let uncertainty = cost.uncertainty(device)?;
        let outside = cost.outside(space, device, &CompileOptions::default())?;
        let probable = Limit::probable(shared(), uncertainty, outside.as_ref(), upper, probability);
        let mut limits = vec![probable?];
        if bounds.lower.is_some() {
            limits.push(Limit::between(shared(), bounds.lower, None)?);
        }
        Ok(limits)
    }

    /// The table of a cost, compiled if it is not yet.
    fn table(&mut self, cost: Cost, name: Option<&str>) -> Result<&Compiled> {
        let is_it = |done: &Compiled| done.cost == cost && done.name.as_deref() == name;
        let place = match self.done.iter().position(is_it) {
            Some(place) => place,
            None => {
                self.done.push(self.compile(cost, name)?);
                self.done.len() - 1
            }
        };
        Ok(&self.done[place])
    }

    fn compile(&self, cost: Cost, name: Option<&str>) -> Result<Compiled> {
        let device = name.map(self.open).transpose()?;
        let options = CompileOptions {
            device: device.as_deref().zip(name).map(|(device, name)| self.label(device, name)),
            allow_uncovered: self.budget.allow_uncovered,
            ..CompileOptions::default()
        };
        let table = cost
            .compile(self.space, device.as_deref(), &options)
            .map_err(|error| error.within(format!("search space {:?}", self.space.name())))?;
        Ok(Compiled { cost, name: name.map(str::to_owned), device, table: Arc::new(table) })
    }

    /// The device's name, or what it was called by if another one has that name.
    fn label(&self, device: &OpenDevice, called: &str) -> String {
        let name = &device.device().name;
        let is_other = |done: &Compiled| {
            done.table.device() == Some(name) && done.name.as_deref() != Some(called)
        };
        if self.done.iter().any(is_other) { called.to_owned() } else { name.clone() }
    }
}
