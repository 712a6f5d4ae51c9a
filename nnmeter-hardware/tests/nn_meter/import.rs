//! Reading folders and archives of nn-Meter's, and what a device made of them predicts.

use std::io::{Cursor, Write};
use std::path::Path;

use expect_test::expect;
use nnmeter_core::ensemble::Forest;
use nnmeter_core::import as models;
use nnmeter_core::units::Millis;
use nnmeter_hardware::nn_meter;
use nnmeter_hardware::package::Package;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{fixtures, package};

fn rules() -> Vec<u8> {
    std::fs::read(fixtures().join("rules/cortexA76cpu_tflite21.json")).unwrap()
}

fn pickle(name: &str) -> Vec<u8> {
    std::fs::read(fixtures().join("predictor").join(name)).unwrap()
}

/// A ZIP archive such as nn-Meter's: everything lies in a folder.
fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(format!("some_phone/{name}"), SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// The error for a folder of such files.
fn error_of(files: &[(&str, &[u8])]) -> String {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let error = nn_meter::read(folder.path(), |_| {}).unwrap_err().to_string();
    error.replace(&folder.path().display().to_string(), "DIR")
}

#[test]
fn a_folder_and_an_archive_are_the_same() {
    let names = ["conv-bn-relu.pkl", "fc.pkl", "global-avgpool.pkl"];
    let pickles = names.map(pickle);
    let rules = rules();
    let mut files: Vec<(&str, &[u8])> =
        names.into_iter().zip(pickles.iter().map(|p| &**p)).collect();
    files.extend([("fusion_rules.json", &*rules), ("README.md", b"hello")]);
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in &files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let path = folder.path().join("some_phone.zip");
    std::fs::write(&path, archive(&files)).unwrap();
    let mut told = Vec::new();
    let zipped = nn_meter::read(&path, |name| told.push(name.to_owned())).unwrap();
    assert_eq!(told, ["conv-bn-relu.pkl", "fc.pkl", "global-avgpool.pkl", "fusion_rules.json"]);
    let plain = nn_meter::read(folder.path(), |_| {}).unwrap();
    assert_eq!(zipped.rules, Some(rules));
    assert_eq!(zipped.rules, plain.rules);
    assert_eq!((&*zipped.source, &*zipped.date), ("some_phone.zip", "1980-01-01"));
    let kinds = |read: &nn_meter::Imported| {
        read.latency.kernels.iter().map(|(kind, _)| kind.name()).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&zipped), ["conv", "fc", "global-avgpool"]);
    assert_eq!(kinds(&zipped), kinds(&plain));
}

#[test]
fn what_is_no_predictor_is_named() {
    let (fc, conv) = (pickle("fc.pkl"), pickle("conv-bn-relu.pkl"));
    let hostile = b"cos\nsystem\n(X\x02\0\0\0idtR.";
    let found = [
        error_of(&[]),
        error_of(&[("fusion_rules.json", b"{}")]),
        error_of(&[("swish.pkl", &fc)]),
        error_of(&[("fc.pkl", hostile)]),
        error_of(&[("fc.pkl", &fc[..900])]),
        error_of(&[("fc.pkl", &conv)]),
    ];
    expect![[r#"
        DIR, predictors: none is there; expected conv-bn-relu.pkl, ...
        DIR, predictors: none is there; expected conv-bn-relu.pkl, ...
        DIR, swish.pkl: is no kernel of nn-Meter's; expected conv-bn-relu, dwconv-bn-relu, fc, maxpool, avgpool, global-avgpool, bn, bnrelu, relu, hswish, se, add, addrelu, concat, split, channelshuffle
        DIR, fc.pkl, pickle, byte 11: refers to os.system, which a predictor has no need of
        DIR, fc.pkl, pickle, byte 11: a frame of 7829 bytes; expected at most 889, what is left
        DIR, fc.pkl, forest of fc: reads 7 features; expected 4, as nn-Meter has for fc"#]].assert_eq(&found.join("\n"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.zip");
    std::fs::write(&path, archive(&[("x/fc.pkl", &fc), ("fc.pkl", &fc)])).unwrap();
    let error = nn_meter::read(&path, |_| {}).unwrap_err().to_string();
    assert!(error.ends_with("a.zip, fc.pkl: is there twice"), "{error}");
    std::fs::write(&path, b"PK\x03\x04").unwrap();
    assert!(nn_meter::read(&path, |_| {}).is_err());
    assert!(nn_meter::read(Path::new("/nonexistent"), |_| {}).is_err());
}

#[test]
fn a_package_keeps_the_forests() {
    let package = package(&rules());
    let bytes = package.to_bytes().unwrap();
    assert_eq!(bytes, package.to_bytes().unwrap());
    let back = Package::from_bytes(&bytes).unwrap();
    assert_eq!(back.to_bytes().unwrap(), bytes);
    assert_eq!(back.latency.unwrap().kernels.len(), 16);
}

/// Each kernel costs what its forest says of nn-Meter's features, here computed by hand.
#[test]
fn an_honest_prediction_is_the_sum_of_the_forests() {
    let predictor = package(&rules()).predictor::<Millis>().unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/models/vgg16.onnx");
    let graph = models::read(std::fs::read(path).unwrap().into(), None).unwrap();
    let prediction = predictor.predict(&graph.infer_shapes().unwrap());
    assert!(prediction.uncovered.is_empty(), "{:?}", prediction.uncovered);
    assert_eq!(prediction.interval, None);
    let params = 64.0 * (9.0 * 3.0 + 1.0);
    let flops = 2.0 * 224.0 * 224.0 * params;
    let rows: [(&str, usize, &[f64]); 2] = [
        ("conv-bn-relu.pkl", 0, &[224.0, 3.0, 64.0, 3.0, 1.0, flops / 2e6, params / 1e6]),
        ("maxpool.pkl", 2, &[224.0, 64.0, 64.0, 2.0, 2.0]),
    ];
    for (file, kernel, row) in rows {
        let row: Vec<f32> = row.iter().map(|&value| value as f32).collect();
        let expected = Forest::from_sklearn(&pickle(file)).unwrap().predict_row(&row);
        let priced = &prediction.kernels[kernel];
        assert_eq!(priced.cost.0, expected, "{}", prediction.kernel(priced).name());
    }
}
