//! The runtime's own graph: the model that it writes out once it has optimised it.
//!
//! A node there is a kernel. It is named after one of the operators in it, and where its result is
//! still that of an operator of the model, it has that one's name, too. What the runtime put in to
//! change the layout of a result makes none of its own. An operator that the runtime writes out as
//! several has no name there: it is the one that follows what these read, and has no other kernel.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use nnmeter_core::export::nnmeter_ir;
use nnmeter_core::graph::NodeId;
use nnmeter_core::import::onnx::{self, Listed};
use nnmeter_core::op::{Op, Unary};
use nnmeter_core::typed::TypedGraph;
use ort::session::builder::SessionBuilder;

use super::failed;
use crate::backend::attribution::{self, Named};
use crate::backend::{ExecutedKernel, Model};
use crate::error::{Error, Result};

/// Changes of layout.
const REORDERS: [&str; 2] = ["ReorderInput", "ReorderOutput"];

/// The kernels of a model, in an order of execution. `bytes` are the model as the runtime gets it.
pub(super) fn kernels(
    builder: &SessionBuilder,
    model: &Model,
    bytes: &[u8],
) -> Result<Vec<ExecutedKernel>> {
    let folder = tempfile::tempdir().map_err(|error| Error::io("a temporary folder", &error))?;
    let path = folder.path().join("optimised.onnx");
    let mut builder = builder.clone().with_optimized_model_path(&path).map_err(failed)?;
    builder.commit_from_memory(bytes).map_err(failed)?;
    let nodes = read(&path)?;
    let operators =
        attribution::operators(model.graph(), &all_names(model.graph(), &nodes), Named::AfterFirst);
    let kernel = |(node, nodes): (&Listed, Vec<String>)| ExecutedKernel {
        name: format!("{} {}", node.op_type, node.name),
        nodes,
    };
    Ok(nodes.iter().zip(operators).map(kernel).collect())
}

/// What else the nodes of the graph at `path` are called, by name.
pub(super) fn aliases(path: &Path) -> Result<HashMap<String, Vec<String>>> {
    let nodes = read(path)?.into_iter();
    let named = nodes.filter(|node| !node.name.is_empty());
    Ok(named.map(|node| (node.name.clone(), names(&node))).collect())
}

/// The names of all nodes, those of operators that were written out included.
fn all_names(graph: &TypedGraph, nodes: &[Listed]) -> Vec<Vec<String>> {
    let mut all: Vec<Vec<String>> = nodes.iter().map(names).collect();
    let known = nnmeter_ir::names(graph);
    let ids: HashMap<&str, NodeId> =
        graph.graph().dag().node_indices().map(|id| (known[id.index()].as_str(), id)).collect();
    let find = |names: &[String]| -> Vec<NodeId> {
        names.iter().filter_map(|name| attribution::resolve(&ids, name)).collect()
    };
    let named: HashSet<NodeId> = all.iter().flat_map(|names| find(names)).collect();
    let mut made_by: HashMap<&str, usize> = HashMap::new();
    for (index, node) in nodes.iter().enumerate() {
        // What a change of layout makes is its source's.
        let source = node.inputs.first().and_then(|input| made_by.get(input.as_str())).copied();
        let maker = if is_reorder(node) { source.unwrap_or(index) } else { index };
        node.outputs.iter().for_each(|output| {
            made_by.insert(output, maker);
        });
        if find(&all[index]).is_empty() && !is_reorder(node) {
            let makers = node.inputs.iter().filter_map(|input| made_by.get(input.as_str()));
            let before: Vec<NodeId> = makers.flat_map(|&maker| find(&all[maker])).collect();
            let followers = before.iter().filter_map(|&id| written_out(graph, id, &named));
            let found: Vec<String> =
                followers.map(|id| known[id.index()].clone()).take(1).collect();
            all[index].extend(found);
        }
    }
    all
}

/// The operator of which a runtime makes several that follows `id` by way of operators that no kernel
/// is named after.
fn written_out(graph: &TypedGraph, id: NodeId, named: &HashSet<NodeId>) -> Option<NodeId> {
    let op = |id: NodeId| &graph.graph().node(id).op;
    let is_function = |id| matches!(op(id), Op::Unary(Unary::HardSwish | Unary::Gelu));
    let readers = graph.graph().dag().neighbors(id).filter(|reader| !named.contains(reader));
    let mut readers: Vec<NodeId> = readers.collect();
    readers.sort_unstable();
    let own = readers.iter().copied().find(|&reader| is_function(reader));
    own.or_else(|| readers.iter().find_map(|&reader| written_out(graph, reader, named)))
}

fn is_reorder(node: &Listed) -> bool {
    REORDERS.contains(&node.op_type.as_str())
}

fn read(path: &Path) -> Result<Vec<Listed>> {
    let bytes = std::fs::read(path).map_err(|error| Error::io(path.display(), &error))?;
    onnx::list(bytes.into()).map_err(|error| Error::from(error).within("ONNX Runtime's graph"))
}

fn names(node: &Listed) -> Vec<String> {
    let made = node.outputs.iter().filter(|_| !is_reorder(node));
    std::iter::once(&node.name).chain(made).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_layout_make_nothing_of_their_own() {
        let node = |op_type: &str, outputs: &[&str]| Listed {
            op_type: op_type.to_owned(),
            name: "n".to_owned(),
            inputs: vec!["x".to_owned()],
            outputs: outputs.iter().map(|&output| output.to_owned()).collect(),
        };
        assert_eq!(names(&node("Conv", &["a", "b"])), ["n", "a", "b"]);
        assert_eq!(names(&node("ReorderOutput", &["a"])), ["n"]);
    }
}
