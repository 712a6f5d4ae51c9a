//! Totals that repeat nn-Meter's, as people and as machines read them.

use nnmeter_core::units::{Millis, Unit};
use nnmeter_hardware::nn_meter::{CompatKernel, CompatPrediction, Quirk};
use nnmeter_hardware::registry::OpenDevice;
use serde_json::{Value, json};

use crate::report::plain_table;

/// What to print of a prediction: a table, or one line of JSON.
pub(crate) fn report(
    file: &str,
    device: &OpenDevice,
    prediction: &CompatPrediction,
    json: bool,
) -> String {
    match json {
        true => format!("{}\n", object(file, device, prediction)),
        false => text(file, &device.device().name, prediction),
    }
}

fn object(file: &str, device: &OpenDevice, prediction: &CompatPrediction) -> Value {
    let kernel = |kernel: &CompatKernel| {
        json!({
            "kind": kernel.op,
            "nodes": kernel.nodes,
            Millis::SUFFIX: kernel.cost.map(Unit::value),
            "quirks": kernel.quirks.iter().map(|quirk| quirk.name()).collect::<Vec<_>>(),
        })
    };
    json!({
        "file": file,
        "device": device.device().name,
        "version": device.version().to_string(),
        "compat": "nn-meter",
        format!("total_{}", Millis::SUFFIX): prediction.total.value(),
        "kernels": prediction.kernels.iter().map(kernel).collect::<Vec<_>>(),
    })
}

fn text(file: &str, device: &str, prediction: &CompatPrediction) -> String {
    let mut table = plain_table(&["first node", "kernel", "ms", "nn-Meter's quirks"]);
    let mut quirks: Vec<Quirk> = Vec::new();
    for kernel in &prediction.kernels {
        let names: Vec<&str> = kernel.quirks.iter().map(|quirk| quirk.name()).collect();
        table.add_row(vec![
            kernel.nodes.first().cloned().unwrap_or_default(),
            kernel.op.clone(),
            kernel.cost.map_or("-".to_owned(), |cost| format!("{:.4}", cost.value())),
            names.join("; "),
        ]);
        quirks.extend(&kernel.quirks);
    }
    quirks.sort_unstable();
    quirks.dedup();
    let places = quirks.iter().map(|quirk| format!("{quirk}: nn_meter/{}\n", quirk.place()));
    let total = prediction.total;
    let kernels = table.trim_fmt();
    format!(
        "{file} on {device}: {total:.4}, which is nn-Meter's total\n\n{kernels}\n{}\n",
        places.collect::<String>()
    )
}
