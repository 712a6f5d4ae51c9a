//! What a fit learns from: measured models as counts of distinct workloads.
//!
//! Millions of kernels are few distinct ones, and models of equal kernels are the same observation
//! repeated: both are stored once. Where the models came from does not matter here.

use std::collections::{BTreeSet, HashMap};

use nnmeter_core::detect::detect;
use nnmeter_core::kind::Kind;
use nnmeter_core::predict::{NoPrice, workloads};
use nnmeter_core::rules::FusionRules;
use nnmeter_core::typed::TypedGraph;
use nnmeter_core::workload::Workload;

use crate::dataset::{Dataset, KernelRecord, Line, Measured, Record, parallel};
use crate::error::{Error, ErrorKind, Result};

/// A measured model.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The model's name.
    pub id: String,
    /// Index of its family.
    pub family: usize,
    /// The measured figure, in the metric's unit.
    pub measured: f64,
    /// How much it counts in a fit; 1 unless it was weighed.
    pub weight: f64,
    /// Its kernels: indices of workloads, ascending, and how often each occurs.
    pub kernels: Vec<(u32, u32)>,
}

/// Measured models and the distinct workloads that they are made of.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    families: Vec<String>,
    of_kernels: Vec<bool>,
    workloads: Vec<Workload>,
    samples: Vec<Sample>,
    index: HashMap<Workload, u32>,
}

/// What became of the lines of a data set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Lines that were read, good or bad.
    pub lines: usize,
    /// Models that have no figure for the device.
    pub without_figure: usize,
    /// Lines that are wrong, or whose model holds a kernel of unknown size.
    pub bad: usize,
}

impl Samples {
    /// No models.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a model that was measured.
    pub fn push(&mut self, id: String, family: &str, measured: f64, work: &[Workload]) {
        let family = self.family(family, false);
        self.push_to(family, id, measured, work);
    }

    /// Adds a kernel that was measured on its own. Families of kernels are apart from those of
    /// models, whatever their names; they are fitted on and never held out.
    pub fn push_kernel(&mut self, id: String, family: &str, measured: f64, work: &Workload) {
        let family = self.family(family, true);
        self.push_to(family, id, measured, std::slice::from_ref(work));
    }

    /// As [`Samples::push_kernel`], where it counts `weight` in a fit.
    pub fn push_weighed_kernel(
        &mut self,
        id: String,
        family: &str,
        (measured, weight): (f64, f64),
        work: &Workload,
    ) {
        self.push_kernel(id, family, measured, work);
        if let Some(last) = self.samples.last_mut() {
            last.weight = weight;
        }
    }

    fn push_to(&mut self, family: usize, id: String, measured: f64, work: &[Workload]) {
        let mut indices: Vec<u32> = work.iter().map(|work| self.workload(work)).collect();
        indices.sort_unstable();
        let kernels = indices.chunk_by(|a, b| a == b).map(|run| (run[0], run.len() as u32));
        let kernels = kernels.collect();
        self.samples.push(Sample { id, family, measured, weight: 1.0, kernels });
    }

    fn push_parsed(&mut self, parsed: Parsed, measured: f64, by_file: bool) {
        let Parsed { id, family, work, .. } = parsed;
        match work {
            Work::Kernel(work) => self.push_kernel(id, &family, measured, &work),
            Work::Model(work) if by_file => self.push(id, &family, measured, &work),
            Work::Model(work) => {
                let family = lineage_of(&id);
                self.push(id, &family, measured, &work);
            }
        }
    }

    fn workload(&mut self, work: &Workload) -> u32 {
        let next = self.workloads.len() as u32;
        let index = *self.index.entry(*work).or_insert(next);
        if index == next {
            self.workloads.push(*work);
        }
        index
    }

    fn family(&mut self, name: &str, of_kernels: bool) -> usize {
        let mut known = self.families.iter().zip(&self.of_kernels);
        match known.position(|(family, kernels)| family == name && *kernels == of_kernels) {
            Some(index) => index,
            None => {
                self.families.push(name.to_owned());
                self.of_kernels.push(of_kernels);
                self.families.len() - 1
            }
        }
    }

    /// Sets how much each sample of a family counts in a fit; with 0 it does not.
    pub fn weigh_family(&mut self, family: usize, weight: f64) {
        let of_family = self.samples.iter_mut().filter(|sample| sample.family == family);
        of_family.for_each(|sample| sample.weight = weight);
    }

    /// The models, in the order they were added.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// Names of the families, in the order of their first models.
    pub fn families(&self) -> &[String] {
        &self.families
    }

    /// Whether all samples of a family are single kernels, measured on their own.
    pub fn is_of_kernels(&self, family: usize) -> bool {
        self.of_kernels.get(family).is_some_and(|of_kernels| *of_kernels)
    }

    /// The distinct workloads, in the order of their first use.
    pub fn workloads(&self) -> &[Workload] {
        &self.workloads
    }

    /// Kinds of the workloads.
    pub fn kinds(&self) -> BTreeSet<Kind> {
        self.workloads.iter().map(|work| work.kind).collect()
    }

