//! Where predictors come from: from a device's name to its opened package.
//!
//! Sources, in the order of precedence:
//!
//! 1. the folder that the variable `NNMETER_PREDICTORS` names,
//! 2. the user's folder (see [`user_folder`]),
//! 3. the packages built into this program,
//! 4. packages that other crates register ([`Registry::register`]).
//!
//! A device may have predictors of several versions, side by side. `name@1.0` asks for one of them,
//! and gets it from the first source that has it. `name` alone asks for the highest version there
//! is, of whatever source; but where the folder of `NNMETER_PREDICTORS` has the device, for the
//! highest there, so that the variable decides. What ends in `.nnmeter` is no name but a file.
//!
//! In a folder, `NAME@1.0.nnmeter` is the package of version 1.0 of the device `NAME`, and so is
//! `NAME.nnmeter`. Names are compared without regard to case. A package is opened when it is first
//! asked for, once. Nothing is downloaded, and nothing is written.

use std::path::Path;
use std::sync::Arc;

use crate::builtin::BuiltIn;
use crate::entry::Slot;
use crate::error::{Error, ErrorKind, Result};
use crate::folders::packages_of;
use crate::package::{EXTENSION, Package};
use crate::provider::DeviceProvider;
use crate::suggest;
use crate::version::Spec;

pub use crate::entry::{Entry, Origin, Standing};
pub use crate::folders::{PREDICTORS_VARIABLE, explicit_folder, user_folder};
pub use crate::open::OpenDevice;

/// The devices that have a predictor.
///
/// ```
/// use nnmeter_hardware::registry::Registry;
///
/// let error = Registry::built_in().open("no such device").err().expect("there is none");
/// assert_eq!(error.subject(), "device \"no such device\"");
/// ```
#[derive(Debug, Default)]
pub struct Registry {
    /// In order of precedence: first those of folders.
    slots: Vec<Slot>,
    folders: usize,
}

impl Registry {
    /// All sources: the folder of `NNMETER_PREDICTORS`, the user's folder, the built-in packages.
    ///
    /// # Errors
    /// If the folder of `NNMETER_PREDICTORS` does not exist, or one of the two cannot be listed. A
    /// user's folder that does not exist is not an error.
    pub fn standard() -> Result<Self> {
        let mut registry = Self::built_in();
        if let Some(folder) = explicit_folder() {
            let named = format!("a folder, as {PREDICTORS_VARIABLE} says");
            registry.add_explicit_folder(&folder).map_err(|error| error.expected(named))?;
        }
        match user_folder() {
            Some(folder) if folder.is_dir() => registry.add_folder(&folder)?,
            _ => {}
        }
        Ok(registry)
    }

    /// The built-in packages only.
    pub fn built_in() -> Self {
        let packages = BuiltIn.packages().into_iter();
        let slots = packages.map(|package| Slot::new(package, Origin::BuiltIn)).collect();
        Self { slots, folders: 0 }
    }

    /// Adds the packages of a folder: after the folders added before, and before all else.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if the folder cannot be listed. Packages are not looked at yet.
    pub fn add_folder(&mut self, folder: &Path) -> Result<()> {
        self.insert_folder(folder, false)
    }

    /// As [`Registry::add_folder`], for a folder whose devices are to be used even where another
    /// source has a higher version.
    ///
    /// # Errors
    /// As for [`Registry::add_folder`].
    pub fn add_explicit_folder(&mut self, folder: &Path) -> Result<()> {
        self.insert_folder(folder, true)
    }

    fn insert_folder(&mut self, folder: &Path, explicit: bool) -> Result<()> {
        for (path, package) in packages_of(folder)? {
            let mut slot = Slot::new(package, Origin::File(path));
            slot.explicit = explicit;
            self.slots.insert(self.folders, slot);
            self.folders += 1;
        }
        Ok(())
    }

    /// Adds the devices of another crate, after all others.
    ///
    /// # Errors
    /// [`ErrorKind::BadData`] if a built-in or registered package has the name and version of one;
    /// then none is added. A user's file may have them, and wins.
    pub fn register(&mut self, provider: &dyn DeviceProvider) -> Result<()> {
        let mut added: Vec<Slot> = Vec::new();
        for package in provider.packages() {
            let mut others = self.slots[self.folders..].iter().chain(&added);
            if others.any(|slot| slot.is_same(&package)) {
                let subject = format!("device \"{}@{}\"", package.name(), package.version());
                return Err(Error::new(ErrorKind::BadData, subject, "has a predictor already")
                    .expected("a name or version of its own for each package registered"));
            }
            added.push(Slot::new(package, Origin::Registered));
        }
        self.slots.append(&mut added);
        Ok(())
    }

