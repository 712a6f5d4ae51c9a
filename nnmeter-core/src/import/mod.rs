//! Importers: bytes of a model file in, a [`Graph`] out.
//!
//! This file knows which formats there are and tells them apart by their content, never by a file
//! name. What the bytes mean is each importer's own.

mod detect;
pub mod nnmeter_ir;
mod nni_ir {
    //! Placeholder: the NNI importer.
    use super::{Error, ErrorKind, Graph, Result};
    pub(super) fn read(_: &[u8]) -> Result<Graph> {
        Err(Error::new(ErrorKind::Unsupported, "format \"nni-ir\"", "is not read yet"))
    }
}
