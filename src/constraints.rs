//! What architectures may cost, as arguments say it: `--device D --budget 30ms`, on several devices
//! `--budget 30ms@D --budget 20mJ@E`; and the cost tables and limits that come of it.
//!
//! Whether anything satisfies them, and what, is for the verbs to ask `nnmeter_filters::exact`.

use std::str::FromStr;
use std::sync::Arc;

use anyhow::Context;
use nnmeter_core::predict::Predictor;
use nnmeter_core::uncertainty::Uncertainty;
use nnmeter_core::units::Unit;
use nnmeter_filters::constraint::{Constraints, Limit};
use nnmeter_filters::error::ErrorKind;
use nnmeter_filters::metric::OutsideRange;
use nnmeter_filters::space::SearchSpace;
use nnmeter_filters::table::{CompileOptions, CostTable};
use nnmeter_hardware::registry::OpenDevice;

use crate::budget::amount;
use crate::cost::Cost;
use crate::device;
use crate::failure::Usage;

/// Options that say what architectures may cost.
#[derive(clap::Args)]
pub(crate) struct ConstraintArgs {
    /// A device whose costs count (repeatable), as NAME, NAME@VERSION or a package file.
    #[arg(long, short, value_name = "NAME|FILE")]
    device: Vec<String>,

    /// What an architecture may cost (repeatable, all must hold): 30ms, 12mJ, 300Mmacs, 600Mflops or
    /// 5Mparams; 20ms..30ms and 20ms.. for lower bounds; 30ms@NAME where there are several devices.
    #[arg(long, value_name = "[LOW..]HIGH[@DEVICE]", value_parser = Bounds::from_str)]
    budget: Vec<Bounds>,

    /// Stay below upper bounds of latency and energy with at least this probability, by how far
    /// predictions for the device are off; without it, the predicted cost counts.
    #[arg(long, value_name = "P")]
    probability: Option<f64>,

    /// Leave kernels without a price out of the costs.
    #[arg(long)]
    allow_uncovered: bool,
}

/// Bounds on a cost, in its unit, and the device if one is named.
#[derive(Clone, Debug, PartialEq)]
struct Bounds {
    text: String,
    cost: Cost,
    lower: Option<f64>,
    upper: Option<f64>,
    device: Option<String>,
}

impl FromStr for Bounds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (range, device) = match text.split_once('@') {
            Some((range, device)) => (range, Some(device.to_owned())),
            None => (text, None),
        };
        let (low, high) = range.split_once("..").unwrap_or(("", range));
        let side = |text: &str| if text.is_empty() { Ok(None) } else { amount(text).map(Some) };
        let (low, high) = (side(low)?, side(high)?);
        let Some((_, cost)) = high.or(low) else {
            return Err("expected a bound, as in 30ms, 20ms..30ms or 20ms..".to_owned());
        };
        if low.is_some_and(|low| low.1 != cost) {
            return Err("expected two bounds of the same kind".to_owned());
        }
        if device.is_some() && !cost.is_of_device() {
            return Err(format!("{} are the same on every device; expected no @", cost.name()));
        }
        let (lower, upper) = (low.map(|low| low.0), high.map(|high| high.0));
        if upper.is_some_and(|upper| upper <= 0.0) {
            return Err("expected a budget above zero".to_owned());
        }
        if let (Some(low), Some(high)) = (lower, upper)
            && low > high
        {
            return Err("expected a lower bound that does not exceed the upper one".to_owned());
        }
        Ok(Self { text: text.to_owned(), cost, lower, upper, device })
    }
}

/// The costs that were asked for, and the limits on them.
pub(crate) struct Costs {
    /// Tables of all costs, those of limits first.
    pub(crate) tables: Vec<Arc<CostTable>>,
    pub(crate) constraints: Constraints,
}

impl ConstraintArgs {
    /// Compiles the costs of a space: those that have a budget, and the latency on the devices without
    /// one.
    pub(crate) fn compile(&self, space: &SearchSpace) -> anyhow::Result<Costs> {
        self.refuse_idle_probability()?;
        let mut compiling =
            Compiling { space, allow_uncovered: self.allow_uncovered, done: Vec::new() };
        let mut limits = Vec::new();
        for bounds in &self.budget {
            let table = compiling.table(bounds.cost, self.device_of(bounds)?)?;
            limits.extend(self.limits(space, bounds, table)?);
        }
        for device in &self.device {
            if !compiling.done.iter().any(|done| done.argument.as_deref() == Some(device)) {
                compiling.table(Cost::Latency, Some(device))?;
            }
        }
        let tables = compiling.done.into_iter().map(|done| done.table).collect();
        Ok(Costs { tables, constraints: Constraints::new(limits) })
    }

    fn refuse_idle_probability(&self) -> anyhow::Result<()> {
        let binds = |bounds: &Bounds| bounds.cost.is_of_device() && bounds.upper.is_some();
        if self.probability.is_none() || self.budget.iter().any(binds) {
            return Ok(());
        }
        let text = "--probability is that of a budget; expected --budget with a latency or energy";
        Err(Usage(text.to_owned()).into())
    }

