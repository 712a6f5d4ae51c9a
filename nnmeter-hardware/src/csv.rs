//! CSV as in RFC 4180: fields are quoted with `"` where they hold commas, quotes or line breaks.
//!
//! Which columns there are and what they mean is for whoever reads the records.

use crate::error::{Error, ErrorKind, Result};

/// Records of CSV with the line on which each begins; lines without anything are passed over.
pub struct Records<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Records<'a> {
    /// The records of `text`, without a byte order mark. An error is the last item: it names the line.
    pub fn new(text: &'a str) -> Self {
        Self { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 1 }
    }
}

impl Iterator for Records<'_> {
    type Item = Result<(usize, Vec<String>)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            let line = self.line;
            match self.record() {
                Ok(fields) if fields.iter().all(|field| field.trim().is_empty()) => {}
                Ok(fields) => return Some(Ok((line, fields))),
                Err(error) => {
                    self.rest = "";
                    return Some(Err(error));
                }
            }
        }
    }
}

impl Records<'_> {
    /// The fields up to the end of the record.
    fn record(&mut self) -> Result<Vec<String>> {
        let mut fields = Vec::new();
        loop {
            fields.push(self.field()?);
            match self.rest.as_bytes().first() {
                Some(b',') => self.skip(1),
                Some(b'\r') if self.rest.starts_with("\r\n") => {
                    self.skip(2);
                    return Ok(fields);
                }
                Some(b'\n' | b'\r') => {
                    self.skip(1);
                    return Ok(fields);
                }
                Some(_) => return Err(self.wrong("has text after a closing quote")),
                None => return Ok(fields),
            }
        }
    }

    fn field(&mut self) -> Result<String> {
        let Some(quoted) = self.rest.strip_prefix('"') else {
            let end = self.rest.find([',', '\n', '\r']).unwrap_or(self.rest.len());
            let field = self.rest[..end].to_owned();
            self.skip(end);
            return Ok(field);
        };
        let (mut field, mut from) = (String::new(), quoted);
        loop {
            let unclosed = || self.wrong("has a quote that is not closed");
            let (text, after) = from.split_once('"').ok_or_else(unclosed)?;
            field.push_str(text);
            match after.strip_prefix('"') {
                Some(more) => {
                    field.push('"');
                    from = more;
                }
                None => {
                    self.skip(self.rest.len() - after.len());
                    return Ok(field);
                }
            }
        }
    }

    fn wrong(&self, found: &str) -> Error {
        Error::new(ErrorKind::BadData, format!("line {}", self.line), found)
    }

    fn skip(&mut self, bytes: usize) {
        let (skipped, rest) = self.rest.split_at(bytes);
        self.line += skipped.matches('\n').count();
        self.rest = rest;
    }
}
