//! Exporters: a [`TypedGraph`](crate::typed::TypedGraph) in, a model file of another tool out.

pub mod nnmeter_ir;
pub mod onnx;