    /// Names of the devices, sorted. No package is opened for this, so some may be broken.
    pub fn names(&self) -> Vec<&str> {
        let defaults = self.entries().into_iter().filter(|e| e.standing == Standing::Default);
        defaults.map(|entry| entry.slot.package.name()).collect()
    }

    /// All packages, by name and from the highest version down, in the order of precedence where
    /// these are the same. A broken one is among them as any other.
    pub fn entries(&self) -> Vec<Entry<'_>> {
        let mut entries: Vec<Entry<'_>> = self.slots.iter().map(|slot| self.entry(slot)).collect();
        let key = |e: &Entry<'_>| (e.name().to_ascii_lowercase(), std::cmp::Reverse(e.version()));
        entries.sort_by_key(key);
        entries
    }

    /// The package called `name` or `name@1.0`, in whatever case; see the [module](self).
    ///
    /// # Errors
    /// [`ErrorKind::UnknownDevice`], with what may have been meant.
    pub fn find(&self, name: &str) -> Result<Entry<'_>> {
        match self.slot(Spec::parse(name)) {
            Some(slot) => Ok(self.entry(slot)),
            None => Err(self.unknown(name)),
        }
    }

    /// The device called `name` or `name@1.0`, or that of the package file `name`.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownDevice`], with what may have been meant; or what is wrong with its
    /// package, even where another source has a sound one: it was put there to be used.
    pub fn open(&self, name: &str) -> Result<Arc<OpenDevice>> {
        if let Some(path) = as_file(name) {
            let origin = Origin::File(path.to_owned());
            return Ok(Arc::new(OpenDevice::new(Package::read(path)?, origin)));
        }
        self.find(name)?.open()
    }

    fn slot(&self, wanted: Spec<'_>) -> Option<&Slot> {
        let is_wanted = |slot: &&Slot| wanted.is(slot.package.name(), slot.package.version());
        // Of equal ones the last is the maximum, which is to be the first.
        let wanted = self.slots.iter().rev().filter(is_wanted);
        wanted.max_by_key(|slot| (slot.explicit, slot.package.version()))
    }

    fn entry<'a>(&'a self, slot: &'a Slot) -> Entry<'a> {
        let (name, version) = (slot.package.name(), slot.package.version());
        let is_found = |version| {
            self.slot(Spec { name, version }).is_some_and(|found| std::ptr::eq(found, slot))
        };
        let standing = match (is_found(None), is_found(Some(version))) {
            (true, _) => Standing::Default,
            (false, true) => Standing::Versioned,
            (false, false) => Standing::Hidden,
        };
        Entry { slot, standing }
    }

    fn unknown(&self, wanted: &str) -> Error {
        let (name, version) = wanted.split_once('@').unwrap_or((wanted, ""));
        let subject = format!("device {wanted:?}");
        let error = |found: &str| Error::new(ErrorKind::UnknownDevice, subject, found);
        let of_name = |e: &Entry<'_>| e.name().eq_ignore_ascii_case(name);
        let known: Vec<Entry<'_>> = self.entries().into_iter().filter(of_name).collect();
        if !known.is_empty() && !version.is_empty() {
            let mut versions: Vec<String> = known.iter().map(Entry::spec).collect();
            versions.dedup_by_key(|spec| spec.to_ascii_lowercase());
            return error("there is no predictor of that version")
                .expected(format!("one of {}", versions.join(", ")));
        }
        let names = self.names();
        let error = error("there is no predictor of that name");
        if names.is_empty() {
            return error.hint(format!(
                "put a .{EXTENSION} file into a folder and name it in {PREDICTORS_VARIABLE}"
            ));
        }
        let error = error.expected(format!("one of {}", names.join(", ")));
        match suggest::nearest(name, &names) {
            Some(nearest) => error.hint(format!("did you mean {nearest}?")),
            None => error,
        }
    }
}

/// `name` as a path, if it is one: it ends as package files do, or has a folder in it.
pub fn as_file(name: &str) -> Option<&Path> {
    let path = Path::new(name);
    let is_package = path.extension().is_some_and(|extension| extension == EXTENSION);
    (is_package || name.contains(std::path::is_separator)).then_some(path)
}
