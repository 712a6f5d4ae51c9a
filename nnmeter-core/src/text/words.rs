//! The words of the text notation, each with the operator and the weights it stands for.

use super::{Line, Operand, Parsed, Scope, dtype_named, ints, open_type, tensor_type};
use crate::op::{
    Binary, Conv, FilterLayout, Layout, Norm, Op, Padding, Pool, PoolKind, Recurrent,
    RecurrentCell, ReduceKind, Reshape, ResizeMode, Spatial, StridedSliceMasks, Unary,
};
use crate::tensor::{Constant, Dim, TensorType};

impl Scope {
    pub(super) fn parse<'a>(&self, line: &Line<'a>) -> Parsed<'a> {
        let inherited = line.args.first().and_then(|name| self.channels_of(name));
        let (op, operands, channels) = match line.word {
            "input" => return self.input(line),
            "const" => (Op::Const(constant(line)), Vec::new(), None),
            "conv" | "dwconv" | "deconv" => return self.conv(line),
            "bn" => {
                let channels = line.number("ch").unwrap_or_else(|| self.channels_in(line));
                let weights = (0..4).map(|_| Operand::Const(vector(channels)));
                let operands = line.operands(&[]).into_iter().chain(weights).collect();
                (Op::Norm(Norm::Batch(self.layout)), operands, Some(channels))
            }
            "fc" => return self.fc(line),
            "concat" => {
                let mut channels = line.args.iter().map(|name| self.channels_of(name));
                let channels = channels.try_fold(0_usize, |sum, n| sum.checked_add(n?));
                (Op::Concat { axis: line.axis(1) }, line.operands(&[]), channels)
            }
            "split" => {
                let channels = inherited.map(|channels| channels / line.outputs);
                (Op::Split { axis: line.axis(1) }, line.with_lists(&[]), channels)
            }
            word => {
                let op = pool(line, self.layout)
                    .or_else(|| activation(line))
                    .or_else(|| binary(word))
                    .or_else(|| norm(line, self.layout))
                    .or_else(|| structural(line, self.layout))
                    .unwrap_or_else(|| Op::Other { op_type: word.into() });
                let operands = operands(line, &op);
                (op, operands, inherited)
            }
        };
        Parsed { op, operands, channels }
    }

    fn input<'a>(&self, line: &Line<'a>) -> Parsed<'a> {
        if line.flag("unknown") {
            let op = Op::Input(dtype_named("f32"), None);
            return Parsed { op, operands: Vec::new(), channels: None };
        }
        let (dtype, dims) = open_type(line.args[0]);
        let channels = match self.layout.channel_axis(dims.len()).map(|axis| &dims[axis]) {
            Some(Dim::Known(channels)) => Some(*channels),
            Some(Dim::Open(_)) | None => None,
        };
        Parsed { op: Op::Input(dtype, Some(dims)), operands: Vec::new(), channels }
    }

    fn conv<'a>(&self, line: &Line<'a>) -> Parsed<'a> {
        let depthwise = line.word == "dwconv";
        let mut operands = line.operands(&["same", "same_lower", "bias"]);
        let mut conv = conv_attributes(line, self.layout, depthwise);
        if operands.len() > 1 {
            return Parsed { op: Op::Conv(conv), operands, channels: line.number("out") };
        }
        let channels = self.channels_in(line);
        let multiplier = line.number("mult").unwrap_or(1);
        let out = match line.number("out") {
            Some(out) => out,
            None if depthwise => channels * multiplier,
            None => panic!("out= is needed"),
        };
        if depthwise {
            conv.groups = channels;
        }
        let kernel = line.spatial("k");
        let dims = filter_dims(&conv, &kernel, channels, out);
        operands.push(Operand::Const(Constant::opaque(TensorType::f32(dims))));
        if line.flag("bias") {
            operands.push(Operand::Const(vector(out)));
        }
        Parsed { op: Op::Conv(conv), operands, channels: Some(out) }
    }

    fn fc<'a>(&self, line: &Line<'a>) -> Parsed<'a> {
        let out = line.number("out").unwrap_or_else(|| panic!("out= is needed"));
        let mut operands = line.operands(&["bias"]);
        let weight = TensorType::f32([self.channels_in(line), out]);
        operands.push(Operand::Const(Constant::opaque(weight)));
        if line.flag("bias") {
            operands.push(Operand::Const(vector(out)));
        }
        let op = Op::MatMul { transpose_a: false, transpose_b: false };
        Parsed { op, operands, channels: Some(out) }
    }
}

