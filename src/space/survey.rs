//! What `nnmeter space generate` prints: operators layer by layer, and what spaces reach.

use std::collections::{BTreeMap, BTreeSet};

use nnmeter_core::kind::Kind;
use nnmeter_filters::exact::CountBounds;
use nnmeter_filters::generate::{
    Candidate, Capacity, Exponents, Finding, Operator, Reach, Selection, Slot, Standing, Survey,
};
use serde_json::{Value, json};

use crate::report::{align_right, plain_table};

/// All that there is to print.
pub(super) struct Page<'a> {
    pub(super) survey: &'a Survey<'a>,
    pub(super) selection: &'a Selection,
    pub(super) exponents: Exponents,
    pub(super) budgets_ms: &'a [f64],
    pub(super) capacity: Capacity,
    pub(super) measured: &'a [Measured],
}

/// A space, and what its architectures reach; the reason if none is within the budgets, or latencies tie
/// too many layers together; nothing if
/// some layer would be without an operator.
pub(super) struct Measured {
    pub(super) name: String,
    pub(super) reach: Option<Result<Reach, String>>,
}

/// An operator in a layer, and how it stands.
struct Entry<'a> {
    operator: &'a Operator,
    candidate: &'a Candidate,
    standing: Option<Standing>,
}

impl<'a> Page<'a> {
    /// The operators of every layer, the best first, those without a score last.
    fn layers(&self) -> impl Iterator<Item = (&'a Slot, Vec<Entry<'a>>)> {
        let Self { survey, selection, .. } = *self;
        let slots = survey.skeleton().slots().iter();
        slots.zip(survey.layers()).zip(&selection.standings).map(
            move |((slot, found), standings)| {
                let operators = survey.pool().operators().iter();
                let mut entries: Vec<Entry<'a>> = operators
                    .zip(found)
                    .zip(standings)
                    .map(|((operator, candidate), &standing)| Entry {
                        operator,
                        candidate,
                        standing,
                    })
                    .collect();
                entries.sort_by_key(|entry| entry.standing.map_or(usize::MAX, |s| s.rank));
                (slot, entries)
            },
        )
    }

    /// A kind of kernel without a price, on its device.
    fn missing(&self, (device, kind): &(usize, Option<Kind>)) -> String {
        let kind = kind.map_or("kernel of unknown shape", Kind::name);
        format!("{kind} on {}", self.survey.devices()[*device])
    }
}

pub(super) fn text(page: &Page<'_>, all: bool) -> String {
    let Exponents { macs, parameters, latency } = page.exponents;
    let space = &page.selection.generated.space;
    let count = space.architectures().map_or("more than 10^38".to_owned(), |n| n.to_string());
    format!(
        "{}: {} layers, {count} architectures\n\
         score: MACs^{macs} parameters^{parameters} / ms^{latency}, as a share of the layer's best\n\n\
         {}\n{}{}{}",
        space.name(),
        space.choices().len(),
        layers_table(page, all),
        marks(page, all),
        left_out(page),
        reach_text(page)
    )
}

fn layers_table(page: &Page<'_>, all: bool) -> String {
    let devices = page.survey.devices();
    let mut header: Vec<String> =
        ["layer", "", "operator", "rank", "score", "M MACs", "parameters"]
            .map(str::to_owned)
            .into();
    match devices {
        [_] => header.push("ms".to_owned()),
        several => header.extend(several.iter().map(|name| format!("ms: {name}"))),
    }
    if all {
        header.push("chosen".to_owned());
    }
    let mut table = plain_table(&header.iter().map(String::as_str).collect::<Vec<_>>());
    for (slot, entries) in page.layers() {
        let shown = |entry: &&Entry<'_>| entry.standing.is_some_and(|s| all || s.chosen);
        for (index, entry) in entries.iter().filter(shown).enumerate() {
            let [name, shape] = match index {
                0 => [slot.name.clone(), extents(slot)],
                _ => [String::new(), String::new()],
            };
            let mut row = vec![name, shape];
            row.extend(cells(entry));
            if all {
                let chosen = entry.standing.is_some_and(|standing| standing.chosen);
                row.push(if chosen { "yes" } else { "" }.to_owned());
            }
            table.add_row(row);
        }
    }
    align_right(&mut table, 3..7 + devices.len());
    table.trim_fmt()
}

