//! Objects of JSON as lists of pairs: the order is kept, and a key that comes twice is an error.
//!
//! Maps of the standard library would drop the first of two such values without a word, and hash
//! maps would write them in another order each time. Not a general map: there is no look-up.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

/// The pairs of an object, in order.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entries<V>(pub(super) Vec<(String, V)>);

impl<V: Serialize> Serialize for Entries<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Entries<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Pairs(PhantomData))
    }
}

struct Pairs<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for Pairs<V> {
    type Value = Entries<V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs: Vec<(String, V)> = Vec::new();
        while let Some((key, value)) = map.next_entry::<String, V>()? {
            if pairs.iter().any(|(other, _)| *other == key) {
                return Err(A::Error::custom(format_args!("the key {key:?} comes twice")));
            }
            pairs.push((key, value));
        }
        Ok(Entries(pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_order_and_refuses_repetition() {
        let text = r#"{"b":1,"a":2}"#;
        let entries: Entries<u32> = serde_json::from_str(text).expect("an object");
        assert_eq!(serde_json::to_string(&entries).expect("writes"), text);
        let twice = serde_json::from_str::<Entries<u32>>(r#"{"a":1,"a":2}"#);
        assert!(twice.expect_err("repeats").to_string().contains("the key \"a\" comes twice"));
    }
}
