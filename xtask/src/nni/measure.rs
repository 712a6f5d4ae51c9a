//! Models measured by trials, two at a time, by a program that says what they take: so it is known what must
//! come of it. One trial is of another machine, one fails, one is killed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value as Json;

use super::environment::Environment;
use crate::shell;

/// Models with what the program says that they take, in milliseconds; less than nothing: what goes wrong.
const MODELS: [(&str, f64); 6] = [
    ("squeezenet1_1", 1.5),
    ("resnet18", 2.5),
    ("nb201", 3.5),
    ("mobilenet_v2", 4.5),
    ("alexnet", UNSUPPORTED),
    ("vgg16", KILLED),
];
const UNSUPPORTED: f64 = -1.0;
const KILLED: f64 = -2.0;
/// Rounds of each model.
const ROUNDS: usize = 3;
/// The first machine to be asked is a, as are all but one of those that measure.
const PROGRAM: &str = r#"#!/bin/sh
here=$(dirname "$0")
if [ "$1" = identity ]; then
  chip=a
  mkdir "$here/first" 2>/dev/null || { mkdir "$here/second" 2>/dev/null && chip=b; }
  echo "{\"chip\": \"$chip\", \"threads\": 1, \"runtime\": \"none\", \"version\": \"1\"}"
  exit
fi
echo . >> "$here/calls"
case $(basename "$2" .onnx) in
MODELS
esac
"#;

/// Measures twice with one log: the second run does what the first could not.
pub(super) fn run(environment: &Environment) -> Result<()> {
    let folder = environment.scratch("measure")?;
    fs::write(
        folder.join("fleet.yml"),
        "trialConcurrency: 2\ntrainingService: {platform: local}\n",
    )?;
    let program = folder.join("bench.sh");
    fs::write(&program, PROGRAM.replace("MODELS", &cases()))?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    let first = measure(environment, &folder)?;
    let strange = |line: &&Json| {
        let named = message(line).contains(", trial ") && message(line).contains(" on \"");
        named && message(line).contains("another identity: chip is \"b\"")
    };
    ensure!(first.values().filter(strange).count() == 1, "not one is refused: {first:?}");
    check(first.iter().filter(|(_, line)| !strange(line)))?;
    let calls = || fs::read_to_string(folder.join("calls")).map(|calls| calls.lines().count());
    let before = calls()?;
    let second = measure(environment, &folder)?;
    check(second.iter())?;
    // At most what the refused one has still to do, and one call of each that fails.
    ensure!(calls()? - before <= ROUNDS + 2, "what the log had was measured again");
    let log = fs::read_to_string(folder.join("log.jsonl"))?;
    ensure!(log.lines().count() == 1 + 4 * ROUNDS, "the log has other rounds:\n{log}");
    let timings = fs::read_to_string(folder.join("timings.csv"))?;
    ensure!(timings.lines().count() == 5, "the timings are of others:\n{timings}");
    Ok(())
}

/// What the program says of each model.
fn cases() -> String {
    let case = |(name, ms): &(&str, f64)| match *ms {
        UNSUPPORTED => format!(
            "{name}) echo '{{\"error\": \"SUB is not supported\", \"unsupported\": true}}' ;;\n"
        ),
        KILLED => format!("{name}) kill -9 $PPID ;;\n"),
        ms => format!("{name}) echo '{{\"latency_ms\": [{ms}, {}]}}' ;;\n", ms + 0.25),
    };
    MODELS.iter().map(case).collect()
}

/// Each line that `nnmeter-bridge measure` prints, by its model.
fn measure(environment: &Environment, folder: &Path) -> Result<BTreeMap<String, Json>> {
    let models = MODELS.map(|(name, _)| shell::root().join(format!("tests/models/{name}.onnx")));
    let bridge: PathBuf = shell::target().join("debug/nnmeter-bridge");
    let own = [environment.programs(), shell::target().join("debug")];
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let path = own.into_iter().chain(std::env::split_paths(&inherited));
    let complaints = folder.join("stderr");
    fs::create_dir_all(folder.join("home"))?;
    let mut command = Command::new(bridge);
    command.arg("measure").args(models).current_dir(folder).env("HOME", folder.join("home"));
    command.arg("--backend").arg(format!("command:{}", folder.join("bench.sh").display()));
    command.args(["--rounds", &ROUNDS.to_string(), "--config", "fleet.yml", "--log", "log.jsonl"]);
    command.args(["-o", "timings.csv"]).env("PATH", std::env::join_paths(path)?);
    let command = command.stdin(Stdio::null()).stderr(File::create(&complaints)?);
    let output = command.output().context("nnmeter-bridge measure")?;
    let text = String::from_utf8(output.stdout)?;
    let complaints = fs::read_to_string(complaints)?;
    ensure!(output.status.code() == Some(1), "{}:\n{text}{complaints}", output.status);
    let line = |line: &str| {
        let json: Json = serde_json::from_str(line)?;
        let file = Path::new(json["file"].as_str().unwrap_or_default()).file_stem();
        let name = file.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok((name, json))
    };
    let lines: BTreeMap<_, _> = text.lines().map(line).collect::<Result<_>>()?;
    ensure!(lines.len() == MODELS.len(), "{} models are told of:\n{text}{complaints}", lines.len());
    Ok(lines)
}

/// Every model has its own figure, or its own error.
fn check<'a>(lines: impl Iterator<Item = (&'a String, &'a Json)>) -> Result<()> {
    for (name, line) in lines {
        let model = MODELS.iter().find(|(model, _)| model == name);
        let (_, ms) = model.with_context(|| format!("{name} is not one of ours"))?;
        let figures = &line["figures"]["latency_ms"];
        match *ms {
            UNSUPPORTED => ensure!(message(line).contains("SUB is not supported"), "{line}"),
            KILLED => {
                ensure!(message(line).contains("no trial of it reported (trial "), "{line}")
            }
            ms => {
                ensure!(figures["minimum"] == ms && figures["rounds"] == ROUNDS, "{line}");
                ensure!(line["identity"]["chip"] == "a", "{line}");
            }
        }
    }
    Ok(())
}

fn message(line: &Json) -> &str {
    line["error"]["message"].as_str().unwrap_or_default()
}
