//! `nnmeter calibrate` for a device that its base says nothing of: it has to say so.

mod support;

use std::fmt::Write;

use support::{DEVICE, json_lines, nnmeter};

/// A device of another make than the base.
const UNLIKE: &str = "myriadvpu_openvino2019r2";

#[test]
fn a_device_unlike_the_base_is_said_to_be() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (csv, output) = (path("timings.csv"), path("mine.nnmeter"));
    let networks = "alexnet mobilenet_v2 mobilenet_v3_small nb201 resnet18 resnet50 \
                    shufflenet_v2_x1_0 squeezenet1_1 vgg16 mobilenet_v2_bn resnet18_bn";
    let mut text = "family,model,ms\n".to_owned();
    for name in networks.split(' ') {
        let file = format!("{}/tests/models/{name}.onnx", env!("CARGO_MANIFEST_DIR"));
        let run = nnmeter(&["predict", &file, "-d", UNLIKE, "--json"]);
        let family = name.split('_').next().unwrap_or_default();
        let ms = &json_lines(&run.out)[0]["total_ms"];
        writeln!(text, "{family},{file},{ms}").expect("a string takes all");
    }
    std::fs::write(&csv, text).expect("a file");
    let run = nnmeter(&["calibrate", "--base", DEVICE, "--measured", &csv, "-o", &output]);
    assert_eq!(run.code, 0, "{run:?}");
    for text in ["generic terms, whatever the base", "the base's rates do not fit"] {
        assert!(run.err.contains(text), "{text} in {}", run.err);
    }
    let card = nnmeter(&["devices", &output]).out;
    assert!(card.contains(&format!("by the fusion rules of {DEVICE}")), "{card}");
}
