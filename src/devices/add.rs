//! `nnmeter devices add`: puts a package where `nnmeter` looks for it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nnmeter_hardware::install::{self, Installed};
use nnmeter_hardware::json;
use nnmeter_hardware::package::{Package, read_all, read_file};
use nnmeter_hardware::registry::{Origin, PREDICTORS_VARIABLE, Registry, Standing};

/// Add the package of a device to the user's folder.
///
/// The package is checked first, and then written whole or not at all. One of the same device and
/// version is not overwritten; other versions of the device stay where they are.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  nnmeter devices add my_phone.nnmeter
  curl -s https://example.org/my_phone.nnmeter | nnmeter devices add -
  nnmeter devices add my_phone.nnmeter --to ./predictors")]
pub(crate) struct Args {
    /// The package file, or - for standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Another folder than the user's; it is made if it is not there.
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,

    /// Replace a package of the same device and version.
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let folder = super::folder(args.to.as_ref(), "--to")?;
    let (bytes, source) = match args.file == Path::new("-") {
        true => (read_all(std::io::stdin().lock(), "standard input")?, "standard input".to_owned()),
        false => (read_file(&args.file)?, args.file.display().to_string()),
    };
    let installed = match Package::from_bytes(&bytes) {
        Ok(package) => install::add(&package, &bytes, &folder, args.force)?,
        Err(error) => return Err(error.within(source).into()),
    };
    let Installed { name, version, path, replaced } = &installed;
    let verb = if *replaced { "replaced" } else { "added" };
    writeln!(std::io::stdout().lock(), "{verb} {name}@{version}: {}", path.display())?;
    // Where another folder cannot be looked into, the package has been added all the same.
    if let Some(note) = Registry::standard().ok().and_then(|registry| note(&registry, path)) {
        eprintln!("note: {note}");
    }
    Ok(ExitCode::SUCCESS)
}

/// What to know of a package that was added and that its name alone does not ask for.
fn note(registry: &Registry, path: &Path) -> Option<String> {
    let is_it = |origin: &Origin| match origin {
        Origin::File(file) => file.canonicalize().ok() == path.canonicalize().ok(),
        Origin::BuiltIn | Origin::Registered => false,
    };
    let Some(entry) = registry.entries().into_iter().find(|entry| is_it(entry.origin())) else {
        return Some(format!("{PREDICTORS_VARIABLE} has to name the folder for it to be used"));
    };
    let default = registry.find(entry.name()).ok()?;
    match entry.standing() {
        Standing::Default => None,
        Standing::Versioned => {
            Some(format!("{} alone stands for {}", entry.name(), default.spec()))
        }
        Standing::Hidden => {
            let first = registry.find(&entry.spec()).ok()?;
            Some(format!(
                "another {} comes before it: {}",
                entry.spec(),
                json::origin(first.origin())
            ))
        }
    }
}
