//! The arguments of opcodes: little-endian numbers, counted bytes, lines of text.
//!
//! Nothing is copied but text with escapes, and no count makes an allocation: what it promises
//! must lie in the bytes.

use crate::error::{Error, ErrorKind, Result};

/// A place in the bytes of a pickle.
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The bytes that have not been read.
    pub(super) fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// An error about this place.
    pub(super) fn error(&self, kind: ErrorKind, found: impl Into<String>) -> Error {
        Error::new(kind, format!("pickle, byte {}", self.at), found)
    }

    /// An error about bytes that are no pickle.
    pub(super) fn malformed(&self, found: impl Into<String>) -> Error {
        self.error(ErrorKind::Malformed, found)
    }

    /// So many bytes.
    pub(super) fn take(&mut self, length: u64) -> Result<&'a [u8]> {
        match usize::try_from(length) {
            Ok(length) if length <= self.left() => {
                let taken = &self.bytes[self.at..self.at + length];
                self.at += length;
                Ok(taken)
            }
            _ => Err(self
                .malformed(format!("{} bytes are left", self.left()))
                .expected(format!("{length}, as a count says"))),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N as u64)?);
        Ok(array)
    }

    pub(super) fn u8(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    pub(super) fn u16(&mut self) -> Result<u16> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    pub(super) fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(super) fn i32(&mut self) -> Result<i32> {
        Ok(i32::from_le_bytes(self.array()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// A float, the only number that is big-endian.
    pub(super) fn f64(&mut self) -> Result<f64> {
        Ok(f64::from_be_bytes(self.array()?))
    }

    /// An integer of so many bytes, in two's complement.
    pub(super) fn long(&mut self, length: u32) -> Result<i64> {
        let bytes = self.take(u64::from(length))?;
        if bytes.len() > 8 {
            return Err(self
                .error(ErrorKind::Unsupported, format!("an integer of {length} bytes"))
                .expected("at most 8"));
        }
        let sign = bytes.last().map_or(0, |last| if last & 0x80 == 0 { 0 } else { 0xff });
        let mut array = [sign; 8];
        array[..bytes.len()].copy_from_slice(bytes);
        Ok(i64::from_le_bytes(array))
    }

    /// So many bytes of UTF-8. Python encodes lone surrogates too; no name of a predictor has one.
    pub(super) fn text(&mut self, length: u64) -> Result<&'a str> {
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes).map_err(|_| self.malformed("a text that is not UTF-8"))
    }

    /// The text up to the end of the line, which is taken too.
    pub(super) fn line(&mut self) -> Result<&'a str> {
        let rest = &self.bytes[self.at..];
        let Some(length) = rest.iter().position(|&byte| byte == b'\n') else {
            return Err(self.malformed("a line without an end"));
        };
        let line = self.text(length as u64)?;
        self.at += 1;
        Ok(line)
    }

    /// A line with a number.
    pub(super) fn number<T: std::str::FromStr>(&mut self) -> Result<T> {
        let line = self.line()?;
        let digits = line.strip_suffix('L').unwrap_or(line);
        digits.parse().map_err(|_| self.malformed(format!("the number {line:?}")))
    }

    /// A line in Python's `raw-unicode-escape`: Latin-1, where `\u` and `\U` begin a character in
    /// four or eight hexadecimal digits.
    pub(super) fn escaped_line(&mut self) -> Result<String> {
        let rest = &self.bytes[self.at..];
        let Some(length) = rest.iter().position(|&byte| byte == b'\n') else {
            return Err(self.malformed("a line without an end"));
        };
        let text = unescape(&rest[..length]).ok_or_else(|| self.malformed("a wrong escape"))?;
        self.at += length + 1;
        Ok(text)
    }
}

fn unescape(mut bytes: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(bytes.len());
    while let Some((&first, rest)) = bytes.split_first() {
        let digits = match bytes {
            [b'\\', b'u', ..] => 4,
            [b'\\', b'U', ..] => 8,
            _ => {
                text.push(char::from(first));
                bytes = rest;
                continue;
            }
        };
        let hex = std::str::from_utf8(bytes.get(2..2 + digits)?).ok()?;
        text.push(char::from_u32(u32::from_str_radix(hex, 16).ok()?)?);
        bytes = &bytes[2 + digits..];
    }
    Some(text)
}
