//! Where packages are found, which one wins, and what a wrong name is told.

use std::path::Path;
use std::sync::Arc;

use expect_test::expect;
use nnmeter_core::kind::Kind;
use nnmeter_hardware::error::ErrorKind;
use nnmeter_hardware::package::Package;
use nnmeter_hardware::registry::{Origin, Registry};

use crate::sample;

fn titled(name: &str, title: &str) -> Package {
    let mut package = sample::package(name);
    package.device.title = title.to_owned();
    package
}

fn put(folder: &Path, package: &Package) {
    let file = format!("{}.nnmeter", package.device.name);
    package.write(&folder.join(file)).expect("writes");
}

fn registry_of(folders: &[&Path]) -> Registry {
    let mut registry = Registry::default();
    for folder in folders {
        registry.add_folder(folder).expect("a folder");
    }
    registry
}

#[test]
fn earlier_sources_win_whatever_the_case() {
    let (first, second) = (tempfile::tempdir().expect("one"), tempfile::tempdir().expect("two"));
    put(first.path(), &titled("Abacus", "first"));
    put(second.path(), &titled("abacus", "second"));
    put(second.path(), &titled("slide_rule", "second"));
    let mut registry = registry_of(&[]);
    registry.register_package(titled("ABACUS", "registered")).expect("a new name");
    registry.register_package(titled("comptometer", "registered")).expect("a new name");
    for folder in [&first, &second] {
        registry.add_folder(folder.path()).expect("a folder");
    }
    assert_eq!(registry.names(), ["Abacus", "comptometer", "slide_rule"]);
    let title = |name| registry.open(name).expect("opens").device().title.clone();
    assert_eq!(title("aBACUS"), "first");
    assert_eq!(title("slide_rule"), "second");
    assert_eq!(title("comptometer"), "registered");
    let origin = registry.open("abacus").expect("opens").origin().clone();
    assert_eq!(origin, Origin::File(first.path().join("Abacus.nnmeter")));
}

#[test]
fn a_package_is_opened_once_and_predicts() {
    let folder = tempfile::tempdir().expect("a folder");
    put(folder.path(), &sample::package("abacus"));
    let registry = registry_of(&[folder.path()]);
    let device = registry.open("abacus").expect("opens");
    std::fs::remove_file(folder.path().join("abacus.nnmeter")).expect("removes");
    assert!(Arc::ptr_eq(&device, &registry.open("abacus").expect("is open")));
    assert!(device.latency().expect("has latency").model(Kind::Conv).is_some());
    assert_eq!(device.energy().expect_err("has none").kind(), ErrorKind::UnknownMetric);
    assert_eq!(device.rules_json().matches("obey").count(), 1);
}

#[test]
fn registered_bytes_are_read_and_names_are_unique() {
    let bytes = sample::package("abacus").to_bytes().expect("writes");
    let bytes: &'static [u8] = Box::leak(bytes.into_boxed_slice());
    let mut registry = registry_of(&[]);
    registry.register(bytes).expect("a new name");
    let error = registry.register(bytes).expect_err("a second time");
    expect![[r#"device "abacus": has a predictor already; expected a name of its own for each package that is registered"#]].assert_eq(&error.to_string());
    assert!(registry.register(&bytes[1..]).is_err());
    assert_eq!(registry.open("abacus").expect("opens").origin(), &Origin::Registered);
}

#[test]
fn unknown_names_get_a_suggestion() {
    let mut registry = registry_of(&[]);
    let error = registry.open("abacus").expect_err("nothing is known");
    expect!["put a .nnmeter file into a folder and name it in NNMETER_PREDICTORS"]
        .assert_eq(error.advice().unwrap_or_default());
    for name in ["abacus_hand2", "slide_rule"] {
        registry.register_package(sample::package(name)).expect("a new name");
    }
    let error = registry.open("sliderule").expect_err("misspelt");
    assert_eq!(error.kind(), ErrorKind::UnknownDevice);
    expect![[r#"device "sliderule": there is no predictor of that name; expected one of abacus_hand2, slide_rule"#]].assert_eq(&error.to_string());
    assert_eq!(error.advice(), Some("did you mean slide_rule?"));
    assert_eq!(
        registry.open("abacus").expect_err("cut").advice(),
        Some("did you mean abacus_hand2?")
    );
    assert_eq!(registry.open("comptometer").expect_err("far").advice(), None);
}

#[test]
fn a_broken_package_is_an_entry_and_breaks_no_other() {
    let folder = tempfile::tempdir().expect("a folder");
    put(folder.path(), &sample::package("abacus"));
    put(folder.path(), &sample::package("misnamed"));
    std::fs::rename(folder.path().join("misnamed.nnmeter"), folder.path().join("other.nnmeter"))
        .expect("renames");
    std::fs::write(folder.path().join("slide_rule.nnmeter"), b"PK").expect("writes");
    std::fs::write(folder.path().join("notes.txt"), b"").expect("writes");
    let mut registry = registry_of(&[folder.path()]);
    registry.register_package(sample::package("slide_rule")).expect("a new name");
    let state = |entry: nnmeter_hardware::registry::Entry| match entry.device {
        Ok(_) => format!("{}: opens\n", entry.name),
        Err(error) => format!("{}: {error}\n", entry.name),
    };
    let list: String = registry.entries().into_iter().map(state).collect();
    let place = format!("{}/", folder.path().display());
    expect![[r#"
        abacus: opens
        other: other.nnmeter: is the package of the device "misnamed"; expected the device "other", as its name says
        slide_rule: slide_rule.nnmeter, predictor package: is not a whole ZIP archive (it does not end as one)
    "#]].assert_eq(&list.replace(&place, ""));
    let error = registry.open("slide_rule").expect_err("no falling back");
    assert_eq!(error.kind(), ErrorKind::CorruptPackage);
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = Registry::default().add_folder(&folder.path().join("none")).expect_err("missing");
    assert_eq!(error.kind(), ErrorKind::Io);
}
