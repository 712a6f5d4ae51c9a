//! The configuration of an experiment: what the user says of the training service, and what is said here of
//! trials, search space and tuner.
//!
//! The user's text stays as it is and is not understood; ours is written behind it, in JSON, which is YAML.

use std::io::Write;
use std::path::Path;

use nnmeter_hardware::error::{Error, ErrorKind, Result};
use serde_json::{Value as Json, json};
use tempfile::NamedTempFile;

use super::SetUp;
use super::job::PARAMETER;

/// What is said where the user says nothing: this machine, one trial after the other.
const LOCAL: &str = "trainingService: {platform: local}\ntrialConcurrency: 1\n";
/// The Python class that becomes our tuner; it needs nothing but Python.
const TUNER: &str = include_str!("../../../python/nnmeter_nni/tuner.py");
const TUNER_MODULE: &str = "nnmeter_fleet_tuner";
/// What is not the user's to say.
const OURS: [&str; 8] = [
    "trialCommand",
    "trialCodeDirectory",
    "searchSpace",
    "searchSpaceFile",
    "maxTrialNumber",
    "tuner",
    "advisor",
    "assessor",
];

/// Writes the configuration of an experiment of so many jobs, whose code directory is `folder`; the tuner's
/// Python goes there, too. The file lies beside the user's, so that paths in it mean the same.
///
/// # Errors
/// If the user's cannot be read, or says what is said here.
pub(super) fn write(set_up: &SetUp, folder: &Path, jobs: usize) -> Result<NamedTempFile> {
    let failed = |path: &Path, error| Error::io(path.display(), &error);
    let (own, beside) = match &set_up.config {
        Some(path) => (
            std::fs::read_to_string(path).map_err(|error| failed(path, error))?,
            path.parent().filter(|folder| !folder.as_os_str().is_empty()),
        ),
        None => (LOCAL.to_owned(), Some(folder)),
    };
    if let Some(path) = &set_up.config {
        check(&own).map_err(|error| error.within(path.display()))?;
    }
    let tuner = folder.join(format!("{TUNER_MODULE}.py"));
    std::fs::write(&tuner, TUNER).map_err(|error| failed(&tuner, error))?;
    let beside = beside.unwrap_or(Path::new("."));
    let named = tempfile::Builder::new().prefix(".nnmeter-").suffix(".yml").tempfile_in(beside);
    let mut file = named.map_err(|error| failed(beside, error))?;
    let text = format!("{}\n{}", own.trim_end(), ours(set_up, folder, jobs));
    file.write_all(text.as_bytes()).map_err(|error| failed(beside, error))?;
    Ok(file)
}

/// Refuses a configuration that says what is said here, or that nothing can be written behind.
fn check(own: &str) -> Result<()> {
    let wrong = |subject: &str, found: &str| {
        Error::new(ErrorKind::BadData, subject, found)
            .expected("an NNI configuration of a training service and trialConcurrency alone")
    };
    if own.trim_start().starts_with('{') || own.lines().any(|line| line.trim_end() == "...") {
        return Err(wrong("configuration", "is not a list of lines `key: value`"));
    }
    let keys = own.lines().filter_map(|line| line.split_once(':')).map(|(key, _)| key);
    let key = keys.map(|key| key.trim_matches(['"', '\''])).find(|key| OURS.contains(key));
    match key {
        Some(key) => Err(wrong(key, "is not for the user to say here")),
        None => Ok(()),
    }
}

fn ours(set_up: &SetUp, folder: &Path, jobs: usize) -> String {
    let numbers: Vec<String> = (0..jobs).map(|job| job.to_string()).collect();
    let folder = folder.to_string_lossy();
    let entries: [(&str, Json); 5] = [
        ("trialCommand", json!(set_up.command)),
        ("trialCodeDirectory", json!(folder)),
        ("maxTrialNumber", json!(jobs)),
        ("searchSpace", json!({PARAMETER: {"_type": "choice", "_value": numbers}})),
        (
            "tuner",
            json!({"codeDirectory": folder, "className": format!("{TUNER_MODULE}.NnmeterTuner"),
                "classArgs": {"algorithm": "grid"}}),
        ),
    ];
    entries.iter().map(|(key, value)| format!("{key}: {value}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_user_says_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("fleet.yml");
        let set_up = |text: &str| {
            std::fs::write(&config, text).expect("written");
            SetUp {
                nnictl: "nnictl".into(),
                config: Some(config.clone()),
                command: "nnmeter-bridge trial measure".to_owned(),
                stopped: Default::default(),
            }
        };
        let code = folder.path().join("code");
        std::fs::create_dir(&code).expect("a folder");
        let text = "trialConcurrency: 2\ntrainingService:\n  platform: remote\n  tuner: x";
        let file = write(&set_up(text), &code, 2).expect("fits");
        let written = std::fs::read_to_string(file.path()).expect("is there");
        let written = written.replace(&*code.to_string_lossy(), "CODE");
        expect_test::expect![[r#"
            trialConcurrency: 2
            trainingService:
              platform: remote
              tuner: x
            trialCommand: "nnmeter-bridge trial measure"
            trialCodeDirectory: "CODE"
            maxTrialNumber: 2
            searchSpace: {"job":{"_type":"choice","_value":["0","1"]}}
            tuner: {"classArgs":{"algorithm":"grid"},"className":"nnmeter_fleet_tuner.NnmeterTuner","codeDirectory":"CODE"}
        "#]].assert_eq(&written);
        assert_eq!(file.path().parent(), Some(folder.path()));
        let refused = |text: &str| {
            let error = write(&set_up(text), &code, 2).expect_err(text).to_string();
            error.replace(&*folder.path().to_string_lossy(), "FOLDER") + "\n"
        };
        let told = refused("trialCommand: sleep 1") + &refused("{trialConcurrency: 2}");
        expect_test::expect![[r#"
            FOLDER/fleet.yml, trialCommand: is not for the user to say here; expected an NNI configuration of a training service and trialConcurrency alone
            FOLDER/fleet.yml, configuration: is not a list of lines `key: value`; expected an NNI configuration of a training service and trialConcurrency alone
        "#]].assert_eq(&told);
    }
}
