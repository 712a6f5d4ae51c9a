//! Data sets of whole models with measured figures, in the schema that nn-Meter publishes: one
//! model a line, `{"id", "<device>": ms or null, ..., "graph": nn-Meter IR}`. A line may also hold a
//! single kernel ([`kernels`]).
//!
//! A data set is a `.jsonl` file, a `.jsonl.zst` file, a `.zip` of such files, or a folder of them;
//! each file is a family of models. Lines are read one at a time, so memory stays bounded however
//! large the set is ([`lines`]); parsing them may be shared among threads ([`parallel`]). Nothing
//! here detects kernels or fits.

pub mod kernels;
pub mod lines;
pub mod parallel;
mod told;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use nnmeter_core::import::nnmeter_ir::IrGraph;
use nnmeter_core::typed::TypedGraph;
use nnmeter_core::workload::Workload;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::error::{Error, ErrorKind, Result};

pub use lines::{Line, Lines};

use kernels::Configuration;

/// Where a data set lies.
#[derive(Clone, Debug)]
pub struct Dataset {
    files: Vec<PathBuf>,
    bytes: u64,
    progress: Progress,
}

/// How many bytes of a data set's files have been read; shared by clones.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<AtomicU64>);

impl Progress {
    /// Bytes read so far, as they are on disk (compressed).
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn add(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// A measured model.
#[derive(Debug)]
pub struct Record {
    /// The model's name in the data set.
    pub id: String,
    /// Figures by the name of their column, in the order of names; `None` where there is none.
    pub figures: BTreeMap<String, Option<f64>>,
    /// The model.
    pub graph: TypedGraph,
}

/// What a line of a data set holds.
#[derive(Debug)]
pub enum Measured {
    /// A whole model.
    Model(Record),
    /// A single kernel.
    Kernel(KernelRecord),
}

/// A measured kernel.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelRecord {
    /// The kernel's name in the data set.
    pub id: String,
    /// As of [`Record`].
    pub figures: BTreeMap<String, Option<f64>>,
    /// The kernel.
    pub work: Workload,
}

/// A line as its JSON says it.
#[derive(Deserialize)]
struct Row<'a> {
    id: String,
    #[serde(borrow)]
    graph: Option<IrGraph<'a>>,
    kernel: Option<Configuration>,
    #[serde(flatten)]
    columns: BTreeMap<String, Json>,
}

impl Dataset {
    /// The data set at `path`, a file or a folder of files. Reads no line yet.
    ///
    /// # Errors
    /// If there is nothing at `path`, or no file that a data set is made of.
    pub fn open(path: &Path) -> Result<Self> {
        let is_folder = path.is_dir();
        let files = if is_folder { files_in(path)? } else { vec![path.to_owned()] };
        if is_folder && files.is_empty() {
            return Err(not_a_data_set(path, "holds no file of a data set"));
        }
        if let Some(other) = files.iter().find(|file| Form::of(file).is_none()) {
            return Err(not_a_data_set(other, "is not named like a file of a data set"));
        }
        let mut bytes = 0;
        for file in &files {
            bytes += file.metadata().map_err(|error| Error::io(file.display(), &error))?.len();
        }
        Ok(Self { files, bytes, progress: Progress::default() })
    }

    /// Whether it is a single file of lines, which tells no families apart.
    pub fn is_one_family(&self) -> bool {
        self.files.len() == 1 && Form::of(&self.files[0]) != Some(Form::Zip)
    }

    /// Size of the files on disk, in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How far [`Dataset::lines`] has come.
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// The lines of all files in the order of their names, read by a thread of their own. Errors of
    /// a file are items too; the next item is of the next file.
    pub fn lines(&self) -> Lines {
        Lines::spawn(self.files.clone(), self.progress.clone())
    }
}

