//! Measure, fit, package, predict: the whole way from a runtime to a device of nnmeter's.
//!
//!     cargo run -- toy_cpu.nnmeter

use std::error::Error;
use std::path::PathBuf;

use nnmeter_hardware::backend::{Backend, Backends, Measurement, Model, Options};
use nnmeter_hardware::measure::{Log, Plan, measure};
use nnmeter_hardware::package::{Metric, Package};
use nnmeter_hardware::registry::Registry;
use toy_device::devices::DataSheets;
use toy_device::fit::{self, Measured};
use toy_device::{networks, register_backends};

/// Rounds of measuring: odd and even ones are compared, so there must be some of each.
const ROUNDS: usize = 8;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).map_or("toy_cpu.nnmeter".into(), PathBuf::from);
    let mut backends = Backends::default();
    register_backends(&mut backends)?;
    let backend = backends.open("toy", &Options::default())?;

    let (families, models): (Vec<&str>, Vec<Model>) = networks::all()?.into_iter().unzip();
    println!("measuring {} networks, {ROUNDS} rounds", models.len());
    let plan = Plan { rounds: ROUNDS, ..Plan::default() };
    let results = measure(&*backend, &models, &plan, &mut Log::in_memory(), &mut |_| ())?;
    let measurements = results.into_iter().collect::<Result<Vec<Measurement>, _>>()?;
    let rows = families.iter().zip(&models).zip(&measurements);
    let measured: Vec<Measured<'_>> = rows
        .map(|((family, model), measurement)| Measured { family, model, measurement })
        .collect();
    print_repeatability(&measurements);

    let package = fit::package("toy_cpu", backend.identity(), &measured)?;
    for row in package.accuracy.iter().map(|table| &table.overall) {
        let [within_10, rmspe] = [row.within_10, row.rmspe].map(|share| 100.0 * share);
        println!("families left out: {within_10:.0} % within 10 %, RMSPE {rmspe:.1} %");
    }
    package.write(&path)?;
    println!("wrote {}", path.display());
    print_kernels(&*backend, &models[0])?;
    predict(&package, &measured)
}

fn print_repeatability(measurements: &[Measurement]) {
    let apart = measurements.iter().filter_map(|one| one.repeatability(Metric::Latency));
    let mut apart: Vec<f64> = apart.collect();
    apart.sort_by(f64::total_cmp);
    let median = apart.get(apart.len() / 2).copied().unwrap_or(f64::NAN);
    println!(
        "the half of the rounds differs from the other by {:.1} % in the middle",
        100.0 * median
    );
}

/// What the runtime tells of a network that it runs.
fn print_kernels(backend: &dyn Backend, model: &Model) -> Result<(), Box<dyn Error>> {
    println!("\n{} as the runtime executes it:", model.name());
    for profiled in backend.prepare(model)?.profile()?.unwrap_or_default() {
        let cost: f64 = profiled.samples.iter().map(|sample| sample.value).sum();
        println!(
            "  {:<15} {cost:8.4} ms  {}",
            profiled.kernel.name,
            profiled.kernel.nodes.join(" ")
        );
    }
    Ok(())
}

/// Predictions of the new device and of the one from a data sheet, by way of the registry.
fn predict(package: &Package, measured: &[Measured<'_>]) -> Result<(), Box<dyn Error>> {
    let mut registry = Registry::built_in();
    registry.register(package)?;
    registry.register(&DataSheets)?;
    for name in ["toy_cpu", "sheet_npu@1.0"] {
        let device = registry.open(name)?;
        println!("\n{} (ms, interval; what the toy runtime took):", device.device().title);
        for Measured { model, measurement, .. } in measured.iter().step_by(2) {
            let prediction = device.latency()?.predict(model.graph());
            let interval = match prediction.interval {
                Some(interval) => format!("{:.4} to {:.4}", interval.low.0, interval.high.0),
                None => "not known".to_owned(),
            };
            let took = measurement.minimum(Metric::Latency).unwrap_or(f64::NAN);
            let (name, total) = (model.name(), prediction.total.0);
            println!("  {name:<15} {total:8.4} ({interval}; {took:.4})");
        }
    }
    Ok(())
}
