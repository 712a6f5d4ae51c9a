//! The search spaces that people use, each after its paper, by name.
//!
//! Every one is made by the functions of its own file in the language of [`crate::space`], and tests
//! check it against its paper's tables: operators, multiply-accumulates, parameters, size.

pub(crate) mod mobile;
mod nasbench;
mod resnet;
pub(crate) mod shufflenet;

use crate::error::{Error, ErrorKind, Result};
use crate::space::SearchSpace;

/// Names of the built-in spaces, with what they are.
pub const ALL: &[(&str, &str)] = &[
    ("spos", "SPOS (Guo et al. 2020): ShuffleNetV2 blocks, 20 choices of 4"),
    ("spos-channels", "SPOS with channel search: 20 blocks, each of 4 kinds and 8 widths"),
    (
        "proxylessnas",
        "ProxylessNAS (Cai et al. 2019): 21 inverted residual blocks of 6 kinds or none",
    ),
    (
        "once-for-all",
        "Once-for-all (Cai et al. 2020): MobileNetV3 of elastic depth, kernel, expansion",
    ),
    (
        "nasbench201",
        "NAS-Bench-201 (Dong and Yang 2020): a cell of 6 edges, 5 operators, on CIFAR-10",
    ),
    ("resnet18-widths", "ResNet-18 (He et al. 2016) with 7 widths for every stage and block"),
    ("resnet50-widths", "ResNet-50 (He et al. 2016) with 7 widths for every stage and block"),
];

/// The built-in space called `name`.
///
/// # Errors
/// [`ErrorKind::UnknownSpace`] if there is none.
pub fn space(name: &str) -> Result<SearchSpace> {
    match name {
        "spos" => shufflenet::spos(),
        "spos-channels" => shufflenet::spos_channels(),
        "proxylessnas" => mobile::proxylessnas(),
        "once-for-all" => mobile::once_for_all(),
        "nasbench201" => nasbench::nasbench201(),
        "resnet18-widths" => resnet::resnet18(),
        "resnet50-widths" => resnet::resnet50(),
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
