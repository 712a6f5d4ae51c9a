//! Importers: bytes of a model file in, a [`Graph`](crate::graph::Graph) out.

pub mod onnx;
