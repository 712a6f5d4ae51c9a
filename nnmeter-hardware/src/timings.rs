//! Measurements that a user brings: a CSV file of model files and what each costs on a device.
//!
//! ```text
//! model,ms,family,input_shape
//! nets/resnet18.onnx,41.3,resnet,
//! nets/resnet18.onnx,12.9,resnet,input:1x3x128x128
//! ```
//!
//! Columns come in any order; `model` and the figure (`ms`, or `mj` for energy) must be there. Model
//! files are only named here, not read.

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::backend::Measurement;
use crate::csv::Records;
use crate::error::{Error, ErrorKind, Result};
use crate::package::Metric;

/// The rows of a file of measurements.
#[derive(Clone, Debug, PartialEq)]
pub struct Timings {
    /// The rows.
    pub rows: Vec<Timing>,
    /// SHA-256 of the file, in hexadecimal digits.
    pub sha256: String,
}

/// A row: a network that was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Timing {
    /// The line of the file on which the row begins, from 1 on.
    pub line: usize,
    /// The model file as the row names it.
    pub model: String,
    /// What was measured, in the metric's unit; positive.
    pub measured: f64,
    /// The family of the network, if the row says.
    pub family: Option<String>,
    /// Shapes of inputs as the row gives them, if it does.
    pub input_shape: Option<String>,
}

/// A column, by its place in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Model,
    Figure(Metric),
    Family,
    InputShape,
}

impl Column {
    fn from_name(name: &str) -> Option<Self> {
        match name {
            "model" | "file" => Some(Column::Model),
            "family" => Some(Column::Family),
            "input_shape" => Some(Column::InputShape),
            _ => Metric::ALL
                .iter()
                .find(|metric| metric.name() == name || metric.unit() == name)
                .map(|&metric| Column::Figure(metric)),
        }
    }
}

impl Timings {
    /// Reads a file's bytes; figures are of `metric`, those of other metrics are passed over.
    ///
    /// # Errors
    /// If it is not CSV with such columns, a row has other fields than the header or a figure is
    /// not positive; the error names the line.
    pub fn from_csv(bytes: &[u8], metric: Metric) -> Result<Self> {
        let text = std::str::from_utf8(bytes).map_err(|error| wrong(1, error.to_string()))?;
        let mut records = Records::new(text);
        let header = records.next().transpose()?;
        let (line, names) =
            header.ok_or_else(|| wrong(1, "is empty").expected(expected(metric)))?;
        let columns = columns(line, &names, metric)?;
        let rows = records.map(|record| {
            let (line, fields) = record?;
            row(line, &fields, &columns, metric)
        });
        let rows: Vec<Timing> = rows.collect::<Result<_>>()?;
        if rows.is_empty() {
            return Err(wrong(line, "is the header, and no row follows"));
        }
        let sha256 = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { rows, sha256 })
    }
}

/// Writes the least figures of models, named by their files, to a CSV file that [`Timings::from_csv`] reads.
/// Models are named as they are given, or by their absolute paths where the file is in another folder than
/// this.
///
/// # Errors
/// [`ErrorKind::Io`] if it cannot be written.
pub fn write(path: &Path, measured: &[(String, Measurement)], metrics: &[Metric]) -> Result<()> {
    let failed = |error: std::io::Error| Error::io(path.display(), &error);
    let here = path.parent().is_none_or(|folder| folder.as_os_str().is_empty());
    let mut text = String::from("model");
    metrics.iter().for_each(|metric| text += &format!(",{}", metric.unit()));
    for (name, measurement) in measured {
        let file = Path::new(name);
        let file =
            if here { file.to_owned() } else { std::path::absolute(file).map_err(failed)? };
        text += &format!("\n\"{}\"", file.display().to_string().replace('"', "\"\""));
        for &metric in metrics {
            let figure = measurement.minimum(metric).map(|value| format!("{value:.6}"));
            text += &format!(",{}", figure.unwrap_or_default());
        }
    }
    text.push('\n');
    std::fs::write(path, text).map_err(failed)
}

fn wrong(line: usize, found: impl Into<String>) -> Error {
    Error::new(ErrorKind::BadData, format!("line {line}"), found)
}

fn expected(metric: Metric) -> String {
    format!("a header with the columns model and {}, and family or input_shape", metric.unit())
}

fn columns(line: usize, names: &[String], metric: Metric) -> Result<Vec<Column>> {
    let mut columns: Vec<Column> = Vec::with_capacity(names.len());
    for name in names {
        let Some(column) = Column::from_name(name.trim()) else {
            let error = wrong(line, format!("has the column {name:?}")).expected(expected(metric));
            let other = name.contains([';', '\t']);
            return Err(if other { error.hint("separate columns by commas") } else { error });
        };
        if columns.contains(&column) {
            return Err(wrong(line, format!("has a second column {name:?}")));
        }
        columns.push(column);
    }
    let needed = [(Column::Model, "model"), (Column::Figure(metric), metric.unit())];
    match needed.iter().find(|(column, _)| !columns.contains(column)) {
        Some((_, name)) => {
            Err(wrong(line, format!("has no column {name:?}")).expected(expected(metric)))
        }
        None => Ok(columns),
    }
}

