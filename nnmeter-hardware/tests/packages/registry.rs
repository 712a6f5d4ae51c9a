//! Where packages are found, which one wins, and what a wrong name is told.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use expect_test::expect;
use nnmeter_core::kind::Kind;
use nnmeter_hardware::error::{Error, ErrorKind};
use nnmeter_hardware::package::Package;
use nnmeter_hardware::provider::{DeviceProvider, LazyPackage};
use nnmeter_hardware::registry::{Origin, Registry};
use nnmeter_hardware::version::Version;

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
    registry.register(&titled("ABACUS", "registered")).expect("a new name");
    registry.register(&titled("comptometer", "registered")).expect("a new name");
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
    let offer = |name: &str| Offer(name.to_owned(), bytes);
    registry.register(&offer("abacus")).expect("a new name");
    let error = registry.register(&offer("ABACUS")).expect_err("a second time");
    expect![[r#"device "ABACUS@1.0": has a predictor already; expected a name or version of its own for each package registered"#]].assert_eq(&error.to_string());
    assert_eq!(registry.open("abacus").expect("opens").origin(), &Origin::Registered);
    registry.register(&offer("comptometer")).expect("a new name");
    let error = registry.open("comptometer").expect_err("of another device");
    expect![
        "package comptometer@1.0: is the package of abacus@1.0; expected that of comptometer@1.0"
    ]
    .assert_eq(&error.to_string());
}

/// A crate that has one package, and what it calls it.
struct Offer(String, &'static [u8]);

impl DeviceProvider for Offer {
    fn packages(&self) -> Vec<LazyPackage> {
        vec![LazyPackage::from_bytes(&*self.0, Version::FIRST, self.1)]
    }
}

#[test]
fn packages_made_in_code_are_made_when_asked_for() {
    let asked = Arc::new(AtomicUsize::new(0));
    struct Code(Arc<AtomicUsize>);
    impl DeviceProvider for Code {
        fn packages(&self) -> Vec<LazyPackage> {
            let asked = Arc::clone(&self.0);
            let make = move || {
                asked.fetch_add(1, Ordering::Relaxed);
                Ok(sample::package("abacus"))
            };
            vec![
                LazyPackage::from_fn("abacus", Version::FIRST, make),
                LazyPackage::from_fn("broken", Version::FIRST, || {
                    Err(Error::new(ErrorKind::BadData, "broken", "is broken"))
                }),
            ]
        }
    }
    let mut registry = registry_of(&[]);
    registry.register(&Code(Arc::clone(&asked))).expect("new names");
    assert_eq!((registry.names(), asked.load(Ordering::Relaxed)), (vec!["abacus", "broken"], 0));
    let device = registry.open("abacus").expect("is made");
    assert!(Arc::ptr_eq(&device, &registry.open("abacus@1.0").expect("is there")));
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    assert_eq!(registry.open("broken").expect_err("cannot be made").subject(), "broken");
}

#[test]
fn unknown_names_get_a_suggestion() {
    let mut registry = registry_of(&[]);
    let error = registry.open("abacus").expect_err("nothing is known");
    expect!["put a .nnmeter file into a folder and name it in NNMETER_PREDICTORS"]
        .assert_eq(error.advice().unwrap_or_default());
    for name in ["abacus_hand2", "slide_rule"] {
        registry.register(&sample::package(name)).expect("a new name");
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
    registry.register(&sample::package("slide_rule")).expect("a new name");
    let state = |entry: nnmeter_hardware::registry::Entry| match entry.open() {
        Ok(_) => format!("{}: opens\n", entry.name()),
        Err(error) => format!("{}: {error}\n", entry.name()),
    };
    let list: String = registry.entries().into_iter().map(state).collect();
    let place = format!("{}/", folder.path().display());
    expect![[r#"
        abacus: opens
        other: other.nnmeter: is the package of misnamed@1.0; expected the file to be called misnamed@1.0.nnmeter
        slide_rule: slide_rule.nnmeter, predictor package: is not a whole ZIP archive (it does not end as one)
        slide_rule: opens
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
