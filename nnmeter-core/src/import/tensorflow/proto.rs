//! The messages of a frozen TensorFlow graph, as far as a graph without weights needs them.
//!
//! Field numbers are those of the format; fields left out here are skipped by the decoder. Elements
//! of tensors stay slices of the file: `tensor_content` as it is, and the packed `*_val` fields as
//! the bytes they were packed into.

use bytes::Bytes;

/// The file.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct GraphDef {
    #[prost(message, repeated, tag = "1")]
    pub(super) node: Vec<NodeDef>,
}

/// A node.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct NodeDef {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) op: String,
    #[prost(string, repeated, tag = "3")]
    pub(super) input: Vec<String>,
    #[prost(message, repeated, tag = "5")]
    pub(super) attr: Vec<AttrEntry>,
}

/// An entry of a node's map of attributes.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct AttrEntry {
    #[prost(string, tag = "1")]
    pub(super) key: String,
    #[prost(message, optional, tag = "2")]
    pub(super) value: Option<AttrValue>,
}

/// A value of an attribute: one of its fields.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct AttrValue {
    #[prost(message, optional, tag = "1")]
    pub(super) list: Option<ListValue>,
    #[prost(bytes = "bytes", optional, tag = "2")]
    pub(super) s: Option<Bytes>,
    #[prost(int64, optional, tag = "3")]
    pub(super) i: Option<i64>,
    #[prost(bool, optional, tag = "5")]
    pub(super) b: Option<bool>,
    #[prost(int32, optional, tag = "6")]
    pub(super) r#type: Option<i32>,
    #[prost(message, optional, tag = "7")]
    pub(super) shape: Option<ShapeProto>,
    #[prost(message, optional, tag = "8")]
    pub(super) tensor: Option<TensorProto>,
}

/// A list of values.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ListValue {
    #[prost(int64, repeated, tag = "3")]
    pub(super) i: Vec<i64>,
    #[prost(message, repeated, tag = "7")]
    pub(super) shape: Vec<ShapeProto>,
}

/// A shape.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ShapeProto {
    #[prost(message, repeated, tag = "2")]
    pub(super) dim: Vec<DimProto>,
    #[prost(bool, tag = "3")]
    pub(super) unknown_rank: bool,
}

/// An extent; -1 is unknown.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct DimProto {
    #[prost(int64, tag = "1")]
    pub(super) size: i64,
}

/// A constant tensor.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct TensorProto {
    #[prost(int32, tag = "1")]
    pub(super) dtype: i32,
    #[prost(message, optional, tag = "2")]
    pub(super) tensor_shape: Option<ShapeProto>,
    #[prost(bytes = "bytes", tag = "4")]
    pub(super) tensor_content: Bytes,
    #[prost(bytes = "bytes", tag = "5")]
    pub(super) float_val: Bytes,
    #[prost(bytes = "bytes", tag = "6")]
    pub(super) double_val: Bytes,
    #[prost(bytes = "bytes", tag = "7")]
    pub(super) int_val: Bytes,
    #[prost(bytes = "bytes", tag = "10")]
    pub(super) int64_val: Bytes,
    #[prost(bytes = "bytes", tag = "11")]
    pub(super) bool_val: Bytes,
}
