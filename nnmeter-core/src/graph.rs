//! The operator graph: nodes in a petgraph DAG, wires from output ports to operand slots.
//!
//! A `Graph` is well-formed by construction ([`GraphBuilder`](crate::builder::GraphBuilder) is the
//! only way to one): every wire ends at a node, there is no cycle, no slot is wired twice. Shapes
//! are not known here; [`Graph::infer_shapes`] turns it into a
//! [`TypedGraph`](crate::typed::TypedGraph).

use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;
use smallvec::SmallVec;

use crate::error::{Error, ErrorKind, Result};
use crate::op::{Layout, Op};
use crate::tensor::{Dim, TensorType, show_dims};

/// Index of a node in its graph.
pub type NodeId = NodeIndex<u32>;

/// An output of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Value {
    /// The node.
    pub node: NodeId,
    /// Which of its outputs.
    pub port: u16,
}

/// Operands of a node by slot; `None` for an optional operand left out.
pub type Operands = SmallVec<[Option<Value>; 4]>;

/// A node: its name, what it does, and what its file says of its outputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The file's name of it, or the name of its first output; not necessarily unique.
    pub name: Box<str>,
    /// What it does.
    pub op: Op,
    /// Number of outputs.
    pub outputs: u16,
    /// Output types that the file declares, by port; shorter than `outputs` where it is silent.
    /// They serve only where no shape rule applies.
    pub declared: SmallVec<[Option<TensorType>; 1]>,
}

/// A wire from an output port of its source to an operand slot of its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wire {
    /// Output port of the source.
    pub port: u16,
    /// Operand slot of the target.
    pub slot: u16,
}

/// A change of the batch size since the file was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rebatch {
    /// The batch size in the file's own constants.
    pub from: usize,
    /// The batch size asked for.
    pub to: usize,
}

/// An operator graph.
#[derive(Clone, Debug)]
pub struct Graph {
    pub(crate) dag: DiGraph<Node, Wire, u32>,
    pub(crate) outputs: Vec<Value>,
    pub(crate) layout: Layout,
    pub(crate) rebatch: Option<Rebatch>,
}

impl Graph {
    /// The underlying petgraph graph.
    pub fn dag(&self) -> &DiGraph<Node, Wire, u32> {
        &self.dag
    }

