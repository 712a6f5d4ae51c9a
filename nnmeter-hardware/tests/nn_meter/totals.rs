//! The compatibility mode gives the totals of the real nn-Meter 2.0, to the last bit.

use std::collections::BTreeMap;
use std::path::Path;

use expect_test::expect;
use nnmeter_core::import::{self, Format};
use nnmeter_hardware::error::Result;
use nnmeter_hardware::nn_meter::{self, CompatPrediction, IrGraph};
use nnmeter_hardware::registry::{OpenDevice, Origin};

use super::{fixtures, package};

fn device(rules: &str) -> OpenDevice {
    let rules = std::fs::read(fixtures().join("rules").join(rules)).unwrap();
    OpenDevice::new(package(&rules), Origin::BuiltIn)
}

fn predict(model: &str, device: &OpenDevice) -> Result<CompatPrediction> {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/models");
    let folders = [models, fixtures()];
    let path = folders.iter().map(|folder| folder.join(model)).find(|path| path.exists());
    let bytes = std::fs::read(path.unwrap()).unwrap();
    let graph = match Format::detect(&bytes)? {
        Format::NnMeterIr => IrGraph::from_json(&bytes),
        format => IrGraph::of(&import::read(bytes.into(), Some(format))?.infer_shapes()?),
    };
    nn_meter::predict(graph?, device)
}

/// Of Python's `float.hex`.
fn parse(hex: &str) -> Option<f64> {
    let (mantissa, exponent) = hex.strip_prefix("0x1.")?.split_once('p')?;
    let mantissa = u64::from_str_radix(mantissa, 16).ok()?;
    let exponent: i64 = exponent.parse().ok()?;
    Some(f64::from_bits(((exponent + 1023) as u64) << 52 | mantissa))
}

#[test]
fn totals_are_nn_meters() {
    let text = std::fs::read_to_string(fixtures().join("totals.json")).unwrap();
    let totals: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_str(&text).unwrap();
    let mut compared = 0;
    for (rules, totals) in totals {
        let device = device(&format!("{rules}.json"));
        for (model, expected) in totals {
            match (predict(&model, &device), parse(&expected)) {
                (Ok(found), Some(total)) => {
                    assert_eq!(found.total.0.to_bits(), total.to_bits(), "{rules}, {model}");
                    compared += 1;
                }
                (Err(error), None) => assert!(error.to_string().contains("nn-Meter 2.0 ends")),
                (found, _) => panic!("{rules}, {model}: {found:?}, and not {expected}"),
            }
        }
    }
    assert!(compared >= 60, "{compared} totals");
}

