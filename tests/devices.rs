//! `nnmeter devices add`, `remove` and `verify` as a user calls them, and the folders that packages
//! are looked for in.

mod support;

use std::path::{Path, PathBuf};

use expect_test::expect;
use nnmeter_core::feature::Feature;
use nnmeter_core::kind::Kind;
use nnmeter_core::model::{FittedRange, KernelModel, Parametric, Term, WindowClass};
use nnmeter_core::predict::FittedModel;
use nnmeter_hardware::package::Package;
use support::{DEVICE, Run, json_lines, nnmeter_with};
use tempfile::TempDir;

const MODEL: &str = "tests/models/alexnet.onnx";

/// A user with a home of their own.
struct User {
    home: TempDir,
}

impl User {
    fn new() -> Self {
        Self { home: tempfile::tempdir().expect("a folder") }
    }

    fn home(&self) -> &str {
        self.home.path().to_str().expect("UTF-8")
    }

    /// Where the packages of this user belong.
    fn predictors(&self) -> PathBuf {
        let data = match cfg!(target_os = "macos") {
            true => "Library/Application Support",
            false => ".local/share",
        };
        self.home.path().join(data).join("nnmeter").join("predictors")
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, &[], &[])
    }

    fn run_with(&self, arguments: &[&str], input: &[u8], variables: &[(&str, &str)]) -> Run {
        let home = [("HOME", self.home())];
        let variables: Vec<(&str, &str)> =
            home.into_iter().chain(variables.iter().copied()).collect();
        nnmeter_with(arguments, input, &variables)
    }

    /// What `arguments` print and end with; the home is `~`, the folder of packages
    /// `USER`.
    fn told(&self, arguments: &[&str]) -> String {
        let Run { code, out, err } = self.run(arguments);
        let predictors = self.predictors().display().to_string();
        format!("{out}{err}-> {code}\n").replace(&predictors, "USER").replace(self.home(), "~")
    }

    /// A package file of `name` at `version`.
    fn package(&self, name: &str, version: &str) -> String {
        let path = self.home.path().join(format!("{name} {version}.nnmeter"));
        package(name, version).write(&path).expect("writes");
        path.to_str().expect("UTF-8").to_owned()
    }

    /// The total that `device` predicts.
    fn total(&self, device: &str, variables: &[(&str, &str)]) -> f64 {
        let arguments = ["predict", MODEL, "--allow-uncovered", "--json", "-d", device];
        let run = self.run_with(&arguments, &[], variables);
        assert_eq!(run.code, 0, "{run:?}");
        json_lines(&run.out)[0]["total_ms"].as_f64().expect("a total")
    }
}

/// A package of a device at which a max pooling takes as many ms as its version is.
fn package(name: &str, version: &str) -> Package {
    let built_in = format!("nnmeter-hardware/predictors/{DEVICE}.nnmeter");
    let mut package = Package::read(Path::new(&built_in)).expect("reads");
    package.device.name = name.to_owned();
    package.version = version.parse().expect("a version");
    let rate = version.parse().expect("a number");
    let term = Term { feature: Feature::One, window: WindowClass::Any, rate };
    let parametric = Parametric::new(vec![term]).expect("a term");
    let (model, range) = (KernelModel::Parametric(parametric), FittedRange::default());
    let latency = package.latency.as_mut().expect("has latency");
    latency.kernels = vec![(Kind::MaxPool, FittedModel { model, range })];
    package
}

