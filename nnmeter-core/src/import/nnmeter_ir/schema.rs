//! The JSON of nn-Meter IR as typed structs that borrow from the bytes. Not what it means: that is
//! [`super::lower`].
//!
//! Fields that nobody reads are skipped without being stored, and numbers may be spelled as people
//! spell them in such files: `2`, `[2, 2]`, `[[0, 0], [1, 1]]`, `null` for an unknown extent.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};

use super::numbers::{Ints, Numbers, Shapes, TextOrInts};

/// Text borrowed from the file where it has no escapes.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Hash)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// A graph in nn-Meter IR, as its JSON says it: nodes in the order of the file.
///
/// It implements `Deserialize` so that it can be a field of a larger record, as in the lines of
/// nn-Meter's benchmark set. [`IrGraph::into_graph`] gives it its meaning.
#[derive(Clone, Debug, Default)]
pub struct IrGraph<'a> {
    pub(super) nodes: Vec<IrNode<'a>>,
}

/// One node with its name.
#[derive(Clone, Debug)]
pub(super) struct IrNode<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) inbounds: Vec<Text<'a>>,
    pub(super) outbounds: Vec<Text<'a>>,
    pub(super) body: Body<'a>,
}

#[derive(Deserialize)]
struct Value<'a> {
    #[serde(borrow, default)]
    inbounds: Vec<Text<'a>>,
    #[serde(borrow, default)]
    outbounds: Vec<Text<'a>>,
    #[serde(borrow)]
    attr: Body<'a>,
}

/// What the file calls `attr` of a node.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Body<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) op_type: Text<'a>,
    #[serde(default)]
    pub(super) input_shape: Shapes,
    #[serde(default)]
    pub(super) output_shape: Shapes,
    #[serde(borrow, default)]
    pub(super) attr: Attrs<'a>,
}

/// The attributes of a node that have a meaning here.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Attrs<'a> {
    pub(super) shape: Option<Ints>,
    pub(super) strides: Option<Ints>,
    pub(super) kernel_shape: Option<Ints>,
    pub(super) ksize: Option<Ints>,
    pub(super) weight_shape: Option<Ints>,
    pub(super) dilations: Option<Ints>,
    pub(super) pads: Option<Ints>,
    #[serde(borrow)]
    pub(super) padding: Option<TextOrInts<'a>>,
    #[serde(borrow)]
    pub(super) auto_pad: Option<Text<'a>>,
    pub(super) explicit_paddings: Option<Ints>,
    pub(super) paddings: Option<Ints>,
    #[serde(borrow)]
    pub(super) data_format: Option<Text<'a>>,
    pub(super) group: Option<Ints>,
    pub(super) ceil_mode: Option<Ints>,
    #[serde(alias = "concat_dim", alias = "split_dim")]
    pub(super) axis: Option<Ints>,
    #[serde(alias = "reduction_indices", alias = "squeeze_dims")]
    pub(super) axes: Option<Ints>,
    #[serde(alias = "keepdims")]
    pub(super) keep_dims: Option<Ints>,
    pub(super) num_split: Option<Ints>,
    #[serde(alias = "size_splits")]
    pub(super) split: Option<Ints>,
    pub(super) perm: Option<Ints>,
    #[serde(alias = "transA")]
    pub(super) transpose_a: Option<Ints>,
    #[serde(alias = "transB")]
    pub(super) transpose_b: Option<Ints>,
    #[serde(alias = "begin")]
    pub(super) starts: Option<Ints>,
    #[serde(alias = "end")]
    pub(super) ends: Option<Ints>,
    pub(super) size: Option<Ints>,
    pub(super) steps: Option<Ints>,
    pub(super) begin_mask: Option<Ints>,
    pub(super) end_mask: Option<Ints>,
    pub(super) ellipsis_mask: Option<Ints>,
    pub(super) new_axis_mask: Option<Ints>,
    pub(super) shrink_axis_mask: Option<Ints>,
    pub(super) min: Option<f64>,
    pub(super) max: Option<f64>,
    pub(super) alpha: Option<f64>,
    pub(super) beta: Option<f64>,
    pub(super) block_size: Option<Ints>,
    pub(super) tensor_shape: Option<Ints>,
    pub(super) constant: Option<Numbers>,
}

impl<'de: 'a, 'a> Deserialize<'de> for IrGraph<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(GraphVisitor)
    }
}

struct GraphVisitor;

impl<'de> Visitor<'de> for GraphVisitor {
    type Value = IrGraph<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of nodes")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut nodes = Vec::new();
        while let Some(Text(name)) = map.next_key()? {
            let value: Value<'de> = map
                .next_value()
                .map_err(|error| A::Error::custom(format_args!("node \"{name}\": {error}")))?;
            let Value { inbounds, outbounds, attr } = value;
            nodes.push(IrNode { name, inbounds, outbounds, body: attr });
        }
        Ok(IrGraph { nodes })
    }
}
