//! `nnmeter evaluate`: predictions against measured figures of a data set.

use std::collections::BTreeSet;
use std::io::Write;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use nnmeter_core::predict::Predictor;
use nnmeter_core::units::Unit;
use nnmeter_hardware::accuracy::{Pair, Table, family_of};
use nnmeter_hardware::dataset::{Dataset, Line, Progress, parallel};
use nnmeter_hardware::error::Error;
use nnmeter_hardware::fit::intervals::Coverage;
use nnmeter_hardware::json;
use nnmeter_hardware::package::Metric;

use crate::report::plain_table;
use crate::{accuracy, device};

/// Compare predictions with the measured figures of a data set.
///
/// The data set is in nn-Meter's schema, one model a line. Families are told by the ids: what stands
/// before the last `_`, without digits. Ratios are predicted over measured.
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
    /// Whether the measured figure of each pair lay in the interval; empty if intervals are not
    /// known.
    held: Vec<bool>,
    columns: BTreeSet<String>,
    unmeasured: usize,
    uncovered: Vec<String>,
    bad: usize,
}

/// What came of one line.
struct Compared {
    id: String,
    columns: Vec<String>,
    measured: Option<f64>,
    predicted: f64,
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
    let record = line.parse()?;
    let prediction = predictor.predict(&record.graph);
    Ok(Compared {
        measured: record.figures.get(column).copied().flatten(),
        columns: record.figures.into_keys().collect(),
        id: record.id,
        predicted: prediction.total.value(),
        interval: prediction.interval.map(|of| of.low.value()..=of.high.value()),
        complete: prediction.uncovered.is_empty(),
    })
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
        let pair = Pair { measured, predicted: compared.predicted };
        self.held.extend(compared.interval.map(|interval| interval.contains(&measured)));
        self.pairs.push((family_of(&compared.id), pair));
    }

    /// Accuracies by family, if anything was compared.
    fn table(&self) -> Option<Table> {
        let pairs = self.pairs.iter().map(|(family, pair)| (family.as_str(), *pair));
        let mut table = Table::of(pairs)?;
        if self.held.is_empty() {
            return Some(table);
        }
        let mut coverage = vec![Coverage::default(); table.families.len()];
        for ((family, _), held) in self.pairs.iter().zip(&self.held) {
            let at = table.families.iter().position(|(name, _)| name == family)?;
            let one = Coverage { models: 1, outside: 0, held: usize::from(*held) };
            coverage[at] = coverage[at].and(one);
        }
        table.cover(&coverage);
        Some(table)
    }

    fn is_clean(&self) -> bool {
        self.bad == 0 && self.uncovered.is_empty()
    }

    fn report_problems(&self) {
        if self.unmeasured > 0 {
            eprintln!("note: {} models were not measured on the device", self.unmeasured);
        }
        if self.bad > 0 {
            eprintln!("error: {} lines could not be read and do not count", self.bad);
        }
        if let Some(first) = self.uncovered.first() {
            let count = self.uncovered.len();
            eprintln!(
                "error: {count} models hold operators that the prediction does not cover (\"{first}\")"
            );
            eprintln!("hint: `nnmeter predict` names them");
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
