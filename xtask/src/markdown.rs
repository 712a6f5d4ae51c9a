//! Tables in Markdown: accuracies by family, and the terms of a fit.

use std::fmt::Write;

use anyhow::Result;
use nnmeter_hardware::accuracy::{Accuracy, Table};
use nnmeter_hardware::fit::intervals::Residuals;
use nnmeter_hardware::fit::terms::TermSpec;

use crate::fitting::Judged;

/// Both tables side by side, a family a row.
pub(crate) fn accuracies(judged: &Judged) -> String {
    let mut text = String::from(
        "| family | random split: models | within 10 % | within 5 % | RMSPE % | bias % | \
         family left out: models | within 10 % | within 5 % | RMSPE % | bias % | rank correlation |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for (family, left_out) in &judged.left_out.families {
        let random = judged.random.families.iter().find(|(name, _)| name == family);
        row(&mut text, family, random.map(|(_, accuracy)| accuracy), left_out);
    }
    row(&mut text, "**all models**", Some(&judged.random.overall), &judged.left_out.overall);
    means(&mut text, &judged.random, &judged.left_out);
    if let Some((choices, nested)) = &judged.nested {
        let _ = writeln!(
            text,
            "\nFamilies left out once more, with the open choices ({choices}) made anew for each by \
             how well the *other* families were predicted when left out:\n"
        );
        text.push_str(&one(nested));
    }
    text
}

/// One table, a family a row.
fn one(table: &Table) -> String {
    let mut text = String::from(
        "| family | models | within 10 % | within 5 % | RMSPE % | bias % |\n\
         |---|--:|--:|--:|--:|--:|\n",
    );
    for (family, accuracy) in &table.families {
        let _ = writeln!(text, "| {family} | {} |", figures(accuracy));
    }
    let _ = writeln!(text, "| **all models** | {} |", figures(&table.overall));
    let _ = writeln!(text, "| **mean of families** | {} |", mean(table));
    text
}

fn row(text: &mut String, name: &str, random: Option<&Accuracy>, left_out: &Accuracy) {
    let random = match random {
        Some(random) => figures(random),
        None => "- | - | - | - | -".to_owned(),
    };
    let rank = left_out.spearman.map_or("-".to_owned(), |rank| format!("{rank:.3}"));
    let _ = writeln!(text, "| {name} | {random} | {} | {rank} |", figures(left_out));
}

fn figures(accuracy: &Accuracy) -> String {
    let Accuracy { models, within_10, within_5, rmspe, bias, .. } = accuracy;
    format!("{models} | {within_10:.1} | {within_5:.1} | {rmspe:.2} | {bias:+.1}")
}

fn means(text: &mut String, random: &Table, left_out: &Table) {
    let _ = writeln!(text, "| **mean of families** | {} | {} | |", mean(random), mean(left_out));
}

/// Means of the figures over families.
fn mean(table: &Table) -> String {
    let mean = |figure: fn(&Accuracy) -> f64| table.mean(figure);
    format!(
        "| {:.1} | {:.1} | {:.2} | {:+.1}",
        mean(|accuracy| accuracy.within_10),
        mean(|accuracy| accuracy.within_5),
        mean(|accuracy| accuracy.rmspe),
        mean(|accuracy| accuracy.bias)
    )
}

/// Levels whose coverage is shown.
const LEVELS: [f64; 4] = [0.5, 0.8, 0.9, 0.95];

/// How many networks of each family lie in intervals made without the family, a family a row.
pub(crate) fn coverage(names: &[String], residuals: &Residuals) -> Result<String> {
    let levels = LEVELS.map(|level| residuals.coverage(level));
    let levels = levels.into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut text = String::from("| family | models | outside |");
    LEVELS.iter().for_each(|level| text.push_str(&format!(" {:.0} % interval |", 100.0 * level)));
    text.push_str("\n|---|--:|--:|--:|--:|--:|--:|\n");
    let mut sums = [0.0; LEVELS.len()];
    let filled: Vec<usize> = (0..names.len()).filter(|&at| levels[0][at].models > 0).collect();
    for &at in &filled {
        let _ = write!(
            text,
            "| {} | {} | {} |",
            names[at], levels[0][at].models, levels[0][at].outside
        );
        for (sum, level) in sums.iter_mut().zip(&levels) {
            let share = 100.0 * level[at].share().unwrap_or_default();
            *sum += share / filled.len() as f64;
            let _ = write!(text, " {share:.1} |");
        }
        text.push('\n');
    }
    let means = sums.map(|mean| format!("{mean:.1}")).join(" | ");
    let _ = writeln!(text, "| **mean of families** | | | {means} |");
    Ok(text)
}

/// The rates of a fit, a term a row.
pub(crate) fn rates(terms: &[TermSpec], judged: &Judged) -> String {
    let mut text =
        String::from("| term | counts | rate | prior | share % |\n|---|---|--:|--:|--:|\n");
    for (index, term) in terms.iter().enumerate() {
        let (rate, prior) = (judged.fit.rates[index], judged.fit.coarse[index]);
        let _ = writeln!(
            text,
            "| {} | {} x {} | {rate:.6} | {prior:.6} | {:.2} |",
            term.name,
            term.weight,
            term.feature.name(),
            100.0 * judged.shares[index],
        );
    }
    text
}
