//! nn-Meter's predictors: a package made of them, and nn-Meter's own total.
//!
//! [`read`] takes the pickled forests that nn-Meter publishes, and that its builder writes, as kernel
//! models over nn-Meter's features; a device with them predicts as any other does: what has no model
//! is uncovered, what the features cannot tell apart is outside of the fitted region. [`predict`] is
//! the compatibility mode, which repeats what nn-Meter 2.0 does with the same forests, to the last
//! bit; every [`Quirk`] that it has to repeat is named in `quirks.rs`.
//!
//! | file | holds |
//! |---|---|
//! | `import.rs` | folders and archives of pickles |
//! | `quirks.rs` | the quirks, and where nn-Meter has them |
//! | `ir.rs` | nn-Meter's graph |
//! | `blocks.rs`, `split.rs`, `pyset.rs` | its kernel detection |
//! | `kernels.rs`, `rows.rs` | its kernels and their features |
//! | `compat.rs` | its total |

mod blocks;
mod compat;
mod import;
mod ir;
mod kernels;
mod pyset;
mod quirks;
mod rows;
mod split;

use nnmeter_core::kind::Kind;

pub use compat::{CompatKernel, CompatPrediction, predict};
pub use import::{Imported, device, read};
pub use ir::IrGraph;
pub use quirks::Quirk;

/// nn-Meter's names of its regressors, which are those of their files.
const KERNELS: [(&str, Kind); 16] = [
    ("conv-bn-relu", Kind::Conv),
    ("dwconv-bn-relu", Kind::DwConv),
    ("fc", Kind::Fc),
    ("maxpool", Kind::MaxPool),
    ("avgpool", Kind::AvgPool),
    ("global-avgpool", Kind::GlobalAvgPool),
    ("bn", Kind::Bn),
    ("bnrelu", Kind::BnRelu),
    ("relu", Kind::Relu),
    ("hswish", Kind::Hswish),
    ("se", Kind::Se),
    ("add", Kind::Add),
    ("addrelu", Kind::AddRelu),
    ("concat", Kind::Concat),
    ("split", Kind::Split),
    ("channelshuffle", Kind::ChannelShuffle),
];

/// The kind of kernel that a regressor is for.
fn kind_of(regressor: &str) -> Option<Kind> {
    KERNELS.iter().find(|(name, _)| *name == regressor).map(|(_, kind)| *kind)
}
