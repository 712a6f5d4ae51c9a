//! Functions that a model defines for itself, written out where they are called.
//!
//! Names inside a function get the name of the call in front; attributes that refer to an
//! attribute of the call take its value or the function's default. A model may define a function
//! by others, not by itself.

use std::collections::HashMap;

use prost::Message;

use crate::error::{Error, ErrorKind, Result, boundary};

use super::super::allowance::Allowance;
use super::proto::{Attribute, Function, Graph, Node, OperatorSet};

/// How deep functions may call each other.
const DEPTH: usize = 32;
/// How many nodes a model may become.
const NODES: usize = 1 << 20;
/// How much of a call's name goes into the names of its nodes.
const PREFIX: usize = 200;

/// A node with the version of the default operator set that it is written in.
pub(super) type Versioned = (Node, i64);

/// The nodes of `graph` with every call of one of `functions` written out.
///
/// # Errors
/// If functions call each other in a circle, or write out to more nodes than can be meant.
pub(super) fn write_out<'m>(
    graph: &Graph,
    functions: &'m [Function],
    opset: i64,
) -> Result<Vec<Versioned>> {
    let key = |function: &'m Function| {
        let Function { domain, name, overload, .. } = function;
        ((domain.as_str(), name.as_str(), overload.as_str()), function)
    };
    let functions = functions.iter().map(key).collect();
    let allowance = Allowance::new();
    let mut writer = Writer { functions, nodes: Vec::new(), calls: 0, allowance };
    for node in &graph.node {
        writer.emit(node.clone(), opset, 0)?;
    }
    Ok(writer.nodes)
}

/// The version of the default operator set.
pub(super) fn default_version(imports: &[OperatorSet]) -> Option<i64> {
    let default = imports.iter().find(|set| matches!(set.domain.as_str(), "" | "ai.onnx"));
    default.map(|set| set.version)
}

struct Writer<'m> {
    functions: HashMap<(&'m str, &'m str, &'m str), &'m Function>,
    nodes: Vec<Versioned>,
    calls: usize,
    allowance: Allowance,
}

impl Writer<'_> {
    fn emit(&mut self, node: Node, opset: i64, depth: usize) -> Result<()> {
        let key = (node.domain.as_str(), node.op_type.as_str(), node.overload.as_str());
        let Some(&function) = self.functions.get(&key) else {
            self.nodes.push((node, opset));
            return Ok(());
        };
        self.calls += 1;
        if depth == DEPTH || self.nodes.len() + self.calls > NODES {
            let found = format!("writes out to more than {DEPTH} levels or {NODES} nodes");
            return Err(Error::new(ErrorKind::Unsupported, subject(function), found)
                .expected("functions that do not call themselves"));
        }
        let call = Call::new(&node, function, self.calls);
        let opset = default_version(&function.opset_import).unwrap_or(opset);
        for inner in &function.node {
            let node = call.node(inner);
            self.allowance.pay(memory(&node), || subject(function))?;
            self.emit(node, opset, depth + 1)?;
        }
        for output in function.output.iter().filter(|output| function.input.contains(output)) {
            self.pass(&call, output, opset);
        }
        Ok(())
    }

    /// A function that returns one of its own operands.
    fn pass(&mut self, call: &Call<'_>, name: &str, opset: i64) {
        let position = |list: &[String]| list.iter().position(|entry| entry == name);
        let operand = position(&call.function.input).and_then(|at| call.node.input.get(at));
        let output = position(&call.function.output).and_then(|at| call.node.output.get(at));
        if let (Some(operand), Some(output)) = (operand, output) {
            let node = Node {
                op_type: "Identity".to_owned(),
                input: vec![operand.clone()],
                output: vec![output.clone()],
                ..Node::default()
            };
            self.nodes.push((node, opset));
        }
    }
}

/// About what a node takes: its text and numbers, and the structs that hold them.
fn memory(node: &Node) -> usize {
    let attributes = node.attribute.len() * size_of::<Attribute>();
    size_of::<Versioned>() + attributes + node.encoded_len().saturating_mul(4)
}

fn subject(function: &Function) -> String {
    format!("function \"{}::{}\"", function.domain, function.name)
}

/// One call of a function.
struct Call<'a> {
    node: &'a Node,
    function: &'a Function,
    prefix: String,
    names: HashMap<&'a str, &'a str>,
}

impl<'a> Call<'a> {
    fn new(node: &'a Node, function: &'a Function, number: usize) -> Self {
        let name = match (node.name.as_str(), node.output.first()) {
            ("", Some(output)) => output,
            (name, _) => name,
        };
        let name = &name[boundary(name, name.len().saturating_sub(PREFIX))..];
        let prefix = format!("{name}#{number}/");
        let empty = || std::iter::repeat("");
        let actual = |list: &'a [String]| list.iter().map(String::as_str).chain(empty());
        let mut names = HashMap::new();
        // An output that the caller has no name for keeps its own; a missing operand has none.
        let outputs = function.output.iter().zip(actual(&node.output));
        names.extend(outputs.map(|(f, a)| (f.as_str(), a)).filter(|(_, a)| !a.is_empty()));
        names.extend(function.input.iter().map(String::as_str).zip(actual(&node.input)));
        Self { node, function, prefix, names }
    }

    fn name(&self, inner: &str) -> String {
        match self.names.get(inner) {
            Some(&outer) => outer.to_owned(),
            None if inner.is_empty() => String::new(),
            None => format!("{}{inner}", self.prefix),
        }
    }

    /// A node of the function as it is at this call.
    fn node(&self, inner: &Node) -> Node {
        let own = if inner.name.is_empty() {
            String::new()
        } else {
            format!("{}{}", self.prefix, inner.name)
        };
        Node {
            name: own,
            input: inner.input.iter().map(|name| self.name(name)).collect(),
            output: inner.output.iter().map(|name| self.name(name)).collect(),
            attribute: inner.attribute.iter().filter_map(|entry| self.attribute(entry)).collect(),
            ..inner.clone()
        }
    }

    fn attribute(&self, inner: &Attribute) -> Option<Attribute> {
        let referred = match inner.ref_attr_name.as_str() {
            "" => inner,
            name => {
                let given = self.node.attribute.iter().find(|entry| entry.name == name);
                let default = || self.function.attribute_proto.iter().find(|e| e.name == name);
                let value = given.or_else(default)?;
                return Some(Attribute { name: inner.name.clone(), ..value.clone() });
            }
        };
        let mut attribute = referred.clone();
        if let Some(graph) = attribute.g.as_deref_mut() {
            self.rename(graph);
        }
        attribute.graphs.iter_mut().for_each(|graph| self.rename(graph));
        Some(attribute)
    }

    /// Renames every value of a subgraph, its own ones too: no name is used twice in a function.
    fn rename(&self, graph: &mut Graph) {
        for node in &mut graph.node {
            *node = self.node(node);
        }
        let infos = graph.input.iter_mut().chain(&mut graph.output).chain(&mut graph.value_info);
        infos.for_each(|info| info.name = self.name(&info.name));
        graph.initializer.iter_mut().for_each(|tensor| tensor.name = self.name(&tensor.name));
        let sparse = graph.sparse_initializer.iter_mut().filter_map(|t| t.values.as_mut());
        sparse.for_each(|values| values.name = self.name(&values.name));
    }
}