#[test]
fn added_listed_used_and_removed() {
    let user = User::new();
    let (first, second) = (user.package("my_phone", "1.0"), user.package("my_phone", "2.5"));
    expect![[r#"
        added my_phone@1.0: USER/my_phone@1.0.nnmeter
        -> 0
    "#]]
    .assert_eq(&user.told(&["devices", "add", &first]));
    expect![[r#"
        added my_phone@2.5: USER/my_phone@2.5.nnmeter
        -> 0
    "#]]
    .assert_eq(&user.told(&["devices", "add", &second]));
    expect![[r#"
        error: USER/my_phone@1.0.nnmeter: is my_phone@1.0 already
        hint: --force replaces it; another version of the package would stand beside it
        -> 1
    "#]]
    .assert_eq(&user.told(&["devices", "add", &first]));
    expect![[r#"
        replaced my_phone@1.0: USER/my_phone@1.0.nnmeter
        note: my_phone alone stands for my_phone@2.5
        -> 0
    "#]]
    .assert_eq(&user.told(&["devices", "add", &first, "--force"]));
    expect![[r#"
         name                   version  device                           runtime     threads                   from
         cortexA76cpu_tflite21  1.0      Pixel 4, Cortex-A76, TFLite 2.1  TFLite 2.1  1                         built in
         my_phone               2.5      Pixel 4, Cortex-A76, TFLite 2.1  TFLite 2.1  1                         USER/my_phone@2.5.nnmeter
         my_phone               1.0      Pixel 4, Cortex-A76, TFLite 2.1  TFLite 2.1  1        as my_phone@1.0  USER/my_phone@1.0.nnmeter
        -> 0
    "#]].assert_eq(&user.told(&["devices"]));
    // AlexNet has three max poolings.
    assert_eq!(user.total("MY_PHONE", &[]), 7.5);
    assert_eq!(user.total("my_phone@1.0", &[]), 3.0);
    expect![[r#"
        error: device "my_phone@2.0": there is no predictor of that version; expected one of my_phone@2.5, my_phone@1.0
        -> 2
    "#]].assert_eq(&user.told(&["predict", MODEL, "-d", "my_phone@2.0"]));
    expect![[r#"
        error: device "my_phone": has several versions there; expected one of my_phone@1.0, my_phone@2.5
        -> 2
    "#]].assert_eq(&user.told(&["devices", "remove", "my_phone"]));
    expect![[r#"
        removed USER/my_phone@2.5.nnmeter
        -> 0
    "#]]
    .assert_eq(&user.told(&["devices", "remove", "my_phone@2.5"]));
    assert_eq!(user.total("my_phone", &[]), 3.0);
    expect![[r#"
        removed USER/my_phone@1.0.nnmeter
        -> 0
    "#]]
    .assert_eq(&user.told(&["devices", "remove", "my_phone"]));
    expect![[r#"
        error: device "my_phone": there is no predictor of that name; expected one of cortexA76cpu_tflite21
        -> 2
    "#]].assert_eq(&user.told(&["devices", "remove", "my_phone"]));
    expect![[r#"
        error: device "cortexA76cpu_tflite21@1.0": is built into nnmeter
        hint: a package of the same name and version that you add comes before it
        -> 1
    "#]]
    .assert_eq(&user.told(&["devices", "remove", DEVICE]));
}

#[test]
fn an_added_package_comes_before_the_built_in_of_its_version() {
    let user = User::new();
    let before = user.total(DEVICE, &[]);
    assert_eq!(user.run(&["devices", "add", &user.package(DEVICE, "0.5")]).code, 0);
    assert_eq!(user.total(DEVICE, &[]), before);
    assert_eq!(user.run(&["devices", "add", &user.package(DEVICE, "1.0")]).code, 0);
    assert_eq!(user.total(DEVICE, &[]), 3.0);
    expect![[r#"
         name                   version  device                           runtime     threads                                from
         cortexA76cpu_tflite21  1.0      Pixel 4, Cortex-A76, TFLite 2.1  TFLite 2.1  1                                      USER/cortexA76cpu_tflite21@1.0.nnmeter
         cortexA76cpu_tflite21  1.0      Pixel 4, Cortex-A76, TFLite 2.1  TFLite 2.1  1        hidden                        built in
         cortexA76cpu_tflite21  0.5      Pixel 4, Cortex-A76, TFLite 2.1  TFLite 2.1  1        as cortexA76cpu_tflite21@0.5  USER/cortexA76cpu_tflite21@0.5.nnmeter
        -> 0
    "#]].assert_eq(&user.told(&["devices"]));
    assert_eq!(user.run(&["devices", "remove", &format!("{DEVICE}@1.0")]).code, 0);
    assert_eq!(user.total(DEVICE, &[]), before);
}

#[test]
fn added_from_standard_input_to_another_folder() {
    let user = User::new();
    let bytes = package("my_phone", "1.0").to_bytes().expect("writes");
    let other = user.home.path().join("other").join("folder");
    let other = other.to_str().expect("UTF-8");
    let added = user.run_with(&["devices", "add", "-", "--to", other], &bytes, &[]);
    assert_eq!(added.code, 0, "{added:?}");
    assert!(added.err.contains("NNMETER_PREDICTORS has to name the folder"), "{added:?}");
    let written = Path::new(other).join("my_phone@1.0.nnmeter");
    assert_eq!(std::fs::read(&written).expect("is there"), bytes);
    assert!(!user.predictors().exists());
    assert_eq!(user.total(written.to_str().expect("UTF-8"), &[]), 3.0);
    assert_eq!(user.total("my_phone", &[("NNMETER_PREDICTORS", other)]), 3.0);
    let removed = user.run_with(&["devices", "remove", "my_phone", "--from", other], &[], &[]);
    assert_eq!((removed.code, written.exists()), (0, false), "{removed:?}");
    for (bytes, told) in
        [(&b"no package"[..], "standard input, predictor package: is not"), (b"", "")]
    {
        let refused = user.run_with(&["devices", "add", "-"], bytes, &[]);
        assert_eq!(refused.code, 1);
        assert!(refused.err.contains(told), "{refused:?}");
    }
    assert!(!user.predictors().exists());
}

#[test]
fn the_variable_decides_and_the_platform_tells_where_the_user_keeps_packages() {
    let user = User::new();
    assert_eq!(user.run(&["devices", "add", &user.package("my_phone", "2.0")]).code, 0);
    assert!(user.predictors().join("my_phone@2.0.nnmeter").is_file());
    let explicit = user.home.path().join("explicit");
    let explicit = explicit.to_str().expect("UTF-8");
    let file = user.package("my_phone", "1.0");
    assert_eq!(user.run(&["devices", "add", &file, "--to", explicit]).code, 0);
    assert_eq!(user.total("my_phone", &[]), 6.0);
    let variables = [("NNMETER_PREDICTORS", explicit)];
    assert_eq!(user.total("my_phone", &variables), 3.0);
    assert_eq!(user.total("my_phone@2.0", &variables), 6.0);
    assert_eq!(user.total("my_phone", &[("NNMETER_PREDICTORS", "")]), 6.0);
    let removed = user.run_with(&["devices", "remove", "my_phone@1.0"], &[], &variables);
    assert_eq!(removed.code, 1);
    assert!(removed.err.contains(&format!("--from {explicit} removes it")), "{removed:?}");
    let missing = user.run_with(&["devices"], &[], &[("NNMETER_PREDICTORS", "/nowhere")]);
    assert_eq!(missing.code, 1);
    assert!(missing.err.contains("a folder, as NNMETER_PREDICTORS says"), "{missing:?}");
}

#[cfg(all(unix, not(target_os = "macos")))]
#[test]
fn the_data_home_is_heeded_if_it_is_absolute() {
    let user = User::new();
    let data = user.home.path().join("data");
    let data = data.to_str().expect("UTF-8");
    let file = user.package("my_phone", "1.0");
    let add = ["devices", "add", &*file, "--force"];
    for (home, place) in [(data, "data"), ("relative", ".local/share"), ("", ".local/share")] {
        let added = user.run_with(&add, &[], &[("XDG_DATA_HOME", home)]);
        let file = format!("~/{place}/nnmeter/predictors/my_phone@1.0.nnmeter\n");
        assert!(added.out.replace(user.home(), "~").ends_with(&file), "{added:?}");
    }
    let homeless = user.run_with(&add, &[], &[("HOME", "")]);
    assert_eq!(homeless.code, 2, "{homeless:?}");
    assert!(homeless.err.contains("--to names another"), "{homeless:?}");
}

#[test]
fn two_adds_at_once_leave_one_whole_package() {
    let user = User::new();
    let variants = ["one", "two"].map(|title| {
        let mut package = package("my_phone", "1.0");
        package.device.title = title.to_owned();
        package.to_bytes().expect("writes")
    });
    let codes = std::thread::scope(|scope| {
        let user = &user;
        let add =
            |bytes| scope.spawn(move || user.run_with(&["devices", "add", "-"], bytes, &[]).code);
        let [one, two] = [&variants[0], &variants[1]].map(|bytes| add(bytes));
        let mut codes = [one, two].map(|thread| thread.join().expect("no panic"));
        codes.sort_unstable();
        codes
    });
    assert_eq!(codes, [0, 1]);
    let files: Vec<PathBuf> = std::fs::read_dir(user.predictors())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    assert_eq!(files, [user.predictors().join("my_phone@1.0.nnmeter")]);
    assert!(variants.contains(&std::fs::read(&files[0]).expect("is there")));
}

#[test]
fn verified_by_name_file_or_all_together() {
    let user = User::new();
    let file = user.package("my_phone", "1.0");
    assert_eq!(user.run(&["devices", "add", &file]).code, 0);
    let all = user.run(&["devices", "verify", "--json"]);
    assert_eq!(all.code, 0, "{all:?}");
    let lines = json_lines(&all.out);
    let names: Vec<&str> =
        lines.iter().map(|line| line["package"].as_str().expect("text")).collect();
    assert_eq!(names, ["cortexA76cpu_tflite21@1.0", "my_phone@1.0"]);
    for line in &lines {
        assert_eq!(line["ok"], true);
        assert_eq!(line["parts"][0]["sha256"].as_str().expect("a digest").len(), 64);
        assert!(line["self_check"][0]["total_ms"].as_f64().expect("a price") > 0.0);
    }
    expect![[r#"
         package       result  KB   parts  built-in network  covered  from
         my_phone@1.0  ok      4.7  3      1.0000 ms         5 %      USER/my_phone@1.0.nnmeter
         my_phone@1.0  ok      4.7  3      1.0000 ms         5 %      ~/my_phone 1.0.nnmeter
        -> 0
    "#]]
    .assert_eq(&user.told(&["devices", "verify", "my_phone", &file]));

    let mut bytes = std::fs::read(&file).expect("is there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let broken = user.predictors().join("broken@1.0.nnmeter");
    std::fs::write(&broken, bytes).expect("writes");
    let all = user.run(&["devices", "verify", "--json"]);
    assert_eq!(all.code, 1);
    let line = &json_lines(&all.out)[0];
    assert_eq!((&line["package"], &line["ok"]), (&"broken@1.0".into(), &false.into()));
    assert!(line["error"]["message"].as_str().expect("text").contains("broken@1.0.nnmeter"));
    let one = user.run(&["devices", "verify", "broken", "my_phone"]);
    assert_eq!(one.code, 1);
    assert!(one.out.contains("FAILED") && one.err.starts_with("error: "), "{one:?}");
    assert_eq!(user.run(&["devices", "verify", "nothing"]).code, 2);
    assert_eq!(user.run(&["devices", "remove", "broken"]).code, 0);
    assert_eq!(user.run(&["devices", "verify"]).code, 0);
}

#[test]
fn a_package_that_prices_nothing_does_not_pass() {
    let user = User::new();
    let mut package = package("my_phone", "1.0");
    package.latency.as_mut().expect("has latency").kernels.clear();
    let file = user.home.path().join("empty.nnmeter");
    package.write(&file).expect("writes");
    expect![[r#"
         package  result  KB  parts  built-in network  covered  from
         -        FAILED                                        ~/empty.nnmeter
        error: ~/empty.nnmeter, self check: prices the built-in network at 0 (latency_ms); expected a number above zero
        hint: 0 % of the network's operators have a price at all
        -> 1
    "#]].assert_eq(&user.told(&["devices", "verify", file.to_str().expect("UTF-8")]));
}

#[test]
fn a_card_tells_version_provenance_accuracy_and_interval() {
    let user = User::new();
    let card = user.run(&["devices", DEVICE]);
    for line in ["version", "fitted on", "data by", "interval", "Accuracy of latency_ms"] {
        assert!(card.out.contains(line), "{line} in {}", card.out);
    }
    let json = &json_lines(&user.run(&["devices", DEVICE, "--json"]).out)[0];
    assert_eq!((&json["version"], &json["asked_for"]), (&"1.0".into(), &"by name".into()));
    let interval = &json["metrics"][0]["interval"];
    assert_eq!(interval["level"], 0.9);
    assert!(interval["inside"][0].as_f64() > interval["outside"][0].as_f64());
    let file = user.package("my_phone", "1.0");
    let of_file = &json_lines(&user.run(&["devices", &file, "--json"]).out)[0];
    assert_eq!((&of_file["name"], &of_file["from"]), (&"my_phone".into(), &file.into()));
}
