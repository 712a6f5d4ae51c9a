//! What can be asked of an architecture: its latency or energy on a device, or a count that needs none.
//!
//! The costs themselves are those of [`crate::metric`].

use std::fmt;
use std::str::FromStr;

use nnmeter_core::predict::Predictor;
use nnmeter_core::uncertainty::Uncertainty;
use nnmeter_core::units::Unit;
use nnmeter_hardware::registry::OpenDevice;

use crate::error::{Error, ErrorKind, Result};
use crate::metric::{FlopCount, Macs, Metric, OutsideRange, Parameters};
use crate::space::SearchSpace;
use crate::table::{CompileOptions, CostTable};

/// See the file's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// Milliseconds on a device.
    Latency,
    /// Millijoules on a device.
    Energy,
    /// Multiply-accumulates.
    Macs,
    /// Floating-point operations.
    Flops,
    /// Trained parameters.
    Parameters,
}

impl Cost {
    /// All there are.
    pub const ALL: [Cost; 5] =
        [Cost::Latency, Cost::Energy, Cost::Macs, Cost::Flops, Cost::Parameters];

    /// Its name: `latency`.
    pub fn name(self) -> &'static str {
        match self {
            Cost::Latency => "latency",
            Cost::Energy => "energy",
            Cost::Macs => "macs",
            Cost::Flops => "flops",
            Cost::Parameters => "parameters",
        }
    }

    /// Whether it is that on a device.
    pub fn is_of_device(self) -> bool {
        matches!(self, Cost::Latency | Cost::Energy)
    }

    /// How a network is charged by it; on `device`, if it is that on one.
    ///
    /// # Errors
    /// [`ErrorKind::BadBudget`] if there has to be a device; [`ErrorKind::Hardware`] if it cannot
    /// predict that.
    pub fn metric(self, device: Option<&OpenDevice>) -> Result<&dyn Metric> {
        Ok(match (self, device) {
            (Cost::Macs, _) => &Macs,
            (Cost::Flops, _) => &FlopCount,
            (Cost::Parameters, _) => &Parameters,
            (Cost::Latency, Some(device)) => device.latency()?,
            (Cost::Energy, Some(device)) => device.energy()?,
            (Cost::Latency | Cost::Energy, None) => {
                let found = "is that on a device, and none is named";
                return Err(Error::new(ErrorKind::BadBudget, self.name(), found)
                    .expected("the name of a device"));
            }
        })
    }

    /// The costs of all architectures of a space; on `device`, if it is that on one.
    ///
    /// # Errors
    /// As [`metric`](Self::metric) and [`CostTable::compile`].
    pub fn compile(
        self,
        space: &SearchSpace,
        device: Option<&OpenDevice>,
        options: &CompileOptions,
    ) -> Result<CostTable> {
        CostTable::compile(space, &self.metric(device)?, options)
    }

    /// How far predictions for the device are off.
    ///
    /// # Errors
    /// [`ErrorKind::BadConstraint`] if nobody measured that; [`ErrorKind::Hardware`] if it cannot be
    /// predicted.
    pub fn uncertainty(self, device: &OpenDevice) -> Result<&Uncertainty> {
        let known = match self {
            Cost::Latency => device.latency()?.uncertainty(),
            Cost::Energy => device.energy()?.uncertainty(),
            Cost::Macs | Cost::Flops | Cost::Parameters => None,
        };
        known.ok_or_else(|| {
            let subject = format!("{} on device {:?}", self.name(), device.device().name);
            let found = "is known without how far predictions are off";
            Error::new(ErrorKind::BadConstraint, subject, found)
                .hint("give a bound without a probability")
        })
    }

    /// How many kernels of each architecture lie outside of what the device's models were fitted on.
    /// `None` where that is no table of the size allowed (then any architecture may have some), or
    /// where it makes no difference, because nobody measured how far predictions are off.
    ///
    /// # Errors
    /// As [`CostTable::compile`]; [`ErrorKind::Hardware`] if the device cannot predict the cost.
    pub fn outside(
        self,
        space: &SearchSpace,
        device: &OpenDevice,
        options: &CompileOptions,
    ) -> Result<Option<CostTable>> {
        let options = CompileOptions { allow_uncovered: true, ..options.clone() };
        let table = match self {
            Cost::Latency => outside(space, device.latency()?, &options),
            Cost::Energy => outside(space, device.energy()?, &options),
            Cost::Macs | Cost::Flops | Cost::Parameters => Ok(None),
        };
        match table {
            Err(error) if error.kind() == ErrorKind::Indecomposable => Ok(None),
            table => table,
        }
    }
}

fn outside<U: Unit>(
    space: &SearchSpace,
    predictor: &Predictor<U>,
    options: &CompileOptions,
) -> Result<Option<CostTable>> {
    if predictor.uncertainty().is_none() {
        return Ok(None);
    }
    CostTable::compile(space, &OutsideRange(predictor), options).map(Some)
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Cost {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|cost| cost.name() == name).ok_or_else(|| {
            Error::new(ErrorKind::BadBudget, format!("cost {name:?}"), "is none that is known")
                .expected(Self::ALL.map(Self::name).join(", "))
        })
    }
}

impl From<nnmeter_hardware::package::Metric> for Cost {
    fn from(metric: nnmeter_hardware::package::Metric) -> Self {
        match metric {
            nnmeter_hardware::package::Metric::Latency => Cost::Latency,
            nnmeter_hardware::package::Metric::Energy => Cost::Energy,
        }
    }
}