    /// Reads the models and kernels of `dataset` that have a figure in the column `device`, with kernels as
    /// `rules` fuse them. Families are the files; in a set of one file, what [`lineage_of`] makes of
    /// the ids of models. Lines that are wrong are counted and passed to
    /// `complain`; `progress` is called after each line.
    ///
    /// # Errors
    /// If no model has a figure for the device, or the set has no such column.
    pub fn read(
        dataset: &Dataset,
        device: &str,
        rules: &FusionRules,
        mut complain: impl FnMut(&Error),
        mut progress: impl FnMut(),
    ) -> Result<(Self, Reading)> {
        let (mut samples, mut reading) = (Self::new(), Reading::default());
        let mut columns = BTreeSet::new();
        let by_file = !dataset.is_one_family();
        let parse = |line: Result<Line>| line.and_then(|line| Parsed::of(&line, device, rules));
        parallel::ordered(dataset.lines(), None, parse, |parsed| {
            reading.lines += 1;
            progress();
            match parsed {
                Ok(mut parsed) => {
                    columns.extend(std::mem::take(&mut parsed.columns));
                    match parsed.measured {
                        Some(ms) => samples.push_parsed(parsed, ms, by_file),
                        None => reading.without_figure += 1,
                    }
                }
                Err(error) => {
                    reading.bad += 1;
                    complain(&error);
                }
            }
        });
        if samples.samples.is_empty() {
            return Err(no_figures(device, &columns, &reading));
        }
        Ok((samples, reading))
    }
}

/// The family that the id of a model tells, sizes merged and versions kept apart: `resnet18_0` is
/// of `resnet`, `mobilenetv3large_1` of `mobilenetv3`.
pub fn lineage_of(id: &str) -> String {
    let stem = id.rsplit_once('_').map_or(id, |(stem, _)| stem);
    let sized = ["small", "large"].iter().find_map(|size| stem.strip_suffix(size)).unwrap_or(stem);
    let bare = sized.trim_end_matches(|c: char| c.is_ascii_digit());
    let is_version = bare.ends_with('v');
    if is_version { sized.to_owned() } else { bare.to_owned() }
}

/// What is kept of a line.
struct Parsed {
    id: String,
    family: std::sync::Arc<str>,
    measured: Option<f64>,
    columns: Vec<String>,
    work: Work,
}

enum Work {
    Model(Vec<Workload>),
    Kernel(Workload),
}

impl Parsed {
    fn of(line: &Line, device: &str, rules: &FusionRules) -> Result<Self> {
        let (id, figures, work) = match line.parse_any()? {
            Measured::Kernel(KernelRecord { id, figures, work }) => {
                (id, figures, Work::Kernel(work))
            }
            Measured::Model(Record { id, figures, graph }) => {
                let within =
                    |error: Error| error.within(format_args!("{}, \"{id}\"", line.place()));
                let work = work_of(&graph, rules).map_err(within)?;
                (id, figures, Work::Model(work))
            }
        };
        Ok(Self {
            id,
            family: line.family.clone(),
            measured: figures.get(device).copied().flatten(),
            columns: figures.into_keys().collect(),
            work,
        })
    }
}

/// The work of every kernel of `graph`, views left out.
///
/// # Errors
/// If the extents of a kernel are not known.
pub fn work_of(graph: &TypedGraph, rules: &FusionRules) -> Result<Vec<Workload>> {
    let detection = detect(graph, rules);
    let mut work = Vec::with_capacity(detection.kernels().len());
    for kernel in detection.kernels() {
        if kernel.units().iter().any(|unit| unit.kind != Kind::Reshape) {
            work.extend(workloads(graph, kernel).map_err(|reason| no_price(graph, reason))?);
        }
    }
    Ok(work)
}

fn no_price(graph: &TypedGraph, reason: NoPrice) -> Error {
    let (subject, found) = match reason {
        NoPrice::UnknownShape(node) => (graph.graph().label(node), "has no shape rule"),
        NoPrice::NoModel(kind) => (format!("kernel of kind \"{kind}\""), "has no model"),
    };
    Error::new(ErrorKind::BadData, subject, found)
}

fn no_figures(device: &str, columns: &BTreeSet<String>, reading: &Reading) -> Error {
    let names: Vec<&str> = columns.iter().map(String::as_str).collect();
    let found = match names[..] {
        [] => format!("has no models ({} of {} lines are bad)", reading.bad, reading.lines),
        _ if columns.contains(device) => format!("has no figure for \"{device}\""),
        _ => format!("has no column \"{device}\"; it has {}", names.join(", ")),
    };
    Error::new(ErrorKind::BadData, "data set", found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lineages() {
        let ids = ["resnet18_0", "mobilenetv3large_1", "mobilenetv2_7", "vgg11_2", "alexnet_3"];
        let lineages: Vec<String> = ids.iter().map(|id| lineage_of(id)).collect();
        assert_eq!(lineages, ["resnet", "mobilenetv3", "mobilenetv2", "vgg", "alexnet"]);
    }
}
