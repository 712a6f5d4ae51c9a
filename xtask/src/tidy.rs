//! `cargo xtask tidy`: the house rules that a compiler does not check.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::shell;

/// Crates from the bottom up: a crate may depend on those before it only.
const LAYERS: [&str; 6] = [
    "nnmeter-core",
    "nnmeter-hardware",
    "nnmeter-filters",
    "nnmeter-nni-bridge",
    "nnmeter",
    "xtask",
];

/// What the core crate must not use.
const FOREIGN_TO_CORE: [&str; 4] = ["std::fs", "std::net", "std::time", "std::process"];

/// Longest source file, in lines.
const MAX_LINES: usize = 350;

/// The house rules: file headers and sizes, direction of dependencies, dependencies with a reason.
#[derive(clap::Args)]
pub(crate) struct Tidy {}

impl Tidy {
    pub(crate) fn run(&self) -> Result<()> {
        run()
    }
}

/// Checks all rules and reports every breach.
pub(crate) fn run() -> Result<()> {
    let root = shell::root();
    let mut breaches = Vec::new();
    for file in sources(&root)? {
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let name = file.strip_prefix(&root).unwrap_or(&file).display().to_string();
        breaches.extend(check_source(&name, &text));
    }
    breaches.extend(check_manifests(&root)?);
    for breach in &breaches {
        eprintln!("tidy: {breach}");
    }
    match breaches.len() {
        0 => Ok(()),
        count => bail!("{count} breaches of the house rules"),
    }
}

fn check_source(name: &str, text: &str) -> Vec<String> {
    let mut breaches = Vec::new();
    if !text.starts_with("//!") && !text.starts_with("#![") {
        breaches.push(format!("{name}: does not open with `//!` and what the file is"));
    }
    let lines = text.lines().count();
    if lines > MAX_LINES {
        breaches.push(format!("{name}: has {lines} lines; expected at most {MAX_LINES}"));
    }
    if name.starts_with("nnmeter-core/src") {
        let used = FOREIGN_TO_CORE.iter().filter(|module| text.contains(*module));
        breaches.extend(used.map(|module| format!("{name}: uses {module}")));
    }
    breaches
}

fn check_manifests(root: &Path) -> Result<Vec<String>> {
    let read =
        |path: PathBuf| fs::read_to_string(&path).with_context(|| path.display().to_string());
    let architecture = read(root.join("ARCHITECTURE.md"))?;
    let mut breaches = Vec::new();
    for (layer, name) in LAYERS.iter().enumerate() {
        let folder = if *name == "nnmeter" { root.to_owned() } else { root.join(name) };
        for dependency in dependencies(&read(folder.join("Cargo.toml"))?) {
            match LAYERS.iter().position(|other| *other == dependency) {
                Some(other) if other < layer => {}
                Some(_) => breaches.push(format!("{name}: must not depend on {dependency}")),
                None if architecture.contains(&format!("`{dependency}`")) => {}
                None => breaches.push(format!(
                    "{name}: depends on {dependency}, for which ARCHITECTURE.md gives no reason"
                )),
            }
        }
    }
    Ok(breaches)
}

/// Names in the sections of dependencies of a manifest, other than those of the whole workspace.
fn dependencies(manifest: &str) -> Vec<String> {
    let mut inside = false;
    let mut names = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            inside =
                matches!(line, "[dependencies]" | "[dev-dependencies]" | "[build-dependencies]");
        } else if inside && !line.is_empty() && !line.starts_with('#') {
            names.extend(line.split(['.', ' ', '=']).next().map(str::to_owned));
        }
    }
    names
}

/// All Rust sources under `root` but for what is built.
fn sources(root: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                folders.push(path);
            } else if name.ends_with(".rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_breaches_in_a_source() {
        assert!(check_source("nnmeter-core/src/a.rs", "//! A.\n").is_empty());
        let found = check_source("nnmeter-core/src/a.rs", "use std::fs;\n");
        assert_eq!(found.len(), 2, "{found:?}");
    }

    #[test]
    fn lists_the_dependencies_of_a_manifest() {
        let manifest = "[package]\nname = \"a\"\n[dependencies]\nbytes.workspace = true\n\
            zip = { version = \"9\" }\n[features]\nx = []\n[dev-dependencies]\nexpect-test = \"1\"\n";
        assert_eq!(dependencies(manifest), ["bytes", "zip", "expect-test"]);
    }
}