    /// The node at `id`.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.dag[id]
    }

    /// Where the channels are in tensors whose operator does not say.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The values that the graph returns.
    pub fn outputs(&self) -> &[Value] {
        &self.outputs
    }

    /// A change of the batch size by [`Graph::set_batch`].
    pub fn rebatch(&self) -> Option<Rebatch> {
        self.rebatch
    }

    /// The graph's inputs, in the order of the file.
    pub fn inputs(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.dag.node_indices().filter(|&id| matches!(self.dag[id].op, Op::Input(..)))
    }

    /// Operands of `id`, by slot.
    pub fn operands(&self, id: NodeId) -> Operands {
        let mut operands = Operands::new();
        for edge in self.dag.edges_directed(id, Direction::Incoming) {
            let slot = usize::from(edge.weight().slot);
            if operands.len() <= slot {
                operands.resize(slot + 1, None);
            }
            operands[slot] = Some(Value { node: edge.source(), port: edge.weight().port });
        }
        operands
    }

    /// The operand of `id` in `slot`.
    pub fn operand(&self, id: NodeId, slot: u16) -> Option<Value> {
        self.dag
            .edges_directed(id, Direction::Incoming)
            .find(|edge| edge.weight().slot == slot)
            .map(|edge| Value { node: edge.source(), port: edge.weight().port })
    }

    /// The nodes that read values of `id`, once for each operand.
    pub fn readers(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        self.dag.neighbors_directed(id, Direction::Outgoing)
    }

    /// How messages name a node: `node #12 "conv2d_3"`.
    pub fn label(&self, id: NodeId) -> String {
        format!("node #{} \"{}\"", id.index(), self.dag[id].name)
    }

    /// Fixes the extents of the input called `name`.
    ///
    /// # Errors
    /// If there is no such input, or a fixed extent of the file contradicts `dims`.
    pub fn set_input_shape(&mut self, name: &str, dims: &[usize]) -> Result<()> {
        let Some(id) = self.inputs().find(|&id| &*self.dag[id].name == name) else {
            return Err(self.no_such_input(name));
        };
        let Op::Input(_, shape) = &mut self.dag[id].op else {
            return Ok(());
        };
        if let Some(shape) = shape {
            check_against_file(name, shape, dims)?;
        }
        *shape = Some(dims.iter().map(|&dim| Dim::Known(dim)).collect());
        Ok(())
    }

    /// Sets the first extent of every input to `batch`. Reshapes that have the file's batch size
    /// written into their constants follow.
    ///
    /// # Errors
    /// If an input has no axes, or inputs disagree about the batch size they had.
    pub fn set_batch(&mut self, batch: usize) -> Result<()> {
        let ids: Vec<NodeId> = self.inputs().collect();
        let mut from = None;
        for id in ids {
            let old = self.set_input_batch(id, batch)?;
            if *from.get_or_insert(old) != old {
                return Err(Error::new(
                    ErrorKind::ShapeMismatch,
                    format!("input \"{}\"", self.dag[id].name),
                    format!("has batch size {old}"),
                )
                .expected(format!("{} as the other inputs", from.unwrap_or(old)))
                .hint(
                    "give each input its shape with --input-shape NAME:DIMS instead of --batch",
                ));
            }
        }
        self.rebatch = from.filter(|&from| from != batch).map(|from| Rebatch { from, to: batch });
        Ok(())
    }

    fn set_input_batch(&mut self, id: NodeId, batch: usize) -> Result<usize> {
        let name = self.dag[id].name.clone();
        let Op::Input(_, shape) = &mut self.dag[id].op else {
            return Ok(batch);
        };
        let Some(first) = shape.as_mut().and_then(|dims| dims.first_mut()) else {
            return Err(Error::new(
                ErrorKind::MissingShape,
                format!("input \"{name}\""),
                "has no batch axis that --batch could set",
            )
            .hint(format!("give its shape with --input-shape {name}:DIMS")));
        };
        let old = match first {
            Dim::Known(dim) => *dim,
            Dim::Open(_) => 1,
        };
        *first = Dim::Known(batch);
        Ok(old)
    }

    fn no_such_input(&self, name: &str) -> Error {
        let names: Vec<String> =
            self.inputs().map(|id| format!("\"{}\"", self.dag[id].name)).collect();
        Error::new(ErrorKind::Dangling, format!("input \"{name}\""), "is not an input of the model")
            .expected(format!("one of {}", names.join(", ")))
    }
}

fn check_against_file(name: &str, shape: &[Dim], dims: &[usize]) -> Result<()> {
    let agrees = shape.len() == dims.len()
        && shape.iter().zip(dims).all(|(old, &new)| match old {
            Dim::Known(old) => *old == new,
            Dim::Open(_) => true,
        });
    if agrees {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::ShapeMismatch,
        format!("input \"{name}\""),
        format!("cannot have shape {}", show_dims(dims)),
    )
    .expected(show_open_dims(shape))
    .hint("only open axes of an input can be set; use --batch for the batch size"))
}

/// Writes extents with open ones by their name: `Nx3x224x224`.
pub fn show_open_dims(dims: &[Dim]) -> String {
    if dims.is_empty() {
        return "scalar".to_owned();
    }
    let show = |dim: &Dim| match dim {
        Dim::Known(dim) => dim.to_string(),
        Dim::Open(name) if name.is_empty() => "?".to_owned(),
        Dim::Open(name) => name.clone(),
    };
    dims.iter().map(show).collect::<Vec<_>>().join("x")
}
