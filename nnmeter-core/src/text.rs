//! A text notation for small graphs, so that a test reads like the network it is about.
//!
//! One node a line (or `;`): `outputs = word operands... options... [-> declared types]`.
//!
//! ```text
//! layout nhwc                              # optional, first
//! x = input 1x3x224x224                    # i64:1x3; open axes by name: Nx3; input unknown
//! c = conv x k=3 s=2 p=1 out=32 bias       # k=1x7 p=1x0 p=1x1:0x0 g=2 d=2 same; nd=1; in=3
//! d = dwconv c k=3 p=1                     # mult=2; deconv is the transposed one
//! b = bn d ; r = relu6 b ; h = hswish r    # any unary by its ONNX name in lower case
//! a = add h r ; t = mul a 0.5 ; i = add n 1i
//! p = maxpool a k=3 s=2 p=1 ; g = gap p ; m = mean p axes=2,3 keep
//! f = flatten g ; y = fc f out=1000 bias ; v = reshape y -1,10,100 ; w = transpose v 0,2,1
//! s1,s2 = split a axis=1 ; k = concat s1 s2 axis=1
//! q = foo k -> 1x3x3                       # unknown words are unknown operators
//! w = const 3x4 ; w2 = const =1,2,3        # a constant by its type, or by its integers
//! output q k                               # optional
//! ```
//! An operand is a name, `_` (left out), a number (a scalar, `3i` an integer one) or a list of
//! integers (`1,2` or `1,`). Channels that an operator needs for its weights are those of its
//! first operand as far as the notation can follow them, or as `in=` says. The default axis is 1 of
//! concat and split, -1 of softmax and norms, 0 elsewhere. It is no file format: bad text panics.

use std::collections::HashMap;

use crate::builder::GraphBuilder;
use crate::graph::{Graph, Value};
use crate::op::{Layout, Op, Spatial};
use crate::tensor::{Constant, DType, Dim, TensorType};

mod words;

/// The graph that `text` describes.
pub(crate) fn graph(text: &str) -> Graph {
    let mut scope = Scope::default();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default();
        for statement in line.split(';').map(str::trim).filter(|s| !s.is_empty()) {
            scope.statement(statement);
        }
    }
    let graph = scope.builder.finish(scope.layout);
    graph.unwrap_or_else(|error| panic!("{error}"))
}

/// The nodes of `graph` that `wanted` picks, one a line: its name, operator and operands, of which
/// constants are written as their integers or their type.
pub(crate) fn show(graph: &Graph, wanted: impl Fn(&Op) -> bool) -> String {
    let mut text = String::new();
    for id in graph.dag().node_indices().filter(|&id| wanted(&graph.node(id).op)) {
        let node = graph.node(id);
        let operands = graph.operands(id);
        let operands: Vec<String> =
            operands.iter().map(|&value| show_operand(graph, value)).collect();
        text += &format!("{} = {:?} ({})\n", node.name, node.op, operands.join(", "));
    }
    text
}

fn show_operand(graph: &Graph, value: Option<Value>) -> String {
    let Some(value) = value else { return "-".to_owned() };
    let node = graph.node(value.node);
    match &node.op {
        Op::Const(constant) => match constant.as_ints() {
            Some(ints) => format!("{ints:?}"),
            None => format!("const {}", constant.ty),
        },
        _ if value.port > 0 => format!("{}:{}", node.name, value.port),
        _ => node.name.to_string(),
    }
}

/// What the lines so far have defined.
#[derive(Default)]
struct Scope {
    builder: GraphBuilder,
    layout: Layout,
    channels: HashMap<String, usize>,
}

/// An operand as written.
enum Operand<'a> {
    Name(&'a str),
    Const(Constant),
}

/// A statement taken apart.
struct Line<'a> {
    word: &'a str,
    args: Vec<&'a str>,
    options: HashMap<&'a str, &'a str>,
    outputs: usize,
}

/// The node that a line stands for.
struct Parsed<'a> {
    op: Op,
    operands: Vec<Operand<'a>>,
    channels: Option<usize>,
}

impl Scope {
    fn statement(&mut self, text: &str) {
        let mut tokens = text.split_whitespace();
        match tokens.next() {
            Some("layout") => {
                self.layout = match tokens.next() {
                    Some("nhwc") => Layout::ChannelsLast,
                    _ => Layout::ChannelsFirst,
                }
            }
            Some("output") => tokens.for_each(|name| self.builder.output(name)),
            _ => self.node(text),
        }
    }

    fn node(&mut self, text: &str) {
        let (text, declared) = text.split_once("->").unwrap_or((text, ""));
        let (outputs, rest) = text.split_once(" = ").unwrap_or_else(|| panic!("no ` = `: {text}"));
        let outputs: Vec<&str> = outputs.split(',').map(str::trim).collect();
        let line = Line::new(rest, outputs.len());
        let parsed = self.parse(&line);
        let names = parsed.operands.iter().map(|operand| match operand {
            Operand::Name(name) => *name,
            Operand::Const(_) => "",
        });
        let id = self.builder.node(outputs[0], parsed.op, names, &outputs);
        let id = id.unwrap_or_else(|error| panic!("{error}"));
        for (slot, operand) in parsed.operands.into_iter().enumerate() {
            if let Operand::Const(constant) = operand {
                self.builder.constant_operand(id, slot as u16, constant);
            }
        }
        for (port, ty) in declared.split_whitespace().enumerate() {
            self.builder.declare(id, port as u16, tensor_type(ty));
        }
        for name in outputs {
            self.channels.extend(parsed.channels.map(|channels| (name.to_owned(), channels)));
        }
    }

