//! From a sample to its graph.
//!
//! What the result does not depend on (a layer whose results nothing reads, or that reads zeros alone)
//! is left out, as a converter would.

use nnmeter_core::builder::GraphBuilder;
use nnmeter_core::graph::{Graph, NodeId, Value};
use nnmeter_core::op::{Layout, Op};
use nnmeter_core::tensor::{DType, Dim};
use nnmeter_core::typed::TypedGraph;
use smallvec::SmallVec;

use super::draft::{At, Draft, Known, Node, Pass};
use super::shape::Shape;
use super::{Sample, SearchSpace, Site};
use crate::error::Result;

/// The typed graph of a sample, and where it comes from.
pub(crate) struct Instance {
    pub(crate) graph: TypedGraph,
    pub(crate) origin: Origin,
}

/// How the nodes of a graph and their wires came about.
#[derive(Default)]
pub(crate) struct Origin {
    /// By node: the site of its layer; `u32::MAX` for inputs and constants.
    pub(crate) sites: Vec<u32>,
    /// Wires that are not of constants: from a node to a node, and the wire's last pass.
    pub(crate) wires: Vec<(u32, u32, u32)>,
    /// The node that makes the result, and the result's last pass.
    pub(crate) result: (u32, u32),
    pub(crate) passes: Vec<Pass>,
}

impl SearchSpace {
    /// The whole model of a sample. Nodes are called by their places in the space.
    ///
    /// # Errors
    /// None for samples of this space; what the graph builder finds wrong otherwise.
    pub fn instantiate(&self, sample: &Sample) -> Result<Graph> {
        Ok(self.build(sample)?.0)
    }

    /// The whole model of a sample, with its shapes.
    ///
    /// # Errors
    /// What shape inference finds wrong: possible in a combination of options that the checks of
    /// [`SearchSpace::new`] did not try.
    pub fn typed(&self, sample: &Sample) -> Result<TypedGraph> {
        Ok(self.instantiate(sample)?.infer_shapes()?)
    }

    pub(crate) fn instance(&self, sample: &Sample) -> Result<Instance> {
        let (graph, origin) = self.build(sample)?;
        Ok(Instance { graph: graph.infer_shapes()?, origin })
    }

    fn build(&self, sample: &Sample) -> Result<(Graph, Origin)> {
        let [batch, channels, height, width] = self.input();
        let dims = self.input().map(Dim::Known).to_vec();
        let mut draft = Draft::new(sample, Op::Input(DType::F32, Some(dims)), batch);
        let input = Known {
            at: Some(At { node: 0, port: 0, pass: 0 }),
            shape: Shape { channels, height, width },
        };
        let result = draft.block(self.body(), input);
        let result = result.at.unwrap_or(At { node: 0, port: 0, pass: 0 });
        let used = used(&draft.nodes, result);
        Emission::new(self.sites()).all(draft, &used, result)
    }
}

/// Which nodes the result depends on. The input always stays.
fn used(nodes: &[Node], result: At) -> Vec<bool> {
    let mut used = vec![false; nodes.len()];
    used[0] = true;
    used[result.node as usize] = true;
    for index in (0..nodes.len()).rev().filter(|&index| index > 0) {
        if used[index] {
            nodes[index].from.iter().for_each(|at| used[at.node as usize] = true);
        }
    }
    used
}

/// A graph being built.
struct Emission<'a> {
    builder: GraphBuilder,
    sites: &'a [Site],
    origin: Origin,
    /// By node of the draft: the node of the graph.
    ids: Vec<NodeId>,
}

impl<'a> Emission<'a> {
    fn new(sites: &'a [Site]) -> Self {
        Self { builder: GraphBuilder::new(), sites, origin: Origin::default(), ids: Vec::new() }
    }

    fn all(mut self, draft: Draft<'_>, used: &[bool], result: At) -> Result<(Graph, Origin)> {
        for (node, &used) in draft.nodes.into_iter().zip(used) {
            let id = if used { self.node(node) } else { NodeId::end() };
            self.ids.push(id);
        }
        let returned = self.value(result);
        self.builder.returns(returned);
        self.origin.result = (returned.node.index() as u32, result.pass);
        self.origin.passes = draft.passes;
        Ok((self.builder.finish(Layout::ChannelsFirst)?, self.origin))
    }

    fn value(&self, at: At) -> Value {
        Value { node: self.ids[at.node as usize], port: at.port }
    }

    fn node(&mut self, node: Node) -> NodeId {
        let mut operands: SmallVec<[Value; 5]> =
            node.from.iter().map(|&at| self.value(at)).collect();
        for constant in node.constants {
            let node = self.builder.place("", Op::Const(constant), &[], 1);
            self.origin.sites.push(u32::MAX);
            operands.push(Value { node, port: 0 });
        }
        let name = self.sites.get(node.site as usize).map_or("input", |site| &site.place);
        let id = self.builder.place(name, node.op, &operands, node.outputs);
        self.origin.sites.push(node.site);
        for (at, operand) in node.from.iter().zip(&operands) {
            self.origin.wires.push((operand.node.index() as u32, id.index() as u32, at.pass));
        }
        id
    }
}
