//! PyTorch for the CPU: whatever `python3` has, or Debian's packages, unpacked under the target
//! directory. PyPI's wheels for Linux have CUDA in them, about 3 GB.
//!
//! Nothing is installed, so it takes no privileges; `apt-get` and the package lists have to be there.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::output;
use crate::shell;
use crate::tools::Variables;

/// What is needed beside the libraries that the second depends on; OpenCL is a choice among several
/// packages, which `apt-get` would make.
const PACKAGES: [&str; 3] = ["python3-torch", "libtorch1.13", "ocl-icd-libopencl1"];
/// Libraries that every system has, and that must not be mixed with another version of them.
const SYSTEM: [&str; 5] = ["libc6", "libgcc-s1", "libstdc++6", "libcrypt1", "libc-bin"];
/// Takes the place of a library that others were built with.
const ALTERNATIVE: &str = "libqt5gui5-gles";
/// Where in it libraries are.
const LIBRARIES: [&str; 5] = [
    "usr/lib/x86_64-linux-gnu",
    "usr/lib/x86_64-linux-gnu/blas",
    "usr/lib/x86_64-linux-gnu/lapack",
    "usr/lib",
    "lib/x86_64-linux-gnu",
];
/// torch 1.13 does not start with Python 3.11 without this.
const PATCHED: &str = "torch/distributed/_shard/sharded_tensor/metadata.py";
const DEFAULT: &str = "field(default=TensorProperties())";
const FACTORY: &str = "field(default_factory=TensorProperties)";

/// The variables with which Python finds torch; none if it does without.
pub(super) fn variables(python: &Path) -> Result<Variables> {
    if imports(python, &Vec::new()) {
        return Ok(Vec::new());
    }
    let root = shell::target().join("nni").join("debian-torch");
    let stamp = root.join("unpacked");
    let variables = paths(&root)?;
    if !stamp.exists() {
        download(&root)?;
        patch(&root)?;
    }
    ensure!(
        imports(python, &variables),
        "torch of Debian's packages cannot be imported by {}\nhint: they are for Python 3.11 on \
         Debian 12; elsewhere, install torch for `python3` first",
        python.display()
    );
    fs::write(&stamp, "")?;
    Ok(variables)
}

fn imports(python: &Path, variables: &Variables) -> bool {
    let mut command = Command::new(python);
    command.args(["-c", "import torch"]).envs(variables.iter().cloned());
    command.output().is_ok_and(|output| output.status.success())
}

fn paths(root: &Path) -> Result<Variables> {
    let libraries = env::join_paths(LIBRARIES.iter().map(|folder| root.join(folder)))?;
    let packages: OsString = root.join("usr/lib/python3/dist-packages").into();
    Ok(vec![("LD_LIBRARY_PATH", libraries), ("PYTHONPATH", packages)])
}

fn download(root: &Path) -> Result<()> {
    eprintln!("downloading torch of Debian's packages (about 250 MB) into {}", root.display());
    let folder = root.join("packages");
    fs::create_dir_all(&folder)?;
    let names = names()?;
    let mut fetch = Command::new("apt-get");
    fetch.args(["download", "--quiet"]).args(PACKAGES).args(names).current_dir(&folder);
    output(&mut fetch).context("hint: as root, `apt-get update` makes the packages known")?;
    for package in files(&folder)? {
        output(Command::new("dpkg-deb").arg("-x").arg(&package).arg(root))?;
    }
    Ok(fs::remove_dir_all(&folder)?)
}

/// The libraries that torch depends on, and those that they depend on.
fn names() -> Result<BTreeSet<String>> {
    let without = ["recommends", "suggests", "conflicts", "breaks", "replaces", "enhances"];
    let mut command = Command::new("apt-cache");
    command.args(["depends", "--recurse"]);
    command.args(without.map(|relation| format!("--no-{relation}")));
    let listed = output(command.arg(PACKAGES[1]))
        .context("hint: without torch for `python3`, this takes Debian 12 and its package lists")?;
    let libraries = listed.lines().filter(|line| line.starts_with("lib"));
    let libraries = libraries.filter(|line| !SYSTEM.contains(line) && *line != ALTERNATIVE);
    Ok(libraries.map(str::to_owned).collect())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    files.sort();
    Ok(files)
}

fn patch(root: &Path) -> Result<()> {
    let path = root.join("usr/lib/python3/dist-packages").join(PATCHED);
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    if !text.contains(DEFAULT) {
        bail!("{}: is not as in torch 1.13", path.display());
    }
    Ok(fs::write(&path, text.replace(DEFAULT, FACTORY))?)
}
