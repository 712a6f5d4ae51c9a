//! A decoder of UBJSON (Draft 12), the binary JSON that XGBoost writes, into [`Value`].
//!
//! It decodes all of the format but no-op markers inside typed containers, high-precision numbers
//! (`H`) and typed containers of values without a payload. Numbers that JSON lacks, NaN and the
//! infinities, become `null`. Recursion is bounded, and a length allocates nothing by itself: it
//! is checked against what is left of the input first.

use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind, Result};

/// How deep containers may nest; XGBoost needs eight.
const MAX_DEPTH: u32 = 64;

/// Decodes one value that makes up all of `bytes`.
pub(super) fn decode(bytes: &[u8]) -> Result<Value> {
    let mut reader = Reader { bytes, at: 0 };
    let marker = reader.marker()?;
    let value = reader.value(marker, 0)?;
    match reader.remaining() {
        0 => Ok(value),
        rest => Err(reader.error(format!("{rest} bytes follow the value")).expected("the end")),
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// What stands between a container's opening and its first element.
#[derive(Clone, Copy)]
enum Header {
    /// Elements until the closing marker.
    Open,
    /// So many elements, each with its own marker; no closing marker.
    Counted(usize),
    /// So many elements of one kind, without markers; no closing marker.
    Typed(u8, usize),
}

impl Reader<'_> {
    fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    fn error(&self, found: impl Into<String>) -> Error {
        Error::new(ErrorKind::Malformed, format!("UBJ, byte {}", self.at), found)
    }

    fn take(&mut self, length: usize) -> Result<&[u8]> {
        if length > self.remaining() {
            let found = format!("{} bytes left", self.remaining());
            return Err(self.error(found).expected(format!("{length} more")));
        }
        self.at += length;
        Ok(&self.bytes[self.at - length..self.at])
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// The next byte, without taking it; 0, which marks nothing, at the end.
    fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    /// The next marker, past no-ops.
    fn marker(&mut self) -> Result<u8> {
        loop {
            match self.array()? {
                [b'N'] => {}
                [marker] => return Ok(marker),
            }
        }
    }

    /// Takes a byte that must be `expected`, or leaves another.
    fn skip(&mut self, expected: u8) -> bool {
        let found = self.peek() == expected && self.remaining() > 0;
        self.at += usize::from(found);
        found
    }

    fn value(&mut self, marker: u8, depth: u32) -> Result<Value> {
        if depth > MAX_DEPTH {
            return Err(self.error("nested too deep").expected(format!("{MAX_DEPTH} levels")));
        }
        Ok(match marker {
            b'Z' => Value::Null,
            b'T' => Value::Bool(true),
            b'F' => Value::Bool(false),
            b'i' | b'U' | b'I' | b'l' | b'L' => self.integer(marker)?.into(),
            b'd' => f64::from(f32::from_be_bytes(self.array()?)).into(),
            b'D' => f64::from_be_bytes(self.array()?).into(),
            b'C' => char::from(self.array::<1>()?[0]).to_string().into(),
            b'S' => self.string()?.into(),
            b'[' => self.list(depth + 1)?,
            b'{' => self.object(depth + 1)?,
            _ => return Err(self.unknown(marker, "a value")),
        })
    }

    fn unknown(&self, marker: u8, expected: &str) -> Error {
        self.error(format!("marker {:?}", char::from(marker))).expected(expected)
    }

    fn integer(&mut self, marker: u8) -> Result<i64> {
        Ok(match marker {
            b'i' => i8::from_be_bytes(self.array()?).into(),
            b'U' => u8::from_be_bytes(self.array()?).into(),
            b'I' => i16::from_be_bytes(self.array()?).into(),
            b'l' => i32::from_be_bytes(self.array()?).into(),
            b'L' => i64::from_be_bytes(self.array()?),
            _ => return Err(self.unknown(marker, "an integer")),
        })
    }

    /// A length with its marker. Whatever it counts takes at least a byte each.
    fn length(&mut self) -> Result<usize> {
        let [marker] = self.array()?;
        let length = self.integer(marker)?;
        match usize::try_from(length) {
            Ok(length) if length <= self.remaining() => Ok(length),
            _ => Err(self
                .error(format!("length {length}"))
                .expected(format!("at most {}, what is left", self.remaining()))),
        }
    }

    fn string(&mut self) -> Result<String> {
        let length = self.length()?;
        match std::str::from_utf8(self.take(length)?) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(self.error("text that is not UTF-8")),
        }
    }

    fn header(&mut self) -> Result<Header> {
        if self.skip(b'$') {
            let [marker] = self.array()?;
            if !matches!(
                marker,
                b'i' | b'U' | b'I' | b'l' | b'L' | b'd' | b'D' | b'C' | b'S' | b'[' | b'{'
            ) {
                return Err(self.unknown(marker, "a kind of element that has a payload"));
            }
            if !self.skip(b'#') {
                return Err(self.error("no count after the kind of element").expected("#"));
            }
            return Ok(Header::Typed(marker, self.length()?));
        }
        if self.skip(b'#') {
            return Ok(Header::Counted(self.length()?));
        }
        Ok(Header::Open)
    }

    fn list(&mut self, depth: u32) -> Result<Value> {
        let header = self.header()?;
        let mut items = Vec::new();
        while let Some(marker) = self.next_item(header, items.len(), b']')? {
            items.push(self.value(marker, depth)?);
        }
        Ok(Value::Array(items))
    }

    /// The marker of a list's next item; none at its end.
    fn next_item(&mut self, header: Header, done: usize, close: u8) -> Result<Option<u8>> {
        match header {
            Header::Typed(marker, count) => Ok((done < count).then_some(marker)),
            Header::Counted(count) if done == count => Ok(None),
            Header::Counted(_) => self.marker().map(Some),
            Header::Open => Ok(Some(self.marker()?).filter(|&marker| marker != close)),
        }
    }

    fn object(&mut self, depth: u32) -> Result<Value> {
        let header = self.header()?;
        let mut fields = Map::new();
        for done in 0.. {
            let marker = match header {
                Header::Open => {
                    while self.skip(b'N') {}
                    if self.skip(b'}') {
                        break;
                    }
                    None
                }
                Header::Counted(count) | Header::Typed(_, count) if done == count => break,
                Header::Counted(_) => None,
                Header::Typed(marker, _) => Some(marker),
            };
            let key = self.string()?;
            let marker = marker.map_or_else(|| self.marker(), Ok)?;
            fields.insert(key, self.value(marker, depth)?);
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn decodes_every_kind() {
        let bytes = b"{i\x01a[Zi\xffU\xffI\x01\x00l\x00\x00\x00\x07TNF]U\x01b[$U#i\x03\x01\x02\x03\
            i\x01c[#i\x02Cxd\x3f\x80\x00\x00i\x01d{#i\x01i\x01kSi\x02hii\x01e{$i#i\x01i\x01k\x05\
            i\x01f[$d#i\x01\x7f\x80\x00\x00}";
        let value = json!({
            "a": [null, -1, 255, 256, 7, true, false], "b": [1, 2, 3], "c": ["x", 1.0],
            "d": {"k": "hi"}, "e": {"k": 5}, "f": [null],
        });
        assert_eq!(decode(bytes).unwrap(), value);
    }

    #[test]
    fn lengths_past_the_end_allocate_nothing() {
        for bytes in [
            &b"[$d#L\x7f\xff\xff\xff\xff\xff\xff\xff"[..],
            b"[$U#l\x7f\xff\xff\xff",
            b"[#L\x00\x00\x00\xff\x00\x00\x00\x00",
            b"[$Z#l\x7f\xff\xff\xff",
            b"Sl\x7f\xff\xff\xffa",
            b"{l\x7f\xff\xff\xffa",
            b"[$i#i\xff",
        ] {
            assert_eq!(decode(bytes).unwrap_err().kind(), ErrorKind::Malformed);
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let error = decode(&[b'['; 1 << 20]).unwrap_err();
        assert!(error.to_string().contains("nested too deep"), "{error}");
        let typed = b"[$[#i\x01".repeat(100);
        assert!(decode(&typed).is_err());
        assert!(decode(b"{$[#i").is_err());
    }

    #[test]
    fn what_follows_is_refused() {
        let error = decode(b"[]Z").unwrap_err();
        assert_eq!(error.to_string(), "UBJ, byte 2: 1 bytes follow the value; expected the end");
    }
}
