//! How devices come into the registry: from files, from this program, or from another crate.
//!
//! A crate that has devices to offer implements [`DeviceProvider`], and whoever uses it calls
//! [`Registry::register`](crate::registry::Registry::register). A package may be bytes
//! (`include_bytes!`) or made in code; it is looked at when its device is first asked for. The
//! devices of this crate come into the registry in the same way.
//!
//! ```
//! use nnmeter_hardware::package::Package;
//! use nnmeter_hardware::provider::{DeviceProvider, LazyPackage};
//! use nnmeter_hardware::registry::Registry;
//! use nnmeter_hardware::version::Version;
//!
//! struct Mine;
//!
//! impl DeviceProvider for Mine {
//!     fn packages(&self) -> Vec<LazyPackage> {
//!         const BYTES: &[u8] = b"include_bytes!(\"my_phone.nnmeter\")";
//!         vec![LazyPackage::from_bytes("my_phone", Version::FIRST, BYTES)]
//!     }
//! }
//!
//! let mut registry = Registry::built_in();
//! registry.register(&Mine)?;
//! assert!(registry.names().contains(&"my_phone"));
//! assert!(registry.open("my_phone").is_err(), "these bytes are no package");
//! # Ok::<(), nnmeter_hardware::error::Error>(())
//! ```

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::package::{EXTENSION, Package, read_file};
use crate::version::Version;

/// Something that has devices.
pub trait DeviceProvider {
    /// The packages of the devices. Called once, when the provider is registered, which should
    /// cost next to nothing: packages are opened, or made, later.
    fn packages(&self) -> Vec<LazyPackage>;
}

/// A package that is opened, or made, when its device is first asked for.
#[derive(Debug)]
pub struct LazyPackage {
    name: String,
    version: Version,
    source: Source,
}

enum Source {
    File(PathBuf),
    Bytes(&'static [u8]),
    Code(Box<dyn Fn() -> Result<Package> + Send + Sync>),
}

impl LazyPackage {
    /// The package whose file is part of the program.
    pub fn from_bytes(name: impl Into<String>, version: Version, bytes: &'static [u8]) -> Self {
        Self { name: name.into(), version, source: Source::Bytes(bytes) }
    }

    /// The package that `make` makes.
    pub fn from_fn(
        name: impl Into<String>,
        version: Version,
        make: impl Fn() -> Result<Package> + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), version, source: Source::Code(Box::new(make)) }
    }

    /// The package at `path`, whose name and version the name of the file tells: `NAME@1.0.nnmeter`,
    /// or `NAME.nnmeter` for version 1.0.
    pub fn from_file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let parts = stem.split_once('@');
        let versioned = parts.and_then(|(name, version)| Some((name, version.parse().ok()?)));
        let (name, version) = versioned.unwrap_or((&stem, Version::FIRST));
        Self { name: name.to_owned(), version, source: Source::File(path) }
    }

    /// Name of the device.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Version of its predictor.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Its file, if it is one.
    pub fn path(&self) -> Option<&Path> {
        match &self.source {
            Source::File(path) => Some(path),
            Source::Bytes(_) | Source::Code(_) => None,
        }
    }

    /// Opens or makes the package.
    ///
    /// # Errors
    /// As for [`Package::read`] or the function that makes it;
    /// [`ErrorKind::CorruptPackage`] if the package has another name or version than was said.
    pub fn open(&self) -> Result<Package> {
        let package = match &self.source {
            Source::Code(make) => make()?,
            Source::File(_) | Source::Bytes(_) => {
                Package::from_bytes(&self.bytes()?).map_err(|error| error.within(self.place()))?
            }
        };
        self.check(&package)?;
        Ok(package)
    }

    /// The bytes of the package's file, be they right or wrong.
    ///
    /// # Errors
    /// If the file cannot be read, or the package not be made or written.
    pub fn bytes(&self) -> Result<Cow<'static, [u8]>> {
        Ok(match &self.source {
            Source::File(path) => Cow::Owned(read_file(path)?),
            Source::Bytes(bytes) => Cow::Borrowed(*bytes),
            Source::Code(make) => Cow::Owned(make()?.to_bytes()?),
        })
    }

    /// Checks that `package` has the name and version that were said.
    pub(crate) fn check(&self, package: &Package) -> Result<()> {
        let (name, version) = (&package.device.name, package.version);
        if self.name.eq_ignore_ascii_case(name) && self.version == version {
            return Ok(());
        }
        let found = format!("is the package of {name}@{version}");
        let error = Error::new(ErrorKind::CorruptPackage, self.place(), found);
        Err(match &self.source {
            Source::File(_) => {
                error.expected(format!("the file to be called {}", file_name(name, version)))
            }
            Source::Bytes(_) | Source::Code(_) => {
                error.expected(format!("that of {}@{}", self.name, self.version))
            }
        })
    }

    /// How errors call it.
    pub(crate) fn place(&self) -> String {
        match &self.source {
            Source::File(path) => path.display().to_string(),
            Source::Bytes(_) | Source::Code(_) => format!("package {}@{}", self.name, self.version),
        }
    }
}

impl From<Package> for LazyPackage {
    /// A package that is at hand.
    fn from(package: Package) -> Self {
        let (name, version) = (package.device.name.clone(), package.version);
        Self::from_fn(name, version, move || Ok(package.clone()))
    }
}

impl DeviceProvider for Package {
    fn packages(&self) -> Vec<LazyPackage> {
        vec![self.clone().into()]
    }
}

/// What the file of a package is called.
pub fn file_name(name: &str, version: Version) -> String {
    format!("{name}@{version}.{EXTENSION}")
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::File(path) => f.debug_tuple("File").field(path).finish(),
            Source::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Source::Code(_) => f.write_str("Code"),
        }
    }
}
