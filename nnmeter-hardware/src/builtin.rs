//! The packages that are part of this program.
//!
//! One line a device: its name and the bytes of its file, which are looked at when the device is
//! first asked for. How the files came about is the packager's business.

/// A package inside the program.
pub(crate) struct BuiltIn {
    /// Name of the device.
    pub(crate) name: &'static str,
    /// Bytes of its package.
    pub(crate) bytes: &'static [u8],
}

/// The package `predictors/NAME.nnmeter`.
macro_rules! built_in {
    ($name:literal) => {
        BuiltIn { name: $name, bytes: include_bytes!(concat!("../predictors/", $name, ".nnmeter")) }
    };
}

/// All of them, by name.
pub(crate) const ALL: &[BuiltIn] = &[built_in!("cortexA76cpu_tflite21")];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::Package;

    #[test]
    fn each_opens_under_its_name() {
        for built_in in ALL {
            let package = Package::from_bytes(built_in.bytes).expect(built_in.name);
            assert_eq!(package.device.name, built_in.name);
        }
    }
}
