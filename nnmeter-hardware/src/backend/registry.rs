//! Backends by name.
//!
//! The names are those of runtimes (`onnxruntime`), not of devices. Opening one may load libraries
//! or start programs; listing them does nothing. A runtime that this build leaves out is listed, too:
//! opening it says how to get it.

use std::fmt;

use super::{Backend, Options};
use crate::error::{Error, ErrorKind, Result};
use crate::suggest;

/// The backends of a program.
///
/// ```
/// use nnmeter_hardware::backend::{Backends, Options};
/// use nnmeter_hardware::error::{Error, ErrorKind};
///
/// let mut backends = Backends::default();
/// backends.register("abacus", "an abacus; `beads` sets its width", |options| {
///     options.check_names(&["beads"])?;
///     Err(Error::new(ErrorKind::Backend, "abacus", "is not at hand"))
/// })?;
/// let error = backends.open("Abakus", &Options::default()).err().expect("a slip");
/// assert_eq!(error.advice(), Some("did you mean abacus?"));
/// # Ok::<(), Error>(())
/// ```
#[derive(Default)]
pub struct Backends(Vec<Slot>);

struct Slot {
    name: String,
    about: String,
    open: Box<Open>,
}

type Open = dyn Fn(&Options) -> Result<Box<dyn Backend>> + Send + Sync;

impl Backends {
    /// Adds a backend: its name, what a list of backends says of it (its options, too), and how it
    /// is opened.
    ///
    /// # Errors
    /// [`ErrorKind::BadData`] if a backend of that name, in whatever case, is there.
    pub fn register(
        &mut self,
        name: &str,
        about: &str,
        open: impl Fn(&Options) -> Result<Box<dyn Backend>> + Send + Sync + 'static,
    ) -> Result<()> {
        if self.slot(name).is_some() {
            let subject = format!("backend {name:?}");
            return Err(Error::new(ErrorKind::BadData, subject, "is registered already"));
        }
        self.add(name, about, open);
        Ok(())
    }

    /// Names of the backends with what is said of them, in the order they were registered.
    pub fn list(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|slot| (slot.name.as_str(), slot.about.as_str()))
    }

    /// What this crate brings: `command`, and the runtimes that this build has.
    pub fn built_in() -> Self {
        let mut backends = Self::default();
        backends.add("onnxruntime", super::ONNXRUNTIME.0, super::ONNXRUNTIME.1);
        backends.add("openvino", super::OPENVINO.0, super::OPENVINO.1);
        backends.add("tract", super::TRACT.0, super::TRACT.1);
        backends.add("command", super::command::ABOUT, |options| {
            Ok(Box::new(super::Command::open(options)?))
        });
        backends
    }

    fn add(
        &mut self,
        name: &str,
        about: &str,
        open: impl Fn(&Options) -> Result<Box<dyn Backend>> + Send + Sync + 'static,
    ) {
        let (name, about, open) = (name.to_owned(), about.to_owned(), Box::new(open));
        self.0.push(Slot { name, about, open });
    }

    /// The one to take where nobody says which: it needs nothing but to be built in.
    pub const DEFAULT: &'static str = "tract";

    /// The option that stands behind a colon in what [`Backends::open`] is given.
    pub const TARGET: &'static str = "program";

    /// Opens the backend called `name`, in whatever case; `command:./bench.sh` is `command` with the
    /// option `program=./bench.sh`.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownBackend`], with what may have been meant;
    /// [`ErrorKind::Backend`] if its runtime cannot be started.
    pub fn open(&self, name: &str, options: &Options) -> Result<Box<dyn Backend>> {
        let (name, target) = match name.split_once(':') {
            Some((name, target)) => (name, Some((Self::TARGET, target))),
            None => (name, None),
        };
        let slot = self.slot(name).ok_or_else(|| self.unknown(name))?;
        let options: Options = options.iter().chain(target).collect();
        (slot.open)(&options)
    }

    fn slot(&self, name: &str) -> Option<&Slot> {
        self.0.iter().find(|slot| slot.name.eq_ignore_ascii_case(name))
    }

    fn unknown(&self, name: &str) -> Error {
        let names: Vec<&str> = self.list().map(|(name, _)| name).collect();
        let subject = format!("backend {name:?}");
        let error = Error::new(ErrorKind::UnknownBackend, subject, "there is none of that name");
        if names.is_empty() {
            return error;
        }
        let error = error.expected(format!("one of {}", names.join(", ")));
        match suggest::nearest(name, &names) {
            Some(nearest) => error.hint(format!("did you mean {nearest}?")),
            None => error,
        }
    }
}

impl fmt::Debug for Backends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.list().map(|(name, _)| name)).finish()
    }
}
