//! Accuracies as people and as machines read them; shares in percent.

use nnmeter_hardware::accuracy::Accuracy;

/// Header of a table of accuracies, of which `counted` says what is counted.
pub(crate) fn header(counted: &str) -> [&str; 8] {
    let [within_5, within_10] = ["within 5 %", "within 10 %"];
    ["family", counted, within_5, within_10, "in interval", "RMSPE %", "bias %", "rank corr."]
}

/// The cells below [`header`] for one family.
pub(crate) fn cells(family: &str, accuracy: &Accuracy) -> Vec<String> {
    vec![
        family.to_owned(),
        accuracy.models.to_string(),
        format!("{:.1}", accuracy.within_5),
        format!("{:.1}", accuracy.within_10),
        accuracy.coverage.map_or("-".to_owned(), |share| format!("{share:.1}")),
        format!("{:.2}", accuracy.rmspe),
        format!("{:+.2}", accuracy.bias),
        accuracy.spearman.map_or("-".to_owned(), |rank| format!("{rank:.4}")),
    ]
}