fn conv_attributes(line: &Line<'_>, layout: Layout, depthwise: bool) -> Conv {
    let filter = match (line.option("filter"), layout) {
        (Some("oihw"), _) | (None, Layout::ChannelsFirst) => FilterLayout::Oihw,
        _ if depthwise => FilterLayout::HwioDepthwise,
        _ => FilterLayout::Hwio,
    };
    Conv {
        transposed: line.word == "deconv",
        layout,
        filter,
        strides: line.spatial("s"),
        dilations: line.spatial("d"),
        padding: padding(line),
        output_padding: line.spatial("op"),
        groups: line.number("g").unwrap_or(1),
    }
}

fn filter_dims(conv: &Conv, kernel: &Spatial, channels: usize, out: usize) -> Vec<usize> {
    let groups = conv.groups;
    let (outer, inner): (Vec<usize>, Vec<usize>) = match (conv.filter, conv.transposed) {
        (FilterLayout::Oihw, false) => (vec![out, channels / groups], vec![]),
        (FilterLayout::Oihw, true) => (vec![channels, out / groups], vec![]),
        (FilterLayout::Hwio, false) => (vec![], vec![channels / groups, out]),
        (FilterLayout::Hwio, true) => (vec![], vec![out / groups, channels]),
        (FilterLayout::HwioDepthwise, _) => (vec![], vec![channels, out / channels]),
    };
    outer.into_iter().chain(kernel.iter().copied()).chain(inner).collect()
}

fn padding(line: &Line<'_>) -> Padding {
    if line.flag("same") {
        return Padding::SameUpper;
    }
    if line.flag("same_lower") {
        return Padding::SameLower;
    }
    match line.option("p") {
        None => Padding::default(),
        Some(text) => {
            let (begin, end) = text.split_once(':').unwrap_or((text, text));
            Padding::Explicit(line.per_axis(begin), line.per_axis(end))
        }
    }
}

fn pool(line: &Line<'_>, layout: Layout) -> Option<Op> {
    let kind = match line.word {
        "maxpool" => PoolKind::Max,
        "avgpool" => PoolKind::Average,
        "gap" => return Some(Op::GlobalPool(PoolKind::Average, layout)),
        "gmp" => return Some(Op::GlobalPool(PoolKind::Max, layout)),
        _ => return None,
    };
    Some(Op::Pool(Pool {
        kind,
        layout,
        kernel: line.spatial("k"),
        strides: line.spatial("s"),
        dilations: line.spatial("d"),
        padding: padding(line),
        ceil_mode: line.flag("ceil"),
    }))
}

fn activation(line: &Line<'_>) -> Option<Op> {
    let bound = |key| line.option(key).and_then(|text| text.parse().ok());
    Some(Op::Unary(match line.word {
        "relu6" => Unary::Clip { min: Some(0.0), max: Some(6.0) },
        "clip" => Unary::Clip { min: bound("min"), max: bound("max") },
        "hswish" => Unary::HardSwish,
        "hardsigmoid" => Unary::HardSigmoid { alpha: 1.0 / 6.0, beta: 0.5 },
        word => {
            let name = Unary::NAMES.iter().find(|name| name.eq_ignore_ascii_case(word))?;
            Unary::from_name(name)?
        }
    }))
}

fn binary(word: &str) -> Option<Op> {
    if word == "mean" {
        return None;
    }
    let name = Binary::NAMES.iter().find(|name| name.eq_ignore_ascii_case(word))?;
    Binary::from_name(name).map(Op::Binary)
}

fn norm(line: &Line<'_>, layout: Layout) -> Option<Op> {
    Some(Op::Norm(match line.word {
        "batchnorm" => Norm::Batch(layout),
        "layernorm" => Norm::Layer { axis: line.axis(-1) },
        "rmsnorm" => Norm::Rms { axis: line.axis(-1) },
        "instancenorm" => Norm::Instance,
        "groupnorm" => Norm::Group { groups: line.number("g").unwrap_or(32) },
        "lrn" => Norm::LocalResponse,
        _ => return None,
    }))
}

