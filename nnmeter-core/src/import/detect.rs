//! Tells model formats apart by their first bytes and outermost fields. It decides as early as it
//! can, so that a damaged file still reaches the importer that can say where the damage is.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Format, expected_formats};
use crate::error::{Error, ErrorKind, Result};

/// See [`Format::detect`].
pub(super) fn detect(bytes: &[u8]) -> Result<Format> {
    let bytes = skip_mark(bytes);
    let found = match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => json_shape(bytes).and_then(JsonShape::format),
        Some(_) => protobuf(bytes),
        None => None,
    };
    match found {
        Some(format) => Ok(format),
        None => Err(refuse(bytes)),
    }
}

/// Drops the byte order mark that some editors put before JSON.
pub(super) fn skip_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// What the outermost object of a JSON file looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JsonShape {
    /// Node names to nodes.
    NnMeterIr,
    /// A record with such a graph in its field `graph`.
    BenchmarkLine,
    /// Graph names to graphs.
    NniIr,
}

impl JsonShape {
    fn format(self) -> Option<Format> {
        Some(match self {
            JsonShape::NnMeterIr | JsonShape::BenchmarkLine => Format::NnMeterIr,
            JsonShape::NniIr => Format::NniIr,
        })
    }
}

/// Looks at a JSON object until its values tell what it is. What follows, and whether it is valid,
/// does not matter.
pub(super) fn json_shape(bytes: &[u8]) -> Option<JsonShape> {
    let mut found = None;
    let probe = Probe { found: &mut found, inside: false };
    let _ = probe.deserialize(&mut serde_json::Deserializer::from_slice(bytes));
    found
}

struct Probe<'f> {
    found: &'f mut Option<JsonShape>,
    inside: bool,
}

impl<'de> DeserializeSeed<'de> for Probe<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Probe<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a model")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Key(key)) = map.next_key()? {
            *self.found = match (self.inside, key.as_ref()) {
                (true, "inbounds" | "outbounds" | "attr") => Some(JsonShape::NnMeterIr),
                (true, "nodes" | "edges" | "inputs" | "outputs") => Some(JsonShape::NniIr),
                (false, "_model") => Some(JsonShape::NniIr),
                _ => None,
            };
            if self.found.is_none() && !self.inside {
                map.next_value_seed(Probe { found: &mut *self.found, inside: true })?;
                let is_line = key == "graph" && *self.found != Some(JsonShape::NnMeterIr);
                if is_line || matches!(key.as_ref(), "id") && self.found.is_none() {
                    *self.found = Some(JsonShape::BenchmarkLine);
                }
            } else {
                map.next_value::<IgnoredAny>()?;
            }
            if self.found.is_some() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] std::borrow::Cow<'a, str>);

/// ONNX's `ModelProto` has an integer in field 1 and its graph in field 7; TensorFlow's `GraphDef`
/// has nodes, which open with their name, in field 1.
fn protobuf(bytes: &[u8]) -> Option<Format> {
    let mut rest = bytes;
    let mut version = false;
    while let Some((field, wire, after)) = tag(rest) {
        match (field, wire) {
            (1, 2) => return opens_like_a_node(after).then_some(Format::TensorFlow),
            (4, 2) if !version && std::ptr::eq(rest, bytes) => return Some(Format::TensorFlow),
            (7 | 8, 2) if version => return Some(Format::Onnx),
            (1, 0) => version = true,
            (1..=25, 0 | 2) => {}
            _ => return None,
        }
        rest = skip(wire, after)?;
    }
    None
}

/// Whether a length-delimited field holds a node: a name (field 1) or an operator (field 2) first.
fn opens_like_a_node(field: &[u8]) -> bool {
    let Some((length, body)) = varint(field) else { return false };
    let whole = usize::try_from(length).ok().and_then(|length| body.get(..length));
    let body = whole.unwrap_or(body);
    let Some((1 | 2, 2, after)) = tag(body) else { return false };
    let Some((length, name)) = varint(after) else { return false };
    length <= name.len() as u64 || whole.is_none()
}

fn tag(bytes: &[u8]) -> Option<(u64, u64, &[u8])> {
    let (tag, rest) = varint(bytes)?;
    Some((tag >> 3, tag & 7, rest))
}

fn skip(wire: u64, bytes: &[u8]) -> Option<&[u8]> {
    let (value, rest) = varint(bytes)?;
    if wire == 0 { Some(rest) } else { rest.get(usize::try_from(value).ok()?..) }
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0u64;
    for (index, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f).checked_shl(7 * index as u32)?;
        if byte & 0x80 == 0 {
            return Some((value, &bytes[index + 1..]));
        }
    }
    None
}

