//! Which options of a choice look alike from outside: candidates with the same layers and wires, of
//! whatever windows and widths. Neighbours of such candidates fuse with them alike.

use super::{Action, Block, Choice, Layer, Number};

/// By choice and option: the first option that looks the same.
pub(super) fn of(choices: &[Choice], body: &Block) -> Vec<Vec<u8>> {
    let mut sketches: Vec<Vec<String>> =
        choices.iter().map(|choice| vec![String::new(); choice.options.len()]).collect();
    sketch(body, &mut sketches);
    let first = |of_choice: Vec<String>| {
        let like = |text| of_choice.iter().position(|other| other == text).unwrap_or(0) as u8;
        of_choice.iter().map(like).collect()
    };
    sketches.into_iter().map(first).collect()
}

/// The block without its numbers; what each option adds to it is noted in `sketches`.
fn sketch(block: &Block, sketches: &mut [Vec<String>]) -> String {
    let mut text = String::from("[");
    for step in block.steps() {
        text.push_str(&format!("{:?}", step.from()));
        match step.action() {
            Action::Layer(layer) => text.push_str(&layer_sketch(layer)),
            Action::Choose { choice, candidates } => {
                for (option, candidate) in candidates.iter().enumerate() {
                    let inner = sketch(candidate, sketches);
                    sketches[*choice][option].push_str(&inner);
                    text.push_str(&format!("choose {choice} {inner}"));
                }
            }
            Action::Repeat { choice, times, layers } => {
                for (option, times) in times.iter().enumerate() {
                    sketches[*choice][option].push_str(&format!("{times} times"));
                }
                text.push_str(&format!("repeat {choice} {times:?}"));
                layers.iter().for_each(|layer| text.push_str(&sketch(layer, sketches)));
            }
        }
    }
    text.push(']');
    text
}

/// What neighbours may see of a layer.
fn layer_sketch(layer: &Layer) -> String {
    match layer {
        Layer::Conv { groups, channels, .. } => {
            let ungrouped = *groups == Number::Fixed(1);
            let narrow = *channels == Number::Fixed(1);
            if ungrouped && !narrow { "conv".to_owned() } else { format!("{layer:?}") }
        }
        Layer::Split { .. } | Layer::Shuffle { .. } => format!("{layer:?}"),
        _ => layer.name().to_owned(),
    }
}
