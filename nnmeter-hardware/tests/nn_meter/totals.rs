//! The compatibility mode gives nn-Meter's totals to the last bit.

use std::collections::BTreeMap;
use std::path::Path;

use nnmeter_core::export;
use nnmeter_core::import::{self, Format};
use nnmeter_hardware::nn_meter::{self, IrGraph};
use nnmeter_hardware::open::OpenDevice;
use nnmeter_hardware::registry::Origin;

use super::{fixtures, package};

#[test]
fn totals_are_nn_meters() {
    let text = std::fs::read_to_string(
        std::env::var("TOTALS").map_or(fixtures().join("totals.json"), Into::into),
    )
    .unwrap();
    let totals: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_str(&text).unwrap();
    for (device, totals) in totals {
        let rules = std::fs::read(format!("/work/shared/data/fusion-rules/{device}.json")).unwrap();
        let open = OpenDevice::new(package(&rules), Origin::BuiltIn);
        let (mut good, mut n) = (0, 0);
        for (model, expected) in totals {
            let path =
                ["/work/shared/data/models/", "/work/wt/pickle/tests/models/", "/tmp/pickle/irs/"]
                    .map(|f| Path::new(f).join(&model))
                    .into_iter()
                    .find(|p| p.exists())
                    .unwrap();
            let bytes = std::fs::read(path).unwrap();
            let graph = match Format::detect(&bytes).unwrap() {
                Format::NnMeterIr => IrGraph::from_json(&bytes),
                _ => {
                    let typed = import::read(bytes.into(), None).unwrap().infer_shapes().unwrap();
                    let json = export::nnmeter_ir::write(&typed).unwrap();
                    IrGraph::from_json(json.to_string().as_bytes())
                }
            };
            let found = graph.and_then(|graph| nn_meter::predict(graph, &open));
            let expected_ms = parse(&expected);
            n += 1;
            match (&found, expected_ms) {
                (Ok(found), Some(ms)) if found.total.0.to_bits() == ms.to_bits() => good += 1,
                (Ok(found), _) => {
                    println!("{device} {model}: {} but {expected_ms:?} {expected}", found.total.0);
                    if std::env::var("ALL").is_ok() {
                        for k in &found.kernels {
                            println!("   {} {:?} {:?} {:?}", k.op, k.cost, k.nodes, k.quirks);
                        }
                    }
                }
                (Err(error), None) => {
                    println!("{device} {model} both fail: {error} / {expected}");
                    good += 1;
                }
                (Err(error), _) => println!("{device} {model}: {error} but {expected}"),
            }
        }
        println!("{device}: {good} of {n}");
    }
    panic!();
}

fn parse(hex: &str) -> Option<f64> {
    let (mantissa, exponent) = hex.strip_prefix("0x1.")?.split_once('p')?;
    let bits = u64::from_str_radix(mantissa, 16).ok()?;
    let exponent: i64 = exponent.parse().ok()?;
    Some(f64::from_bits(((exponent + 1023) as u64) << 52 | bits))
}
