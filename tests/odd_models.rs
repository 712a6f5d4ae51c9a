//! Odd but valid ONNX models: each gets a right number or is reported, never a silent zero.
//!
//! The models are encoded here, field by field, so that what is odd about one can be read beside
//! what becomes of it. Weights have types only.

mod support;

use expect_test::{Expect, expect};
use serde_json::Value;
use support::{DEVICE, Run, json_lines, nnmeter_with};

/// A protobuf message under construction.
#[derive(Clone, Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(mut self, mut value: u64) -> Self {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
        self
    }

    fn int(self, field: u64, value: i64) -> Self {
        self.varint(field << 3).varint(value as u64)
    }

    fn bytes(self, field: u64, bytes: &[u8]) -> Self {
        let mut message = self.varint(field << 3 | 2).varint(bytes.len() as u64);
        message.0.extend(bytes);
        message
    }

    fn all<T: AsRef<[u8]>>(self, field: u64, list: &[T]) -> Self {
        list.iter().fold(self, |message, bytes| message.bytes(field, bytes.as_ref()))
    }
}

/// A model with the input `x`, whose last node's first output is its output.
#[derive(Clone)]
struct Model {
    graph: Message,
    last: String,
}

impl Model {
    fn new(x: &[i64]) -> Self {
        let dim =
            |shape: Message, &extent: &i64| shape.bytes(1, &Message::default().int(1, extent).0);
        let shape = x.iter().fold(Message::default(), dim);
        let tensor = Message::default().int(1, 1).bytes(2, &shape.0);
        let ty = Message::default().bytes(1, &tensor.0);
        let input = Message::default().bytes(1, b"x").bytes(2, &ty.0);
        Self { graph: Message::default().bytes(11, &input.0), last: String::new() }
    }

    /// A weight by its type: 1 is float, 2 and 3 are bytes.
    fn weight(mut self, name: &str, element: i64, dims: &[i64]) -> Self {
        let tensor = dims.iter().fold(Message::default(), |tensor, &dim| tensor.int(1, dim));
        self.graph = self.graph.bytes(5, &tensor.int(2, element).bytes(8, name.as_bytes()).0);
        self
    }

    /// A node called as its operator, with attributes that are integers.
    fn node(self, op: &str, inputs: &[&str], output: &str, ints: &[(&str, &[i64])]) -> Self {
        self.node_of_domain("", op, inputs, output, ints)
    }

    fn node_of_domain(
        mut self,
        domain: &str,
        op: &str,
        inputs: &[&str],
        output: &str,
        ints: &[(&str, &[i64])],
    ) -> Self {
        let node = Message::default().all(1, inputs).all(2, &[output]).all(3, &[op]).all(4, &[op]);
        let node = ints.iter().fold(node.all(7, &[domain]), |node, (name, values)| {
            let attribute = Message::default().all(1, &[name]);
            let attribute = match values {
                [value] => attribute.int(3, *value).int(20, 2),
                values => values.iter().fold(attribute, |a, &value| a.int(8, value)).int(20, 7),
            };
            node.bytes(5, &attribute.0)
        });
        self.graph = self.graph.bytes(1, &node.0);
        output.clone_into(&mut self.last);
        self
    }

    fn bytes(self) -> Vec<u8> {
        let output = Message::default().all(1, &[&self.last]);
        let opset = Message::default().int(2, 20);
        let graph = self.graph.bytes(12, &output.0);
        Message::default().int(1, 8).bytes(7, &graph.0).bytes(8, &opset.0).0
    }

    fn run(&self, arguments: &[&str]) -> Run {
        nnmeter_with(arguments, &self.clone().bytes(), &[])
    }

    fn predict(self) -> Value {
        json_lines(&self.run(&["predict", "-", "-d", DEVICE, "--json"]).out).remove(0)
    }
}

fn image() -> Model {
    Model::new(&[1, 16, 28, 28])
}

