//! The runtime's own graph: the model that it writes out once it has optimised it.
//!
//! A node there is a kernel. It is named after one of the operators in it, and where its result is
//! still that of an operator of the model, it has that one's name, too. What the runtime put in to
//! change the layout of a result makes none of its own.

use std::collections::HashMap;
use std::path::Path;

use nnmeter_core::import::onnx::{self, Listed};
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
    let names: Vec<Vec<&str>> = nodes.iter().map(names).collect();
    let operators = attribution::operators(model.graph(), &names, Named::AfterFirst);
    let kernel = |(node, nodes): (&Listed, Vec<String>)| {
        ExecutedKernel { name: format!("{} {}", node.op_type, node.name), nodes }
    };
    Ok(nodes.iter().zip(operators).map(kernel).collect())
}

/// What else the nodes of the graph at `path` are called, by name.
pub(super) fn aliases(path: &Path) -> Result<HashMap<String, Vec<String>>> {
    let nodes = read(path)?.into_iter();
    let entry = |node: Listed| {
        let names = names(&node).into_iter().map(str::to_owned).collect();
        (node.name, names)
    };
    Ok(nodes.map(entry).collect())
}

fn read(path: &Path) -> Result<Vec<Listed>> {
    let bytes = std::fs::read(path).map_err(|error| Error::io(path.display(), &error))?;
    onnx::list(bytes.into()).map_err(|error| Error::from(error).within("ONNX Runtime's graph"))
}

fn names(node: &Listed) -> Vec<&str> {
    let made = node.outputs.iter().filter(|_| !REORDERS.contains(&node.op_type.as_str()));
    std::iter::once(&node.name).chain(made).map(String::as_str).collect()
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
