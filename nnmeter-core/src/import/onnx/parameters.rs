//! Graph inputs that are weights: files exported without their parameters list them as inputs.
//!
//! The rule. An input without an initializer counts as a weight if it is not the first such input
//! of the graph, and every use of it, directly or through Identity, Transpose, Reshape, Flatten,
//! Cast, DequantizeLinear, Squeeze or Unsqueeze, is in a slot where an operator takes a parameter
//! ([`role`]), and there is such a use. Where a slot takes data as well as parameters (the
//! operands of MatMul, Add, Sub, Mul and Div, the table of a Gather), its declared shape must
//! have at most two axes and no open extent: then it has no batch axis that varies.
//!
//! An operand of Add or Mul may be on either side if it has one axis (exporters write the bias
//! first). A value that a subgraph captures, or that is an output of the graph, is data.

use std::collections::{HashMap, HashSet};

use crate::tensor::Dim;

use super::attributes::Site;
use super::proto::{Graph, ValueInfo};
use super::{subgraphs, tensors};

/// What a use of a value in an operand slot says about it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// A parameter.
    Parameter,
    /// A parameter if it has at most this many axes, all of fixed extent.
    SmallParameter(usize),
    /// The node's output is the same value in another form.
    Passed,
    /// Data.
    Data,
}

/// An input that may turn out to be a weight.
struct Candidate<'m> {
    info: &'m ValueInfo,
    is_parameter: bool,
    is_data: bool,
}

/// Names of the inputs of `graph` that are weights. `stored` tells which have initializers.
pub(super) fn find<'m>(
    graph: &'m Graph,
    sites: &[Site<'m>],
    stored: impl Fn(&str) -> bool,
) -> HashSet<&'m str> {
    let open = graph.input.iter().filter(|info| !stored(&info.name)).skip(1);
    let mut candidates: Vec<Candidate<'m>> =
        open.map(|info| Candidate { info, is_parameter: false, is_data: false }).collect();
    if candidates.is_empty() {
        return HashSet::new();
    }
    let names = candidates.iter().enumerate().map(|(i, c)| (c.info.name.as_str(), i));
    let mut origin: HashMap<&str, usize> = names.collect();
    for site in sites {
        visit(site, &mut origin, &mut candidates);
    }
    for output in &graph.output {
        if let Some(&index) = origin.get(output.name.as_str()) {
            candidates[index].is_data = true;
        }
    }
    let weights = candidates.iter().filter(|c| c.is_parameter && !c.is_data);
    weights.map(|c| c.info.name.as_str()).collect()
}

/// Records the uses of candidates by one node.
fn visit<'m>(
    site: &Site<'m>,
    origin: &mut HashMap<&'m str, usize>,
    candidates: &mut [Candidate<'m>],
) {
    for (slot, name) in site.node.input.iter().enumerate() {
        let Some(&index) = origin.get(name.as_str()) else {
            continue;
        };
        let candidate = &mut candidates[index];
        match role(site, slot) {
            Role::Parameter => candidate.is_parameter = true,
            Role::SmallParameter(rank) if is_small(candidate.info, rank) => {
                candidate.is_parameter = true;
            }
            Role::Passed => {
                if let Some(output) = site.node.output.first() {
                    origin.insert(output, index);
                }
            }
            Role::SmallParameter(_) | Role::Data => candidate.is_data = true,
        }
    }
    for name in subgraphs::captures(site) {
        if let Some(&index) = origin.get(name) {
            candidates[index].is_data = true;
        }
    }
}

/// Which slots of which operators take parameters.
fn role(site: &Site<'_>, slot: usize) -> Role {
    if !site.in_default_domain() {
        return Role::Data;
    }
    match (site.node.op_type.as_str(), slot) {
        ("Conv" | "ConvTranspose" | "Gemm", 1 | 2)
        | ("BatchNormalization", 1..=4)
        | (
            "InstanceNormalization"
            | "LayerNormalization"
            | "GroupNormalization"
            | "RMSNormalization",
            1 | 2,
        )
        | ("PRelu", 1)
        | ("LSTM" | "GRU" | "RNN", 1 | 2 | 3 | 7)
        | ("DeformConv", 1 | 3)
        | ("ConvInteger" | "MatMulInteger", 1..=3)
        | ("QLinearConv" | "QLinearMatMul", 1..=8)
        | ("QuantizeLinear" | "DequantizeLinear", 1 | 2) => Role::Parameter,
        ("MatMul" | "Add" | "Mul" | "Sub" | "Div", 1) | ("Gather", 0) => Role::SmallParameter(2),
        ("Add" | "Mul", 0) => Role::SmallParameter(1),
        (
            "Identity" | "Transpose" | "Reshape" | "Flatten" | "Cast" | "DequantizeLinear"
            | "Squeeze" | "Unsqueeze",
            0,
        ) => Role::Passed,
        _ => Role::Data,
    }
}

/// Whether the declared shape has at most `rank` axes, none of them open.
fn is_small(info: &ValueInfo, rank: usize) -> bool {
    let (_, dims) = tensors::input_type(info);
    dims.is_some_and(|dims| {
        dims.len() <= rank && dims.iter().all(|dim| matches!(dim, Dim::Known(_)))
    })
}
