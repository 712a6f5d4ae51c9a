//! The search spaces and cost tables that are loaded, by handle. A handle says what it is of: the same
//! space on the same device has the same one, now and after a restart.

use std::sync::{Arc, Mutex};

use nnmeter_core::predict::Predictor;
use nnmeter_core::units::{Millijoules, Millis, Unit};
use nnmeter_filters::builtin;
use nnmeter_filters::error::ErrorKind as FiltersKind;
use nnmeter_filters::exact::Sampler;
use nnmeter_filters::metric::{FlopCount, Macs, Metric as _, OutsideRange, Parameters, Quantity};
use nnmeter_filters::space::SearchSpace;
use nnmeter_filters::stop::Stop;
use nnmeter_filters::table::{CompileOptions, CostTable, GivenFactor};
use nnmeter_hardware::registry::OpenDevice;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::devices::spec;
use super::lru::Lru;
use crate::error::{Error, ErrorKind, Result};

/// How many samplers are kept; each may have 64 MiB of counts.
const SAMPLERS: usize = 8;

/// A search space that is loaded.
#[derive(Debug)]
pub(super) struct Space {
    pub(super) handle: String,
    pub(super) space: SearchSpace,
}

/// The costs of a space that is loaded.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) handle: String,
    pub(super) space: Arc<Space>,
    pub(super) costs: Arc<CostTable>,
    pub(super) device: Option<Arc<OpenDevice>>,
    pub(super) metric: Metric,
    /// How many kernels of each sample lie outside of what was fitted, where that is a table.
    pub(super) outside: Option<CostTable>,
}

/// What a table can be of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Metric {
    #[default]
    Latency,
    Energy,
    Macs,
    Flops,
    Parameters,
}

/// What is loaded.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) spaces: Lru<Arc<Space>>,
    pub(super) tables: Lru<Arc<Table>>,
    pub(super) samplers: Lru<Arc<Mutex<Sampler>>>,
}

impl Store {
    pub(super) fn new(most: usize) -> Self {
        Self { spaces: Lru::new(most), tables: Lru::new(most), samplers: Lru::new(SAMPLERS) }
    }

    /// The space that `wanted` is: a handle, the name of a built-in one, or one in JSON.
    ///
    /// # Errors
    /// If it is none of these.
    pub(super) fn space(&self, wanted: &Value) -> Result<Arc<Space>> {
        let space = match wanted {
            Value::String(name) => match self.spaces.get(name) {
                Some(space) => return Ok(space),
                None if name.starts_with(SPACE) => return Err(unloaded(name, "space.load")),
                None => builtin::space(name)?,
            },
            Value::Object(_) => SearchSpace::from_json(wanted.to_string().as_bytes())?,
            _ => {
                let found = "is neither text nor an object";
                return Err(Error::new(ErrorKind::InvalidParams, "space", found)
                    .expected("a handle, the name of a built-in space, or a space as JSON"));
            }
        };
        Ok(self.keep(space))
    }

    fn keep(&self, space: SearchSpace) -> Arc<Space> {
        let handle = digest(SPACE, &[&space.to_json().to_string()]);
        let space = Arc::new(Space { handle: handle.clone(), space });
        self.spaces.add(handle, space)
    }

    /// The table of that handle.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownHandle`] if there is none.
    pub(super) fn table(&self, handle: &str) -> Result<Arc<Table>> {
        self.tables.get(handle).ok_or_else(|| unloaded(handle, "space.compile"))
    }

    /// The costs of a space, compiled unless they are loaded.
    ///
    /// # Errors
    /// As [`CostTable::compile`], or if `device` is missing or has no such metric.
    pub(super) fn compile(
        &self,
        space: Arc<Space>,
        device: Option<Arc<OpenDevice>>,
        metric: Metric,
        allow_uncovered: bool,
        stop: &Stop,
    ) -> Result<Arc<Table>> {
        let device = device.filter(|_| metric.is_of_a_device());
        let name = device.as_deref().map_or_else(String::new, spec);
        let parts = [&space.handle, &name, metric.name(), &allow_uncovered.to_string()];
        let handle = digest(TABLE, &parts);
        if let Some(table) = self.tables.get(&handle) {
            return Ok(table);
        }
        let options = CompileOptions {
            device: device.as_ref().map(|device| device.device().name.clone()),
            allow_uncovered,
            stop: stop.clone(),
            ..CompileOptions::default()
        };
        let costs = Arc::new(metric.compile(&space.space, device.as_deref(), &options)?);
        let outside = metric.outside(&space.space, device.as_deref(), &options)?;
        let table = Table { handle: handle.clone(), space, costs, device, metric, outside };
        Ok(self.tables.add(handle, Arc::new(table)))
    }