impl Line {
    /// Parses the line and infers the shapes of its model.
    ///
    /// # Errors
    /// If it is not JSON of the schema, a figure is not a positive number or `null`, or the model
    /// makes no sense, or it holds a single kernel; the error names file and line.
    pub fn parse(&self) -> Result<Record> {
        match self.parse_any()? {
            Measured::Model(record) => Ok(record),
            Measured::Kernel(kernel) => {
                Err(Error::new(ErrorKind::BadData, format!("\"{}\"", kernel.id), "is a kernel")
                    .expected("a whole model")
                    .within(self.place()))
            }
        }
    }

    /// As [`Line::parse`], for a model or a single kernel.
    ///
    /// # Errors
    /// As [`Line::parse`], and if the kernel makes no sense.
    pub fn parse_any(&self) -> Result<Measured> {
        self.parse_row().map_err(|error| error.within(self.place()))
    }

    fn parse_row(&self) -> Result<Measured> {
        let row: Row<'_> = serde_json::from_slice(&self.text).map_err(|error| {
            Error::new(ErrorKind::BadData, "measured model", error.to_string()).expected(SCHEMA)
        })?;
        let (figures, id) = (figures(&row.id, &row.columns)?, row.id);
        match (row.graph, row.kernel) {
            (Some(graph), None) => {
                let graph = graph.into_graph().and_then(|graph| graph.infer_shapes());
                let named = |error| Error::from(error).within(format_args!("model \"{id}\""));
                let graph = graph.map_err(named)?;
                Ok(Measured::Model(Record { id, figures, graph }))
            }
            (None, Some(kernel)) => {
                let work = kernel.workload();
                let work = work.map_err(|error| error.within(format_args!("\"{id}\"")))?;
                Ok(Measured::Kernel(KernelRecord { id, figures, work }))
            }
            (graph, _) => {
                let number = if graph.is_some() { "both" } else { "neither" };
                let found = format!("has {number} of graph and kernel");
                Err(Error::new(ErrorKind::BadData, format!("\"{id}\""), found).expected(SCHEMA))
            }
        }
    }
}

/// What a line is expected to be.
const SCHEMA: &str = "{\"id\": name, \"<device>\": ms or null, \"graph\": nn-Meter IR}, or \
    \"kernel\" in place of \"graph\"";

/// The figures among the columns.
fn figures(id: &str, columns: &BTreeMap<String, Json>) -> Result<BTreeMap<String, Option<f64>>> {
    let mut figures = BTreeMap::new();
    for (column, value) in columns {
        if let Some(figure) = figure(id, column, value)? {
            figures.insert(column.clone(), figure);
        }
    }
    Ok(figures)
}

/// A column's figure: `Some(None)` for `null`, `None` for what is not a figure at all.
fn figure(id: &str, column: &str, value: &Json) -> Result<Option<Option<f64>>> {
    match (value, value.as_f64()) {
        (Json::Null, _) => Ok(Some(None)),
        (_, Some(figure)) if figure > 0.0 => Ok(Some(Some(figure))),
        (Json::Number(number), _) => {
            let subject = format!("model \"{id}\"");
            let found = format!("has {number} for \"{column}\"");
            Err(Error::new(ErrorKind::BadData, subject, found)
                .expected("a positive number or null"))
        }
        _ => Ok(None),
    }
}

/// How a file of a data set is packed, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Plain,
    Zstd,
    Zip,
}

impl Form {
    fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let ends = |suffix: &str| name.ends_with(suffix) && !name.starts_with('.');
        match () {
            () if ends(".jsonl") => Some(Form::Plain),
            () if ends(".jsonl.zst") => Some(Form::Zstd),
            () if ends(".zip") => Some(Form::Zip),
            () => None,
        }
    }
}

/// The family that a file holds: its name up to the first dot.
fn family_of_file(path: &Path) -> Arc<str> {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    name.split('.').next().unwrap_or_default().into()
}

fn files_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |error| Error::io(folder.display(), &error);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_file() && Form::of(&path).is_some() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn not_a_data_set(path: &Path, found: &str) -> Error {
    Error::new(ErrorKind::BadData, format!("data set \"{}\"", path.display()), found)
        .expected("FAMILY.jsonl, FAMILY.jsonl.zst or a .zip of FAMILY.jsonl")
}

#[cfg(test)]
mod tests;
