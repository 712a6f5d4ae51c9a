//! Budgets as people write them, and the cost tables and limits that come of them.
//!
//! ```text
//! "30ms@phone" --Bounds::from_str--> Bounds --Budget::compile--> Costs { tables, constraints }
//! ```
//!
//! Whether anything satisfies the constraints, and what, is for [`crate::exact`] to say.
//!
//! ```
//! use nnmeter_filters::budget::Budget;
//! use nnmeter_filters::builtin;
//! use nnmeter_hardware::registry::Registry;
//!
//! let space = builtin::space("nasbench201")?;
//! let bounds = ["3ms@cortexA76cpu_tflite21", "10Mmacs..40Mmacs"];
//! let bounds = bounds.map(str::parse).into_iter().collect::<Result<_, _>>()?;
//! let budget = Budget { bounds, ..Budget::default() };
//! let costs = budget.compile(&space, |name| Registry::built_in().open(name))?;
//! assert_eq!((costs.tables.len(), costs.constraints.limits().len()), (2, 2));
//! # Ok::<(), nnmeter_filters::error::Error>(())
//! ```

mod amount;
mod bounds;
mod compile;
mod cost;

use std::sync::Arc;

use nnmeter_hardware::registry::OpenDevice;

pub use amount::Amount;
pub use bounds::Bounds;
pub use cost::Cost;

use self::compile::Compiling;
use crate::constraint::Constraints;
use crate::error::{Error, ErrorKind, Result};
use crate::space::SearchSpace;
use crate::table::CostTable;

/// What architectures may cost, and of what else the costs are to be told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Budget {
    /// Devices whose latency is told, by whatever names they are opened. If there is one, bounds on
    /// latency and energy are for it where they name none.
    pub devices: Vec<String>,
    /// All of these have to hold.
    pub bounds: Vec<Bounds>,
    /// Upper bounds of latency and energy hold for measured costs, with this probability; without it
    /// they hold for predicted ones.
    pub probability: Option<f64>,
    /// Leave kernels without a price out of the costs, instead of refusing.
    pub allow_uncovered: bool,
}

/// The costs that were asked for, and the limits on them.
#[derive(Clone, Debug)]
pub struct Costs {
    /// Tables of all costs: those of bounds in their order, then the latency on devices without one.
    pub tables: Vec<Arc<CostTable>>,
    /// The bounds, on these tables.
    pub constraints: Constraints,
}

impl Budget {
    /// Checks what can be said without a space or a device.
    ///
    /// # Errors
    /// [`ErrorKind::BadBudget`] if a bound is for no device, or for several; or if there is a
    /// probability and no bound that it is of.
    pub fn check(&self) -> Result<()> {
        let binds = |bounds: &Bounds| bounds.cost.is_of_device() && bounds.upper.is_some();
        if let Some(probability) = self.probability
            && !self.bounds.iter().any(binds)
        {
            let subject = format!("probability {probability}");
            return Err(Error::new(ErrorKind::BadBudget, subject, "is that of no budget")
                .expected("an upper bound of latency or energy"));
        }
        self.bounds.iter().try_for_each(|bounds| self.device_of(bounds).map(drop))
    }

    /// Compiles the costs of a space: those that have a bound, and the latency on the devices without
    /// one. `open` opens the device of a name, and is called with each name that is needed.
    ///
    /// # Errors
    /// As [`check`](Self::check); [`ErrorKind::Hardware`] if a device is not known, or cannot predict
    /// that cost; [`ErrorKind::BadConstraint`] if the probability cannot be told; and what
    /// [`CostTable::compile`] refuses.
    pub fn compile(
        &self,
        space: &SearchSpace,
        open: impl Fn(&str) -> nnmeter_hardware::error::Result<Arc<OpenDevice>>,
    ) -> Result<Costs> {
        self.check()?;
        let mut compiling = Compiling::new(self, space, &open);
        let mut limits = Vec::new();
        for bounds in &self.bounds {
            limits.extend(compiling.limits(bounds, self.device_of(bounds)?)?);
        }
        for device in &self.devices {
            compiling.tell(device)?;
        }
        Ok(Costs { tables: compiling.tables(), constraints: Constraints::new(limits) })
    }