/// Kernels with where they lie outside the fitted region, and what has no price.
fn summary(line: &Value) -> String {
    if let Some(message) = line["error"]["message"].as_str() {
        return format!("error: {message}\n");
    }
    let mut text = String::new();
    for kernel in line["kernels"].as_array().expect("kernels") {
        assert!(kernel["ms"].as_f64().expect("a number") > 0.0, "{kernel}");
        let (kind, outside) = (&kernel["kind"], &kernel["outside_fitted_range"]);
        text.push_str(&format!("{} {}", kind.as_str().expect("a kind"), kernel["config"]));
        let outside = if outside.is_null() { String::new() } else { format!(" outside {outside}") };
        text.push_str(&format!("{outside}\n"));
    }
    for uncovered in line["uncovered"].as_array().expect("a list") {
        let text_of = |key: &str| uncovered[key].as_str().expect("a text");
        text.push_str(&format!("uncovered {}: {}\n", text_of("op"), text_of("reason")));
    }
    text
}

fn check(model: Model, expected: Expect) {
    expected.assert_eq(&summary(&model.predict()));
}

fn total(model: Model) -> f64 {
    model.predict()["total_ms"].as_f64().expect("a total")
}

fn product(rows: i64) -> Model {
    let model = Model::new(&[1, rows, 768]).weight("w", 1, &[768, 3072]);
    model.node("MatMul", &["x", "w"], "y", &[])
}

