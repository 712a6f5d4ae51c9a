//! Shape inference: from a [`Graph`] to a [`TypedGraph`].

use crate::error::Result;
use crate::graph::Graph;
use crate::typed::TypedGraph;

impl Graph {
    /// Gives every value its type.
    ///
    /// # Errors
    /// If shapes contradict each other, or an input's extents are open.
    pub fn infer_shapes(self) -> Result<TypedGraph> {
        unimplemented!()
    }
}
