//! On graphs of nn-Meter's benchmark set the fast kernel detector finds what the slow one finds.
//!
//! The set is not part of the repository: `cargo xtask test --data DIR` runs this.
