//! Lists of architectures on their way out, one at a time, so that a million takes no memory: as text,
//! JSON, CSV or (`parquet.rs`) Parquet, to standard output or to a file that is written whole or not at
//! all.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use nnmeter_filters::space::Sample;
use nnmeter_hardware::whole_file::WholeFile;
use serde_json::{Map, Value, json};

use super::columns::Columns;
use super::compile::show;
use super::parquet::Parquet;
use crate::failure::Usage;

/// Where a list goes.
#[derive(clap::Args)]
pub(super) struct OutputArgs {
    /// Write to a file, with a column for each choice and cost: .csv, .parquet or .jsonl; - prints CSV.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Print one JSON object an architecture.
    #[arg(long, conflicts_with = "output")]
    json: bool,
}

/// Takes architectures one after the other.
pub(super) trait Rows {
    /// The next one, with its costs.
    fn add(&mut self, columns: &Columns<'_>, sample: &Sample) -> anyhow::Result<()>;

    /// Nothing follows.
    fn finish(self: Box<Self>) -> anyhow::Result<()>;
}

impl OutputArgs {
    /// Whether text is printed, for people.
    pub(super) fn is_text(&self) -> bool {
        self.output.is_none() && !self.json
    }

    /// Begins a list.
    pub(super) fn begin(&self, columns: &Columns<'_>) -> anyhow::Result<Box<dyn Rows>> {
        let stdout = || BufWriter::new(std::io::stdout().lock());
        let Some(path) = &self.output else {
            return match self.json {
                true => Ok(Box::new(JsonLines(stdout()))),
                false => Ok(Box::new(Text::begin(columns, stdout())?)),
            };
        };
        if path == Path::new("-") {
            return Ok(Box::new(Csv::begin(columns, stdout())?));
        }
        let extension = path.extension().and_then(|extension| extension.to_str());
        let file = || WholeFile::create(path).map(|file| BufWriter::with_capacity(1 << 16, file));
        Ok(match extension {
            Some("csv") => Box::new(Csv::begin(columns, file()?)?),
            Some("jsonl") => Box::new(JsonLines(file()?)),
            Some("parquet") => Box::new(Parquet::begin(columns, file()?)?),
            _ => {
                let found = format!("{}: is of no known format", path.display());
                let expected = "expected a name that ends in .csv, .parquet or .jsonl";
                return Err(Usage(format!("{found}; {expected}")).into());
            }
        })
    }
}

/// Where bytes go.
pub(super) trait Target: Write {
    /// Nothing follows.
    fn finish(self) -> anyhow::Result<()>;
}

impl Target for BufWriter<std::io::StdoutLock<'_>> {
    fn finish(mut self) -> anyhow::Result<()> {
        Ok(self.flush()?)
    }
}

impl Target for BufWriter<WholeFile> {
    fn finish(self) -> anyhow::Result<()> {
        let file = self.into_inner().map_err(|error| error.into_error());
        Ok(file.context("the file cannot be written")?.finish(true)?)
    }
}

/// A line for each: costs, then options.
struct Text<T> {
    out: T,
    widths: Vec<usize>,
}

impl<T: Target> Text<T> {
    fn begin(columns: &Columns<'_>, mut out: T) -> anyhow::Result<Self> {
        let costs = columns.costs();
        let widths: Vec<usize> = costs.iter().map(|name| name.len().max(10)).collect();
        for (name, width) in costs.iter().zip(&widths) {
            write!(out, "{name:>width$}  ")?;
        }
        writeln!(out, "architecture")?;
        Ok(Self { out, widths })
    }
}

impl<T: Target> Rows for Text<T> {
    fn add(&mut self, columns: &Columns<'_>, sample: &Sample) -> anyhow::Result<()> {
        for (cost, width) in columns.costs_of(sample).into_iter().zip(&self.widths) {
            write!(self.out, "{:>width$}  ", show(cost))?;
        }
        let options: Vec<&str> =
            columns.space.option_names(sample).map(|option| option.unwrap_or("-")).collect();
        Ok(writeln!(self.out, "{}", options.join(", "))?)
    }

    fn finish(self: Box<Self>) -> anyhow::Result<()> {
        self.out.finish()
    }
}

/// `{"sample": {...}, "costs": {...}}` for each.
struct JsonLines<T>(T);

impl<T: Target> Rows for JsonLines<T> {
    fn add(&mut self, columns: &Columns<'_>, sample: &Sample) -> anyhow::Result<()> {
        Ok(writeln!(self.0, "{}", object(columns, sample))?)
    }

    fn finish(self: Box<Self>) -> anyhow::Result<()> {
        self.0.finish()
    }
}

fn object(columns: &Columns<'_>, sample: &Sample) -> Value {
    let mut options = columns.space.sample_to_json(sample);
    if let Value::Object(options) = &mut options {
        let choices = columns.space.choices().iter().zip(columns.space.option_names(sample));
        for (choice, _) in choices.filter(|(_, option)| option.is_none()) {
            options.remove(&choice.name);
        }
    }
    let costs = columns.costs().into_iter().zip(columns.costs_of(sample));
    let costs: Map<String, Value> = costs.map(|(name, cost)| (name, cost.into())).collect();
    json!({"sample": options, "costs": costs})
}

/// A column for each choice, then for each cost; empty where a choice has no effect.
struct Csv<T>(T);

impl<T: Target> Csv<T> {
    fn begin(columns: &Columns<'_>, mut out: T) -> anyhow::Result<Self> {
        let choices = columns.space.choices().iter().map(|choice| quoted(&choice.name));
        let costs = columns.costs();
        let names: Vec<String> = choices.chain(costs.iter().map(|name| quoted(name))).collect();
        writeln!(out, "{}", names.join(","))?;
        Ok(Self(out))
    }
}

impl<T: Target> Rows for Csv<T> {
    fn add(&mut self, columns: &Columns<'_>, sample: &Sample) -> anyhow::Result<()> {
        let mut separator = "";
        for option in columns.space.option_names(sample) {
            write!(self.0, "{separator}{}", option.map(quoted).unwrap_or_default())?;
            separator = ",";
        }
        for cost in columns.costs_of(sample) {
            write!(self.0, "{separator}{cost}")?;
            separator = ",";
        }
        Ok(writeln!(self.0)?)
    }

    fn finish(self: Box<Self>) -> anyhow::Result<()> {
        self.0.finish()
    }
}

/// A field of CSV as in RFC 4180.
fn quoted(field: &str) -> String {
    match field.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field.to_owned(),
    }
}
