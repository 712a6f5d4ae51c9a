//! A device's package made of nn-Meter's predictors: a folder or ZIP archive of pickled forests, one
//! a kind of kernel.
//!
//! The files are called as nn-Meter calls them (`conv-bn-relu.pkl`), wherever they lie in an archive.
//! They are read one after another and never executed. A file of another name is refused: it would
//! be a kernel that nobody prices. How a package is written is not this file's concern.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use nnmeter_core::ensemble::Forest;
use nnmeter_core::feature::Feature;
use nnmeter_core::kind::Kind;
use nnmeter_core::model::{FittedRange, KernelModel};
use nnmeter_core::nn_meter::NnMeterForest;
use nnmeter_core::predict::FittedModel;
use zip::ZipArchive;

use super::{KERNELS, kind_of};
use crate::device::{Device, Precision, Provenance, Runtime};
use crate::error::{Error, ErrorKind, Result};
use crate::package::{MetricModels, Package, RuleFile};

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
    /// The day on which the newest of the pickles was written, `YYYY-MM-DD`.
    pub date: String,
    /// Where they come from: the name of the folder or archive.
    pub source: String,
}

impl Imported {
    /// The package of `device` with these models and `rules`.
    pub fn into_package(self, device: Device, rules: RuleFile) -> Package {
        let count = self.latency.kernels.len();
        let provenance = Provenance {
            data_set: "nn-Meter's kernel measurements".to_owned(),
            licence: "not stated".to_owned(),
            source: self.source,
            models: 0,
            kernels: 0,
            date: self.date,
            seed: 0,
            tool: "scikit-learn".to_owned(),
            method: format!("{count} random forests of nn-Meter, read from pickles"),
        };
        Package { latency: Some(self.latency), ..Package::new(device, provenance, rules) }
    }
}

/// A device of which only the name is known; `known` says the rest where it is the same device
/// under another name.
pub fn device(name: &str, known: Option<&Device>) -> Device {
    if let Some(known) = known {
        return Device { name: name.to_owned(), ..known.clone() };
    }
    let not_stated = || "not stated".to_owned();
    Device {
        name: name.to_owned(),
        title: format!("{name}, predicted by nn-Meter's forests"),
        chip: not_stated(),
        clock: None,
        threads: 1,
        runtime: Runtime { name: not_stated(), version: String::new(), build: None },
        precision: Precision::Fp32,
        source: None,
    }
}

/// Reads the predictors at `path`, a folder or a ZIP archive. `progress` is told each file's name
/// before it is read.
///
/// # Errors
/// [`ErrorKind::Io`] if something cannot be read; [`ErrorKind::BadData`] if there is no predictor,
/// two of a name, or one that nn-Meter does not have; the errors of [`Forest::from_sklearn`] and
/// [`NnMeterForest::new`], naming the file.
pub fn read(path: &Path, mut progress: impl FnMut(&str)) -> Result<Imported> {
    let within = |error: Error| error.within(path.display());
    let mut found = Found::default();
    if path.is_dir() {
        for file in files_of(path)? {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if Found::wants(&name) {
                progress(&name);
                let failed = |error: std::io::Error| Error::io(file.display(), &error);
                let reader = File::open(&file).map_err(failed)?;
                let written = reader.metadata().and_then(|about| about.modified());
                found.add(&name, reader, day_of(written.map_err(failed)?)).map_err(within)?;
            }
        }
    } else {
        read_archive(path, &mut found, &mut progress)?;
    }
    found.finish(path).map_err(within)
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
            let day = entry.last_modified().unwrap_or_default();
            let day = [day.year().into(), day.month().into(), day.day().into()];
            found.add(&name, entry, day).map_err(|error| error.within(path.display()))?;
        }
    }
    Ok(())
}

/// What has been read so far.
#[derive(Default)]
struct Found {
    kernels: Vec<(Kind, FittedModel)>,
    rules: Option<Vec<u8>>,
    newest: Day,
}

/// Year, month and day.
type Day = [u32; 3];

/// The day of a moment, in UTC.
fn day_of(moment: SystemTime) -> Day {
    let seconds = moment.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    // Counted from 1 March of the year 0, in eras of 400 years (Hinnant, "chrono-Compatible
    // Low-Level Date Algorithms", civil_from_days).
    let days = seconds / 86_400 + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    [era * 400 + year + u64::from(month <= 2), month, day].map(|part| part as u32)
}

impl Found {
    fn wants(name: &str) -> bool {
        name == RULES || name.ends_with(".pkl")
    }

    fn add(&mut self, name: &str, reader: impl Read, day: Day) -> Result<()> {
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
        self.newest = self.newest.max(day);
        Ok(())
    }

    fn finish(mut self, path: &Path) -> Result<Imported> {
        if self.kernels.is_empty() {
            return Err(wrong("predictors", "none is there").expected("conv-bn-relu.pkl, ..."));
        }
        self.kernels.sort_by_key(|(kind, _)| *kind);
        let latency = MetricModels { uncertainty: None, kernels: self.kernels };
        let [year, month, day] = self.newest;
        let date = format!("{year:04}-{month:02}-{day:02}");
        let source = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Ok(Imported { latency, rules: self.rules, date, source })
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        let day = |days: u64| day_of(UNIX_EPOCH + Duration::from_secs(days * 86_400 + 86_399));
        assert_eq!(day(0), [1970, 1, 1]);
        assert_eq!(day(11_016), [2000, 2, 29]);
        assert_eq!(day(19_722), [2023, 12, 31]);
        assert_eq!(day(19_782), [2024, 2, 29]);
    }
}
