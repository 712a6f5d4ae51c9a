//! Where predictors come from: from a device's name to its opened package.
//!
//! Sources, of which an earlier one wins over a later one that has the same name:
//!
//! 1. the folder that the variable `NNMETER_PREDICTORS` names,
//! 2. the user's folder (see [`user_folder`]),
//! 3. the packages built into this program,
//! 4. packages that other crates register ([`Registry::register`]).
//!
//! In a folder, each `NAME.nnmeter` is the package of the device `NAME`. Names are compared without
//! regard to case. A package is opened when it is first asked for, once. Nothing is downloaded, and
//! nothing is written.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use once_cell::sync::OnceCell;

use crate::builtin;
use crate::error::{Error, ErrorKind, Result};

use crate::package::{EXTENSION, Package};
use crate::suggest;

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

/// A device as a list shows it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Where its package comes from.
    pub origin: Origin,
    /// The opened package, or why it cannot be opened.
    pub device: Result<Arc<OpenDevice>>,
}

#[derive(Debug)]
struct Slot {
    name: String,
    origin: Origin,
    bytes: &'static [u8],
    opened: OnceCell<Result<Arc<OpenDevice>>>,
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
            registry.add_folder(&folder).map_err(|error| error.expected(named))?;
        }
        match user_folder() {
            Some(folder) if folder.is_dir() => registry.add_folder(&folder)?,
            _ => {}
        }
        Ok(registry)
    }

    /// The built-in packages only.
    pub fn built_in() -> Self {
        let slot = |built_in: &builtin::BuiltIn| {
            Slot::new(built_in.name.to_owned(), Origin::BuiltIn, built_in.bytes)
        };
        Self { slots: builtin::ALL.iter().map(slot).collect(), folders: 0 }
    }

    /// Adds the packages of a folder: after the folders added before, and before all else.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if the folder cannot be listed. Packages are not looked at yet.
    pub fn add_folder(&mut self, folder: &Path) -> Result<()> {
        let files = package_files(folder).map_err(|error| Error::io(folder.display(), &error))?;
        for (name, path) in files {
            self.slots.insert(self.folders, Slot::new(name, Origin::File(path), &[]));
            self.folders += 1;
        }
        Ok(())
    }

    /// Adds a package that is part of another crate: `register(include_bytes!("my.nnmeter"))`.
    ///
    /// # Errors
    /// As for [`Package::from_bytes`] and [`Registry::register_package`].
    pub fn register(&mut self, bytes: &'static [u8]) -> Result<()> {
        self.register_package(Package::from_bytes(bytes)?)
    }

    /// Adds a package.
    ///
    /// # Errors
    /// [`ErrorKind::BadData`] if a built-in or registered package has its name. A user's file may
    /// have it, and wins.
    pub fn register_package(&mut self, package: Package) -> Result<()> {
        let name = package.device.name.clone();
        if self.slots[self.folders..].iter().any(|slot| slot.is_called(&name)) {
            let subject = format!("device {name:?}");
            return Err(Error::new(ErrorKind::BadData, subject, "has a predictor already")
                .expected("a name of its own for each package that is registered"));
        }
        let device = Arc::new(OpenDevice::new(package, Origin::Registered));
        let mut slot = Slot::new(name, Origin::Registered, &[]);
        slot.opened = OnceCell::with_value(Ok(device));
        self.slots.push(slot);
        Ok(())
    }

    /// Names of the devices, sorted. No package is opened for this, so some may be broken.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.visible().map(|slot| slot.name.as_str()).collect();
        names.sort_by_key(|name| name.to_ascii_lowercase());
        names
    }

    /// The devices, sorted by name, with every package opened. A broken one is an entry as any
    /// other, with its error.
    pub fn entries(&self) -> Vec<Entry> {
        let entry = |slot: &Slot| Entry {
            name: slot.name.clone(),
            origin: slot.origin.clone(),
            device: slot.open(),
        };
        let mut entries: Vec<Entry> = self.visible().map(entry).collect();
        entries.sort_by_key(|entry| entry.name.to_ascii_lowercase());
        entries
    }

    /// The device called `name`, in whatever case.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownDevice`], with what may have been meant; or what is wrong with its
    /// package, even where a later source has a sound one: it was put there to be used.
    pub fn open(&self, name: &str) -> Result<Arc<OpenDevice>> {
        match self.slots.iter().find(|slot| slot.is_called(name)) {
            Some(slot) => slot.open(),
            None => Err(self.unknown(name)),
        }
    }

    /// The slots that no earlier one of the same name hides.
    fn visible(&self) -> impl Iterator<Item = &Slot> {
        let hidden = |index: usize, slot: &Slot| {
            self.slots[..index].iter().any(|earlier| earlier.is_called(&slot.name))
        };
        let slots = self.slots.iter().enumerate();
        slots.filter(move |(index, slot)| !hidden(*index, slot)).map(|(_, slot)| slot)
    }

    fn unknown(&self, name: &str) -> Error {
        let names = self.names();
        let error = Error::new(
            ErrorKind::UnknownDevice,
            format!("device {name:?}"),
            "there is no predictor of that name",
        );
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

impl Slot {
    fn new(name: String, origin: Origin, bytes: &'static [u8]) -> Self {
        Self { name, origin, bytes, opened: OnceCell::new() }
    }

    fn is_called(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    fn open(&self) -> Result<Arc<OpenDevice>> {
        self.opened.get_or_init(|| self.read()).clone()
    }

    fn read(&self) -> Result<Arc<OpenDevice>> {
        let (package, place) = match &self.origin {
            Origin::File(path) => (Package::read(path)?, path.display().to_string()),
            Origin::BuiltIn | Origin::Registered => {
                (Package::from_bytes(self.bytes)?, "built-in package".to_owned())
            }
        };
        let found = &package.device.name;
        if !self.is_called(found) {
            return Err(Error::new(
                ErrorKind::CorruptPackage,
                place,
                format!("is the package of the device {found:?}"),
            )
            .expected(format!("the device {:?}, as its name says", self.name))
            .hint(format!("call the file {found}.{EXTENSION}")));
        }
        Ok(Arc::new(OpenDevice::new(package, self.origin.clone())))
    }
}

/// The package files of a folder with the names of their devices, in the order of their names.
fn package_files(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let is_package = path.extension().is_some_and(|extension| extension == EXTENSION);
        if let Some(stem) = path.file_stem().filter(|_| is_package) {
            files.push((stem.to_string_lossy().into_owned(), path));
        }
    }
    files.sort();
    Ok(files)
}
