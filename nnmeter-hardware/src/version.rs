//! Versions of a device's predictor, and how requests spell them: `name@1.0`.
//!
//! A version tells two predictors of one device apart: other data, another fit. It says nothing of
//! the format of packages, which has a version of its own.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorKind};

/// Version of a device's predictor, `MAJOR.MINOR`; ordered by number, so 1.10 comes after 1.9.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version {
    /// Changes where predictions are not comparable with those before: other measurements.
    pub major: u32,
    /// Changes with every other new fit.
    pub minor: u32,
}

impl Version {
    /// 1.0: what a package has that states no version.
    pub const FIRST: Version = Version::new(1, 0);

    /// The version `major.minor`.
    pub const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }
}

impl Default for Version {
    /// [`Version::FIRST`].
    fn default() -> Self {
        Self::FIRST
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for Version {
    type Err = Error;

    /// Reads `1.0`, and no other spelling of it: versions are parts of file names.
    fn from_str(text: &str) -> Result<Self, Error> {
        let number = |text: &str| {
            let value = text.parse::<u32>().ok()?;
            (value.to_string() == text).then_some(value)
        };
        let version = text
            .split_once('.')
            .and_then(|(major, minor)| Some(Self { major: number(major)?, minor: number(minor)? }));
        version.ok_or_else(|| {
            Error::new(ErrorKind::BadData, format!("version {text:?}"), "is not a version")
                .expected("two numbers, as in 1.0")
        })
    }
}

/// What a request names: a device, and perhaps which version of its predictor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spec<'a> {
    /// Name of the device, in whatever case.
    pub(crate) name: &'a str,
    /// The version, if the request is for one.
    pub(crate) version: Option<Version>,
}

impl<'a> Spec<'a> {
    /// Reads `name` or `name@1.0`. Where what follows the `@` is no version, all of `text` is taken
    /// for a name, which no device has.
    pub(crate) fn parse(text: &'a str) -> Self {
        let parts = text.split_once('@');
        match parts.and_then(|(name, version)| Some((name, version.parse().ok()?))) {
            Some((name, version)) => Self { name, version: Some(version) },
            None => Self { name: text, version: None },
        }
    }

    /// Whether the package of this name and version is asked for.
    pub(crate) fn is(&self, name: &str, version: Version) -> bool {
        self.name.eq_ignore_ascii_case(name) && self.version.is_none_or(|own| own == version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_one_spelling_and_an_order() {
        for text in ["1.0", "0.1", "12.34"] {
            assert_eq!(text.parse::<Version>().expect("a version").to_string(), text);
        }
        for text in ["", "1", "1.", ".1", "01.0", "1.00", "+1.0", "1.0.0", "1.-1", "4294967296.0"] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
        assert!(Version::new(1, 10) > Version::new(1, 9));
        assert!(Version::new(2, 0) > Version::new(1, 10));
    }

    #[test]
    fn requests_name_devices_and_versions() {
        let spec = Spec::parse("abacus@2.0");
        assert_eq!((spec.name, spec.version), ("abacus", Some(Version::new(2, 0))));
        assert!(spec.is("Abacus", Version::new(2, 0)) && !spec.is("abacus", Version::FIRST));
        assert!(Spec::parse("abacus").is("abacus", Version::new(7, 1)));
        assert_eq!(Spec::parse("abacus@latest").name, "abacus@latest");
    }
}
