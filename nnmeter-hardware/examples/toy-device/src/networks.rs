//! The networks to measure: four families of small image classifiers, as nn-Meter IR.
//!
//! They take a few milliseconds at most, less than a busy machine's scheduler lets a thread run: of
//! longer ones, wall time would tell how busy it is.
//!
//! Their bytes might as well be ONNX files; a backend gets whatever format they come in.

use nnmeter_hardware::backend::Model;
use nnmeter_hardware::error::Result;
use serde_json::{Map, Value, json};

/// The families.
pub const FAMILIES: [&str; 4] = ["plain", "bottleneck", "pooled", "wide"];

/// How many networks each family has.
pub const SIZES: usize = 6;

/// All of them with their families.
///
/// # Errors
/// None, unless there is a mistake here.
pub fn all() -> Result<Vec<(&'static str, Model)>> {
    let sizes = |family| (0..SIZES).map(move |size| (family, size));
    FAMILIES.into_iter().flat_map(sizes).map(|(family, size)| one(family, size)).collect()
}

/// The network of a family with the number `size`, from the smallest up.
///
/// # Errors
/// As for [`all`].
pub fn one(family: &'static str, size: usize) -> Result<(&'static str, Model)> {
    let mut chain = Chain::new(16 + 4 * size, 3);
    let width = 8 + 8 * (size % 3);
    chain.conv(3, 2, width);
    for depth in 0..3 + size % 3 {
        match family {
            "bottleneck" => [(1, width), (3, width), (1, 2 * width)]
                .into_iter()
                .for_each(|(window, channels)| chain.conv(window, 1, channels)),
            "pooled" if depth < 2 => {
                chain.conv(3, 1, 2 * width);
                chain.max_pool();
            }
            "wide" => chain.conv(if depth % 2 == 0 { 5 } else { 1 }, 1, 3 * width / 2),
            _ => chain.conv(3, 1, width),
        }
    }
    chain.classify(100 * (1 + size));
    Ok((family, Model::new(format!("{family}_{size}"), chain.into_bytes())?))
}

/// A network that is a chain, while it grows.
struct Chain {
    nodes: Map<String, Value>,
    last: String,
    side: usize,
    channels: usize,
}

impl Chain {
    fn new(side: usize, channels: usize) -> Self {
        let shape = json!([1, side, side, channels]);
        let input = json!({"inbounds": [], "outbounds": [], "attr": {
            "type": "Placeholder", "attr": {"shape": shape}, "input_shape": [],
            "output_shape": [shape]}});
        let nodes = Map::from_iter([("image".to_owned(), input)]);
        Self { nodes, last: "image".to_owned(), side, channels }
    }

    fn push(&mut self, op: &str, attributes: Value) {
        let name = format!("{op}_{}", self.nodes.len());
        self.nodes[&self.last]["outbounds"] = json!([name]);
        let node = json!({"inbounds": [self.last], "outbounds": [], "attr": {
            "type": op, "attr": attributes, "input_shape": [], "output_shape": []}});
        self.nodes.insert(name.clone(), node);
        self.last = name;
    }

    fn conv(&mut self, window: usize, stride: usize, channels: usize) {
        let weights = json!([window, window, self.channels, channels]);
        self.push(
            "Conv2D",
            json!({"kernel_shape": [window, window], "padding": "SAME",
            "strides": [stride, stride], "weight_shape": weights}),
        );
        self.push("Relu", json!({}));
        (self.side, self.channels) = (self.side.div_ceil(stride), channels);
    }

    fn max_pool(&mut self) {
        self.push("MaxPool", json!({"ksize": [2, 2], "strides": [2, 2], "padding": "SAME"}));
        self.side = self.side.div_ceil(2);
    }

    fn classify(&mut self, classes: usize) {
        self.push("Mean", json!({"axes": [1, 2], "keep_dims": false}));
        self.push("MatMul", json!({"weight_shape": [self.channels, classes]}));
    }

    fn into_bytes(self) -> Vec<u8> {
        Value::Object(self.nodes).to_string().into_bytes()
    }
}