    /// Channels of the first operand, or as `in=` says.
    fn channels_in(&self, line: &Line<'_>) -> usize {
        match line.number("in") {
            Some(channels) => channels,
            None => self.channels_of(line.args[0]).unwrap_or_else(|| panic!("in= is needed")),
        }
    }

    fn channels_of(&self, name: &str) -> Option<usize> {
        self.channels.get(name).copied()
    }
}

impl<'a> Line<'a> {
    fn new(text: &'a str, outputs: usize) -> Self {
        let mut tokens = text.split_whitespace();
        let word = tokens.next().unwrap_or_else(|| panic!("no operator"));
        let (mut args, mut options) = (Vec::new(), HashMap::new());
        for token in tokens {
            match token.split_once('=') {
                Some((key, value)) => drop(options.insert(key, value)),
                None => args.push(token),
            }
        }
        Self { word, args, options, outputs }
    }

    /// Whether a word without a value is there; it is then no operand.
    fn flag(&self, name: &str) -> bool {
        self.args.contains(&name)
    }

    fn option(&self, key: &str) -> Option<&'a str> {
        self.options.get(key).copied()
    }

    fn number(&self, key: &str) -> Option<usize> {
        self.option(key).map(|text| text.parse().unwrap_or_else(|_| panic!("{key}={text}")))
    }

    fn axis(&self, default: i64) -> i64 {
        self.option("axis").map_or(default, |text| ints(text)[0])
    }

    /// A value for each spatial axis: `3` or `1x7`; empty if the option is absent.
    fn spatial(&self, key: &str) -> Spatial {
        self.option(key).map(|text| self.per_axis(text)).unwrap_or_default()
    }

    fn per_axis(&self, text: &str) -> Spatial {
        let parse = |n: &str| n.parse().unwrap_or_else(|_| panic!("{text}"));
        let values: Spatial = text.split('x').map(parse).collect();
        match values.as_slice() {
            [one] => Spatial::from_elem(*one, self.number("nd").unwrap_or(2)),
            _ => values,
        }
    }

    /// Operands: names, numbers and lists, except for flags.
    fn operands(&self, flags: &[&str]) -> Vec<Operand<'a>> {
        self.args.iter().filter(|arg| !flags.contains(arg)).map(|arg| operand(arg)).collect()
    }

    /// As [`Line::operands`], with a number being a list of one after the first operand.
    fn with_lists(&self, flags: &[&str]) -> Vec<Operand<'a>> {
        let mut operands = self.operands(flags);
        for operand in operands.iter_mut().skip(1) {
            if let Operand::Const(constant) = operand
                && constant.ty.rank() == 0
            {
                *constant = Constant::ints(constant.as_scalar().map(|value| value as i64));
            }
        }
        operands
    }
}

fn operand(text: &str) -> Operand<'_> {
    let number = text.strip_prefix('-').unwrap_or(text).starts_with(|c: char| c.is_ascii_digit());
    if text == "_" {
        Operand::Name("")
    } else if !number {
        Operand::Name(text)
    } else if text.contains(',') {
        Operand::Const(Constant::ints(ints(text)))
    } else if let Some(integer) = text.strip_suffix('i') {
        let mut constant = Constant::ints(ints(integer));
        constant.ty.dims.clear();
        Operand::Const(constant)
    } else {
        Operand::Const(Constant::scalar(text.parse().unwrap_or_else(|_| panic!("{text}"))))
    }
}

fn ints(text: &str) -> Vec<i64> {
    let parse = |n: &str| n.parse().unwrap_or_else(|_| panic!("{text}"));
    text.split(',').filter(|n| !n.is_empty()).map(parse).collect()
}

/// `1x3`, `i64:1x3`, `scalar`, with open axes by name.
fn open_type(text: &str) -> (DType, Vec<Dim>) {
    let (dtype, dims) = text.split_once(':').unwrap_or(("f32", text));
    let dim =
        |n: &str| n.parse().map_or_else(|_| Dim::Open(n.trim_matches('?').into()), Dim::Known);
    let dims = if dims == "scalar" { Vec::new() } else { dims.split('x').map(dim).collect() };
    (dtype_named(dtype), dims)
}

fn tensor_type(text: &str) -> TensorType {
    let (dtype, dims) = open_type(text);
    let known = |dim| match dim {
        Dim::Known(dim) => dim,
        Dim::Open(name) => panic!("open axis {name} in {text}"),
    };
    TensorType::new(dtype, dims.into_iter().map(known))
}

fn dtype_named(name: &str) -> DType {
    match name {
        "f16" => DType::F16,
        "f64" => DType::F64,
        "i64" => DType::I64,
        "i32" => DType::I32,
        "i8" => DType::I8,
        "bool" => DType::Bool,
        _ => DType::F32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_residual_block() {
        let graph = graph(
            "x = input 1x3x8x8
             c = conv x k=3 s=2 p=1 out=4 bias   # a comment
             b = bn c ; r = relu6 b
             d = dwconv r k=3 p=1
             a = add d 0.5
             l,m = split a axis=1
             k = concat l m axis=1 -> 1x4x4x4
             output k",
        );
        let names: Vec<&str> = graph.dag().node_weights().map(|node| node.op.name()).collect();
        assert_eq!(names.iter().filter(|name| **name == "Constant").count(), 8);
        assert_eq!(names.len(), 16);
        let k = graph.outputs()[0].node;
        assert_eq!(graph.operands(k)[1].map(|value| value.port), Some(1));
        assert_eq!(graph.node(k).declared[0], Some(TensorType::f32([1, 4, 4, 4])));
    }
}
