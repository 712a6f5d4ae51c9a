//! Which known name someone may have meant.
//!
//! By edit distance without regard to case, or as the start of a name. It makes a suggestion, never
//! a choice.

/// The name nearest to `name`, if one is near.
pub(crate) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let wanted = name.to_ascii_lowercase();
    let distance = |other: &&str| {
        let other = other.to_ascii_lowercase();
        if wanted.len() > 2 && other.starts_with(&wanted) {
            return 0;
        }
        strsim::damerau_levenshtein(&wanted, &other)
    };
    let limit = (wanted.chars().count() / 3).max(1);
    let near = known.iter().map(|other| (distance(other), *other));
    near.filter(|(distance, _)| *distance <= limit).min().map(|(_, other)| other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_slips_and_beginnings() {
        let known = ["adreno640gpu_tflite21", "cortexA76cpu_tflite21"];
        assert_eq!(nearest("cortexa76", &known), Some(known[1]));
        assert_eq!(nearest("adreno630gpu_tflite21", &known), Some(known[0]));
        assert_eq!(nearest("cortexA76_cpu-tflite2.1", &known), Some(known[1]));
        assert_eq!(nearest("myriadvpu_openvino2019r2", &known), None);
        assert_eq!(nearest("", &known), None);
    }
}
