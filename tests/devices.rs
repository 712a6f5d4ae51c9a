//! `nnmeter devices add`, `remove` and `verify` as a user calls them, and the folders that packages
//! are looked for in.

mod support;

use std::path::{Path, PathBuf};

use expect_test::expect;
use support::user::{User, package};
use support::{DEVICE, json_lines};

const MODEL: &str = "tests/models/alexnet.onnx";

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
         name                      version  device                                              runtime                            threads                   from
         adreno630gpu_tflite21     1.0      Pixel 3 XL, Adreno 630, TFLite 2.1                  TFLite 2.1 (GPU delegate, OpenCL)  1                         built in
         adreno640gpu_tflite21     1.0      Xiaomi Mi 9, Adreno 640, TFLite 2.1                 TFLite 2.1 (GPU delegate, OpenCL)  1                         built in
         cortexA76cpu_tflite21     1.0      Pixel 4, Cortex-A76, TFLite 2.1                     TFLite 2.1                         1                         built in
         my_phone                  2.5      Pixel 4, Cortex-A76, TFLite 2.1                     TFLite 2.1                         1                         USER/my_phone@2.5.nnmeter
         my_phone                  1.0      Pixel 4, Cortex-A76, TFLite 2.1                     TFLite 2.1                         1        as my_phone@1.0  USER/my_phone@1.0.nnmeter
         myriadvpu_openvino2019r2  1.0      Neural Compute Stick 2, Myriad X, OpenVINO 2019 R2  OpenVINO 2019 R2                   1                         built in
        -> 0
    "#]].assert_eq(&user.told(&["devices"]));
    // AlexNet has three max poolings.
    assert_eq!(user.total_of(MODEL, "MY_PHONE", &[]), 7.5);
    assert_eq!(user.total_of(MODEL, "my_phone@1.0", &[]), 3.0);
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
    assert_eq!(user.total_of(MODEL, "my_phone", &[]), 3.0);
    expect![[r#"
        removed USER/my_phone@1.0.nnmeter
        -> 0
    "#]]
    .assert_eq(&user.told(&["devices", "remove", "my_phone"]));
    expect![[r#"
        error: device "my_phone": there is no predictor of that name; expected one of adreno630gpu_tflite21, adreno640gpu_tflite21, cortexA76cpu_tflite21, myriadvpu_openvino2019r2
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
    let before = user.total_of(MODEL, DEVICE, &[]);
    assert_eq!(user.run(&["devices", "add", &user.package(DEVICE, "0.5")]).code, 0);
    assert_eq!(user.total_of(MODEL, DEVICE, &[]), before);
    assert_eq!(user.run(&["devices", "add", &user.package(DEVICE, "1.0")]).code, 0);
    assert_eq!(user.total_of(MODEL, DEVICE, &[]), 3.0);
    expect![[r#"
         name                      version  device                                              runtime                            threads                                from
         adreno630gpu_tflite21     1.0      Pixel 3 XL, Adreno 630, TFLite 2.1                  TFLite 2.1 (GPU delegate, OpenCL)  1                                      built in
         adreno640gpu_tflite21     1.0      Xiaomi Mi 9, Adreno 640, TFLite 2.1                 TFLite 2.1 (GPU delegate, OpenCL)  1                                      built in
         cortexA76cpu_tflite21     1.0      Pixel 4, Cortex-A76, TFLite 2.1                     TFLite 2.1                         1                                      USER/cortexA76cpu_tflite21@1.0.nnmeter
         cortexA76cpu_tflite21     1.0      Pixel 4, Cortex-A76, TFLite 2.1                     TFLite 2.1                         1        hidden                        built in
         cortexA76cpu_tflite21     0.5      Pixel 4, Cortex-A76, TFLite 2.1                     TFLite 2.1                         1        as cortexA76cpu_tflite21@0.5  USER/cortexA76cpu_tflite21@0.5.nnmeter
         myriadvpu_openvino2019r2  1.0      Neural Compute Stick 2, Myriad X, OpenVINO 2019 R2  OpenVINO 2019 R2                   1                                      built in
        -> 0
    "#]].assert_eq(&user.told(&["devices"]));
    assert_eq!(user.run(&["devices", "remove", &format!("{DEVICE}@1.0")]).code, 0);
    assert_eq!(user.total_of(MODEL, DEVICE, &[]), before);
}

#[test]
fn added_from_standard_input_to_another_folder() {
    let user = User::new();
    let bytes = package("my_phone", "1.0").to_bytes().expect("writes");
    let other = user.home_folder().join("other").join("folder");
    let other = other.to_str().expect("UTF-8");
    let added = user.run_with(&["devices", "add", "-", "--to", other], &bytes, &[]);
    assert_eq!(added.code, 0, "{added:?}");
    assert!(added.err.contains("NNMETER_PREDICTORS has to name the folder"), "{added:?}");
    let written = Path::new(other).join("my_phone@1.0.nnmeter");
    assert_eq!(std::fs::read(&written).expect("is there"), bytes);
    assert!(!user.predictors().exists());
    assert_eq!(user.total_of(MODEL, written.to_str().expect("UTF-8"), &[]), 3.0);
    assert_eq!(user.total_of(MODEL, "my_phone", &[("NNMETER_PREDICTORS", other)]), 3.0);
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
    let explicit = user.home_folder().join("explicit");
    let explicit = explicit.to_str().expect("UTF-8");
    let file = user.package("my_phone", "1.0");
    assert_eq!(user.run(&["devices", "add", &file, "--to", explicit]).code, 0);
    assert_eq!(user.total_of(MODEL, "my_phone", &[]), 6.0);
    let variables = [("NNMETER_PREDICTORS", explicit)];
    assert_eq!(user.total_of(MODEL, "my_phone", &variables), 3.0);
    assert_eq!(user.total_of(MODEL, "my_phone@2.0", &variables), 6.0);
    assert_eq!(user.total_of(MODEL, "my_phone", &[("NNMETER_PREDICTORS", "")]), 6.0);
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
    let data = user.home_folder().join("data");
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
    let all_names = [
        "adreno630gpu_tflite21@1.0",
        "adreno640gpu_tflite21@1.0",
        "cortexA76cpu_tflite21@1.0",
        "my_phone@1.0",
        "myriadvpu_openvino2019r2@1.0",
    ];
    assert_eq!(names, all_names);
    for line in &lines {
        assert_eq!(line["ok"], true);
        assert_eq!(line["parts"][0]["sha256"].as_str().expect("a digest").len(), 64);
        assert!(line["self_check"][0]["total_ms"].as_f64().expect("a price") > 0.0);
    }
    expect![[r#"
         package       result  KB   parts  built-in network  covered  from
         my_phone@1.0  ok      4.8  3      1.0000 ms         5 %      USER/my_phone@1.0.nnmeter
         my_phone@1.0  ok      4.8  3      1.0000 ms         5 %      ~/my_phone 1.0.nnmeter
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
    let lines = json_lines(&all.out);
    let line = lines.iter().find(|line| line["package"] == "broken@1.0").expect("is verified");
    assert_eq!(line["ok"], false);
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
    let file = user.home_folder().join("empty.nnmeter");
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
