//! The part `rules.json`: a device's fusion rules in nn-Meter's format: the verdicts, and where they hold.
//!
//! The measurements that a rule file may carry beside its verdicts stay behind, and so do rules
//! without a verdict. What the rules mean is [`FusionRules`]' business.

use std::collections::BTreeMap;

use nnmeter_core::rules::FusionRules;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// Fusion rules with the text they were read from.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleFile {
    json: String,
    rules: FusionRules,
}

#[derive(Serialize, Deserialize)]
struct Verdict {
    obey: Option<serde_json::Value>,
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    context: Option<serde_json::Value>,
}

impl RuleFile {
    /// Reads a rule file of nn-Meter, or the part of a package.
    ///
    /// # Errors
    /// If it is not one, or names an operator that is not known.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        let rules = FusionRules::from_json(bytes)?;
        let mut verdicts: BTreeMap<String, Verdict> = serde_json::from_slice(bytes)
            .map_err(|error| Error::new(ErrorKind::BadData, "fusion rules", error.to_string()))?;
        verdicts.retain(|name, verdict| verdict.obey.is_some() && !name.starts_with("BLOCK_"));
        Ok(Self { json: super::to_json("fusion rules", &verdicts)?, rules })
    }

    /// The rules.
    pub fn rules(&self) -> &FusionRules {
        &self.rules
    }

    /// Their verdicts as JSON, sorted by name: `{"BF_conv_relu": {"obey": true}, ...}`.
    pub fn json(&self) -> &str {
        &self.json
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_verdicts_and_nothing_else() {
        let json = br#"{"MON": {"obey": 0}, "RT": {"obey": null},
            "BF_conv_relu": {"obey": true, "latency": {"ops": "1.0 +- 0.0"}},
            "BF_conv_add": {"obey": true, "where": {"not_beside": ["input"]}, "found": []},
            "BLOCK_hswish": {"obey": true}}"#;
        let file = RuleFile::from_json(json).expect("valid rules");
        expect_test::expect![[r#"
            {
              "BF_conv_add": {
                "obey": true,
                "where": {
                  "not_beside": [
                    "input"
                  ]
                }
              },
              "BF_conv_relu": {
                "obey": true
              },
              "MON": {
                "obey": 0
              }
            }
        "#]]
        .assert_eq(file.json());
        let again = RuleFile::from_json(file.json().as_bytes()).expect("its own text");
        assert_eq!(again, file);
    }
}
