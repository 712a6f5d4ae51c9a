//! `nnmeter evaluate`: predictions against measured figures of a data set.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use nnmeter_core::predict::Predictor;
use nnmeter_core::units::Unit;
use nnmeter_hardware::accuracy::{Pair, Table, family_of};
use nnmeter_hardware::dataset::{
    Dataset, KernelRecord, Line, Measured, Progress, Record, parallel,
};
use nnmeter_hardware::error::Error;
use nnmeter_hardware::json;
use nnmeter_hardware::package::Metric;

use crate::report::plain_table;
use crate::{accuracy, device};

/// Compare predictions with the measured figures of a data set.
///
/// The data set is in nn-Meter's schema, one model a line. Families are told by the ids: what stands
/// before the last `_`, without digits. A line may also be a single kernel, told by its configuration;
/// those of a kind are a family. Ratios are predicted over measured.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  nnmeter evaluate mobilenetv2s.jsonl.zst --device cortexA76cpu_tflite21
  nnmeter evaluate datasets/ --device cortexA76cpu_tflite21 --json")]
pub(crate) struct Args {
    /// A .jsonl, .jsonl.zst or .zip file, or a folder of them.
    #[arg(value_name = "DATA")]
    data: PathBuf,

    /// The device: its name, or the path of its package.
    #[arg(long, short, value_name = "NAME|FILE")]
    device: String,

