//! The search spaces that people use, each after its paper, by name.
//!
//! Every one is made by the functions of its own file in the language of [`crate::space`], and tests
//! check it against its paper's tables: operators, multiply-accumulates, parameters, size.

mod shufflenet;

use crate::error::{Error, ErrorKind, Result};
use crate::space::SearchSpace;

/// Names of the built-in spaces, with what they are.
pub const ALL: &[(&str, &str)] = &[
    ("spos", "SPOS (Guo et al. 2020): ShuffleNetV2 blocks, 20 choices of 4"),
    ("spos-channels", "SPOS with channel search: 20 blocks, each of 4 kinds and 8 widths"),
];

/// The built-in space called `name`.
///
/// # Errors
/// [`ErrorKind::UnknownSpace`] if there is none.
pub fn space(name: &str) -> Result<SearchSpace> {
    match name {
        "spos" => shufflenet::spos(),
        "spos-channels" => shufflenet::spos_channels(),
        _ => {
            let names: Vec<&str> = ALL.iter().map(|(name, _)| *name).collect();
            Err(Error::new(
                ErrorKind::UnknownSpace,
                format!("search space {name:?}"),
                "is not a built-in one",
            )
            .expected(format!("one of {}", names.join(", "))))
        }
    }
}
