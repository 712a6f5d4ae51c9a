//! The walk over the nodes of a file: inputs, constants, operators, outputs go into a
//! [`GraphBuilder`].
//!
//! What a node becomes is decided in `ops`; here it gets its names, its constants and its
//! declared types. Initializers enter the graph when something first refers to them.

use std::collections::{HashMap, HashSet};

use smallvec::SmallVec;

use crate::builder::GraphBuilder;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::Graph;
use crate::op::{Layout, Op};
use crate::tensor::{Constant, DType, Dim, Dims, TensorType};

use super::attributes::Site;
use super::ops::{self, Plan, Scope};
use super::{parameters, proto, tensors};

/// How many operands or outputs a node may have; those that subgraphs capture come on top.
const MOST_OPERANDS: usize = 1 << 15;

/// A tensor of the file that is not yet in the graph.
enum Stored<'m> {
    Dense(&'m proto::Tensor),
    Sparse(&'m proto::SparseTensor),
}

/// The state of one import.
pub(super) struct Importer<'m> {
    builder: GraphBuilder,
    /// Initializers by name; `None` once they are in the graph.
    stored: HashMap<&'m str, Option<Stored<'m>>>,
    /// What the file says of values.
    declared: HashMap<&'m str, &'m proto::ValueInfo>,
    /// Values that something reads, where nodes have outputs that nothing may read.
    read: HashSet<&'m str>,
}

impl<'m> Importer<'m> {
    pub(super) fn new(graph: &'m proto::Graph) -> Result<Self> {
        let dense = graph.initializer.iter().map(|t| (t.name.as_str(), Stored::Dense(t)));
        let sparse = graph.sparse_initializer.iter().filter_map(|tensor| {
            let values = tensor.values.as_ref()?;
            Some((values.name.as_str(), Stored::Sparse(tensor)))
        });
        let mut stored = HashMap::with_capacity(graph.initializer.len());
        for (name, tensor) in dense.chain(sparse) {
            if stored.insert(name, Some(tensor)).is_some() {
                let subject = format!("initializer \"{name}\"");
                return Err(Error::new(ErrorKind::Malformed, subject, "is given twice"));
            }
        }
        let infos = graph.value_info.iter().chain(&graph.output);
        let declared = infos.map(|info| (info.name.as_str(), info)).collect();
        Ok(Self { builder: GraphBuilder::new(), stored, declared, read: HashSet::new() })
    }

