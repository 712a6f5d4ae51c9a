//! The packages that are part of this program.
//!
//! One line a device: its name, the version of its predictor, and the bytes of its file. How the
//! files came about is the packager's business.

use crate::provider::{DeviceProvider, LazyPackage};
use crate::version::Version;

/// The devices that this crate brings.
pub(crate) struct BuiltIn;

/// The package `predictors/NAME.nnmeter`.
macro_rules! built_in {
    ($name:literal, $version:expr) => {{
        let bytes = include_bytes!(concat!("../predictors/", $name, ".nnmeter"));
        LazyPackage::from_bytes($name, $version, bytes)
    }};
}

impl DeviceProvider for BuiltIn {
    fn packages(&self) -> Vec<LazyPackage> {
        vec![
            built_in!("cortexA76cpu_tflite21", Version::new(1, 0)),
            built_in!("myriadvpu_openvino2019r2", Version::new(1, 0)),
            built_in!("adreno640gpu_tflite21", Version::new(1, 0)),
            built_in!("adreno630gpu_tflite21", Version::new(1, 0)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_opens_under_its_name_and_version() {
        for package in BuiltIn.packages() {
            package.open().unwrap_or_else(|error| panic!("{error}"));
        }
    }
}
