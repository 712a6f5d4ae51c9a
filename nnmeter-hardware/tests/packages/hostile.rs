//! Bytes that someone, or some disk, has altered: refused, by the name of the part, without panic
//! and without much memory.

use expect_test::expect;
use nnmeter_hardware::error::ErrorKind;
use nnmeter_hardware::package::Package;
use proptest::prelude::*;

use crate::archives::{Parts, patch};
use crate::sample;

fn sound() -> Vec<u8> {
    sample::package("test").to_bytes().expect("writes")
}

fn refusal(bytes: &[u8]) -> String {
    let error = Package::from_bytes(bytes).expect_err("must be refused");
    assert_eq!(error.kind(), ErrorKind::CorruptPackage, "{error}");
    error.to_string()
}

/// Either an error, or (where the byte means nothing) the same package.
fn assert_same_or_refused(altered: &[u8], sound: &[u8]) {
    if let Ok(package) = Package::from_bytes(altered) {
        assert_eq!(package.to_bytes().expect("writes"), sound);
    }
}

#[test]
fn no_flipped_byte_changes_a_package() {
    let sound = sound();
    for index in 0..sound.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut altered = sound.clone();
            altered[index] ^= flip;
            assert_same_or_refused(&altered, &sound);
        }
    }
}

#[test]
fn no_beginning_of_a_package_is_one() {
    let sound = sound();
    for length in 0..sound.len() {
        refusal(&sound[..length]);
    }
}

#[test]
fn nothing_may_precede_or_follow() {
    let sound = sound();
    refusal(&[b"x", sound.as_slice()].concat());
    refusal(&[sound.as_slice(), b"x"].concat());
}

proptest! {
    #[test]
    fn random_bytes_and_splices_do_no_harm(
        noise in proptest::collection::vec(any::<u8>(), 0..200),
        at in 0.0..1.0,
    ) {
        let _ = Package::from_bytes(&noise);
        let sound = sound();
        let at = (at * sound.len() as f64) as usize;
        let end = (at + noise.len()).min(sound.len());
        let spliced = [&sound[..at], &noise, &sound[end..]].concat();
        assert_same_or_refused(&spliced, &sound);
    }
}

#[test]
fn altered_parts_are_named() {
    let mut parts = Parts::of(&sound());
    parts.replace("rules.json", "true", "false");
    expect![[r#"part "rules.json": is not what the manifest says (size or SHA-256)"#]]
        .assert_eq(&refusal(&parts.zip()));
}

#[test]
fn parts_must_be_those_of_the_manifest() {
    let mut parts = Parts::of(&sound());
    parts.0.push(("extra.json".to_owned(), b"{}".to_vec()));
    expect![[r#"part "extra.json": is not listed in the manifest"#]]
        .assert_eq(&refusal(&parts.zip()));
    parts.seal();
    expect![[r#"part "extra.json": is not referred to by any model"#]]
        .assert_eq(&refusal(&parts.zip()));

    for name in ["rules.json", "latency_ms.json", "latency_ms/conv.trees", "manifest.json"] {
        let mut parts = Parts::of(&sound());
        parts.0.retain(|(other, _)| other != name);
        let found = refusal(&parts.zip());
        assert!(found.starts_with(&format!("part {name:?}: is missing")), "{found}");
        if name != "manifest.json" {
            parts.seal();
            assert_eq!(refusal(&parts.zip()), found);
        }
    }
}

#[test]
fn a_part_comes_once() {
    let mut parts = Parts::of(&sound());
    parts.0.push(("rulez.json".to_owned(), b"{}".to_vec()));
    let twice = patch(&parts.zip(), b"rulez.json", b"rules.json");
    expect!["predictor package: is not a whole ZIP archive (invalid Zip archive: header inconsistency detected: duplicate file names in central directory)"].assert_eq(&refusal(&twice));
}

#[test]
fn paths_do_not_climb() {
    for name in ["../rules.json", "/etc/passwd", "a/../b", "c:\\b", "a//b", ".hidden", "a/"] {
        let mut parts = Parts::of(&sound());
        parts.0.push((name.to_owned(), b"{}".to_vec()));
        parts.seal();
        let found = refusal(&parts.zip());
        assert!(found.contains("has a name that no part has"), "{name}: {found}");
    }
}

#[test]
fn bombs_do_not_go_off() {
    let mut parts = Parts::of(&sound());
    *parts.get("rules.json") = vec![b' '; (64 << 20) + 1];
    expect![[r#"part "rules.json": decompresses to 67108865 bytes; expected at most 67108864 bytes, and 268435456 in all parts together"#]].assert_eq(&refusal(&parts.zip()));

    let size = 1_048_577_u32;
    *parts.get("rules.json") = vec![b' '; size as usize];
    let lying = patch(&parts.zip(), &size.to_le_bytes(), &16_u32.to_le_bytes());
    expect![[r#"part "rules.json": cannot be decompressed (File is larger than its declared uncompressed size)"#]].assert_eq(&refusal(&lying));

    let mut parts = Parts::of(&sound());
    parts.0.extend((0..128).map(|index| (format!("{index}.json"), Vec::new())));
    expect!["predictor package: has 133 parts; expected 1 to 128 parts"]
        .assert_eq(&refusal(&parts.zip()));
}