#[test]
fn every_row_of_a_product_is_paid_for() {
    let (one, all) = (total(product(1)), total(product(197)));
    assert!(all / one > 50.0, "{one} and {all}");
    let conv = Model::new(&[1, 768, 1, 197]).weight("w", 1, &[3072, 768, 1, 1]);
    let conv = total(conv.node("Conv", &["x", "w"], "y", &[]));
    assert!((all / conv - 1.0).abs() < 1e-9, "{all} and {conv}");
    check(
        product(1),
        expect![[r#"
        fc {"batch":1,"cin":768,"cout":3072,"input":[1,1],"output":[1,1]}
    "#]],
    );
    check(
        product(197),
        expect![[r#"
        fc {"batch":1,"cin":768,"cout":3072,"dilation":[1,1],"groups":1,"input":[1,197],"kernel":[1,1],"output":[1,197],"stride":[1,1]} outside ["height","aspect","cout"]
    "#]],
    );
}

#[test]
fn a_transposed_operand_does_not_turn_channels_into_rows() {
    let model = Model::new(&[64, 3]).weight("w", 1, &[64, 32]);
    check(
        model.node("Gemm", &["x", "w"], "y", &[("transA", &[1])]),
        expect![[r#"
        fc {"batch":3,"cin":64,"cout":32,"dilation":[1,1],"groups":1,"input":[1,1],"kernel":[1,1],"output":[1,1],"stride":[1,1]} outside ["batch","height","width"]
    "#]],
    );
    let model = Model::new(&[64, 3]).weight("w", 1, &[32, 64]);
    check(
        model.node("MatMul", &["w", "x"], "y", &[]),
        expect![[r#"
        fc {"batch":32,"cin":64,"cout":3,"dilation":[1,1],"groups":1,"input":[1,1],"kernel":[1,1],"output":[1,1],"stride":[1,1]} outside ["batch","height","width"]
    "#]],
    );
}

#[test]
fn what_is_not_measured_is_named() {
    let layer = |op: &str, extra: &[&str]| {
        let inputs: Vec<&str> = ["x"].iter().chain(extra).copied().collect();
        let model = image().weight("w", 1, &[16]).weight("t", 1, &[16, 8, 2, 2]);
        summary(&model.node(op, &inputs, "y", &[]).predict())
    };
    let mut text = String::new();
    for op in ["Gelu", "LeakyRelu", "Sigmoid", "If", "Mish"] {
        text.push_str(&layer(op, &[]));
    }
    text.push_str(&layer("InstanceNormalization", &["w", "w"]));
    text.push_str(&layer("ConvTranspose", &["t"]));
    text.push_str(&summary(&image().node_of_domain("acme", "Op", &["x"], "y", &[]).predict()));
    expect![[r#"
        uncovered Gelu: the device has no measurements of kernels of kind gelu
        uncovered LeakyRelu: the device has no measurements of kernels of kind leakyrelu
        uncovered Sigmoid: the device has no measurements of kernels of kind sigmoid
        uncovered If: its shape is not known, for want of a shape rule for node #1 "If" (If)
        uncovered Mish: the device has no measurements of kernels of kind unary
        uncovered InstanceNormalization: the device has no measurements of kernels of kind norm
        uncovered ConvTranspose: the device has no measurements of kernels of kind convtrans
        uncovered acme::Op: its shape is not known, for want of a shape rule for node #1 "Op" (acme::Op)
    "#]].assert_eq(&text);
}

#[test]
fn a_recurrent_layer_alone_totals_a_plain_zero() {
    let model =
        Model::new(&[10, 1, 16]).weight("w", 1, &[1, 128, 16]).weight("r", 1, &[1, 128, 32]);
    let model = model.node("LSTM", &["x", "w", "r"], "y", &[("hidden_size", &[32])]);
    let run = model.run(&["predict", "-", "-d", DEVICE, "--json"]);
    assert_eq!(run.code, 1);
    assert!(run.out.contains("\"total_ms\":0.0,"), "{run:?}");
    let run = model.run(&["predict", "-", "-d", DEVICE]);
    assert!(run.out.contains(": no price, since none of its operators has one"), "{run:?}");
}

#[test]
fn quantised_models_have_shapes_and_name_the_conversions() {
    let model = image().weight("s", 1, &[]).weight("z", 2, &[]).weight("w", 3, &[16, 16, 3, 3]);
    let model = model
        .node("QuantizeLinear", &["x", "s", "z"], "q", &[])
        .node("DequantizeLinear", &["q", "s", "z"], "d", &[])
        .node("DequantizeLinear", &["w", "s"], "v", &[])
        .node("Conv", &["d", "v"], "y", &[("pads", &[1, 1, 1, 1])]);
    check(
        model,
        expect![[r#"
        conv {"batch":1,"cin":16,"cout":16,"dilation":[1,1],"groups":1,"input":[28,28],"kernel":[3,3],"output":[28,28],"stride":[1,1]}
        uncovered QuantizeLinear: the device has no measurements of kernels of kind unary
        uncovered DequantizeLinear: the device has no measurements of kernels of kind unary
    "#]],
    );
}

fn conv(x: &[i64], w: &[i64], ints: &[(&str, &[i64])]) -> Model {
    Model::new(x).weight("w", 1, w).node("Conv", &["x", "w"], "y", ints)
}

#[test]
fn convolutions_of_every_shape() {
    let square = [1, 16, 28, 28];
    let models = [
        conv(&square, &[32, 4, 3, 3], &[("group", &[4])]),
        conv(&square, &[16, 16, 3, 3], &[("dilations", &[2, 2]), ("pads", &[2, 2, 2, 2])]),
        conv(&square, &[16, 16, 1, 7], &[("pads", &[0, 3, 0, 3])]),
        conv(&square, &[16, 16, 7, 1], &[("pads", &[3, 0, 3, 0])]),
        conv(&square, &[16, 16, 3, 3], &[("strides", &[2, 1])]),
        conv(&[1, 16, 112, 28], &[16, 16, 1, 1], &[]),
        conv(&[1, 1, 28, 28], &[16, 1, 3, 3], &[]),
        conv(&[4, 16, 28, 28], &[16, 16, 1, 1], &[]),
        conv(&[1, 16, 100], &[32, 16, 3], &[]),
        conv(&[1, 3, 8, 28, 28], &[8, 3, 3, 3, 3], &[]),
        conv(&square, &[16, 16, 3, 3], &[("kernel_shape", &[5, 5])]),
        conv(&square, &[16, 8, 3, 3], &[]),
    ];
    let text: String = models.into_iter().map(|model| summary(&model.predict())).collect();
    expect![[r#"
        conv {"batch":1,"cin":16,"cout":32,"dilation":[1,1],"groups":4,"input":[28,28],"kernel":[3,3],"output":[26,26],"stride":[1,1]} outside ["groups"]
        conv {"batch":1,"cin":16,"cout":16,"dilation":[2,2],"groups":1,"input":[28,28],"kernel":[3,3],"output":[28,28],"stride":[1,1]} outside ["dilation"]
        conv {"batch":1,"cin":16,"cout":16,"dilation":[1,1],"groups":1,"input":[28,28],"kernel":[1,7],"output":[28,28],"stride":[1,1]}
        conv {"batch":1,"cin":16,"cout":16,"dilation":[1,1],"groups":1,"input":[28,28],"kernel":[7,1],"output":[28,28],"stride":[1,1]}
        conv {"batch":1,"cin":16,"cout":16,"dilation":[1,1],"groups":1,"input":[28,28],"kernel":[3,3],"output":[13,26],"stride":[2,1]} outside ["stride_aspect"]
        conv {"batch":1,"cin":16,"cout":16,"dilation":[1,1],"groups":1,"input":[112,28],"kernel":[1,1],"output":[112,28],"stride":[1,1]} outside ["aspect"]
        conv {"batch":1,"cin":1,"cout":16,"dilation":[1,1],"groups":1,"input":[28,28],"kernel":[3,3],"output":[26,26],"stride":[1,1]} outside ["cin"]
        conv {"batch":4,"cin":16,"cout":16,"dilation":[1,1],"groups":1,"input":[28,28],"kernel":[1,1],"output":[28,28],"stride":[1,1]} outside ["batch"]
        conv {"batch":1,"cin":16,"cout":32,"dilation":[1,1],"groups":1,"input":[1,100],"kernel":[1,3],"output":[1,98],"stride":[1,1]} outside ["height","aspect"]
        conv {"batch":1,"cin":3,"cout":8,"dilation":[1,1],"groups":1,"input":[8,28,28],"kernel":[3,3,3],"output":[6,26,26],"stride":[1,1]} outside ["depth"]
        error: node "Conv" (Conv), attribute "kernel_shape": 5x5; expected 3x3, as its weight says
        error: node #2 "Conv": input has 16 channels; expected 8, as its weight says
    "#]].assert_eq(&text);
}

#[test]
fn what_nn_meter_ir_cannot_say_is_not_converted() {
    let convert = |model: Model| {
        let run = model.run(&["convert", "-"]);
        assert_eq!((run.code, run.out.as_str()), (1, ""), "{run:?}");
        run.err
    };
    let vendors = image().node_of_domain("acme", "Op", &["x"], "y", &[]);
    let volume = conv(&[1, 3, 8, 28, 28], &[8, 3, 3, 3, 3], &[]);
    let text = [convert(product(197)), convert(vendors), convert(volume)].concat();
    expect![[r#"
        error: -: node #2 "MatMul": multiplies tensors of 3 axes; expected products of matrices, which is what nn-Meter IR can say
        error: -: node #1 "Op": has no known shape, for want of a shape rule for acme::Op; expected operators of known shapes, which is what nn-Meter IR can say
        error: -: node #2 "Conv": works on volumes; expected operators on images, which is what nn-Meter IR can say
    "#]].assert_eq(&text);
}

#[test]
fn standard_input_is_read_once() {
    let run = image().node("Relu", &["x"], "y", &[]).run(&["predict", "-", "-", "-d", DEVICE]);
    assert_eq!((run.code, run.out.as_str()), (2, ""), "{run:?}");
    assert!(run.err.contains("is given twice"), "{}", run.err);
}
