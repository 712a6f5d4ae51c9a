//! The container of a package: a ZIP archive of named parts, written in one way only and read with
//! suspicion.
//!
//! Written: parts in the given order, dated 1980-01-01, text deflated at one level, tree ensembles as
//! they are (they are compact, and inflating them would be a third of the time it takes to open a
//! package), so that the same parts give the same bytes. Read: the whole archive must be accounted for, names must be plain,
//! and nothing is decompressed beyond the limits below, whatever the headers promise. What the
//! parts hold is not this file's concern.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, System, ZipArchive, ZipWriter};

use super::corrupt;
use crate::error::{Error, ErrorKind, Result};

/// Most parts that a package may have.
pub(super) const MAX_PARTS: usize = 128;
/// Most bytes that a part may have, decompressed.
pub(super) const MAX_PART_BYTES: u64 = 64 << 20;
/// Most bytes that all parts may have together, decompressed.
pub(super) const MAX_TOTAL_BYTES: u64 = 256 << 20;

/// Length and first bytes of the record that ends a ZIP archive without a comment.
const END_RECORD: usize = 22;
const END_MAGIC: &[u8; 4] = b"PK\x05\x06";

/// The parts of an archive by name.
pub(super) type Parts = BTreeMap<String, Vec<u8>>;

/// Extension of parts that are stored as they are.
const COMPACT: &str = ".trees";

/// An archive of `parts` in their order.
pub(super) fn write<'a>(parts: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<Vec<u8>> {
    let failed = |name: &str, error: &dyn std::fmt::Display| {
        Error::new(ErrorKind::Io, part_subject(name), format!("cannot be written ({error})"))
    };
    let stored = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default())
        .system(System::Unix)
        .unix_permissions(0o644);
    let deflated =
        stored.compression_method(CompressionMethod::Deflated).compression_level(Some(9));
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        let options = if name.ends_with(COMPACT) { stored } else { deflated };
        writer.start_file(name, options).map_err(|error| failed(name, &error))?;
        writer.write_all(bytes).map_err(|error| failed(name, &error))?;
    }
    let archive = writer.finish().map_err(|error| failed("end of the archive", &error))?;
    Ok(archive.into_inner())
}

/// The parts of an archive.
///
/// # Errors
/// [`ErrorKind::CorruptPackage`] if any byte of it is out of place, as far as checksums tell.
pub(super) fn read(bytes: &[u8]) -> Result<Parts> {
    let count = check_end(bytes)?;
    let mut archive =
        ZipArchive::new(Cursor::new(bytes)).map_err(|error| not_an_archive(&error))?;
    archive.validate_header_consistency().map_err(|error| not_an_archive(&error))?;
    if archive.len() != count || archive.offset() != 0 {
        return Err(not_an_archive(&"its parts do not make up the file"));
    }
    let mut parts = Parts::new();
    let mut left = MAX_TOTAL_BYTES;
    for index in 0..archive.len() {
        let (name, part) = read_part(&mut archive, index, left)?;
        left -= part.len() as u64;
        parts.insert(name, part);
    }
    Ok(parts)
}

/// Checks the record at the end; returns the number of parts it states.
fn check_end(bytes: &[u8]) -> Result<usize> {
    let end = bytes.len().checked_sub(END_RECORD).map(|start| &bytes[start..]);
    let Some(end) = end.filter(|end| end.starts_with(END_MAGIC) && end.ends_with(&[0, 0])) else {
        return Err(not_an_archive(&"it does not end as one"));
    };
    let count = usize::from(u16::from_le_bytes([end[10], end[11]]));
    match count {
        1..=MAX_PARTS => Ok(count),
        _ => Err(corrupt_archive(format!("has {count} parts"))
            .expected(format!("1 to {MAX_PARTS} parts"))),
    }
}

fn read_part(
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    index: usize,
    left: u64,
) -> Result<(String, Vec<u8>)> {
    let mut entry = archive.by_index(index).map_err(|error| not_an_archive(&error))?;
    let raw = String::from_utf8_lossy(entry.name_raw()).into_owned();
    if !is_part_name(&raw) || entry.is_dir() || entry.is_symlink() {
        return Err(corrupt(&raw, "has a name that no part has")
            .expected("lower-case letters, digits, _, - and . in folders below the package"));
    }
    let stated = entry.size();
    let limit = left.min(MAX_PART_BYTES);
    if stated > limit {
        return Err(too_large(&raw, stated));
    }
    let mut part = Vec::with_capacity(stated.min(1 << 22) as usize);
    let read = entry.by_ref().take(stated + 1).read_to_end(&mut part);
    read.map_err(|error| corrupt(&raw, format!("cannot be decompressed ({error})")))?;
    match part.len() as u64 {
        length if length == stated => Ok((raw, part)),
        length => Err(corrupt(&raw, format!("decompresses to {length} bytes or more"))
            .expected(format!("{stated} bytes, as its header says"))),
    }
}

/// Whether `name` is a plain relative path: it cannot climb, and is the same on every system.
pub(super) fn is_part_name(name: &str) -> bool {
    let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.');
    let segment =
        |text: &str| !text.is_empty() && text.bytes().all(plain) && !text.starts_with('.');
    name.len() <= 100 && name.split('/').all(segment)
}

/// How errors call a part.
pub(super) fn part_subject(name: &str) -> String {
    format!("part {name:?}")
}

fn too_large(name: &str, stated: u64) -> Error {
    corrupt(name, format!("decompresses to {stated} bytes")).expected(format!(
        "at most {MAX_PART_BYTES} bytes, and {MAX_TOTAL_BYTES} in all parts together"
    ))
}

fn not_an_archive(why: &dyn std::fmt::Display) -> Error {
    corrupt_archive(format!("is not a whole ZIP archive ({why})"))
        .hint("the file was cut off, altered, or is of another kind; fetch it again")
}

fn corrupt_archive(found: String) -> Error {
    Error::new(ErrorKind::CorruptPackage, "predictor package", found)
}
