//! Which operators of a model a runtime's kernel executes, read off the kernel's names.
//!
//! Runtimes name a kernel after one of the operators in it, with something appended. What has no
//! kernel of its name was fused. Where kernels are named after the first of their operators: into the
//! operator that reads it, up to the product that a kernel begins with; else into the kernel that comes
//! last of those whose results it reads. Where they are named after the last: into the kernel that reads it.
//! Names do not say more; a kernel of no operator's name is the runtime's own (a change of layout).

use std::collections::HashMap;

use nnmeter_core::export::nnmeter_ir::names;
use nnmeter_core::graph::NodeId;
use nnmeter_core::op::Op;
use nnmeter_core::typed::TypedGraph;

/// Which of the operators that were fused into one a kernel is named after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(all(feature = "openvino", any(feature = "onnxruntime", feature = "tract"))),
    allow(dead_code)
)]
pub(super) enum Named {
    /// The one that begins it, if that is a product.
    AfterFirst,
    /// The one whose result it gives.
    AfterLast,
}

/// The operators, by name, of each kernel in `kernels`, which are in order of execution, each with all names
/// that it has. One that takes several kernels is in each of them; what was fused with it, in the last.
pub(super) fn operators<N: AsRef<str>>(
    graph: &TypedGraph,
    kernels: &[Vec<N>],
    convention: Named,
) -> Vec<Vec<String>> {
    let names = names(graph);
    let ids = graph.graph().dag().node_indices();
    let by_name: HashMap<&str, NodeId> = names.iter().map(String::as_str).zip(ids).collect();
    let operator = |name: &N| resolve(&by_name, name.as_ref()).filter(|&id| graph.is_op(id));
    let named: Vec<Vec<NodeId>> =
        kernels.iter().map(|names| names.iter().filter_map(operator).collect()).collect();
    let pairs = named.iter().enumerate();
    let mut kernel_of: HashMap<NodeId, usize> =
        pairs.flat_map(|(kernel, ids)| ids.iter().map(move |&id| (id, kernel))).collect();
    match convention {
        Named::AfterFirst => absorb_before_products(graph, &mut kernel_of),
        Named::AfterLast => absorb_what_is_read(graph, &mut kernel_of),
    }
    absorb_what_reads(graph, &mut kernel_of);
    let mut operators = vec![Vec::new(); kernels.len()];
    for &id in graph.order() {
        let named = named.iter().enumerate().filter(|(_, named)| named.contains(&id));
        let last = kernel_of.get(&id).copied();
        let of_it = named.map(|(kernel, _)| kernel).filter(|&kernel| Some(kernel) != last);
        for kernel in of_it.chain(last) {
            operators[kernel].push(names[id.index()].clone());
        }
    }
    operators
}

/// The node that a kernel is named after: its name, or the name without what was appended.
pub(super) fn resolve(by_name: &HashMap<&str, NodeId>, name: &str) -> Option<NodeId> {
    let mut name = name;
    loop {
        if let Some(&id) = by_name.get(name) {
            return Some(id);
        }
        let number = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let token = number.strip_suffix("_token_").filter(|_| number != name);
        let part = || name.rfind(['.', '/']).map(|end| &name[..end]);
        let layout = || name.strip_suffix("_nchwc").or_else(|| name.strip_suffix("_bn"));
        name = token.or_else(layout).or_else(part)?;
    }
}

/// Gives operators without a kernel, up to a product, to the kernel of the only operator that reads them.
fn absorb_before_products(graph: &TypedGraph, kernel_of: &mut HashMap<NodeId, usize>) {
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
}

/// Gives operators without a kernel to the first that reads them.
fn absorb_what_is_read(graph: &TypedGraph, kernel_of: &mut HashMap<NodeId, usize>) {
    for &id in graph.order().iter().rev() {
        let readers = graph.graph().dag().neighbors(id);
        let first = readers.filter_map(|reader| kernel_of.get(&reader)).min().copied();
        if let Some(kernel) = first.filter(|_| graph.is_op(id)) {
            kernel_of.entry(id).or_insert(kernel);
        }
    }
}

/// Gives operators without a kernel to the last of those whose results they read.
fn absorb_what_reads(graph: &TypedGraph, kernel_of: &mut HashMap<NodeId, usize>) {
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
    use expect_test::expect;
    use nnmeter_core::import;

    use super::*;

    /// conv, bn, relu, pool, conv, bn, relu, conv, bn, add, relu ..., and the names of these.
    fn resnet() -> (TypedGraph, Vec<String>) {
        let bytes = include_bytes!("../../../tests/models/resnet18_bn.onnx");
        let graph = import::read(Bytes::from_static(bytes), None).expect("a valid model");
        let graph = graph.infer_shapes().expect("shapes that agree");
        let all = names(&graph);
        let operators = graph.order().iter().filter(|id| graph.is_op(**id));
        let named = operators.map(|id| all[id.index()].clone()).collect();
        (graph, named)
    }

    /// The operators of kernels with these names, without the scopes in their names, a kernel a line.
    fn lines(graph: &TypedGraph, kernels: &[&[String]], convention: Named) -> String {
        let kernels: Vec<Vec<&String>> =
            kernels.iter().map(|names| names.iter().collect()).collect();
        let short = |name: &String| name.rsplit('/').next().unwrap_or(name).to_owned();
        let line = |kernel: &Vec<String>| kernel.iter().map(short).collect::<Vec<_>>().join(" ");
        let found = operators(graph, &kernels, convention);
        found.iter().map(|kernel| line(kernel) + "\n").collect()
    }

    #[test]
    fn kernels_named_after_their_first_operator() {
        let (graph, named) = resnet();
        let kernels = [
            [format!("{}_nchwc", named[2])],
            [format!("{}_nchwc_token_7", named[3])],
            [named[6].clone()],
            ["ReorderInput_token_4".to_owned()],
            [named[7].clone()],
            [format!("{}.matmul", named[11])],
        ];
        let kernels: Vec<&[String]> = kernels.iter().map(|names| &names[..]).collect();
        let found = lines(&graph, &kernels, Named::AfterFirst);
        expect![[r#"
            Conv BatchNormalization Relu
            MaxPool
            Conv BatchNormalization Relu
        "#]]
        .assert_eq(&found.lines().take(4).collect::<Vec<_>>().join("\n"));
        let parts = ["pad", "im2col", "matmul"].map(|part| [format!("{}.{part}", named[0])]);
        let parts: Vec<&[String]> = parts.iter().map(|names| &names[..]).collect();
        let found = lines(&graph, &parts, Named::AfterFirst);
        assert_eq!(found.lines().take(2).collect::<Vec<_>>(), ["Conv", "Conv"]);
    }

    #[test]
    fn kernels_named_after_their_last_operator() {
        let (graph, named) = resnet();
        let own = |name: &str| vec![name.to_owned()];
        let folded = |bn: usize, fused: &[usize]| {
            let fused = fused.iter().map(|&at| named[at].clone());
            [format!("{}/Mul", named[bn])].into_iter().chain(fused).collect::<Vec<_>>()
        };
        let kernels = [
            own("input_abcd_acdb"),
            folded(1, &[2]),
            own(&named[3]),
            folded(5, &[6]),
            folded(8, &[9, 10]),
        ];
        let kernels: Vec<&[String]> = kernels.iter().map(|names| &names[..]).collect();
        let found = lines(&graph, &kernels, Named::AfterLast);
        expect![[r#"

            Conv BatchNormalization Relu
            MaxPool
            Conv BatchNormalization Relu"#]]
        .assert_eq(&found.lines().take(4).collect::<Vec<_>>().join("\n"));
    }
}
