//! Fusion rules of a device's runtime, in nn-Meter's JSON format.
//!
//! `BF_a_b` says whether `b` fuses into a kernel that ends in `a`; a longer name
//! (`BF_conv_bn_relu`) is a whole pattern; `MON` says what a node with several consumers may do. A
//! rule on a pair may say in which [`Context`] it holds (`where`), which nn-Meter's format has no
//! word for. The measurements that files carry beside the verdicts are not read, and `RT`, `RBC`,
//! `CBC` and `FN`, which nn-Meter's detection never asks, are accepted and ignored, as is what was
//! found out about blocks of operators (`BLOCK_...`), which are one unit here in any case.

mod context;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::error::{Error, ErrorKind, Result};
use crate::kind::Kind;

use context::Where;
pub use context::{Context, Misfit};

/// Which operators a runtime fuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FusionRules {
    allowed: [u64; Kind::COUNT],
    denied: [u64; Kind::COUNT],
    contextual: Vec<Contextual>,
    patterns: Vec<Pattern>,
    several_consumers: SeveralConsumers,
}

/// A rule on two kinds that holds in a context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contextual {
    /// The rule's name.
    pub name: String,
    /// Where it holds.
    pub context: Context,
    firsts: Vec<Kind>,
    seconds: Vec<Kind>,
}

/// A chain of three kinds or more that becomes one kernel as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// The rule's name: `BF_conv_bn_relu`.
    pub name: String,
    /// The chain; each place lists the kinds that may stand there.
    pub places: Vec<Vec<Kind>>,
}

/// What a node with several consumers may do (`MON`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeveralConsumers {
    /// Nothing fuses across it (0, or not stated).
    Never,
    /// The first of its consumers that a rule allows fuses into it (1).
    First,
}

/// What the rules say of two kinds in sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A rule allows it.
    Allowed,
    /// A rule allows it in a context: the first one's index in [`FusionRules::contextual`].
    InContext(usize),
    /// A rule denies it.
    Denied,
    /// No rule speaks of it, so it does not fuse.
    NoRule,
}

