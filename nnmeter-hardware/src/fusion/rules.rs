//! What was found as a file of fusion rules, in nn-Meter's format.
//!
//! `{"BF_conv_relu": {"obey": true, "found": [...]}, ...}`: undecided pairs obey `null`, which is to
//! no rule at all. A rule that was found to hold at some places only says where
//! ([`nnmeter_core::rules::Context`]). Beside each verdict stands what it rests on, which readers of
//! rules pass over, as they do over what was found of blocks (`BLOCK_...`).

use nnmeter_core::kind::Kind;
use nnmeter_core::rules::pair_name;
use serde_json::{Map, Value, json};

use super::{Case, Figures, Finding, Operator, Seen, Site, Source, Verdict};

/// The rules that follow from these findings, with the figures they follow from.
pub fn rules_json(findings: &[Finding], source: Source) -> Value {
    let found = Found { findings, told: source == Source::Told };
    let mut rules = Map::new();
    for finding in findings {
        let (name, rule) = match finding.case {
            Case::Block(block) => (format!("BLOCK_{}", block.name()), found.block(finding)),
            Case::Pair(Site::Shared, ..) => ("MON".to_owned(), found.several_consumers(finding)),
            Case::Pair(Site::Plain, first, second) if second.has_rules() => {
                (found.name(first, second), found.rule(first, second))
            }
            Case::Pair(..) => continue,
        };
        rules.insert(name, rule);
    }
    Value::Object(rules)
}

/// Findings, and whether what the runtime tells comes before what was measured.
struct Found<'a> {
    findings: &'a [Finding],
    told: bool,
}

/// What a rule says, and where it holds.
#[derive(Clone, Debug, PartialEq)]
struct Ruling {
    obey: Option<bool>,
    context: Map<String, Value>,
}

impl Found<'_> {
    fn finding(&self, site: Site, first: Operator, second: Operator) -> Option<&Finding> {
        let case = Case::Pair(site, first, second);
        self.findings.iter().find(|finding| finding.case == case)
    }

    fn answer(&self, site: Site, first: Operator, second: Operator) -> Verdict {
        let finding = self.finding(site, first, second);
        finding.map_or(Verdict::Undecided, |finding| finding.answer(self.told))
    }

    fn ruling(&self, first: Operator, second: Operator) -> Ruling {
        let plain = self.answer(Site::Plain, first, second);
        let mut context = Map::new();
        let obey = match self.finding(Site::BehindPooling, first, second) {
            None => plain.obey(),
            Some(behind) => {
                let behind = behind.answer(self.told);
                let begins = begins_with(plain, behind);
                let obey = if begins.is_empty() { common(plain, behind) } else { Some(true) };
                if !begins.is_empty() {
                    context.insert("kernel_begins_with".to_owned(), names(&begins));
                }
                obey
            }
        };
        if obey == Some(true) {
            self.around(first, second, &mut context);
        }
        Ruling { obey, context }
    }

    /// What the second operator's surroundings must be like; of convolutions this is asked, and what
    /// follows them in their kernels is taken to be as they are.
    fn around(&self, first: Operator, second: Operator, context: &mut Map<String, Value>) {
        let of = match first {
            Operator::DwConv => Operator::DwConv,
            _ => Operator::Conv,
        };
        if self.answer(Site::BesideInput, of, second) == Verdict::NotFused {
            context.insert("not_beside".to_owned(), json!(["input"]));
        }
        if self.answer(Site::Returned, of, second) == Verdict::NotFused {
            context.insert("not_returned".to_owned(), json!(true));
        }
    }

    fn rule(&self, first: Operator, second: Operator) -> Value {
        let Ruling { obey, context } = self.ruling(first, second);
        let name = self.name(first, second);
        let is_of_it = |finding: &&Finding| match finding.case {
            Case::Pair(site, a, b) => {
                let same = self.name(a, second) == name && b.kind() == second.kind();
                same && site != Site::Shared
            }
            Case::Block(_) => false,
        };
        let found = self.findings.iter().filter(is_of_it).map(finding_json);
        let mut rule = json!({"obey": obey, "found": found.collect::<Vec<_>>()});
        if !context.is_empty() {
            rule["where"] = Value::Object(context);
        }
        rule
    }

    /// The name of a rule. Both poolings have one, where they are alike.
    fn name(&self, first: Operator, second: Operator) -> String {
        let other = match first {
            Operator::MaxPool => Operator::AvgPool,
            Operator::AvgPool => Operator::MaxPool,
            _ => return pair_name(first.kind(), second.kind()),
        };
        let name = pair_name(first.kind(), second.kind());
        match self.ruling(first, second) == self.ruling(other, second) {
            true => name,
            false => name.replacen("BF_pooling", &format!("BF_{}", first.kind().name()), 1),
        }
    }

    fn block(&self, finding: &Finding) -> Value {
        let obey = finding.answer(self.told).obey();
        json!({"obey": obey, "found": [finding_json(finding)]})
    }

    fn several_consumers(&self, finding: &Finding) -> Value {
        let obey = finding.answer(self.told).obey().map(u8::from);
        json!({"obey": obey, "found": [finding_json(finding)]})
    }
}

/// Which kernels a rule is restricted to, as it holds in a convolution's and behind a pooling; to
/// none, if it says the same of both or nothing.
fn begins_with(plain: Verdict, behind: Verdict) -> Vec<Kind> {
    match (plain, behind) {
        (Verdict::Fused, Verdict::NotFused | Verdict::Undecided) => vec![Kind::Conv, Kind::DwConv],
        (Verdict::NotFused | Verdict::Undecided, Verdict::Fused) => {
            Operator::ELEMENTWISE.iter().map(|operator| operator.kind()).collect()
        }
        _ => Vec::new(),
    }
}

/// What both say.
fn common(plain: Verdict, behind: Verdict) -> Option<bool> {
    if plain == behind { plain.obey() } else { None }
}

fn names(kinds: &[Kind]) -> Value {
    json!(kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>())
}

fn finding_json(finding: &Finding) -> Value {
    let mut object = json!({
        "verdict": finding.verdict().name(),
        "runtime_says_fused": finding.told().obey(),
        "nn_meter_says_fused": finding.nn_meter(),
        "images": finding.seen.iter().map(seen_json).collect::<Vec<_>>(),
    });
    match finding.case {
        Case::Pair(site, first, second) => {
            object["operators"] = json!([first.name(), second.name()]);
            object["site"] = json!(site.name());
        }
        Case::Block(block) => object["operators"] = json!([block.name()]),
    }
    if let Some(Ok(alone)) = &finding.alone {
        object["alone_ms"] = json!([alone.first, alone.second, alone.both]);
    }
    object
}

fn seen_json(seen: &Seen) -> Value {
    let mut object = json!({
        "channels": seen.look.channels,
        "side": seen.look.side,
        "verdict": seen.verdict().name(),
        "runtime_says_fused": seen.told,
    });
    match &seen.figures {
        Some(Ok(figures)) => {
            let Figures { cost, separate, p_fused, p_not_fused, rounds, .. } = figures;
            object["cost_ms"] = json!(cost);
            object["separate_ms"] = json!(separate);
            object["p_fused"] = json!(p_fused);
            object["p_not_fused"] = json!(p_not_fused);
            object["rounds"] = json!(rounds);
        }
        Some(Err(error)) => object["error"] = json!(error.to_string()),
        None => {}
    }
    object
}