fn row(line: usize, fields: &[String], columns: &[Column], metric: Metric) -> Result<Timing> {
    if fields.len() != columns.len() {
        return Err(wrong(line, format!("has {} fields", fields.len()))
            .expected(format!("{}, as the header has", columns.len())));
    }
    let field = |column: Column| {
        let place = columns.iter().position(|other| *other == column);
        place.map(|at| fields[at].trim()).filter(|field| !field.is_empty()).map(str::to_owned)
    };
    let figure = field(Column::Figure(metric)).unwrap_or_default();
    let measured = figure.parse().ok().filter(|value: &f64| *value > 0.0 && value.is_finite());
    let measured = measured.ok_or_else(|| {
        wrong(line, format!("has {figure:?} for {}", metric.unit())).expected("a positive number")
    })?;
    let model = field(Column::Model).ok_or_else(|| wrong(line, "names no model file"))?;
    let (family, input_shape) = (field(Column::Family), field(Column::InputShape));
    Ok(Timing { line, model, measured, family, input_shape })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Sample;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Timings> {
        Timings::from_csv(text.as_bytes(), Metric::Latency)
    }

    #[test]
    fn reads_columns_in_any_order_and_quoted_fields() {
        let text = "\u{feff}family, ms ,model,mj,input_shape\r\n\
            a,1.5,\"nets/a, \"\"b\"\".onnx\",9,x:1x3x8x8\r\n\n\
            ,2e1,\"two\nlines\",,\r\nb,3,c.onnx,0,";
        let rows: Vec<String> = read(text)
            .expect("valid")
            .rows
            .into_iter()
            .map(|row| {
                let Timing { line, model, measured, family, input_shape } = row;
                format!("{line} {model:?} {measured} {family:?} {input_shape:?}")
            })
            .collect();
        expect_test::expect![[r#"
            2 "nets/a, \"b\".onnx" 1.5 Some("a") Some("x:1x3x8x8")
            4 "two\nlines" 20 None None
            6 "c.onnx" 3 Some("b") None"#]]
        .assert_eq(&rows.join("\n"));
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("timings.csv");
        let rounds = [2.5, 2.25].map(|value| vec![Sample { metric: Metric::Latency, value }]);
        let measurement = Measurement { rounds: rounds.to_vec() };
        let measured = [("/nets/a, \"b\".onnx".to_owned(), measurement)];
        write(&path, &measured, &[Metric::Latency, Metric::Energy]).expect("written");
        let text = std::fs::read_to_string(&path).expect("is there");
        let row = read(&text).expect("valid").rows.remove(0);
        assert_eq!((row.model.as_str(), row.measured), ("/nets/a, \"b\".onnx", 2.25));
        assert!(text.ends_with(",2.250000,\n"), "{text}");
    }

    #[test]
    fn names_the_line_that_is_wrong() {
        let refusals: Vec<String> = [
            "",
            "\n\n",
            "model,ms\n",
            "model,seconds\na,1\n",
            "model;ms\na;1\n",
            "model\na\n",
            "model,ms,file\na,1,b\n",
            "model,mj\na,1\n",
            "model,ms\na,1\nb,2,3\n",
            "model,ms\na,1\n\nb,fast\n",
            "model,ms\na,-1\n",
            "model,ms\na,inf\n",
            "model,ms\na,\n",
            "model,ms\n,1\n",
            "model,ms\n\"a,1\nb,2\n",
            "model,ms\n\"a\"b,1\n",
        ]
        .into_iter()
        .map(|text| {
            let error = read(text).expect_err(text);
            let hint = error.advice().map(|hint| format!(" ({hint})"));
            format!("{error}{}", hint.unwrap_or_default())
        })
        .collect();
        expect_test::expect![[r#"
            line 1: is empty; expected a header with the columns model and ms, and family or input_shape
            line 1: is empty; expected a header with the columns model and ms, and family or input_shape
            line 1: is the header, and no row follows
            line 1: has the column "seconds"; expected a header with the columns model and ms, and family or input_shape
            line 1: has the column "model;ms"; expected a header with the columns model and ms, and family or input_shape (separate columns by commas)
            line 1: has no column "ms"; expected a header with the columns model and ms, and family or input_shape
            line 1: has a second column "file"
            line 1: has no column "ms"; expected a header with the columns model and ms, and family or input_shape
            line 3: has 3 fields; expected 2, as the header has
            line 4: has "fast" for ms; expected a positive number
            line 2: has "-1" for ms; expected a positive number
            line 2: has "inf" for ms; expected a positive number
            line 2: has "" for ms; expected a positive number
            line 2: names no model file
            line 2: has a quote that is not closed
            line 2: has text after a closing quote"#]].assert_eq(&refusals.join("\n"));
        let error = Timings::from_csv(b"model,ms\n\xff,1\n", Metric::Latency).expect_err("bytes");
        assert!(error.to_string().starts_with("line 1: invalid utf-8"), "{error}");
    }

    #[test]
    fn figures_are_of_the_metric_asked_for() {
        let energy = Timings::from_csv(b"model,ms,energy_mj\na,1,2\n", Metric::Energy);
        assert_eq!(energy.expect("valid").rows[0].measured, 2.0);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(model,ms\n)?[a-b1-2,\"\r\n ]{0,60}") {
            if let Ok(timings) = read(&text) {
                prop_assert!(timings.rows.iter().all(|row| row.measured > 0.0));
            }
        }

        #[test]
        fn what_is_quoted_comes_back(model in "[ -~\n]{1,20}", family in "[ -~]{0,9}") {
            let quote = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
            let text = format!("model,ms,family\n{},1,{}\n", quote(&model), quote(&family));
            if !model.trim().is_empty() {
                let row = read(&text).expect("valid").rows.remove(0);
                prop_assert_eq!(row.model, model.trim());
                prop_assert_eq!(row.family.unwrap_or_default(), family.trim());
            }
        }
    }
}
