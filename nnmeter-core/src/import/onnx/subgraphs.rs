//! Values that the subgraphs of a node (branches of an If, bodies of a Loop or Scan) take from
//! outside, so that the node depends on them. The subgraphs themselves are not imported: how often
//! a body runs is not in the file.

use std::collections::HashSet;

use super::attributes::Site;
use super::proto::Graph;

/// Names of outer values that the subgraphs of a node refer to, each once, in order of use.
pub(super) fn captures<'m>(site: &Site<'m>) -> Vec<&'m str> {
    let mut found = Found::default();
    for graph in site.subgraphs() {
        collect(graph, &mut found);
    }
    found.names
}

#[derive(Default)]
struct Found<'m> {
    inner: Vec<HashSet<&'m str>>,
    seen: HashSet<&'m str>,
    names: Vec<&'m str>,
}

impl<'m> Found<'m> {
    fn refer(&mut self, name: &'m str) {
        let is_inner = name.is_empty() || self.inner.iter().any(|scope| scope.contains(name));
        if !is_inner && self.seen.insert(name) {
            self.names.push(name);
        }
    }
}

/// Nesting is bounded by the decoder's limit on nested messages.
fn collect<'m>(graph: &'m Graph, found: &mut Found<'m>) {
    found.inner.push(defined(graph));
    for node in &graph.node {
        for name in &node.input {
            found.refer(name);
        }
        for inner in (Site { node, opset: 0 }).subgraphs() {
            collect(inner, found);
        }
    }
    for output in &graph.output {
        found.refer(&output.name);
    }
    found.inner.pop();
}

/// Names that a graph gives to values of its own.
fn defined(graph: &Graph) -> HashSet<&str> {
    let inputs = graph.input.iter().map(|info| &info.name);
    let stored = graph.initializer.iter().map(|tensor| &tensor.name);
    let sparse = graph.sparse_initializer.iter().flat_map(|tensor| &tensor.values);
    let sparse = sparse.map(|values| &values.name);
    let computed = graph.node.iter().flat_map(|node| &node.output);
    inputs.chain(stored).chain(sparse).chain(computed).map(String::as_str).collect()
}
