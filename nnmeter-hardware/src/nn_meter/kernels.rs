//! nn-Meter's kernels with what its feature extraction looks at.

use super::ir::{Attrs, IrGraph, fails};
use super::quirks::Quirk;
use super::split::Split;
use crate::error::Result;

/// Types that are no part of a kernel's name.
const DUMMIES: [&str; 3] = ["Const", "Identity", "Placeholder"];

/// A kernel as nn-Meter describes it.
#[derive(Clone, Debug)]
pub(super) struct IrKernel {
    /// Types of its nodes in topological order, joined: `conv-bn-relu`.
    pub(super) op: String,
    /// Names of its nodes; of a block they are joined with `;`.
    pub(super) nodes: Vec<String>,
    /// Window, strides and shapes of its first node, see [`Quirk::FirstShape`].
    pub(super) attrs: Attrs,
    pub(super) inputs: Vec<Vec<f64>>,
    pub(super) cout: Option<f64>,
    pub(super) quirks: Vec<Quirk>,
}

/// The kernels of a graph, in topological order of their first nodes.
pub(super) fn kernels(graph: &IrGraph, split: &Split) -> Result<Vec<IrKernel>> {
    let mut kernels = Vec::new();
    let mut is_kernel = vec![false; split.order.len()];
    for places in split.kernels() {
        if let Some(kernel) = kernel(graph, split, &places)? {
            kernels.push(kernel);
            is_kernel[places[0]] = true;
        }
    }
    check_connections(graph, split, &is_kernel)?;
    Ok(kernels)
}

fn kernel(graph: &IrGraph, split: &Split, places: &[usize]) -> Result<Option<IrKernel>> {
    let nodes = || places.iter().map(|&place| &graph.nodes[split.order[place]]);
    let kinds = nodes().map(|node| node.kind.as_str());
    let kinds: Vec<&str> =
        kinds.filter(|kind| !kind.is_empty() && !DUMMIES.contains(kind)).collect();
    let Some(first) = nodes().next().filter(|_| !kinds.is_empty()) else { return Ok(None) };
    let (Some(inputs), Some(outputs)) = (&first.attrs.input_shape, &first.attrs.output_shape)
    else {
        return Err(fails(&first.name, "no input_shape or output_shape"));
    };
    let mut inputs = inputs.clone();
    if kinds[0] == "hswish" {
        inputs.truncate(1);
    }
    let last = |shape: &[f64]| {
        shape.last().copied().ok_or_else(|| fails(&first.name, "a shape without axes"))
    };
    inputs.first().map(|shape| last(shape)).transpose()?;
    let cout = match outputs.as_slice() {
        [only] => Some(last(only)?),
        _ => None,
    };
    Ok(Some(IrKernel {
        op: kinds.join("-"),
        nodes: nodes().map(|node| node.name.clone()).collect(),
        attrs: first.attrs.clone(),
        inputs,
        cout,
        quirks: first.quirks.clone(),
    }))
}

/// nn-Meter links kernels to each other for nothing, and fails where one is read by what is none:
/// by an `Identity`, say.
fn check_connections(graph: &IrGraph, split: &Split, is_kernel: &[bool]) -> Result<()> {
    let read = |place: usize| split.consumers[place].iter().map(|consumer| split.roots[consumer]);
    for place in (0..is_kernel.len()).filter(|&place| is_kernel[place]) {
        if let Some(reader) = read(place).find(|&reader| !is_kernel[reader]) {
            let name = |place: usize| &graph.nodes[split.order[place]].name;
            return Err(fails(name(place), format!("is read by {:?}, no kernel", name(reader))));
        }
    }
    Ok(())
}

impl IrKernel {
    /// An error about this kernel, where nn-Meter fails.
    pub(super) fn fails(&self, how: &str) -> crate::error::Error {
        fails(self.nodes.first().map_or("", String::as_str), format!("{} {how}", self.op))
    }

    /// Channels of the first input.
    pub(super) fn cin(&self) -> Result<f64> {
        let last = self.inputs.first().and_then(|shape| shape.last());
        last.copied().ok_or_else(|| self.fails("has no input"))
    }

    /// Height of the first input, where it has four axes.
    pub(super) fn height(&self) -> Option<f64> {
        self.inputs.first().filter(|shape| shape.len() == 4).map(|shape| shape[1])
    }

    /// The extent at `axis` of the input at `index`; negative axes count from the end.
    pub(super) fn extent(&self, index: usize, axis: isize) -> Result<f64> {
        let extent = self.inputs.get(index).and_then(|shape| {
            let axis = if axis < 0 { shape.len().checked_add_signed(axis)? } else { axis as usize };
            shape.get(axis).copied()
        });
        extent.ok_or_else(|| self.fails("has no such extent of an input"))
    }
}
