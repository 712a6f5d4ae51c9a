//! A package that the registry knows of: where it comes from, how it is asked for, and opening it
//! once.
//!
//! Which one a name stands for is decided in [`registry`](crate::registry).

use std::path::PathBuf;
use std::sync::Arc;

use once_cell::sync::OnceCell;

use crate::error::Result;
use crate::open::OpenDevice;
use crate::provider::LazyPackage;
use crate::verify::{self, Verified};
use crate::version::Version;

/// Where a package comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A file.
    File(PathBuf),
    /// This program.
    BuiltIn,
    /// Another crate.
    Registered,
}

/// How a package is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// By the name of its device alone, too.
    Default,
    /// By name and version.
    Versioned,
    /// Not at all: an earlier source has the same version of the same device.
    Hidden,
}

/// A package that the registry knows of, opened or not.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    pub(crate) slot: &'a Slot,
    pub(crate) standing: Standing,
}

/// A package with its source.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) package: LazyPackage,
    origin: Origin,
    /// Whether it comes before higher versions of sources that are not explicit.
    pub(crate) explicit: bool,
    opened: OnceCell<Result<Arc<OpenDevice>>>,
}

impl<'a> Entry<'a> {
    /// Name of the device.
    pub fn name(&self) -> &'a str {
        self.slot.package.name()
    }

    /// Version of its predictor.
    pub fn version(&self) -> Version {
        self.slot.package.version()
    }

    /// `name@1.0`.
    pub fn spec(&self) -> String {
        format!("{}@{}", self.name(), self.version())
    }

    /// Where the package comes from.
    pub fn origin(&self) -> &'a Origin {
        &self.slot.origin
    }

    /// How it is asked for.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// The opened package.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn open(&self) -> Result<Arc<OpenDevice>> {
        self.slot.opened.get_or_init(|| self.slot.read()).clone()
    }

    /// Checks the package as [`verify::verify`] does.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn verify(&self) -> Result<Verified> {
        let package = &self.slot.package;
        let (opened, verified) =
            verify::verify(&package.bytes()?).map_err(|error| error.within(package.place()))?;
        package.check(&opened)?;
        Ok(verified)
    }
}

impl Slot {
    pub(crate) fn new(package: LazyPackage, origin: Origin) -> Self {
        Self { package, origin, explicit: false, opened: OnceCell::new() }
    }

    /// Whether it is of the same device and version.
    pub(crate) fn is_same(&self, package: &LazyPackage) -> bool {
        self.package.version() == package.version()
            && self.package.name().eq_ignore_ascii_case(package.name())
    }

    fn read(&self) -> Result<Arc<OpenDevice>> {
        Ok(Arc::new(OpenDevice::new(self.package.open()?, self.origin.clone())))
    }
}