/// Model formats that are recognised and not read, by their magic numbers.
const OTHERS: [(usize, &[u8], &str, &str); 6] = [
    (4, b"TFL3", "a TensorFlow Lite model", "give the frozen graph or ONNX file it was made from"),
    (0, b"PK\x03\x04", "a zip archive (a PyTorch or Keras file, perhaps)", "export it to ONNX"),
    (0, b"\x89HDF", "an HDF5 file (a Keras model, perhaps)", "export it to ONNX"),
    (0, b"\x80\x02", "a Python pickle", "export the model to ONNX"),
    (0, b"\x1f\x8b", "compressed by gzip", "unpack it first"),
    (0, b"\x28\xb5\x2f\xfd", "compressed by zstd", "unpack it first"),
];

fn refuse(bytes: &[u8]) -> Error {
    let subject = "model file";
    for (offset, magic, what, hint) in OTHERS {
        if bytes.get(offset..).is_some_and(|rest| rest.starts_with(magic)) {
            return Error::new(ErrorKind::Unsupported, subject, format!("is {what}"))
                .expected(expected_formats())
                .hint(hint);
        }
    }
    if bytes.starts_with(b"\x08\x01\x12") {
        return Error::new(ErrorKind::Unsupported, subject, "is a TensorFlow SavedModel")
            .expected(expected_formats())
            .hint("freeze it into a GraphDef, or convert it with tf2onnx");
    }
    let found = match bytes {
        [] => "is empty".to_owned(),
        _ => format!("starts with {}", show_start(bytes)),
    };
    Error::new(ErrorKind::UnknownFormat, subject, found)
        .expected(expected_formats())
        .hint("if the file is of one of these formats, name it with --format")
}

fn show_start(bytes: &[u8]) -> String {
    let start = &bytes[..bytes.len().min(12)];
    if start.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()) {
        return format!("{:?}", String::from_utf8_lossy(start));
    }
    let hex: Vec<String> = start.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("bytes {}", hex.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(bytes: &[u8], expected: Expect) {
        let shown = match detect(bytes) {
            Ok(format) => format.to_string(),
            Err(error) => format!("{:?}: {error}", error.kind()),
        };
        expected.assert_eq(&shown);
    }

    #[test]
    fn tells_formats_by_content() {
        check(br#"{"a": {"inbounds": ["#, expect![[r#"nn-meter-ir"#]]);
        check(b"\xef\xbb\xbf {\"id\": \"x\", \"cpu\": 1.5, ", expect![[r#"nn-meter-ir"#]]);
        check(br#"{"graph": {"attr": {}}}"#, expect![[r#"nn-meter-ir"#]]);
        check(br#"{"_model": {"#, expect![[r#"nni-ir"#]]);
        check(br#"{"cell": {"inputs": [], "#, expect![[r#"nni-ir"#]]);
        check(b"\x08\x07\x12\x07pytorch\x3a\x80\x80", expect![[r#"onnx"#]]);
        check(b"\x0a\x10\x0a\x01x\x12\x0bPlaceholder", expect![[r#"tensorflow"#]]);
    }

    #[test]
    fn says_what_else_it_found() {
        check(
            b"",
            expect![
                "UnknownFormat: model file: is empty; expected one of onnx, nn-meter-ir, tensorflow, nni-ir"
            ],
        );
        check(
            b"{}",
            expect![[
                r#"UnknownFormat: model file: starts with "{}"; expected one of onnx, nn-meter-ir, tensorflow, nni-ir"#
            ]],
        );
        check(
            b"\nhello",
            expect![[
                r#"UnknownFormat: model file: starts with "\nhello"; expected one of onnx, nn-meter-ir, tensorflow, nni-ir"#
            ]],
        );
        check(
            b"\x08\x01\x12\x02xx",
            expect![
                "Unsupported: model file: is a TensorFlow SavedModel; expected one of onnx, nn-meter-ir, tensorflow, nni-ir"
            ],
        );
        check(
            b"\x1c\0\0\0TFL3",
            expect![
                "Unsupported: model file: is a TensorFlow Lite model; expected one of onnx, nn-meter-ir, tensorflow, nni-ir"
            ],
        );
        check(
            b"PK\x03\x04",
            expect![
                "Unsupported: model file: is a zip archive (a PyTorch or Keras file, perhaps); expected one of onnx, nn-meter-ir, tensorflow, nni-ir"
            ],
        );
        check(
            &[0xff; 40],
            expect![
                "UnknownFormat: model file: starts with bytes ff ff ff ff ff ff ff ff ff ff ff ff; expected one of onnx, nn-meter-ir, tensorflow, nni-ir"
            ],
        );
    }
}