/// Kernels, costs and quirks of the graph in which they come together.
#[test]
fn quirks_are_named() {
    let mut text = String::new();
    for rules in ["cortexA76cpu_tflite21.json", "first_consumer.json"] {
        text += &format!("{rules}\n");
        for kernel in predict("quirks.json", &device(rules)).unwrap().kernels {
            let cost = kernel.cost.map_or("-".to_owned(), |cost| format!("{:.3}", cost.0));
            let quirks: Vec<&str> = kernel.quirks.iter().map(|quirk| quirk.name()).collect();
            text += &format!("  {} {cost} {}\n", kernel.op, quirks.join("; "));
        }
    }
    expect![[r#"
        cortexA76cpu_tflite21.json
          conv 1.530 
          BiasAdd - has no features
          relu 0.520 
          conv 1.530 groups are not looked at
          dwconv-bn-relu 1.479 
          relu 0.520 
          add 0.736 
          mul - has no features
          maxpool 1.789 
          relu 0.520 
          add 0.736 
          mul - has no features
          maxpool 1.789 
          relu 0.520 
          add 0.736 
          mul - has no features
          maxpool 1.789 
          concat 2.012 of more than 4 operands 4 are looked at
          add 0.736 operand shapes are overwritten
          concat 1.308 
          split 0.902 
          transpose - costs nothing
          channelshuffle 0.578 
          relu 0.547 
          relu 0.547 
          Sigmoid - has no features
          add 0.736 
          add 0.736 operand shapes are overwritten
          gap 0.554 height is taken to be 1
          fc 0.826 
          relu 0.547 
        first_consumer.json
          conv 1.530 
          BiasAdd - has no features
          relu 0.520 
          conv 1.530 groups are not looked at
          dwconv-bn-relu-relu-add-mul-relu-add-mul-relu-add-mul-concat-add-concat-transpose-channelshuffle-add-gap 1.479 
          maxpool 1.789 
          maxpool 1.789 
          maxpool 1.789 
          split-relu-relu-add - has no features
          Sigmoid - has no features
          fc-relu 0.826 
    "#]].assert_eq(&text);
}

#[test]
fn what_nn_meter_fails_on_is_named() {
    let device = device("cortexA76cpu_tflite21.json");
    let node = |inbounds: &str, kind: &str, rest: &str| {
        format!("{{\"inbounds\": [{inbounds}], \"attr\": {{\"type\": {kind:?}, {rest}}}}}")
    };
    let shapes = "\"input_shape\": [[1, 8, 8, 3]], \"output_shape\": [[1, 8, 8, 3]], \"attr\": {}";
    let vector = "\"input_shape\": [[3]], \"output_shape\": [[3]], \"attr\": {}";
    let relu = node("", "Relu", shapes);
    let graphs = [
        "[]".to_owned(),
        "{\"a\": {}}".to_owned(),
        format!("{{\"a\": {relu}, \"b\": {}}}", node("\"a\"", "Conv2D", shapes)),
        format!("{{\"a\": {relu}, \"b\": {}}}", node("\"a\"", "Identity", shapes)),
        format!("{{\"a\": {relu}, \"b\": {}}}", node("\"a\"", "Flatten", "\"attr\": {}")),
        format!("{{\"a\": {}, \"b\": {relu}}}", node("\"b\"", "BatchNormalization", vector)),
        format!("{{\"a\": {relu}, \"b\": {}}}", node("\"a\"", "Add", "\"input_shape\": []")),
        format!("{{\"a\": {relu}, \"b\": {}}}", node("\"a\"", "Mul", "\"attr\": {}")),
        format!(
            "{{\"a\": {}, \"b\": {}}}",
            node("\"b\"", "Relu", shapes),
            node("\"a\"", "Relu", shapes)
        ),
    ];
    let found = graphs.map(|graph| {
        let graph = IrGraph::from_json(graph.as_bytes());
        graph.and_then(|graph| nn_meter::predict(graph, &device)).unwrap_err().to_string()
    });
    expect![[r#"
        nn-Meter IR: invalid type: sequence, expected an object of nodes at line 1 column 0; expected an object of nodes with inbounds and attr
        nn-Meter IR: missing field `attr` at line 1 column 8; expected an object of nodes with inbounds and attr
        node "b": conv has no window; nn-Meter 2.0 ends with an exception here
        node "a": is read by "b", no kernel; nn-Meter 2.0 ends with an exception here
        node "b": no input_shape or output_shape; nn-Meter 2.0 ends with an exception here
        node "a": bn has no such extent of an input; nn-Meter 2.0 ends with an exception here
        node "b": no shape of an operand; nn-Meter 2.0 ends with an exception here
        node "b": no input_shape or output_shape; nn-Meter 2.0 ends with an exception here
        node "a": lies on a cycle; nn-Meter 2.0 ends with an exception here"#]].assert_eq(&found.join("\n"));
}

#[test]
fn graphs_without_kernels_cost_nothing() {
    let device = device("cortexA76cpu_tflite21.json");
    let found = nn_meter::predict(IrGraph::from_json(b"{}").unwrap(), &device).unwrap();
    assert_eq!((found.total.0, found.kernels.len()), (0.0, 0));
}

/// Damaged graphs give totals or errors, and graphs full of a pattern come to an end.
#[test]
fn broken_graphs() {
    let device = device("first_consumer.json");
    let bytes = std::fs::read(fixtures().join("quirks.json")).unwrap();
    for at in (0..bytes.len()).step_by(7) {
        let mut broken = bytes.clone();
        broken[at] = [b'0', b'"', b'9', b'['][at % 4];
        for bytes in [&broken[..], &bytes[..at]] {
            let _ = IrGraph::from_json(bytes).and_then(|graph| nn_meter::predict(graph, &device));
        }
    }
    let layers = [("Add", 0i32), ("Relu", 1), ("Mul", 2), ("Mul", 3)];
    let nodes = layers.iter().flat_map(|(kind, layer)| {
        let inbounds = (0..80).map(|node| format!("\"{}_{node}\"", layer - 1)).collect::<Vec<_>>();
        let inbounds = if *layer > 0 { inbounds.join(",") } else { String::new() };
        (0..80).map(move |node| {
            let shapes = "\"input_shape\": [[1, 8, 8, 3]], \"output_shape\": [[1, 8, 8, 3]]";
            format!(
                "\"{layer}_{node}\": {{\"inbounds\": [{inbounds}], \
                 \"attr\": {{\"type\": \"{kind}\", {shapes}}}}}"
            )
        })
    });
    let graph = format!("{{{}}}", nodes.collect::<Vec<_>>().join(","));
    let graph = IrGraph::from_json(graph.as_bytes()).unwrap();
    let error = nn_meter::predict(graph, &device).unwrap_err().to_string();
    assert_eq!(error, "nn-Meter IR: more than 4194304 ways to look for hswish");
}
