//! The search spaces and cost tables that are loaded, by handle. A handle says what it is of: the same
//! space on the same device has the same one, now and after a restart.

use std::sync::{Arc, Mutex};

use nnmeter_filters::budget::Cost;
use nnmeter_filters::builtin;
use nnmeter_filters::exact::Sampler;
use nnmeter_filters::space::SearchSpace;
use nnmeter_filters::stop::Stop;
use nnmeter_filters::table::{CompileOptions, CostTable, GivenFactor};
use nnmeter_hardware::registry::OpenDevice;
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
    pub(super) cost: Cost,
    /// How many kernels of each sample lie outside of what was fitted, where that is a table.
    pub(super) outside: Option<CostTable>,
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
    /// As [`CostTable::compile`], or if `device` is missing or does not predict that.
    pub(super) fn compile(
        &self,
        space: Arc<Space>,
        device: Option<Arc<OpenDevice>>,
        cost: Cost,
        allow_uncovered: bool,
        stop: &Stop,
    ) -> Result<Arc<Table>> {
        let device = needed(cost, device)?;
        let name = device.as_deref().map_or_else(String::new, spec);
        let parts = [&space.handle, &name, cost.name(), &allow_uncovered.to_string()];
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
        let costs = Arc::new(cost.compile(&space.space, device.as_deref(), &options)?);
        let outside = device.as_deref().map(|of| cost.outside(&space.space, of, &options));
        let outside = outside.transpose()?.flatten();
        let table = Table { handle: handle.clone(), space, costs, device, cost, outside };
        Ok(self.tables.add(handle, Arc::new(table)))
    }

    /// Costs that are given, over a space of which nothing else is known.
    ///
    /// # Errors
    /// If they contradict themselves, or `device` is missing where `cost` is of one.
    pub(super) fn given(
        &self,
        space: SearchSpace,
        device: Option<Arc<OpenDevice>>,
        cost: Cost,
        factors: Vec<GivenFactor>,
    ) -> Result<Arc<Table>> {
        let device = needed(cost, device)?;
        let quantity = cost.metric(device.as_deref())?.quantity();
        let space = self.keep(space);
        let name = device.as_deref().map_or_else(String::new, spec);
        let parts = [&space.handle, &name, cost.name(), &format!("{factors:?}")];
        let handle = digest(TABLE, &parts);
        let named = device.as_ref().map(|device| device.device().name.clone());
        let costs = CostTable::given(&space.space, quantity, named, factors)?;
        let costs = Arc::new(costs);
        let table = Table { handle: handle.clone(), space, costs, device, cost, outside: None };
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
            let found = format!("is of {}, which no device measures", self.cost.name());
            Error::new(ErrorKind::BadConstraint, format!("table {:?}", self.handle), found)
                .expected("latency or energy, where a probability is asked for")
        })
    }

    /// A key with the unit of the costs: `cost_ms`.
    pub(super) fn key(&self, name: &str) -> String {
        format!("{name}_{}", self.costs.quantity().suffix)
    }
}

/// The device that a cost is on, if it is on one.
///
/// # Errors
/// [`ErrorKind::InvalidParams`] if it is missing.
fn needed(cost: Cost, device: Option<Arc<OpenDevice>>) -> Result<Option<Arc<OpenDevice>>> {
    if device.is_none() && cost.is_of_device() {
        let found = format!("is missing, and {cost} is that on a device");
        return Err(Error::new(ErrorKind::InvalidParams, "device", found).expected("its name"));
    }
    Ok(device.filter(|_| cost.is_of_device()))
}

/// Names of costs on the wire: `latency` if none is given.
pub(super) mod named {
    use nnmeter_filters::budget::Cost;
    use serde::{Deserialize as _, Deserializer, de};

    pub(in crate::rpc) fn latency() -> Cost {
        Cost::Latency
    }

    pub(in crate::rpc) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Cost, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
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