/// `56x56x24 -> 28x28x32`.
fn extents(slot: &Slot) -> String {
    let show = |[channels, height, width]: [u32; 3]| format!("{height}x{width}x{channels}");
    format!("{} -> {}", show(slot.input), show(slot.output()))
}

fn cells(entry: &Entry<'_>) -> Vec<String> {
    let mut cells = vec![entry.operator.name().to_owned()];
    if let (Some(standing), Some(figures)) = (entry.standing, entry.candidate.figures()) {
        cells.push(standing.rank.to_string());
        cells.push(format!("{:.3}", standing.score));
        cells.push(format!("{:.2}", figures.macs / 1e6));
        cells.push(format!("{:.0}", figures.parameters));
        for (cost, outside) in figures.costs_ms.iter().zip(&figures.outside) {
            cells.push(format!("{cost:.4}{}", if *outside { "*" } else { "" }));
        }
    }
    cells
}

fn marks(page: &Page<'_>, all: bool) -> String {
    let is_marked = |entry: &Entry<'_>| {
        let is_shown = entry.standing.is_some_and(|standing| all || standing.chosen);
        is_shown && entry.candidate.figures().is_some_and(|f| f.outside.contains(&true))
    };
    match page.layers().any(|(_, entries)| entries.iter().any(is_marked)) {
        true => "* a kernel lies outside of what the device's model was fitted on\n".to_owned(),
        false => String::new(),
    }
}

/// Operators that were left out for want of a price, by the same kinds in as many layers.
fn left_out(page: &Page<'_>) -> String {
    let mut groups: BTreeMap<(usize, String), Vec<&str>> = BTreeMap::new();
    for (index, operator) in page.survey.pool().operators().iter().enumerate() {
        let mut layers = 0;
        let mut kinds = BTreeSet::new();
        for candidates in page.survey.layers() {
            if let Finding::NoPrice(missing) = candidates[index].finding() {
                layers += 1;
                kinds.extend(missing.iter().map(|missing| page.missing(missing)));
            }
        }
        if layers > 0 {
            let kinds = kinds.into_iter().collect::<Vec<_>>().join(", ");
            groups.entry((layers, kinds)).or_default().push(operator.name());
        }
    }
    let line = |((layers, kinds), names): (&(usize, String), &Vec<&str>)| {
        format!("NO PRICE in {layers} layers ({kinds}): {}\n", names.join(", "))
    };
    groups.iter().map(line).collect()
}

fn reach_text(page: &Page<'_>) -> String {
    if page.measured.is_empty() {
        return String::new();
    }
    let unit = match page.capacity {
        Capacity::Macs => "MACs",
        Capacity::Parameters => "parameters",
    };
    let budgets = page.budgets_ms.iter().zip(page.survey.devices());
    let budgets: Vec<String> = budgets.map(|(ms, name)| format!("{ms} ms on {name}")).collect();
    let header = ["space", "architectures within", "best", "median", "", "mean"];
    let mut table = plain_table(&header);
    let mut notes = String::new();
    for Measured { name, reach } in page.measured {
        match reach {
            Some(Ok(reach)) => {
                table.add_row(reach_cells(name, reach));
            }
            Some(Err(reason)) => notes.push_str(&format!("{name}: {reason}\n")),
            None => {
                notes.push_str(&format!("{name}: has no operator with a price in some layer\n"))
            }
        }
    }
    align_right(&mut table, 1..6);
    format!("\nmillions of {unit} within {}\n\n{}\n{notes}", budgets.join(", "), table.trim_fmt())
}