    pub(super) fn run(mut self, graph: &'m proto::Graph, sites: &[Site<'m>]) -> Result<Graph> {
        self.inputs(graph, sites)?;
        if sites.iter().any(|site| site.node.op_type == "Dropout" && site.node.output.len() > 1) {
            self.read =
                sites.iter().flat_map(|site| &site.node.input).map(String::as_str).collect();
            self.read.extend(graph.output.iter().map(|info| info.name.as_str()));
        }
        let is_constant =
            |site: &&Site<'m>| site.node.op_type == "Constant" && site.in_default_domain();
        for site in sites.iter().filter(is_constant) {
            self.constant_node(site)?;
        }
        for site in sites.iter().filter(|site| !is_constant(site)) {
            self.node(site)?;
        }
        for output in &graph.output {
            self.touch(&output.name)?;
            self.builder.output(&output.name);
        }
        self.builder.finish(Layout::ChannelsFirst)
    }

    /// Adds the graph's inputs; those that stand for weights as constants.
    fn inputs(&mut self, graph: &'m proto::Graph, sites: &[Site<'m>]) -> Result<()> {
        let weights = parameters::find(graph, sites, |name| self.stored.contains_key(name));
        for info in graph.input.iter().filter(|info| !self.stored.contains_key(info.name.as_str()))
        {
            let name = info.name.as_str();
            let declared = tensors::declared_type(info).filter(|_| weights.contains(name));
            let op = match declared {
                Some(ty) => Op::Const(Constant::opaque(ty)),
                None => {
                    let (dtype, dims) = tensors::input_type(info);
                    Op::Input(dtype, dims)
                }
            };
            self.builder.node(name, op, [], &[name])?;
        }
        Ok(())
    }

    /// Adds the initializer called `name`, if there is one that is not yet in the graph.
    fn touch(&mut self, name: &str) -> Result<()> {
        let constant = match self.stored.get_mut(name).and_then(Option::take) {
            None => return Ok(()),
            Some(Stored::Dense(tensor)) => tensors::constant(name, tensor)?,
            Some(Stored::Sparse(tensor)) => tensors::sparse_constant(name, tensor)?,
        };
        self.builder.constant(name, constant).map(drop)
    }

    fn constant_node(&mut self, site: &Site<'m>) -> Result<()> {
        check_widths(site)?;
        let constant = tensors::constant_of_node(site)?;
        let op = Op::Const(constant);
        self.builder.node(site.name(), op, [], &[site.node.output[0].as_str()]).map(drop)
    }

    fn node(&mut self, site: &Site<'m>) -> Result<()> {
        let node = site.node;
        check_widths(site)?;
        for name in &node.input {
            self.touch(name)?;
        }
        match ops::plan(site, self)? {
            Plan::Alias(of) => self.alias(site, of),
            Plan::Node(op, operands, constants) => {
                for name in operands.iter().skip(node.input.len()) {
                    self.touch(name)?; // what subgraphs capture
                }
                let outputs: SmallVec<[&str; 4]> = node.output.iter().map(String::as_str).collect();
                let id = self.builder.node(site.name(), op, operands, &outputs)?;
                for (slot, constant) in constants {
                    self.builder.constant_operand(id, slot, constant);
                }
                for (port, output) in outputs.iter().enumerate() {
                    if let Some(ty) = self.declared(output) {
                        self.builder.declare(id, port as u16, ty);
                    }
                }
                Ok(())
            }
        }
    }

    fn declared(&self, name: &str) -> Option<TensorType> {
        self.declared.get(name).and_then(|info| tensors::declared_type(info))
    }

    /// A node that passes its operand on. A second output (the mask of a Dropout) is reported as
    /// an operator of its own, if anything reads it.
    fn alias(&mut self, site: &Site<'m>, of: &'m str) -> Result<()> {
        let mut outputs = site.node.output.iter().map(String::as_str);
        self.builder.alias(outputs.next().unwrap_or(""), of)?;
        for extra in outputs.filter(|name| !name.is_empty()) {
            if self.read.contains(extra) {
                let op = Op::Other { op_type: site.node.op_type.as_str().into() };
                let id = self.builder.node(site.name(), op, [of], &[extra])?;
                if let Some(ty) = self.declared(extra) {
                    self.builder.declare(id, 0, ty);
                }
            }
        }
        Ok(())
    }
}

/// Refuses nodes without outputs, and with more operands or outputs than can be numbered.
fn check_widths(site: &Site<'_>) -> Result<()> {
    let node = site.node;
    if node.output.is_empty() {
        let error = Error::new(ErrorKind::Malformed, site.label(), "has no outputs");
        return Err(error.expected("at least one"));
    }
    let widest = node.input.len().max(node.output.len());
    if widest <= MOST_OPERANDS {
        return Ok(());
    }
    let found = format!("has {widest} operands or outputs");
    let error = Error::new(ErrorKind::Unsupported, site.label(), found);
    Err(error.expected(format!("at most {MOST_OPERANDS}")))
}

impl Scope for Importer<'_> {
    fn constant(&self, name: &str) -> Option<&Constant> {
        match &self.builder.get(self.builder.producer(name)?).op {
            Op::Const(constant) => Some(constant),
            _ => None,
        }
    }

    fn dims(&self, name: &str) -> Option<Dims> {
        if let Some(ty) = self.declared(name) {
            return Some(ty.dims);
        }
        let known = |dim: &Dim| match dim {
            Dim::Known(extent) => Some(*extent),
            Dim::Open(_) => None,
        };
        match &self.builder.get(self.builder.producer(name)?).op {
            Op::Const(constant) => Some(constant.ty.dims.clone()),
            Op::Input(_, Some(dims)) => dims.iter().map(known).collect(),
            _ => None,
        }
    }

    fn dtype(&self, name: &str) -> Option<DType> {
        if let Some(dtype) = self.declared.get(name).and_then(|info| tensors::declared_dtype(info))
        {
            return Some(dtype);
        }
        match &self.builder.get(self.builder.producer(name)?).op {
            Op::Const(constant) => Some(constant.ty.dtype),
            Op::Input(dtype, _) | Op::Cast(dtype) => Some(*dtype),
            _ => None,
        }
    }
}