    /// Costs that are given, over a space of which nothing else is known.
    ///
    /// # Errors
    /// If they contradict themselves, or `device` is missing where `metric` is of one.
    pub(super) fn given(
        &self,
        space: SearchSpace,
        device: Option<Arc<OpenDevice>>,
        metric: Metric,
        factors: Vec<GivenFactor>,
    ) -> Result<Arc<Table>> {
        let device = device.filter(|_| metric.is_of_a_device());
        if device.is_none() && metric.is_of_a_device() {
            return Err(metric.without_device());
        }
        let space = self.keep(space);
        let name = device.as_deref().map_or_else(String::new, spec);
        let parts = [&space.handle, &name, metric.name(), &format!("{factors:?}")];
        let handle = digest(TABLE, &parts);
        let named = device.as_ref().map(|device| device.device().name.clone());
        let costs = CostTable::given(&space.space, metric.quantity(), named, factors)?;
        let costs = Arc::new(costs);
        let table = Table { handle: handle.clone(), space, costs, device, metric, outside: None };
        Ok(self.tables.add(handle, Arc::new(table)))
    }
}

impl Table {
    /// The device that the costs are of.
    ///
    /// # Errors
    /// [`ErrorKind::BadConstraint`] if they are of none.
    pub(super) fn device(&self) -> Result<&OpenDevice> {
        self.device.as_deref().ok_or_else(|| {
            let found = format!("is of {}, which no device measures", self.metric.name());
            Error::new(ErrorKind::BadConstraint, format!("table {:?}", self.handle), found)
                .expected("latency or energy, where a probability is asked for")
        })
    }

    /// A key with the unit of the costs: `cost_ms`.
    pub(super) fn key(&self, name: &str) -> String {
        format!("{name}_{}", self.costs.quantity().suffix)
    }
}

impl Metric {
    pub(super) fn name(self) -> &'static str {
        match self {
            Metric::Latency => "latency",
            Metric::Energy => "energy",
            Metric::Macs => "macs",
            Metric::Flops => "flops",
            Metric::Parameters => "parameters",
        }
    }

    /// What numbers of it count.
    fn quantity(self) -> Quantity {
        match self {
            Metric::Latency => Quantity { metric: Millis::METRIC, suffix: Millis::SUFFIX },
            Metric::Energy => Quantity { metric: Millijoules::METRIC, suffix: Millijoules::SUFFIX },
            Metric::Macs => Macs.quantity(),
            Metric::Flops => FlopCount.quantity(),
            Metric::Parameters => Parameters.quantity(),
        }
    }

    fn without_device(self) -> Error {
        let found = format!("is missing, and {} is that on a device", self.name());
        Error::new(ErrorKind::InvalidParams, "device", found).expected("its name")
    }

    fn is_of_a_device(self) -> bool {
        matches!(self, Metric::Latency | Metric::Energy)
    }

    /// Of the kernels outside of what was fitted. Where that is no table of the size allowed, any
    /// sample may have some; nothing is said of metrics whose errors nobody measured.
    fn outside(
        self,
        space: &SearchSpace,
        device: Option<&OpenDevice>,
        options: &CompileOptions,
    ) -> Result<Option<CostTable>> {
        let options = CompileOptions { allow_uncovered: true, ..options.clone() };
        let table = match (self, device) {
            (Metric::Latency, Some(device)) => outside(space, device.latency()?, &options),
            (Metric::Energy, Some(device)) => outside(space, device.energy()?, &options),
            _ => return Ok(None),
        };
        match table {
            Err(error) if error.kind() == FiltersKind::Indecomposable => Ok(None),
            table => Ok(table?),
        }
    }

    fn compile(
        self,
        space: &SearchSpace,
        device: Option<&OpenDevice>,
        options: &CompileOptions,
    ) -> Result<CostTable> {
        let device = || device.ok_or_else(|| self.without_device());
        Ok(match self {
            Metric::Latency => CostTable::compile(space, device()?.latency()?, options)?,
            Metric::Energy => CostTable::compile(space, device()?.energy()?, options)?,
            Metric::Macs => CostTable::compile(space, &Macs, options)?,
            Metric::Flops => CostTable::compile(space, &FlopCount, options)?,
            Metric::Parameters => CostTable::compile(space, &Parameters, options)?,
        })
    }
}

fn outside<U: Unit>(
    space: &SearchSpace,
    predictor: &Predictor<U>,
    options: &CompileOptions,
) -> nnmeter_filters::error::Result<Option<CostTable>> {
    if predictor.uncertainty().is_none() {
        return Ok(None);
    }
    CostTable::compile(space, &OutsideRange(predictor), options).map(Some)
}

/// What handles start with.
const SPACE: &str = "space-";
const TABLE: &str = "table-";

/// A handle for what these texts say.
fn digest(kind: &str, parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let hex: String = hash.finalize().iter().take(10).map(|byte| format!("{byte:02x}")).collect();
    format!("{kind}{hex}")
}

fn unloaded(handle: &str, method: &str) -> Error {
    Error::new(ErrorKind::UnknownHandle, format!("handle {handle:?}"), "is not loaded")
        .hint(format!("call `{method}` again: it gives the same handle"))
}
