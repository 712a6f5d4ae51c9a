//! A device's package made of nn-Meter's predictors: a folder or ZIP archive of pickled forests, one
//! a kind of kernel.
//!
//! The files are called as nn-Meter calls them (`conv-bn-relu.pkl`), wherever they lie in an archive.
//! They are read one after another and never executed. A file of another name is refused: it would
//! be a kernel that nobody prices. How a package is written is not this file's concern.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use nnmeter_core::ensemble::Forest;
use nnmeter_core::feature::Feature;
use nnmeter_core::kind::Kind;
use nnmeter_core::model::{FittedRange, KernelModel};
use nnmeter_core::nn_meter::NnMeterForest;
use nnmeter_core::predict::{FittedModel, Interval};
use zip::ZipArchive;

use super::{KERNELS, kind_of};
use crate::error::{Error, ErrorKind, Result};
use crate::package::MetricModels;

/// Most bytes of a pickle. The largest of the official ones have some 500 MB.
const MAX_PICKLE: u64 = 2 << 30;

/// Name of the rule file that the archives have.
const RULES: &str = "fusion_rules.json";

/// What a folder or archive of nn-Meter's holds.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The models of latency, without an interval: nobody knows how far off their totals are.
    pub latency: MetricModels,
    /// The rule file, if it lies beside the models.
    pub rules: Option<Vec<u8>>,
}

/// Reads the predictors at `path`, a folder or a ZIP archive. `progress` is told each file's name
/// before it is read.
///
/// # Errors
/// [`ErrorKind::Io`] if something cannot be read; [`ErrorKind::BadData`] if there is no predictor,
/// two of a name, or one that nn-Meter does not have; the errors of [`Forest::from_sklearn`] and
/// [`NnMeterForest::new`], naming the file.
pub fn read(path: &Path, mut progress: impl FnMut(&str)) -> Result<Imported> {
    let mut found = Found::default();
    if path.is_dir() {
        for file in files_of(path)? {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if Found::wants(&name) {
                progress(&name);
                let reader =
                    File::open(&file).map_err(|error| Error::io(file.display(), &error))?;
                found.add(&name, reader).map_err(|error| error.within(path.display()))?;
            }
        }
    } else {
        read_archive(path, &mut found, &mut progress)?;
    }
    found.finish().map_err(|error| error.within(path.display()))
}

/// The files of a folder, sorted.
fn files_of(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |error: std::io::Error| Error::io(folder.display(), &error);
    let entries = std::fs::read_dir(folder).map_err(failed)?;
    let mut files = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<Vec<_>>>()
        .map_err(failed)?;
    files.sort();
    Ok(files)
}

fn read_archive(path: &Path, found: &mut Found, progress: &mut impl FnMut(&str)) -> Result<()> {
    let file = File::open(path).map_err(|error| Error::io(path.display(), &error))?;
    let broken = |error: zip::result::ZipError| {
        Error::new(ErrorKind::BadData, path.display().to_string(), error.to_string())
            .expected("a folder or a ZIP archive of nn-Meter's predictors")
    };
    let mut archive = ZipArchive::new(file).map_err(broken)?;
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(broken)?;
        let path_inside = entry.name().map_err(broken)?;
        let name = path_inside.rsplit('/').next().unwrap_or_default().to_owned();
        if Found::wants(&name) {
            progress(&name);
            found.add(&name, entry).map_err(|error| error.within(path.display()))?;
        }
    }
    Ok(())
}

/// What has been read so far.
#[derive(Default)]
struct Found {
    kernels: Vec<(Kind, FittedModel)>,
    rules: Option<Vec<u8>>,
}

impl Found {
    fn wants(name: &str) -> bool {
        name == RULES || name.ends_with(".pkl")
    }

    fn add(&mut self, name: &str, reader: impl Read) -> Result<()> {
        let mut bytes = Vec::new();
        let read = reader.take(MAX_PICKLE + 1).read_to_end(&mut bytes);
        read.map_err(|error| Error::io(name, &error))?;
        if bytes.len() as u64 > MAX_PICKLE {
            return Err(wrong(name, "is too large").expected(format!("at most {MAX_PICKLE} bytes")));
        }
        let Some(kernel) = name.strip_suffix(".pkl") else {
            self.rules = Some(bytes);
            return Ok(());
        };
        let Some(kind) = kind_of(kernel) else {
            let names = KERNELS.map(|(name, _)| name).join(", ");
            return Err(wrong(name, "is no kernel of nn-Meter's").expected(names));
        };
        if self.kernels.iter().any(|(other, _)| *other == kind) {
            return Err(wrong(name, "is there twice"));
        }
        let forest =
            Forest::from_sklearn(&bytes).and_then(|forest| NnMeterForest::new(kind, forest));
        let forest = forest.map_err(|error| Error::from(error).within(name))?;
        self.kernels.push((kind, fitted(kind, forest)));
        Ok(())
    }

    fn finish(mut self) -> Result<Imported> {
        if self.kernels.is_empty() {
            return Err(wrong("predictors", "none is there").expected("conv-bn-relu.pkl, ..."));
        }
        self.kernels.sort_by_key(|(kind, _)| *kind);
        let latency = MetricModels { interval: Interval::UNKNOWN, kernels: self.kernels };
        Ok(Imported { latency, rules: self.rules })
    }
}

fn wrong(subject: &str, found: &str) -> Error {
    Error::new(ErrorKind::BadData, subject, found)
}

/// A model with the region that nn-Meter's features can tell apart: single images, square ones,
/// without groups and dilations, concatenations of at most four.
fn fitted(kind: Kind, forest: NnMeterForest) -> FittedModel {
    let one = 1.0..=1.0;
    let mut bounds = vec![(Feature::Batch, one.clone())];
    if !matches!(kind, Kind::Fc) {
        bounds.push((Feature::Aspect, one.clone()));
    }
    match kind {
        Kind::Conv => {
            bounds.extend([(Feature::Dilation, one.clone()), (Feature::Groups, one)]);
        }
        Kind::DwConv | Kind::MaxPool | Kind::AvgPool => bounds.push((Feature::Dilation, one)),
        Kind::Concat => bounds.push((Feature::Operands, 1.0..=4.0)),
        _ => {}
    }
    FittedModel { model: KernelModel::NnMeter(forest), range: FittedRange::new(bounds) }
}