#[derive(Deserialize)]
struct Rule {
    obey: Option<Obey>,
    #[serde(default, rename = "where")]
    context: Option<Where>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Obey {
    Bool(bool),
    Number(u64),
}

impl Default for FusionRules {
    /// No rules: every unit is a kernel of its own.
    fn default() -> Self {
        Self {
            allowed: [0; Kind::COUNT],
            denied: [0; Kind::COUNT],
            contextual: Vec::new(),
            patterns: Vec::new(),
            several_consumers: SeveralConsumers::Never,
        }
    }
}

impl FusionRules {
    /// Reads a rule file.
    ///
    /// # Errors
    /// If it is not JSON of the expected form, or a rule names an operator that is not known.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        let malformed = |error: serde_json::Error| {
            Error::new(ErrorKind::BadModel, "fusion rules", error.to_string())
                .expected("an object of {\"BF_a_b\": {\"obey\": true | false | null}}")
        };
        let entries: Map<String, Json> = serde_json::from_slice(bytes).map_err(malformed)?;
        let mut rules = Self::default();
        for (name, value) in entries {
            let rule: Rule = serde_json::from_value(value)
                .map_err(|error| bad_rule(&name, &format!("is not a rule ({error})")))?;
            rules.add(&name, rule)?;
        }
        rules.patterns.sort_by(|a, b| (b.places.len(), &a.name).cmp(&(a.places.len(), &b.name)));
        Ok(rules)
    }

    fn add(&mut self, name: &str, rule: Rule) -> Result<()> {
        match (name, rule.obey) {
            ("MON", obey) => self.several_consumers = several_consumers(obey)?,
            ("RT" | "RBC" | "CBC" | "FN", _) => {}
            (name, _) if name.starts_with("BLOCK_") => {}
            (name, Some(Obey::Bool(obey))) if name.starts_with("BF_") => match rule.context {
                Some(context) if obey => self.add_contextual(name, &context)?,
                _ => self.add_fusion(name, obey)?,
            },
            (name, None) if name.starts_with("BF_") => {}
            (name, Some(_)) if name.starts_with("BF_") => {
                return Err(
                    bad_rule(name, "has a number for \"obey\"").expected("true, false or null")
                );
            }
            _ => {
                return Err(bad_rule(name, "is not the name of a rule")
                    .expected("BF_a_b, MON, RT, RBC, CBC, FN or BLOCK_a"));
            }
        }
        Ok(())
    }

    fn add_contextual(&mut self, name: &str, context: &Where) -> Result<()> {
        match <[Vec<Kind>; 2]>::try_from(places(name)?) {
            Ok([firsts, seconds]) => {
                let (name, context) = (name.to_owned(), context.read(name)?);
                self.contextual.push(Contextual { name, context, firsts, seconds });
                Ok(())
            }
            Err(_) => Err(bad_rule(name, "has \"where\", but is a whole pattern")
                .expected("\"where\" on rules of two operators only")),
        }
    }

    fn add_fusion(&mut self, name: &str, obey: bool) -> Result<()> {
        let places = places(name)?;
        match places.as_slice() {
            [firsts, seconds] => {
                let table = if obey { &mut self.allowed } else { &mut self.denied };
                let row = seconds.iter().fold(0, |row, &kind| row | 1 << kind as u8);
                firsts.iter().for_each(|&first| table[first as usize] |= row);
            }
            _ if obey => self.patterns.push(Pattern { name: name.to_owned(), places }),
            _ => {}
        }
        Ok(())
    }

    /// Whether `second` fuses into a kernel that ends in `first`.
    pub fn verdict(&self, first: Kind, second: Kind) -> Verdict {
        let bit = 1 << second as u8;
        if self.allowed[first as usize] & bit != 0 {
            Verdict::Allowed
        } else if let Some(rule) = self.contextual_on(first, second).next() {
            Verdict::InContext(rule)
        } else if self.denied[first as usize] & bit != 0 {
            Verdict::Denied
        } else {
            Verdict::NoRule
        }
    }

    /// Indices of the rules on two kinds that hold in a context: one may call kinds by another name
    /// than the other (`maxpool`, `pooling`).
    pub fn contextual_on(&self, first: Kind, second: Kind) -> impl Iterator<Item = usize> + '_ {
        let speaks =
            move |rule: &Contextual| rule.firsts.contains(&first) && rule.seconds.contains(&second);
        let rules = self.contextual.iter().enumerate();
        rules.filter(move |(_, rule)| speaks(rule)).map(|(index, _)| index)
    }

    /// Rules that hold in a context.
    pub fn contextual(&self) -> &[Contextual] {
        &self.contextual
    }

    /// Whole patterns, the longest first.
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// What a node with several consumers may do.
    pub fn several_consumers(&self) -> SeveralConsumers {
        self.several_consumers
    }
}

/// How rule files call a pair: `BF_conv_relu`.
pub fn pair_name(first: Kind, second: Kind) -> String {
    format!("BF_{}_{}", rule_name(first), rule_name(second))
}

fn rule_name(kind: Kind) -> &'static str {
    match kind {
        Kind::MaxPool | Kind::AvgPool => "pooling",
        Kind::Fc => "dense",
        Kind::GlobalAvgPool => "gap",
        other => other.name(),
    }
}

/// The operators that a rule's name lists: two or more, each of which may be several kinds.
fn places(name: &str) -> Result<Vec<Vec<Kind>>> {
    let places: Vec<Vec<Kind>> =
        name.split('_').skip(1).map(|op| kinds_of(name, op)).collect::<Result<_>>()?;
    match places.len() {
        0 | 1 => Err(bad_rule(name, "names fewer than two operators")),
        _ => Ok(places),
    }
}

fn kinds_of(rule: &str, op: &str) -> Result<Vec<Kind>> {
    match op {
        "pooling" => Ok(vec![Kind::MaxPool, Kind::AvgPool]),
        "dense" => Ok(vec![Kind::Fc]),
        "gap" => Ok(vec![Kind::GlobalAvgPool]),
        _ => match Kind::from_name(op) {
            Some(kind) => Ok(vec![kind]),
            None => {
                Err(bad_rule(rule, &format!("names the operator \"{op}\", which is not known"))
                    .expected("conv, dwconv, convtrans, dense, pooling, bn, relu, add, concat, ...")
                    .hint("operators are called as in nn-Meter's rule files"))
            }
        },
    }
}

