//! Versions of a device side by side: which one a name stands for, what a wrong one is told, and how
//! they come into folders and out again.

use std::path::Path;

use expect_test::expect;
use nnmeter_hardware::error::ErrorKind;
use nnmeter_hardware::install::{self, Installed};
use nnmeter_hardware::package::Package;
use nnmeter_hardware::registry::{Origin, Registry, Standing};
use nnmeter_hardware::version::Version;

use crate::archives::Parts;
use crate::sample;

fn version(name: &str, text: &str) -> Package {
    Package { version: text.parse().expect("a version"), ..sample::package(name) }
}

fn add(folder: &Path, package: &Package) -> Installed {
    let bytes = package.to_bytes().expect("writes");
    install::add(package, &bytes, folder, false).expect("is new")
}

/// What each name of `names` stands for: a version, and whether it is a file.
fn opened(registry: &Registry, names: &[&str]) -> String {
    let line = |name: &&str| match registry.open(name) {
        Ok(device) => {
            let is_file = matches!(device.origin(), Origin::File(_));
            format!("{name}: {} {}\n", device.version(), if is_file { "file" } else { "code" })
        }
        Err(error) => format!("{name}: {error}\n"),
    };
    names.iter().map(line).collect()
}

#[test]
fn a_name_stands_for_the_highest_version() {
    let folder = tempfile::tempdir().expect("a folder");
    for text in ["1.9", "1.10", "0.3"] {
        add(folder.path(), &version("abacus", text));
    }
    let mut registry = Registry::default();
    registry.register(&version("ABACUS", "1.9")).expect("a new name");
    registry.register(&version("abacus", "2.0")).expect("a new version");
    registry.add_folder(folder.path()).expect("a folder");
    let names = ["abacus", "Abacus@1.9", "abacus@0.3", "abacus@2.0", "abacus@1.1", "abacus@new"];
    expect![[r#"
        abacus: 2.0 code
        Abacus@1.9: 1.9 file
        abacus@0.3: 0.3 file
        abacus@2.0: 2.0 code
        abacus@1.1: device "abacus@1.1": there is no predictor of that version; expected one of abacus@2.0, abacus@1.10, abacus@1.9, abacus@0.3
        abacus@new: device "abacus@new": there is no predictor of that version; expected one of abacus@2.0, abacus@1.10, abacus@1.9, abacus@0.3
    "#]].assert_eq(&opened(&registry, &names));
    assert_eq!(registry.names(), ["abacus"]);
    let standings: Vec<String> = registry
        .entries()
        .iter()
        .map(|entry| format!("{} {:?}", entry.spec(), entry.standing()))
        .collect();
    expect![[r#"
        abacus@2.0 Default
        abacus@1.10 Versioned
        abacus@1.9 Versioned
        ABACUS@1.9 Hidden
        abacus@0.3 Versioned"#]]
    .assert_eq(&standings.join("\n"));
}

#[test]
fn an_explicit_folder_decides() {
    let (explicit, user) = (tempfile::tempdir().expect("one"), tempfile::tempdir().expect("two"));
    add(explicit.path(), &version("abacus", "1.1"));
    add(explicit.path(), &version("abacus", "1.0"));
    add(user.path(), &version("abacus", "3.0"));
    add(user.path(), &version("slide_rule", "3.0"));
    let mut registry = Registry::default();
    registry.add_explicit_folder(explicit.path()).expect("a folder");
    registry.add_folder(user.path()).expect("a folder");
    let names = ["abacus", "abacus@3.0", "slide_rule"];
    expect![[r#"
        abacus: 1.1 file
        abacus@3.0: 3.0 file
        slide_rule: 3.0 file
    "#]]
    .assert_eq(&opened(&registry, &names));
}

#[test]
fn a_file_without_a_version_in_its_name_is_of_the_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |package: &Package, file: &str| package.write(&folder.path().join(file));
    write(&version("abacus", "1.0"), "abacus.nnmeter").expect("writes");
    write(&version("newer", "2.0"), "newer.nnmeter").expect("writes");
    write(&version("odd", "2.0"), "odd@two.nnmeter").expect("writes");
    let mut registry = Registry::default();
    registry.add_folder(folder.path()).expect("a folder");
    assert_eq!(registry.find("abacus@1.0").expect("is there").standing(), Standing::Default);
    let place = format!("{}/", folder.path().display());
    let found = opened(&registry, &["abacus", "newer", "odd@two"]).replace(&place, "");
    expect![[r#"
        abacus: 1.0 file
        newer: newer.nnmeter: is the package of newer@2.0; expected the file to be called newer@2.0.nnmeter
        odd@two: odd@two.nnmeter: is the package of odd@2.0; expected the file to be called odd@2.0.nnmeter
    "#]]
    .assert_eq(&found);
}

#[test]
fn a_file_is_opened_by_its_path() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("any name.nnmeter");
    version("abacus", "7.1").write(&path).expect("writes");
    let device = Registry::default().open(path.to_str().expect("UTF-8")).expect("opens");
    assert_eq!((&*device.device().name, device.version()), ("abacus", Version::new(7, 1)));
    let missing = Registry::default().open("nowhere.nnmeter").expect_err("is not there");
    assert_eq!(missing.kind(), ErrorKind::Io);
}

#[test]
fn a_manifest_without_a_version_is_of_the_first() {
    let mut parts = Parts::of(&version("abacus", "1.0").to_bytes().expect("writes"));
    parts.replace("manifest.json", "\"predictor_version\": \"1.0\",", "");
    assert_eq!(Package::from_bytes(&parts.zip()).expect("reads").version, Version::FIRST);
    let mut parts = Parts::of(&version("abacus", "1.0").to_bytes().expect("writes"));
    parts.replace(
        "manifest.json",
        "\"predictor_version\": \"1.0\"",
        "\"predictor_version\": \"1\"",
    );
    let error = Package::from_bytes(&parts.zip()).expect_err("no version");
    expect![[r#"part "manifest.json": version "1": is not a version; expected two numbers, as in 1.0 at line 21 column 26"#]].assert_eq(&error.to_string());
}

#[test]
fn added_whole_and_never_over_another() {
    let folder = tempfile::tempdir().expect("a folder");
    let below = folder.path().join("not").join("there yet");
    let installed = add(&below, &version("Abacus", "1.2"));
    assert_eq!(installed.path, below.join("Abacus@1.2.nnmeter"));
    let mut other = version("abacus", "1.2");
    other.device.title = "another".to_owned();
    let bytes = other.to_bytes().expect("writes");
    let error = install::add(&other, &bytes, &below, false).expect_err("is there");
    assert_eq!(error.kind(), ErrorKind::Exists);
    assert_ne!(std::fs::read(&installed.path).expect("is there"), bytes);
    let replaced = install::add(&other, &bytes, &below, true).expect("as asked for");
    assert_eq!((&replaced.path, replaced.replaced), (&installed.path, true));
    assert_eq!(std::fs::read(&installed.path).expect("is there"), bytes);
    assert_eq!(std::fs::read_dir(&below).expect("a folder").count(), 1);
}

#[test]
fn of_many_added_at_once_one_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let titled = |index: usize| {
        let mut package = version("abacus", "1.0");
        package.device.title = format!("number {index}");
        let bytes = package.to_bytes().expect("writes");
        (package, bytes)
    };
    let packages: Vec<(Package, Vec<u8>)> = (0..8).map(titled).collect();
    let folder_path = folder.path();
    let results: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = packages
            .iter()
            .map(|(package, bytes)| {
                scope.spawn(move || install::add(package, bytes, folder_path, false))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    let added: Vec<usize> = (0..8).filter(|&index| results[index].is_ok()).collect();
    assert_eq!(added.len(), 1, "{results:?}");
    let there = std::fs::read(folder.path().join("abacus@1.0.nnmeter")).expect("is there");
    assert_eq!(there, packages[added[0]].1);
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
}

#[test]
fn removed_by_name_or_version() {
    let folder = tempfile::tempdir().expect("a folder");
    for text in ["1.0", "1.1"] {
        add(folder.path(), &version("abacus", text));
    }
    std::fs::write(folder.path().join("Slide_rule.nnmeter"), b"broken").expect("writes");
    let mut registry = Registry::built_in();
    registry.add_folder(folder.path()).expect("a folder");
    registry.register(&version("comptometer", "1.0")).expect("a new name");
    let remove = |name: &str| match install::remove(&registry, name, folder.path()) {
        Ok(paths) => format!("{name}: removed {}\n", paths.len()),
        Err(error) => {
            let hint = error.advice().unwrap_or("-");
            format!("{name}: {error} ({hint})\n").replace(&*folder.path().to_string_lossy(), "DIR")
        }
    };
    let names = [
        "abacus",
        "abacus@1.0",
        "abacus@1.0",
        "ABACUS",
        "slide_rule@1.0",
        "cortexa76cpu_tflite21",
        "comptometer",
        "nothing",
    ];
    expect![[r#"
        abacus: device "abacus": has several versions there; expected one of abacus@1.0, abacus@1.1 (-)
        abacus@1.0: removed 1
        abacus@1.0: device "abacus@1.0": is in DIR; expected a package in DIR (--from DIR removes it)
        ABACUS: removed 1
        slide_rule@1.0: removed 1
        cortexa76cpu_tflite21: device "cortexA76cpu_tflite21@1.0": is built into nnmeter (a package of the same name and version that you add comes before it)
        comptometer: device "comptometer@1.0": is part of this program (a package of the same name and version that you add comes before it)
        nothing: device "nothing": there is no predictor of that name; expected one of abacus, adreno630gpu_tflite21, adreno640gpu_tflite21, comptometer, cortexA76cpu_tflite21, myriadvpu_openvino2019r2, Slide_rule (-)
    "#]].assert_eq(&names.map(remove).concat());
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
    let elsewhere = tempfile::tempdir().expect("a folder");
    add(folder.path(), &version("abacus", "1.0"));
    let mut registry = Registry::default();
    registry.add_folder(folder.path()).expect("a folder");
    let error = install::remove(&registry, "abacus", elsewhere.path()).expect_err("not there");
    assert_eq!(error.kind(), ErrorKind::NotRemovable);
    assert_eq!(error.advice(), Some(&*format!("--from {} removes it", folder.path().display())));
}
