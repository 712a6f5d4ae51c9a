//! What can be asked of an architecture: its latency or energy on a device, or what needs no device.

use clap::ValueEnum;
use nnmeter_filters::metric::{FlopCount, Macs, Parameters};
use nnmeter_filters::space::SearchSpace;
use nnmeter_filters::table::{CompileOptions, CostTable};
use nnmeter_hardware::package::Metric;
use nnmeter_hardware::registry::OpenDevice;

use crate::failure::Usage;

/// See the file's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Cost {
    Latency,
    Energy,
    Macs,
    Flops,
    Parameters,
}

impl Cost {
    /// Its name in reports: `latency_ms`, `macs`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Cost::Latency => Metric::Latency.name(),
            Cost::Energy => Metric::Energy.name(),
            Cost::Macs => "macs",
            Cost::Flops => "flops",
            Cost::Parameters => "parameters",
        }
    }

    /// Whether it is that of a device.
    pub(crate) fn is_of_device(self) -> bool {
        matches!(self, Cost::Latency | Cost::Energy)
    }

    /// The costs of all architectures of a space; on `device`, if it is of one.
    pub(crate) fn compile(
        self,
        space: &SearchSpace,
        device: Option<&OpenDevice>,
        options: &CompileOptions,
    ) -> anyhow::Result<CostTable> {
        Ok(match (self, device) {
            (Cost::Macs, _) => CostTable::compile(space, &Macs, options)?,
            (Cost::Flops, _) => CostTable::compile(space, &FlopCount, options)?,
            (Cost::Parameters, _) => CostTable::compile(space, &Parameters, options)?,
            (Cost::Latency, Some(device)) => CostTable::compile(space, device.latency()?, options)?,
            (Cost::Energy, Some(device)) => CostTable::compile(space, device.energy()?, options)?,
            (Cost::Latency | Cost::Energy, None) => {
                let found = "latency and energy need a device; expected --device NAME";
                return Err(Usage(found.to_owned()).into());
            }
        })
    }
}
