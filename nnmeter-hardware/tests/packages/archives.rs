//! Taking packages apart and putting them together, behind the back of the crate.

use std::io::{Cursor, Read, Write};

use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

/// Names and bytes of the parts of a package.
pub(crate) struct Parts(pub(crate) Vec<(String, Vec<u8>)>);

impl Parts {
    /// Takes a package apart.
    pub(crate) fn of(package: &[u8]) -> Self {
        let mut archive = ZipArchive::new(Cursor::new(package)).expect("an archive");
        let part = |index| {
            let mut entry = archive.by_index(index).expect("a part");
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).expect("sound bytes");
            (entry.name().expect("a name").into_owned(), bytes)
        };
        Self(
            (0..ZipArchive::new(Cursor::new(package)).expect("an archive").len())
                .map(part)
                .collect(),
        )
    }

    /// The bytes of a part.
    pub(crate) fn get(&mut self, name: &str) -> &mut Vec<u8> {
        let part = self.0.iter_mut().find(|(other, _)| other == name);
        &mut part.unwrap_or_else(|| panic!("no part {name}")).1
    }

    /// Changes the first occurrence of some text in a part, which must have it.
    pub(crate) fn replace(&mut self, name: &str, from: &str, to: &str) {
        let bytes = self.get(name);
        let mut places = bytes.windows(from.len());
        let place = places.position(|place| place == from.as_bytes());
        let place = place.unwrap_or_else(|| panic!("{name} does not have {from}"));
        bytes.splice(place..place + from.len(), to.bytes());
    }

    /// Writes sizes and digests of all parts into the manifest.
    pub(crate) fn seal(&mut self) {
        let entry = |bytes: &[u8]| {
            let digest: String = Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect();
            serde_json::json!({"bytes": bytes.len(), "sha256": digest})
        };
        let others = self.0.iter().filter(|(name, _)| name != "manifest.json");
        let listed = others.map(|(name, bytes)| (name.clone(), entry(bytes))).collect();
        let mut manifest: Json = serde_json::from_slice(self.get("manifest.json")).expect("JSON");
        manifest["parts"] = Json::Object(listed);
        *self.get("manifest.json") = manifest.to_string().into_bytes();
    }

    /// Puts the package together.
    pub(crate) fn zip(&self) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in &self.0 {
            writer.start_file(name.as_str(), SimpleFileOptions::default()).expect("starts");
            writer.write_all(bytes).expect("writes");
        }
        writer.finish().expect("ends").into_inner()
    }
}

/// Replaces every occurrence of some bytes by others of the same length.
pub(crate) fn patch(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut patched = bytes.to_vec();
    for start in 0..=bytes.len() - from.len() {
        if bytes[start..].starts_with(from) {
            patched[start..start + to.len()].copy_from_slice(to);
        }
    }
    assert_ne!(patched, bytes, "nothing to replace");
    patched
}