fn structural(line: &Line<'_>, layout: Layout) -> Option<Op> {
    let block = || line.number("block").unwrap_or(2);
    Some(match line.word {
        "matmul" => Op::MatMul { transpose_a: line.flag("ta"), transpose_b: line.flag("tb") },
        "where" => Op::Where,
        "argmax" => Op::ArgReduce { axis: line.axis(0), keep_dims: line.flag("keep") },
        "softmax" => Op::Softmax { axis: line.axis(-1), log: false },
        "logsoftmax" => Op::Softmax { axis: line.axis(-1), log: true },
        "stack" => Op::Stack { axis: line.axis(0) },
        "slice" => Op::Slice,
        "stridedslice" => Op::StridedSlice(masks(line)),
        "gather" => Op::Gather { axis: line.axis(0) },
        "reshape" => Op::Reshape(Reshape::To { allow_zero: line.flag("allow_zero") }),
        "flatten" => Op::Reshape(Reshape::Flatten { axis: line.axis(1) }),
        "squeeze" => Op::Reshape(Reshape::Squeeze),
        "unsqueeze" => Op::Reshape(Reshape::Unsqueeze),
        "transpose" => Op::Transpose(permutation(line)),
        "expand" => Op::Expand,
        "tile" => Op::Tile,
        "pad" => Op::Pad,
        "resize" => Op::Resize(ResizeMode::Nearest),
        "d2s" => Op::DepthToSpace(block(), layout),
        "s2d" => Op::SpaceToDepth(block(), layout),
        "cast" => Op::Cast(dtype_named(line.args.get(1)?)),
        "shape" => Op::Shape {
            start: line.option("start").map_or(0, |text| ints(text)[0]),
            end: line.option("end").map(|text| ints(text)[0]),
        },
        "size" => Op::Size,
        "constantofshape" => Op::ConstantOfShape(dtype_named(line.option("type")?)),
        "range" => Op::Range,
        "topk" => Op::TopK { axis: line.axis(-1) },
        _ => return reduction(line).or_else(|| recurrent(line)),
    })
}

fn reduction(line: &Line<'_>) -> Option<Op> {
    let kind = match line.word {
        "mean" | "reducemean" => ReduceKind::Mean,
        "reducesum" => ReduceKind::Sum,
        "reducemax" => ReduceKind::Max,
        "reducemin" => ReduceKind::Min,
        "reduceprod" => ReduceKind::Prod,
        "reducel2" => ReduceKind::L2,
        _ => return None,
    };
    Some(Op::Reduce { kind, keep_dims: line.flag("keep") })
}

fn recurrent(line: &Line<'_>) -> Option<Op> {
    let cell = match line.word {
        "rnn" => RecurrentCell::Rnn,
        "gru" => RecurrentCell::Gru,
        "lstm" => RecurrentCell::Lstm,
        _ => return None,
    };
    Some(Op::Recurrent(Recurrent {
        cell,
        hidden: line.number("h").unwrap_or(0),
        bidirectional: line.flag("bi"),
        batch_first: line.flag("batch_first"),
    }))
}

fn masks(line: &Line<'_>) -> StridedSliceMasks {
    let mask = |key| line.number(key).unwrap_or(0) as u32;
    StridedSliceMasks {
        begin: mask("begin"),
        end: mask("end"),
        ellipsis: mask("ellipsis"),
        new_axis: mask("new"),
        shrink_axis: mask("shrink"),
    }
}

fn permutation(line: &Line<'_>) -> Option<smallvec::SmallVec<[usize; 5]>> {
    line.args.get(1).map(|text| ints(text).into_iter().map(|axis| axis as usize).collect())
}

/// Operands of a line, with the options that are operands in the graph.
fn operands<'a>(line: &Line<'a>, op: &Op) -> Vec<Operand<'a>> {
    const FLAGS: [&str; 9] =
        ["same", "same_lower", "ceil", "keep", "ta", "tb", "allow_zero", "bi", "batch_first"];
    let list = |key| line.option(key).map(|text| Operand::Const(Constant::ints(ints(text))));
    let mut operands = match op {
        Op::Transpose(_) | Op::Cast(_) => line.operands(&line.args[1..]),
        Op::Reshape(_) | Op::Slice | Op::StridedSlice(_) | Op::Expand | Op::Tile | Op::Pad => {
            line.with_lists(&FLAGS)
        }
        _ => line.operands(&FLAGS),
    };
    match op {
        Op::Reduce { .. } => operands.extend(list("axes")),
        Op::Resize(_) => operands.extend(resize_operands(line)),
        _ => {}
    }
    operands
}

fn resize_operands<'a>(line: &Line<'a>) -> [Operand<'a>; 3] {
    let absent = || Operand::Name("");
    let scales = line.option("scales").map_or_else(absent, |text| {
        let values: Vec<f64> = text.split(',').filter_map(|n| n.parse().ok()).collect();
        let ty = TensorType::f32([values.len()]);
        Operand::Const(Constant { ty, values: Some(crate::tensor::Values::Floats(values)) })
    });
    let sizes = line.option("sizes");
    let sizes = sizes.map_or_else(absent, |text| Operand::Const(Constant::ints(ints(text))));
    [absent(), scales, sizes]
}

fn constant(line: &Line<'_>) -> Constant {
    match line.option("") {
        Some(values) => Constant::ints(ints(values)),
        None => Constant::opaque(tensor_type(line.args[0])),
    }
}

fn vector(length: usize) -> Constant {
    Constant::opaque(TensorType::f32([length]))
}