fn several_consumers(obey: Option<Obey>) -> Result<SeveralConsumers> {
    match obey {
        None | Some(Obey::Number(0) | Obey::Bool(false)) => Ok(SeveralConsumers::Never),
        Some(Obey::Number(1) | Obey::Bool(true)) => Ok(SeveralConsumers::First),
        Some(Obey::Number(other)) => {
            Err(bad_rule("MON", &format!("has \"obey\": {other}")).expected("0, 1 or null"))
        }
    }
}

fn bad_rule(name: &str, found: &str) -> Error {
    Error::new(ErrorKind::BadModel, format!("fusion rule \"{name}\""), found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(json: &str) -> Result<FusionRules> {
        FusionRules::from_json(json.as_bytes())
    }

    #[test]
    fn reads_pairs_patterns_and_aliases() {
        let json = r#"{"BF_conv_relu": {"obey": true, "latency": {"ops": 1.0}},
            "BF_conv_pooling": {"obey": false}, "BF_dense_relu": {"obey": true},
            "BF_conv_bn_relu": {"obey": true}, "RT": {"obey": null}, "MON": {"obey": null}}"#;
        let rules = rules(json).expect("valid rules");
        assert_eq!(rules.verdict(Kind::Conv, Kind::Relu), Verdict::Allowed);
        assert_eq!(rules.verdict(Kind::Conv, Kind::AvgPool), Verdict::Denied);
        assert_eq!(rules.verdict(Kind::Fc, Kind::Relu), Verdict::Allowed);
        assert_eq!(rules.verdict(Kind::Relu, Kind::Fc), Verdict::NoRule);
        assert_eq!(rules.patterns().len(), 1);
        assert_eq!(rules.several_consumers(), SeveralConsumers::Never);
    }

    #[test]
    fn reads_contexts() {
        let json = r#"{"BF_conv_add": {"obey": true, "where": {"not_beside": ["input", "pooling"]}},
            "BF_add_relu": {"obey": true, "where": {"kernel_begins_with": ["conv"]}},
            "BF_relu_add": {"obey": null, "where": {"not_returned": true}},
            "BLOCK_hswish": {"obey": false}}"#;
        let rules = rules(json).expect("valid rules");
        let Verdict::InContext(index) = rules.verdict(Kind::Conv, Kind::Add) else {
            panic!("has a context")
        };
        let Contextual { name, context, .. } = &rules.contextual()[index];
        assert_eq!(name, "BF_conv_add");
        assert_eq!(context.not_beside, [Kind::MaxPool, Kind::AvgPool]);
        assert!(context.not_beside_inputs && !context.not_returned);
        assert_eq!(rules.verdict(Kind::Relu, Kind::Add), Verdict::NoRule);
        assert_eq!(rules.contextual().len(), 2);
    }

    #[test]
    fn names_the_rule_that_is_wrong() {
        let error = |json| rules(json).expect_err("invalid rules").to_string();
        expect_test::expect![[r#"fusion rule "BF_conv_foo": names the operator "foo", which is not known; expected conv, dwconv, convtrans, dense, pooling, bn, relu, add, concat, ..."#]]
            .assert_eq(&error(r#"{"BF_conv_foo": {"obey": true}}"#));
        expect_test::expect![[r#"fusion rule "MON": has "obey": 2; expected 0, 1 or null"#]]
            .assert_eq(&error(r#"{"MON": {"obey": 2}}"#));
        expect_test::expect![[r#"fusion rule "BF_a": names the operator "a", which is not known; expected conv, dwconv, convtrans, dense, pooling, bn, relu, add, concat, ..."#]]
            .assert_eq(&error(r#"{"BF_a": {"obey": true, "where": {}}}"#));
        expect_test::expect![[r#"fusion rule "BF_conv_bn_relu": has "where", but is a whole pattern; expected "where" on rules of two operators only"#]]
            .assert_eq(&error(r#"{"BF_conv_bn_relu": {"obey": true, "where": {}}}"#));
        expect_test::expect![[r#"fusion rule "BF_conv_add": is not a rule (unknown field `after`, expected one of `kernel_begins_with`, `not_beside`, `not_returned`)"#]]
            .assert_eq(&error(r#"{"BF_conv_add": {"obey": true, "where": {"after": ["conv"]}}}"#));
        expect_test::expect![[r#"fusion rule "XY": is not the name of a rule; expected BF_a_b, MON, RT, RBC, CBC, FN or BLOCK_a"#]]
            .assert_eq(&error(r#"{"XY": {"obey": true}}"#));
    }
}
