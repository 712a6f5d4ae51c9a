//! JSON as Python writes it: `NaN`, `Infinity` and `-Infinity` may stand where a value stands.
//!
//! These are no JSON, and no [`Json`] number can hold them. They become texts, which [`number`] reads
//! as what they mean; what stands inside of strings is left alone.

use std::borrow::Cow;

use serde_json::Value as Json;

const TOKENS: [(&str, f64); 3] =
    [("NaN", f64::NAN), ("Infinity", f64::INFINITY), ("-Infinity", f64::NEG_INFINITY)];

/// Reads JSON as Python writes it.
///
/// # Errors
/// If it is not even that.
pub fn parse(text: &str) -> serde_json::Result<Json> {
    serde_json::from_str(&quoted(text))
}

/// A number, those included that [`parse`] made texts of.
pub fn number(json: &Json) -> Option<f64> {
    match json {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => TOKENS.iter().find(|(token, _)| token == text).map(|&(_, x)| x),
        _ => None,
    }
}

/// The text with quotes around tokens that are not inside of strings.
fn quoted(text: &str) -> Cow<'_, str> {
    if !TOKENS.iter().any(|(token, _)| text.contains(token)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let token = TOKENS.iter().find(|(token, _)| rest.starts_with(token));
        let taken = match token {
            _ if first == '"' => string_length(rest),
            Some((token, _)) => token.len(),
            None => first.len_utf8(),
        };
        let (part, after) = rest.split_at(taken);
        match token {
            Some(_) => out.extend(["\"", part, "\""]),
            None => out.push_str(part),
        }
        rest = after;
    }
    Cow::Owned(out)
}

/// Bytes of the string that `text` begins with, quotes included; all of it if it does not end.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn tokens_are_read_and_strings_left_alone() {
        let json = parse(r#"{"a": NaN, "NaN": [Infinity, -Infinity, -1], "b": "NaN \" NaN"}"#);
        let json = json.expect("Python's JSON");
        assert!(number(&json["a"]).expect("a number").is_nan());
        assert_eq!(number(&json["NaN"][0]), Some(f64::INFINITY));
        assert_eq!(number(&json["NaN"][1]), Some(f64::NEG_INFINITY));
        assert_eq!(json["b"], json!("NaN \" NaN"));
        for bad in ["", "NaNN", "nan", "{\"a\": NaN", "\"NaN", "--Infinity", "\u{e9}NaN"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn json_stays_what_it_is(texts in proptest::collection::vec(".*|(NaN|\"|\\\\|x){0,6}", 0..5)) {
            let json = json!(texts);
            prop_assert_eq!(parse(&json.to_string()).expect("JSON"), json);
        }

        #[test]
        fn nothing_panics(text in ".*|(NaN|-|Infinity|\"|\\\\|\\{|\\[|,|1){0,20}") {
            let _ = parse(&text);
        }
    }
}