    /// What was measured: latency_ms or energy_mj.
    #[arg(long, value_name = "METRIC", default_value = "latency_ms",
          value_parser = device::parse_metric)]
    metric: Metric,

    /// Column of measured figures, in ms or mJ; the device's name if left out.
    #[arg(long, value_name = "NAME")]
    column: Option<String>,

    /// Print one JSON object a family, and last the overall one; shares in percent.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let device = device::open(&args.device)?;
    let column = args.column.clone().unwrap_or_else(|| device.device().name.clone());
    let data = Dataset::open(&args.data)?;
    let tally = match args.metric {
        Metric::Latency => compare(&data, device.latency()?, &column),
        Metric::Energy => compare(&data, device.energy()?, &column),
    };
    tally.report_problems();
    let Some(table) = tally.table() else { anyhow::bail!(tally.nothing(&column)) };
    print(&table, args.json)?;
    Ok(if tally.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What came of the lines of a data set.
#[derive(Default)]
struct Tally {
    pairs: Vec<(String, Pair)>,
    /// Whether the measured figure of each pair lay in the interval, if there was one.
    held: Vec<Option<bool>>,
    columns: BTreeSet<String>,
    unmeasured: usize,
    uncovered: Vec<String>,
    bad: usize,
}

/// What came of one line.
struct Compared {
    id: String,
    family: String,
    columns: Vec<String>,
    measured: Option<f64>,
    /// `None` for a kernel that the device does not price.
    predicted: Option<f64>,
    interval: Option<RangeInclusive<f64>>,
    complete: bool,
}

fn compare<U: Unit>(data: &Dataset, predictor: &Predictor<U>, column: &str) -> Tally {
    let bar = bar(data.bytes());
    let progress = data.progress();
    let mut tally = Tally::default();
    let work = |line: Result<Line, Error>| compare_line(&line?, predictor, column);
    parallel::ordered(data.lines(), None, work, |result: Result<Compared, Error>| {
        match result {
            Ok(compared) => tally.add(compared),
            Err(error) => {
                tally.bad += 1;
                bar.suspend(|| eprintln!("error: {error}"));
            }
        }
        show(&bar, &progress);
    });
    bar.finish_and_clear();
    tally
}

fn compare_line<U: Unit>(
    line: &Line,
    predictor: &Predictor<U>,
    column: &str,
) -> Result<Compared, Error> {
    Ok(match line.parse_any()? {
        Measured::Model(Record { id, figures, graph }) => {
            let prediction = predictor.predict(&graph);
            Compared {
                family: family_of(&id),
                interval: prediction.interval.map(|of| of.low.value()..=of.high.value()),
                complete: prediction.uncovered.is_empty(),
                ..Compared::new(id, figures, column, Some(prediction.total.value()))
            }
        }
        Measured::Kernel(KernelRecord { id, figures, work }) => {
            let cost = predictor.model(work.kind).map(|fitted| fitted.model.cost(&work));
            Compared {
                family: format!("kernel {}", work.kind),
                complete: cost.is_some(),
                ..Compared::new(id, figures, column, cost)
            }
        }
    })
}

impl Compared {
    fn new(
        id: String,
        figures: BTreeMap<String, Option<f64>>,
        column: &str,
        predicted: Option<f64>,
    ) -> Self {
        Self {
            measured: figures.get(column).copied().flatten(),
            columns: figures.into_keys().collect(),
            id,
            family: String::new(),
            predicted,
            interval: None,
            complete: true,
        }
    }
}

/// A bar on standard error; hidden where that is no terminal.
fn bar(bytes: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {percent:>3} %  {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(bytes).with_style(style);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn show(bar: &ProgressBar, progress: &Progress) {
    bar.set_position(progress.bytes());
}

impl Tally {
    fn add(&mut self, compared: Compared) {
        self.columns.extend(compared.columns);
        let Some(measured) = compared.measured else {
            self.unmeasured += 1;
            return;
        };
        if !compared.complete {
            self.uncovered.push(compared.id.clone());
        }
        if let Some(predicted) = compared.predicted {
            self.held.push(compared.interval.map(|interval| interval.contains(&measured)));
            self.pairs.push((compared.family, Pair { measured, predicted }));
        }
    }

    /// Accuracies by family, if anything was compared.
    fn table(&self) -> Option<Table> {
        let pairs = self.pairs.iter().map(|(family, pair)| (family.as_str(), *pair));
        let mut table = Table::of(pairs)?;
        for (family, accuracy) in &mut table.families {
            accuracy.coverage = self.coverage(|other| other == family);
        }
        table.overall.coverage = self.coverage(|_| true);
        Some(table)
    }

    /// Share of figures in their intervals, of the families that `is_in` says, in percent; `None` where
    /// there were no intervals.
    fn coverage(&self, is_in: impl Fn(&str) -> bool) -> Option<f64> {
        let of_families =
            self.pairs.iter().zip(&self.held).filter(|((family, _), _)| is_in(family));
        let held: Vec<bool> = of_families.filter_map(|(_, held)| *held).collect();
        let inside = held.iter().filter(|held| **held).count();
        (!held.is_empty()).then(|| 100.0 * inside as f64 / held.len() as f64)
    }

    fn is_clean(&self) -> bool {
        self.bad == 0 && self.uncovered.is_empty()
    }

    fn report_problems(&self) {
        if self.unmeasured > 0 {
            eprintln!("note: {} lines were not measured on the device", self.unmeasured);
        }
        if self.bad > 0 {
            eprintln!("error: {} lines could not be read and do not count", self.bad);
        }
        if let Some(first) = self.uncovered.first() {
            let count = self.uncovered.len();
            eprintln!(
                "error: {count} lines hold operators that the prediction does not cover (\"{first}\")"
            );
            eprintln!("hint: `nnmeter predict` names those of a model");
        }
    }

    fn nothing(&self, column: &str) -> String {
        let columns: Vec<&str> = self.columns.iter().map(String::as_str).collect();
        if columns.is_empty() {
            return "data set: holds no model with a measured figure".to_owned();
        }
        let columns = columns.join(", ");
        format!("data set: has no figure in column \"{column}\"; it has the columns {columns}")
    }
}

fn print(table: &Table, json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let overall = ("overall".to_owned(), table.overall);
    let rows = table.families.iter().chain([&overall]);
    if json {
        for (family, figures) in rows {
            writeln!(out, "{}", json::accuracy(family, figures))?;
        }
        return Ok(());
    }
    let mut text = plain_table(&accuracy::header("models"));
    for (family, figures) in rows {
        text.add_row(accuracy::cells(family, figures));
    }
    writeln!(out, "{}", text.trim_fmt())?;
    Ok(())
}