fn reach_cells(name: &str, reach: &Reach) -> [String; 6] {
    let millions = |value: f64| format!("{:.2}", value / 1e6);
    let [low, high] = reach.median_interval;
    let best = reach.best.as_ref().map_or("(too many to search)".to_owned(), |b| millions(b.value));
    [
        name.to_owned(),
        count(reach.architectures),
        best,
        millions(reach.median),
        format!("({} to {})", millions(low), millions(high)),
        millions(reach.mean),
    ]
}

/// The count if it is known, or what it lies between.
fn count(bounds: CountBounds) -> String {
    let show = |count: u128| match count {
        0..1_000_000 => count.to_string(),
        _ => format!("{:.2e}", count as f64),
    };
    let (low, high) = (show(bounds.certain), show(bounds.possible));
    if low == high { low } else { format!("{low} to {high}") }
}

pub(super) fn json(page: &Page<'_>) -> Value {
    let Exponents { macs, parameters, latency } = page.exponents;
    let layer = |(slot, entries): (&Slot, Vec<Entry<'_>>)| {
        let candidates: Vec<Value> =
            entries.iter().map(|entry| candidate_json(page, entry)).collect();
        json!({"name": slot.name, "input": slot.input, "output": slot.output(),
               "stride": slot.stride, "candidates": candidates})
    };
    let mut object = json!({
        "devices": page.survey.devices(),
        "exponents": {"macs": macs, "parameters": parameters, "latency": latency},
        "layers": page.layers().map(layer).collect::<Vec<_>>(),
        "space": page.selection.generated.space.to_json(),
    });
    if !page.measured.is_empty() {
        object["budgets_ms"] = json!(page.budgets_ms);
        object["reach"] = page.measured.iter().map(|of| measured_json(page, of)).collect();
    }
    object
}

fn candidate_json(page: &Page<'_>, entry: &Entry<'_>) -> Value {
    let (operator, standing) = (entry.operator, entry.standing);
    let mut object = json!({"operator": operator.name(), "family": operator.family(),
        "chosen": standing.is_some_and(|standing| standing.chosen),
        "score": standing.map(|standing| standing.score), "rank": standing.map(|s| s.rank)});
    match entry.candidate.finding() {
        Finding::DoesNotFit => object["left_out"] = "does not fit the layer".into(),
        Finding::NoPrice(missing) => {
            let kinds: Vec<String> = missing.iter().map(|missing| page.missing(missing)).collect();
            object["left_out"] = format!("no price for {}", kinds.join(", ")).into();
        }
        Finding::Priced(figures) => {
            object["macs"] = figures.macs.into();
            object["parameters"] = figures.parameters.into();
            object["costs_ms"] = json!(figures.costs_ms);
            object["outside_fitted_range"] = json!(figures.outside);
        }
    }
    object
}

fn measured_json(page: &Page<'_>, measured: &Measured) -> Value {
    let metric = match page.capacity {
        Capacity::Macs => "macs",
        Capacity::Parameters => "parameters",
    };
    match &measured.reach {
        None => {
            json!({"space": measured.name, "left_out": "no operator with a price in some layer"})
        }
        Some(Err(reason)) => json!({"space": measured.name, "left_out": reason}),
        Some(Ok(reach)) => json!({
            "space": measured.name,
            "architectures": [reach.architectures.certain.to_string(),
                              reach.architectures.possible.to_string()],
            format!("best_{metric}"): reach.best.as_ref().map(|best| best.value),
            "best_costs_ms": reach.best.as_ref().map(|best| &best.costs),
            format!("median_{metric}"): reach.median,
            format!("median_interval_{metric}"): reach.median_interval,
            format!("mean_{metric}"): reach.mean,
            format!("mean_error_{metric}"): reach.mean_error,
        }),
    }
}
