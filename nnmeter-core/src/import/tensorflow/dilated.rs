//! Dilated convolutions as TensorFlow wrote them before convolutions had dilations, and still writes
//! depthwise ones: `SpaceToBatchND`, a convolution without padding, `BatchToSpaceND`.
//!
//! The three are one convolution to every runtime; a `SpaceToBatchND` in any other place is kept by
//! its name.

use std::collections::HashMap;

use super::proto::NodeDef;
use super::site::{Site, split_port};
use crate::op::{Conv, Padding, Spatial};

/// What the convolutions of a graph that are dilated by their neighbours become.
#[derive(Default)]
pub(super) struct Dilated<'g> {
    convolutions: HashMap<&'g str, (Spatial, Padding)>,
    /// The neighbours; each passes on its first input.
    neighbours: HashMap<&'g str, &'g str>,
}

impl<'g> Dilated<'g> {
    /// Finds them.
    pub(super) fn find(nodes: &'g [NodeDef], index: &'g HashMap<&'g str, &'g NodeDef>) -> Self {
        let mut found = Self::default();
        let mut backs = nodes.iter().filter(|node| node.op == "BatchToSpaceND").peekable();
        if backs.peek().is_none() {
            return found;
        }
        let mut readers: HashMap<&str, usize> = HashMap::new();
        for input in nodes.iter().flat_map(|node| &node.input) {
            *readers.entry(split_port(input).0).or_default() += 1;
        }
        for back in backs {
            found.add(back, index, &readers);
        }
        found
    }

    fn add(
        &mut self,
        back: &'g NodeDef,
        index: &'g HashMap<&'g str, &'g NodeDef>,
        readers: &HashMap<&str, usize>,
    ) -> Option<()> {
        let before = |node: &'g NodeDef| index.get(split_port(node.input.first()?).0).copied();
        let conv = before(back)?;
        let there = before(conv)?;
        let is_conv = ["Conv2D", "DepthwiseConv2dNative"].contains(&&*conv.op);
        let once = [conv, there].iter().all(|node| readers.get(&*node.name) == Some(&1));
        if !is_conv || there.op != "SpaceToBatchND" || !once {
            return None;
        }
        let (there_site, back_site) = (Site::new(there, index), Site::new(back, index));
        let block = there_site.ints(1)?;
        if back_site.ints(1)? != block || !is_plain(&Site::new(conv, index)) {
            return None;
        }
        let padding = padding(&there_site.ints(2)?, &back_site.ints(2)?)?;
        let positive =
            |&size: &i64| usize::try_from(size).ok().filter(|size| (1..1 << 20).contains(size));
        let block: Spatial = block.iter().map(positive).collect::<Option<_>>()?;
        self.convolutions.insert(&conv.name, (block, padding));
        for node in [there, back] {
            self.neighbours.insert(&node.name, node.input.first()?);
        }
        Some(())
    }

    /// What a neighbour of a convolution passes on.
    pub(super) fn passes_on(&self, name: &str) -> Option<&'g str> {
        self.neighbours.get(name).copied()
    }

    /// Gives a convolution the dilations and the padding of its neighbours.
    pub(super) fn complete(&self, name: &str, conv: &mut Conv) {
        if let Some((dilations, padding)) = self.convolutions.get(name) {
            conv.dilations.clone_from(dilations);
            conv.padding = padding.clone();
        }
    }
}

/// Whether a convolution has neither padding nor strides nor dilations of its own.
fn is_plain(conv: &Site<'_>) -> bool {
    let ones = |key| conv.spatial(key).is_ok_and(|values| values.iter().all(|&value| value == 1));
    let rule = conv.attr("padding").and_then(|attr| attr.s.as_deref());
    rule == Some(b"VALID") && ones("strides") && ones("dilations")
}

/// What is left of the padding after the crops, which take away what only fills the last block.
fn padding(pads: &[i64], crops: &[i64]) -> Option<Padding> {
    let (pads, _) = pads.as_chunks::<2>();
    let (crops, _) = crops.as_chunks::<2>();
    let (mut begins, mut ends) = (Spatial::new(), Spatial::new());
    for (&[begin, end], &[cropped, rest]) in pads.iter().zip(crops) {
        let amount = |amount: i64| usize::try_from(amount).ok().filter(|_| amount < 1 << 40);
        begins.push(amount(begin).filter(|_| cropped == 0)?);
        ends.push(amount(end.checked_sub(rest)?)?);
    }
    (pads.len() == 2 && crops.len() == 2).then_some(Padding::Explicit(begins, ends))
}
