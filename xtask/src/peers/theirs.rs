//! The peers' process: what it is installed from, and how it is spoken to.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::{ROWS, SINGLE, Task};
use crate::shell;

/// What is compared with, in the versions that the script was written for.
const PACKAGES: [&str; 4] =
    ["xgboost-cpu==3.2.0", "scikit-learn==1.9.1", "treelite==4.8.1", "tl2cgen==1.0.0"];

/// The file that the script writes last when it makes the models.
const LAST_MADE: &str = "boosted.repeated.f64";

/// `peers.py serve`.
pub(super) struct Theirs {
    process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    /// Models and peers.
    names: Vec<(String, String)>,
}

impl Theirs {
    /// Installs the packages and makes the models, unless that was done, and starts the process.
    pub(super) fn start(folder: &Path) -> Result<Self> {
        let python = python(folder)?;
        let script = |verb| {
            let mut command = Command::new(&python);
            command.arg(shell::root().join("xtask/src/peers/peers.py")).arg(verb).arg(folder);
            command
        };
        if !folder.join(LAST_MADE).exists() {
            run(&mut script("make"))?;
        }
        let mut command = script("serve");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().context("the peers cannot be started")?;
        let input = process.stdin.take().context("the peers have no input")?;
        let output = process.stdout.take().context("the peers have no output")?;
        let output = BufReader::new(output).lines();
        let mut theirs = Self { process, input, output, names: Vec::new() };
        while let Some((model, peer)) = theirs.line()?.split_once(' ') {
            theirs.names.push((model.to_owned(), peer.to_owned()));
        }
        Ok(theirs)
    }

    fn line(&mut self) -> Result<String> {
        self.output.next().context("the peers have ended")?.context("the peers cannot be read")
    }

    /// The models, and who has an inference of each.
    pub(super) fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.names.iter().map(|(model, peer)| (model.as_str(), peer.as_str()))
    }

    /// CPU time in nanoseconds.
    pub(super) fn time(&mut self, task: &Task) -> Result<u64> {
        let count = if task.single { SINGLE } else { 0 };
        let Task { model, peer, rows, .. } = task;
        writeln!(self.input, "{model} {peer} {} {count}", ROWS[*rows])?;
        let line = self.line()?;
        line.parse().with_context(|| format!("{peer} answers {line:?}"))
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        // If it has ended already there is nothing to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The interpreter of an environment that has the packages.
fn python(folder: &Path) -> Result<PathBuf> {
    let environment = folder.join("venv");
    let (python, installed) = (environment.join("bin/python"), environment.join("installed"));
    if !installed.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(PACKAGES))?;
        std::fs::write(installed, PACKAGES.join("\n"))?;
    }
    Ok(python)
}

fn run(command: &mut Command) -> Result<()> {
    eprintln!("$ {command:?}");
    let status = command.status().with_context(|| format!("{command:?} cannot be started"))?;
    ensure!(status.success(), "{command:?} failed");
    Ok(())
}