    /// The device that bounds are meant for, if they are for one.
    fn device_of<'a>(&'a self, bounds: &'a Bounds) -> anyhow::Result<Option<&'a str>> {
        if !bounds.cost.is_of_device() {
            return Ok(None);
        }
        match (&bounds.device, &self.device[..]) {
            (Some(device), _) => Ok(Some(device)),
            (None, [device]) => Ok(Some(device)),
            (None, devices) => {
                let text = &bounds.text;
                let count = if devices.is_empty() { "no device" } else { "several devices" };
                let found = format!("--budget {text} is for {count}; expected {text}@DEVICE");
                let hint = if devices.is_empty() { ", or --device NAME" } else { "" };
                Err(Usage(found + hint).into())
            }
        }
    }

    fn limits(
        &self,
        space: &SearchSpace,
        bounds: &Bounds,
        table: &Compiled,
    ) -> anyhow::Result<Vec<Limit>> {
        let shared = || Arc::clone(&table.table);
        let (Some(device), Some(probability), Some(upper)) =
            (&table.device, self.probability, bounds.upper)
        else {
            return Ok(vec![Limit::between(shared(), bounds.lower, bounds.upper)?]);
        };
        let probable = |of: &Uncertainty, outside: Option<CostTable>| {
            Limit::probable(shared(), of, outside.as_ref(), upper, probability)
        };
        let options = &CompileOptions { allow_uncovered: true, ..CompileOptions::default() };
        let (of, outside) = match bounds.cost {
            Cost::Energy => outside(space, device.energy()?, options)?,
            _ => outside(space, device.latency()?, options)?,
        };
        let mut limits = vec![probable(&of, outside)?];
        if bounds.lower.is_some() {
            limits.push(Limit::between(shared(), bounds.lower, None)?);
        }
        Ok(limits)
    }
}

/// How far a predictor is off, and which architectures have kernels that it was not fitted on, if that
/// can be tabulated.
fn outside<U: Unit>(
    space: &SearchSpace,
    predictor: &Predictor<U>,
    options: &CompileOptions,
) -> anyhow::Result<(Uncertainty, Option<CostTable>)> {
    let uncertainty = predictor.uncertainty().cloned().ok_or_else(|| {
        anyhow::anyhow!("nobody measured how far predictions for the device are off")
            .context("--probability cannot be told")
    })?;
    match CostTable::compile(space, &OutsideRange(predictor), options) {
        Ok(table) => Ok((uncertainty, Some(table))),
        Err(error) if error.kind() == ErrorKind::Indecomposable => Ok((uncertainty, None)),
        Err(error) => Err(error.into()),
    }
}

/// A cost that was compiled.
struct Compiled {
    cost: Cost,
    argument: Option<String>,
    device: Option<Arc<OpenDevice>>,
    table: Arc<CostTable>,
}

struct Compiling<'a> {
    space: &'a SearchSpace,
    allow_uncovered: bool,
    done: Vec<Compiled>,
}

impl Compiling<'_> {
    /// The table of a cost, compiled if it is not yet.
    fn table(&mut self, cost: Cost, argument: Option<&str>) -> anyhow::Result<&Compiled> {
        let is_it = |done: &Compiled| done.cost == cost && done.argument.as_deref() == argument;
        let place = match self.done.iter().position(is_it) {
            Some(place) => place,
            None => {
                self.done.push(self.compile(cost, argument)?);
                self.done.len() - 1
            }
        };
        Ok(&self.done[place])
    }

    fn compile(&self, cost: Cost, argument: Option<&str>) -> anyhow::Result<Compiled> {
        let device = argument.map(device::open).transpose()?;
        let options = CompileOptions {
            device: device.as_ref().zip(argument).map(|(device, text)| self.label(device, text)),
            allow_uncovered: self.allow_uncovered,
            ..CompileOptions::default()
        };
        let table = cost.compile(self.space, device.as_deref(), &options);
        let table = Arc::new(table.with_context(|| self.space.name().to_owned())?);
        table.uncovered().iter().for_each(|layer| eprintln!("NOT COVERED: {layer}"));
        Ok(Compiled { cost, argument: argument.map(str::to_owned), device, table })
    }

    /// The device's name, or what it was called by if another one has that name.
    fn label(&self, device: &OpenDevice, argument: &str) -> String {
        let name = &device.device().name;
        let is_other = |done: &Compiled| {
            done.table.device() == Some(name) && done.argument.as_deref() != Some(argument)
        };
        if self.done.iter().any(is_other) { argument.to_owned() } else { name.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_read() {
        for (text, cost, lower, upper, device) in [
            ("30ms", Cost::Latency, None, Some(30.0), None),
            ("20ms..0.03s", Cost::Latency, Some(20.0), Some(30.0), None),
            ("20ms..@phone@1.0", Cost::Latency, Some(20.0), None, Some("phone@1.0")),
            ("..12mJ@./my.nnmeter", Cost::Energy, None, Some(12.0), Some("./my.nnmeter")),
            ("250Mmacs..300Mmacs", Cost::Macs, Some(2.5e8), Some(3e8), None),
        ] {
            let device = device.map(str::to_owned);
            let expected = Bounds { text: text.to_owned(), cost, lower, upper, device };
            assert_eq!(text.parse::<Bounds>(), Ok(expected));
        }
        for text in ["", "..", "30", "20..30ms", "30ms..20ms", "1ms..2mJ", "0ms", "3Mmacs@phone"] {
            assert!(text.parse::<Bounds>().is_err(), "{text}");
        }
    }
}
