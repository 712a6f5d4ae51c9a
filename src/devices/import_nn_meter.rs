//! `nnmeter devices import-nn-meter`: a device of the predictors that nn-Meter publishes.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use indicatif::ProgressBar;
use nnmeter_hardware::install;
use nnmeter_hardware::nn_meter::{self, Imported};
use nnmeter_hardware::package::{Package, RuleFile, read_file, write_bytes};
use nnmeter_hardware::registry::Registry;

use crate::failure::Usage;

/// Make a device of nn-Meter's predictors.
///
/// They are random forests that scikit-learn pickled, one a kind of kernel. They are read as data:
/// nothing in them is executed. The device predicts as any other does; `nnmeter predict --compat
/// nn-meter` repeats nn-Meter's own total with it.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  nnmeter devices import-nn-meter cortexA76cpu_tflite21.zip
  nnmeter devices import-nn-meter predictors/ --rules fusion_rules.json --name my_phone
  nnmeter devices import-nn-meter predictors/ --name my_phone -o my_phone.nnmeter")]
pub(crate) struct Args {
    /// Folder or ZIP archive of conv-bn-relu.pkl, dwconv-bn-relu.pkl, ...
    #[arg(value_name = "DIR_OR_ZIP")]
    path: PathBuf,

    /// The fusion rules; left out, the fusion_rules.json beside the predictors.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,

    /// Name of the device; left out, that of the folder or archive with -nn-meter after it.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// Write the package to a file; left out, it is added to the user's folder.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Replace a package that is there.
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let bar = ProgressBar::new_spinner();
    let imported = nn_meter::read(&args.path, |file| {
        bar.set_message(format!("reading {file}"));
        bar.tick();
    });
    bar.finish_and_clear();
    let imported = imported?;
    let count = imported.latency.kernels.len();
    let package = package(args, imported)?;
    let path = write(args, &package)?;
    let (name, version) = (&package.device.name, package.version);
    let mut out = std::io::stdout().lock();
    writeln!(out, "imported {count} forests as {name}@{version}: {}", path.display())?;
    Ok(ExitCode::SUCCESS)
}

fn package(args: &Args, mut imported: Imported) -> anyhow::Result<Package> {
    let rules = match &args.rules {
        Some(path) => {
            let rules = RuleFile::from_json(&read_file(path)?);
            rules.map_err(|error| error.within(path.display()))?
        }
        None => RuleFile::from_json(&imported.rules.take().ok_or_else(no_rules)?)?,
    };
    let stem = args.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let known = Registry::standard()?.open(&stem).ok();
    let name = args.name.clone().unwrap_or_else(|| format!("{stem}-nn-meter"));
    let device = nn_meter::device(&name, known.as_ref().map(|known| known.device()));
    Ok(imported.into_package(device, rules))
}

fn no_rules() -> Usage {
    Usage("no fusion_rules.json lies beside the predictors; --rules names the rules".to_owned())
}

/// Writes the package, and says where.
fn write(args: &Args, package: &Package) -> anyhow::Result<PathBuf> {
    let bytes = package.to_bytes()?;
    if let Some(path) = &args.output {
        write_bytes(path, &bytes, args.force)?;
        return Ok(Path::new(path).to_owned());
    }
    let folder = super::folder(None, "--output")?;
    Ok(install::add(package, &bytes, &folder, args.force)?.path)
}
