//! Writes a search space as JSON.

use std::collections::HashMap;

use super::sample::option_json;
use super::{Action, Block, Choice, Layer, Number, SearchSpace, Step, ValueId, wire};

impl SearchSpace {
    /// The space as JSON, which [`SearchSpace::from_json`] reads back to an equal one.
    pub fn to_json(&self) -> serde_json::Value {
        let choice = |choice: &Choice| wire::Choice {
            name: choice.name.clone(),
            options: choice.options.iter().map(|option| option_json(option)).collect(),
        };
        let space = wire::Space {
            name: self.name().to_owned(),
            input: self.input().to_vec(),
            choices: self.choices().iter().map(choice).collect(),
            body: Writer(self).block(self.body()),
        };
        serde_json::json!(space)
    }
}

struct Writer<'a>(&'a SearchSpace);

impl Writer<'_> {
    fn block(&self, block: &Block) -> Vec<wire::Step> {
        let names = names(block);
        let mut before = block.input();
        let mut steps = Vec::with_capacity(block.steps().len());
        for step in block.steps() {
            steps.push(self.step(step, before, &names));
            before = step.value;
        }
        steps
    }

    fn step(&self, step: &Step, before: ValueId, names: &HashMap<ValueId, String>) -> wire::Step {
        let mut written = self.action(&step.action);
        if step.from != [before] {
            let name = |value: &ValueId| match names.get(value) {
                Some(name) if *value != before => name.clone(),
                _ => "-".to_owned(),
            };
            written.from = Some(wire::OneOrMore::More(step.from.iter().map(name).collect()));
        }
        let values = (0..step.action.results()).map(|port| ValueId(step.value.0 + port));
        let given: Vec<Option<String>> = values.map(|value| names.get(&value).cloned()).collect();
        if given.iter().any(Option::is_some) {
            let all = given.into_iter().enumerate();
            let all =
                all.map(|(port, name)| name.unwrap_or(format!("unused {} {port}", step.value.0)));
            let all: Vec<String> = all.collect();
            written.names = Some(match <[String; 1]>::try_from(all) {
                Ok([one]) => wire::OneOrMore::One(one),
                Err(more) => wire::OneOrMore::More(more),
            });
        }
        written
    }

    fn action(&self, action: &Action) -> wire::Step {
        let op = |op: &str| wire::Step { op: op.to_owned(), ..wire::Step::default() };
        let name = |choice: usize| Some(self.0.choices()[choice].name.clone());
        let blocks =
            |blocks: &[Block]| Some(blocks.iter().map(|block| self.block(block)).collect());
        match action {
            Action::Layer(layer) => self.layer(layer),
            Action::Choose { choice, candidates } => {
                wire::Step { choice: name(*choice), candidates: blocks(candidates), ..op("choose") }
            }
            Action::Repeat { choice, times, layers } => wire::Step {
                choice: name(*choice),
                times: Some(times.clone()),
                layers: blocks(layers),
                ..op("repeat")
            },
        }
    }

    fn layer(&self, layer: &Layer) -> wire::Step {
        let mut step = wire::Step { op: layer.name().to_owned(), ..wire::Step::default() };
        let is_shuffle = matches!(layer, Layer::Shuffle { .. });
        for (key, number) in layer.numbers() {
            let place = match key {
                "channels" => &mut step.channels,
                "kernel" => &mut step.kernel,
                "stride" => &mut step.stride,
                _ => &mut step.groups,
            };
            let may_be_left_out = key == "stride" || key == "groups" && !is_shuffle;
            if *number != Number::Fixed(1) || !may_be_left_out {
                *place = Some(self.number(number));
            }
        }
        match layer {
            Layer::Conv { bias, .. } | Layer::Linear { bias, .. } => {
                step.bias = bias.then_some(true)
            }
            Layer::Split { parts } => step.parts = Some(*parts),
            _ => {}
        }
        step
    }

    fn number(&self, number: &Number) -> wire::Number {
        match number {
            Number::Fixed(value) => wire::Number::Fixed(*value),
            Number::By { choice, of } => wire::Number::By(wire::By {
                choice: self.0.choices()[*choice].name.clone(),
                of: of.iter().map(|entry| self.number(entry)).collect(),
            }),
        }
    }
}

/// Names for the values that are read other than by the step right after them.
fn names(block: &Block) -> HashMap<ValueId, String> {
    let mut names = HashMap::from([(block.input(), "in".to_owned())]);
    let mut before = block.input();
    for step in block.steps() {
        for &value in step.from.iter().filter(|&&value| value != before) {
            let name = format!("v{}", value.0);
            names.entry(value).or_insert(name);
        }
        before = step.value;
    }
    names
}
