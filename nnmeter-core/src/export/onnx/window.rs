//! Windowed operators: convolutions and pooling.

use crate::error::Result;
use crate::graph::NodeId;
use crate::op::{Conv, FilterLayout, Layout, Padding, Pool};
use crate::typed::TypedGraph;

use super::attributes::Attributes;
use super::refuse;

/// Attributes of a convolution.
pub(super) fn conv(graph: &TypedGraph, id: NodeId, conv: &Conv) -> Result<Attributes> {
    channels_first(graph, id, conv.layout)?;
    if conv.filter != FilterLayout::Oihw {
        return Err(refuse(graph, id, "has a weight with the output channels last"));
    }
    let weight = graph.operand_type(id, 1).map(|ty| &ty.dims[..]).unwrap_or_default();
    let kernel = weight.get(2..).unwrap_or_default().iter().copied();
    let attributes = Attributes::default().ints("kernel_shape", kernel);
    let attributes = attributes
        .ints("strides", conv.strides.iter().copied())
        .ints("dilations", conv.dilations.iter().copied())
        .ints("output_padding", conv.output_padding.iter().copied());
    let attributes = match conv.groups {
        1 => attributes,
        groups => attributes.int("group", groups as i64),
    };
    Ok(padding(attributes, &conv.padding))
}

/// Attributes of a pooling. Averages know dilations from a later operator set on only, so those of 1
/// are left out.
pub(super) fn pool(graph: &TypedGraph, id: NodeId, pool: &Pool) -> Result<Attributes> {
    channels_first(graph, id, pool.layout)?;
    let dilations = pool.dilations.iter().copied().filter(|_| is_dilated(pool));
    let attributes = Attributes::default()
        .ints("kernel_shape", pool.kernel.iter().copied())
        .ints("strides", pool.strides.iter().copied())
        .ints("dilations", dilations)
        .flag("ceil_mode", pool.ceil_mode);
    Ok(padding(attributes, &pool.padding))
}

/// Whether a pooling's window has gaps.
pub(super) fn is_dilated(pool: &Pool) -> bool {
    pool.dilations.iter().any(|&dilation| dilation != 1)
}

/// Refuses data with the channels last.
pub(super) fn channels_first(graph: &TypedGraph, id: NodeId, layout: Layout) -> Result<()> {
    match layout {
        Layout::ChannelsFirst => Ok(()),
        Layout::ChannelsLast => {
            let error = refuse(graph, id, "has data with the channels last");
            Err(error.hint("export the model to ONNX with the tool it was made with"))
        }
    }
}

fn padding(attributes: Attributes, padding: &Padding) -> Attributes {
    match padding {
        Padding::Explicit(begins, ends) => {
            attributes.ints("pads", begins.iter().chain(ends).copied())
        }
        Padding::SameUpper => attributes.text("auto_pad", "SAME_UPPER"),
        Padding::SameLower => attributes.text("auto_pad", "SAME_LOWER"),
    }
}