    /// The device that bounds are meant for, if they are for one.
    fn device_of<'a>(&'a self, bounds: &'a Bounds) -> Result<Option<&'a str>> {
        match (&bounds.device, &self.devices[..]) {
            _ if !bounds.cost.is_of_device() => Ok(None),
            (Some(device), _) => Ok(Some(device)),
            (None, [device]) => Ok(Some(device)),
            (None, []) => Err(bounds
                .bad("is for no device")
                .expected(format!("{}@DEVICE, or one `device`", bounds.text()))),
            (None, _) => Err(bounds
                .bad("is for several devices")
                .expected(format!("{}@DEVICE", bounds.text()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin;
    use expect_test::expect;
    use nnmeter_hardware::registry::Registry;

    const CPU: &str = "cortexA76cpu_tflite21";
    const GPU: &str = "adreno640gpu_tflite21";

    fn budget(devices: &[&str], bounds: &[&str]) -> Budget {
        let devices = devices.iter().map(|&name| name.to_owned()).collect();
        let bounds = bounds.iter().map(|text| text.parse().expect(text)).collect();
        Budget { devices, bounds, ..Budget::default() }
    }

    fn compile(budget: &Budget) -> Result<Costs> {
        let space = builtin::space("nasbench201").expect("it is built in");
        budget.compile(&space, |name| Registry::built_in().open(name))
    }

    #[test]
    fn every_cost_has_one_table() {
        let bounds = ["3ms", "1ms..", "40Mmacs", "2ms@adreno640gpu_tflite21"];
        let costs = compile(&budget(&[CPU], &bounds)).expect("compiled");
        let of = |table: &Arc<CostTable>| {
            (table.quantity().metric, table.device().unwrap_or_default().to_owned())
        };
        let tables: Vec<_> = costs.tables.iter().map(of).collect();
        let expected = [("latency_ms", CPU), ("macs", ""), ("latency_ms", GPU)];
        assert_eq!(tables, expected.map(|(metric, device)| (metric, device.to_owned())));
        assert_eq!(costs.constraints.limits().len(), 4);
        let told = compile(&budget(&[CPU, GPU], &["3ms@cortexA76cpu_tflite21"])).expect("compiled");
        assert_eq!((told.tables.len(), told.constraints.limits().len()), (2, 1));
    }

    #[test]
    fn a_probability_tightens_upper_bounds() {
        let plain = budget(&[CPU], &["1ms..3ms"]);
        let probable = Budget { probability: Some(0.9), ..plain.clone() };
        let bounds = |budget: &Budget| {
            let costs = compile(budget).expect("compiled");
            let limits = costs.constraints.limits().iter();
            let lower = limits.clone().find_map(|limit| limit.lower());
            (lower, limits.clone().find_map(|limit| limit.upper()).expect("one"))
        };
        assert_eq!(bounds(&plain), (Some(1.0), 3.0));
        let (lower, upper) = bounds(&probable);
        assert!(lower == Some(1.0) && upper < 3.0, "{upper}");
    }

    #[test]
    fn what_cannot_be_meant_is_said() {
        let no_upper = Budget { probability: Some(0.9), ..budget(&[CPU], &["1ms..", "3Mmacs"]) };
        let texts = [
            budget(&[], &["30ms"]),
            budget(&[CPU, GPU], &["30ms"]),
            no_upper,
            budget(&["cortexA77"], &["30ms"]),
        ]
        .map(|budget| compile(&budget).expect_err("refused").to_string());
        expect![[r#"
            budget "30ms": is for no device; expected 30ms@DEVICE, or one `device`
            budget "30ms": is for several devices; expected 30ms@DEVICE
            probability 0.9: is that of no budget; expected an upper bound of latency or energy
            device "cortexA77": there is no predictor of that name; expected one of adreno630gpu_tflite21, adreno640gpu_tflite21, cortexA76cpu_tflite21, myriadvpu_openvino2019r2"#]].assert_eq(&texts.join("\n"));
    }
}
