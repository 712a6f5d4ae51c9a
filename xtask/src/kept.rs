//! Results of long steps, kept under target/ so that a run that was killed goes on where it was.
//!
//! One file for each combination of program, measurements, terms and constants, named by their
//! digest; a line for each result. A line that a killed run left unfinished is dropped.

use std::collections::HashMap;
use std::fmt::{self, Debug, Write as _};
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Results by name, in memory and in a file.
pub(crate) struct Kept {
    entries: Mutex<(HashMap<String, Value>, File)>,
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
struct Entry {
    name: String,
    value: Value,
}

impl Kept {
    /// Opens the results that `identity` names, in `folder`.
    pub(crate) fn open(folder: &Path, identity: &str) -> Result<Self> {
        let path = folder.join(format!("{identity}.jsonl"));
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        Self::open_file(&path).with_context(|| path.display().to_string())
    }

    fn open_file(path: &Path) -> Result<Self> {
        let text = if path.exists() { fs::read(path)? } else { Vec::new() };
        let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        file.set_len(whole as u64)?;
        let lines = text[..whole].split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        let entries = lines.map(|line| {
            serde_json::from_slice::<Entry>(line).map(|entry| (entry.name, entry.value))
        });
        let entries = entries.collect::<Result<_, _>>().context("delete this file")?;
        Ok(Self { entries: Mutex::new((entries, file)) })
    }

    /// Whether there is a result of that name.
    pub(crate) fn has(&self, name: &str) -> bool {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.0.contains_key(name)
    }

    /// The result called `name`, which `make` makes if there is none.
    pub(crate) fn get_or<T: Serialize + DeserializeOwned>(
        &self,
        name: &str,
        make: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        if let Some(value) = self.get(name) {
            return serde_json::from_value(value).with_context(|| format!("kept result {name}"));
        }
        let made = make()?;
        self.put(Entry { name: name.to_owned(), value: serde_json::to_value(&made)? })?;
        Ok(made)
    }

    fn get(&self, name: &str) -> Option<Value> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.0.get(name).cloned()
    }

    fn put(&self, entry: Entry) -> Result<()> {
        let mut line = serde_json::to_vec(&entry)?;
        line.push(b'\n');
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.1.write_all(&line).context("keeping a result")?;
        entries.0.insert(entry.name, entry.value);
        Ok(())
    }
}

/// A digest of what `parts` show under `{:?}`, which tells apart all that differs in them.
pub(crate) fn digest(parts: &[&dyn Debug]) -> String {
    let mut hashed = Hashed(Sha256::new());
    for part in parts {
        // Hashing does not fail.
        let _ = writeln!(hashed, "{part:?}");
    }
    hex(&hashed.0.finalize())
}

/// The bytes as pairs of hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The bytes that [`hex`] wrote.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let byte = |pair: &[u8; 2]| Some((digit(pair[0])? << 4 | digit(pair[1])?) as u8);
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

/// Hashes what is written to it.
struct Hashed(Sha256);

impl fmt::Write for Hashed {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_killed_run_goes_on_where_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let made = |kept: &Kept, name: &str| {
            let mut made = false;
            let value = kept.get_or(name, || {
                made = true;
                Ok(format!("value of {name}"))
            });
            assert_eq!(value.expect("a value"), format!("value of {name}"));
            made
        };
        let first = Kept::open(folder.path(), "a").expect("opens");
        assert!(made(&first, "one") && made(&first, "two") && !made(&first, "one"));
        let file = folder.path().join("a.jsonl");
        let text = fs::read(&file).expect("bytes");
        fs::write(&file, &text[..text.len() - 3]).expect("killed within the second line");
        let second = Kept::open(folder.path(), "a").expect("opens");
        assert!(second.has("one") && !second.has("two"));
        assert!(!made(&second, "one") && made(&second, "two"));
        let third = Kept::open(folder.path(), "a").expect("opens");
        assert!(!made(&third, "one") && !made(&third, "two"));
        assert!(made(&Kept::open(folder.path(), "b").expect("opens"), "one"));
    }

    #[test]
    fn digests_tell_apart() {
        assert_eq!(digest(&[&1, &"a"]), digest(&[&1, &"a"]));
        assert_ne!(digest(&[&1, &2]), digest(&[&12]));
        assert_ne!(digest(&[&0.1]), digest(&[&0.100_000_000_000_000_02]));
    }

    #[test]
    fn hex_reads_back() {
        assert_eq!(hex(&[0, 0xab, 255]), "00abff");
        assert_eq!(from_hex("00abff"), Some(vec![0, 0xab, 255]));
        assert_eq!(from_hex("0"), None);
        assert_eq!(from_hex("0g"), None);
    }
}
