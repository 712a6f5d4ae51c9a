//! Which operators of a model a runtime's kernel executes, read off the kernel's name.
//!
//! Runtimes name a kernel after one of the operators in it, with something appended. What has no
//! kernel of its name was fused: into the operator that reads it, up to the product that a kernel
//! begins with; else into the kernel that comes last of those whose results it reads. Names do not
//! say more; a kernel of no operator's name is the runtime's own (a change of layout).

use std::collections::HashMap;

use nnmeter_core::export::nnmeter_ir::names;
use nnmeter_core::graph::NodeId;
use nnmeter_core::op::Op;
use nnmeter_core::typed::TypedGraph;

/// The operators, by name, of each kernel in `kernels`, which are named in order of execution. One
/// that takes several kernels is in each of them; what was fused with it, in the last.
pub(super) fn operators(graph: &TypedGraph, kernels: &[String]) -> Vec<Vec<String>> {
    let names = names(graph);
    let ids = graph.graph().dag().node_indices();
    let by_name: HashMap<&str, NodeId> = names.iter().map(String::as_str).zip(ids).collect();
    let named = kernels.iter().map(|name| resolve(&by_name, name).filter(|&id| graph.is_op(id)));
    let named: Vec<Option<NodeId>> = named.collect();
    let kernels_by_name = named.iter().enumerate();
    let mut kernel_of: HashMap<NodeId, usize> =
        kernels_by_name.filter_map(|(kernel, id)| Some(((*id)?, kernel))).collect();
    absorb(graph, &mut kernel_of);
    let mut operators = vec![Vec::new(); kernels.len()];
    for &id in graph.order() {
        let named = named.iter().enumerate().filter(|(_, named)| **named == Some(id));
        let last = kernel_of.get(&id).copied();
        let of_it = named.map(|(kernel, _)| kernel).filter(|&kernel| Some(kernel) != last);
        for kernel in of_it.chain(last) {
            operators[kernel].push(names[id.index()].clone());
        }
    }
    operators
}

/// The node that a kernel is named after: its name, or the name without what was appended.
fn resolve(by_name: &HashMap<&str, NodeId>, name: &str) -> Option<NodeId> {
    let mut name = name;
    loop {
        if let Some(&id) = by_name.get(name) {
            return Some(id);
        }
        let number = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let token = number.strip_suffix("_token_").filter(|_| number != name);
        let part = || name.rfind(['.', '/']).map(|end| &name[..end]);
        name = token.or_else(|| name.strip_suffix("_nchwc")).or_else(part)?;
    }
}

/// Gives operators without a kernel of their name to those that were fused with them.
fn absorb(graph: &TypedGraph, kernel_of: &mut HashMap<NodeId, usize>) {
    for &id in graph.order().iter().rev() {
        let Some(&kernel) = kernel_of.get(&id) else { continue };
        let begins = is_product(graph, id);
        for operand in graph.graph().operands(id).into_iter().flatten().filter(|_| !begins) {
            let read_once = graph.graph().dag().edges(operand.node).count() == 1;
            if graph.is_op(operand.node)
                && read_once
                && leads_to_product(graph, operand.node, kernel_of)
            {
                kernel_of.entry(operand.node).or_insert(kernel);
            }
        }
    }
    for &id in graph.order() {
        if graph.is_op(id) && !kernel_of.contains_key(&id) {
            let operands = graph.graph().operands(id).into_iter().flatten();
            let last = operands.filter_map(|value| kernel_of.get(&value.node)).max().copied();
            last.map(|kernel| kernel_of.insert(id, kernel));
        }
    }
}

fn is_product(graph: &TypedGraph, id: NodeId) -> bool {
    matches!(graph.graph().node(id).op, Op::Conv(_) | Op::MatMul { .. })
}

/// Whether an operator is a product, or follows one by way of operators without kernels.
fn leads_to_product(graph: &TypedGraph, id: NodeId, kernel_of: &HashMap<NodeId, usize>) -> bool {
    let mut id = id;
    while !is_product(graph, id) {
        match graph.graph().operand(id, 0) {
            Some(data) if graph.is_op(data.node) && !kernel_of.contains_key(&data.node) => {
                id = data.node;
            }
            _ => return false,
        }
    }
    !kernel_of.contains_key(&id)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use nnmeter_core::import;

    use super::*;

    #[test]
    fn names_tell_what_was_fused() {
        let bytes = include_bytes!("../../../tests/models/resnet18_bn.onnx");
        let graph = import::read(Bytes::from_static(bytes), None).expect("a valid model");
        let graph = graph.infer_shapes().expect("shapes that agree");
        let all = names(&graph);
        let operators_of: Vec<&String> = graph
            .order()
            .iter()
            .filter(|id| graph.is_op(**id))
            .map(|id| &all[id.index()])
            .collect();
        // conv, bn, relu, pool, conv, bn, relu, conv, bn, add, relu
        let wanted = [2, 3, 6, 8].map(|at| operators_of[at].clone());
        let kernels = [
            format!("{}_nchwc", wanted[0]),
            format!("{}_nchwc_token_7", wanted[1]),
            wanted[2].clone(),
            "ReorderInput_token_4".to_owned(),
            format!("{}.matmul", wanted[3]),
        ];
        let found = operators(&graph, &kernels);
        let short = |kernel: &Vec<String>| {
            kernel.iter().map(|n| n.rsplit('/').next().unwrap_or(n).to_owned()).collect::<Vec<_>>()
        };
        let found: Vec<_> = found.iter().map(short).take(4).collect();
        assert_eq!(
            found,
            [
                vec!["Conv", "BatchNormalization", "Relu"],
                vec!["MaxPool"],
                vec!["Conv", "BatchNormalization", "Relu"],
                vec![],
            ]
        );
        let kernels = ["pad", "im2col", "matmul"].map(|part| format!("{}.{part}", wanted[0]));
        let found: Vec<usize> = operators(&graph, &kernels).iter().map(Vec::len).collect();
        assert_eq!(found[..2], [1, 1], "{found:?}");
    }
}
