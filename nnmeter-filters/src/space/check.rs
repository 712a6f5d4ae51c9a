//! What must hold of a space, checked once when it is made.
//!
//! Structure first: names, options, candidates, operands. Then by doing: every option of every choice
//! is instantiated at least once, alone and in random company, and shape inference must agree.

use super::{Action, Block, Choice, MOST_OPTIONS, Number, Sample, SearchSpace, Step, ValueId};
use crate::error::{Error, ErrorKind, Result};
use crate::random::Random;

/// How many choices a space may have.
const MOST_CHOICES: usize = 4096;
/// How deep blocks may lie in blocks.
const DEEPEST: usize = 32;
/// Largest number of a layer.
const LARGEST: u32 = 1 << 20;
/// Random samples that are instantiated.
const TRIALS: usize = 8;

/// Checks everything that needs no shapes.
pub(super) fn structure(input: &[usize; 4], choices: &[Choice], body: &Block) -> Result<()> {
    if input.iter().any(|&extent| extent == 0 || extent > LARGEST as usize) {
        let found = format!("has the extents {input:?}");
        return Err(bad("input", found).expected(format!("extents from 1 to {LARGEST}")));
    }
    if choices.len() > MOST_CHOICES {
        let found = format!("has {} choices", choices.len());
        return Err(bad("space", found).expected(format!("at most {MOST_CHOICES}")));
    }
    for (index, choice) in choices.iter().enumerate() {
        names(choice)?;
        if choices[..index].iter().any(|other| other.name == choice.name) {
            return Err(about(choice, "is defined twice").expected("one definition for each name"));
        }
    }
    let mut used = vec![false; choices.len()];
    Check { choices, used: &mut used }.block(body, 0)?;
    match choices.iter().zip(&used).find(|(_, used)| !**used) {
        None => Ok(()),
        Some((choice, _)) => Err(about(choice, "is used nowhere")
            .hint("leave it out, or let a step choose, repeat or number by it")),
    }
}

fn names(choice: &Choice) -> Result<()> {
    let count = choice.options.len();
    if count == 0 || count > MOST_OPTIONS {
        let expected = format!("1 to {MOST_OPTIONS}");
        return Err(about(choice, format!("has {count} options")).expected(expected));
    }
    let mut sorted: Vec<&String> = choice.options.iter().collect();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(()),
        Some(pair) => Err(about(choice, format!("has the option {:?} twice", pair[0]))
            .expected("a name of its own for each option")),
    }
}

struct Check<'a> {
    choices: &'a [Choice],
    used: &'a mut [bool],
}

impl Check<'_> {
    fn block(&mut self, block: &Block, depth: usize) -> Result<()> {
        if depth > DEEPEST {
            let found = format!("lies in more than {DEEPEST} blocks");
            return Err(bad("step", found).expected("flatter nesting"));
        }
        for (index, step) in block.steps.iter().enumerate() {
            let place = |error: Error| error.within(format!("step {}", index + 1));
            self.operands(step).map_err(place)?;
            self.step(step, depth).map_err(place)?;
        }
        if block.values() == u16::MAX {
            return Err(bad("block", "has too many values").expected("fewer steps or parts"));
        }
        Ok(())
    }

    fn operands(&self, step: &Step) -> Result<()> {
        let (name, allowed) = match &step.action {
            Action::Layer(layer) => (layer.name(), layer.operands()),
            Action::Choose { .. } => ("choose", 1..=1),
            Action::Repeat { .. } => ("repeat", 1..=1),
        };
        if !allowed.contains(&step.from.len()) {
            let expected = match (allowed.start(), allowed.end()) {
                (low, high) if low == high => low.to_string(),
                (low, _) => format!("{low} or more"),
            };
            let found = format!("reads {} values", step.from.len());
            return Err(bad(name, found).expected(expected));
        }
        match step.from.iter().find(|ValueId(value)| *value >= step.value.0) {
            None => Ok(()),
            Some(_) => Err(bad(name, "reads a value that is not of a step before it")),
        }
    }

    fn step(&mut self, step: &Step, depth: usize) -> Result<()> {
        match &step.action {
            Action::Layer(layer) => {
                if layer.results() == 0 {
                    return Err(bad(layer.name(), "has 0 parts").expected("1 or more"));
                }
                let mut numbers = layer.numbers().into_iter();
                numbers.try_for_each(|(key, number)| {
                    self.number(number).map_err(|e| e.within(format!("{}, {key}", layer.name())))
                })
            }
            Action::Choose { choice, candidates } => {
                self.uses(*choice, candidates.len(), "candidates")?;
                for (block, option) in candidates.iter().zip(&self.choices[*choice].options) {
                    let place =
                        format!("choice {:?}, option {option:?}", self.choices[*choice].name);
                    self.block(block, depth + 1).map_err(|error| error.within(place))?;
                }
                Ok(())
            }
            Action::Repeat { choice, times, layers } => {
                self.uses(*choice, times.len(), "times")?;
                let name = &self.choices[*choice].name;
                if let Some(most) = times.iter().find(|&&times| times > layers.len()) {
                    let found = format!("repeats {most} times, but has {} layers", layers.len());
                    return Err(about(&self.choices[*choice], found).expected("as many layers"));
                }
                for (round, block) in layers.iter().enumerate() {
                    let place = format!("choice {name:?}, layer {}", round + 1);
                    self.block(block, depth + 1).map_err(|error| error.within(place))?;
                }
                Ok(())
            }
        }
    }

    fn number(&mut self, number: &Number) -> Result<()> {
        match number {
            Number::Fixed(value) if (1..=LARGEST).contains(value) => Ok(()),
            Number::Fixed(value) => {
                Err(bad("number", format!("is {value}")).expected(format!("1 to {LARGEST}")))
            }
            Number::By { choice, of } => {
                self.uses(*choice, of.len(), "numbers")?;
                of.iter().try_for_each(|entry| self.number(entry))
            }
        }
    }

    /// Notes that a step uses a choice, with `count` things for its options.
    fn uses(&mut self, choice: usize, count: usize, things: &str) -> Result<()> {
        let Some(found) = self.choices.get(choice) else {
            let found = format!("has the index {choice}");
            return Err(bad("choice", found).expected(format!("below {}", self.choices.len())));
        };
        self.used[choice] = true;
        let options = found.options.len();
        if options == count {
            return Ok(());
        }
        Err(about(found, format!("has {options} options, but {count} {things} are given"))
            .expected(format!("{options} {things}, one for each option")))
    }
}

/// Instantiates every option of every choice at least once.
pub(super) fn instances(space: &SearchSpace) -> Result<()> {
    let first = space.sample(&vec![0; space.choices().len()])?;
    try_out(space, &first)?;
    for (index, choice) in space.choices().iter().enumerate() {
        for (option, name) in choice.options.iter().enumerate().skip(1) {
            let place = format!("choice {:?}, option {name:?}", choice.name);
            let sample = first.with(index, option as u8);
            try_out(space, &sample).map_err(|error| error.within(place))?;
        }
    }
    let mut random = Random::new(0);
    (0..TRIALS).try_for_each(|_| {
        let sample = space.random_sample(&mut random);
        let place = format!("sample {}", space.sample_to_json(&sample));
        try_out(space, &sample).map_err(|error| error.within(place))
    })
}

fn try_out(space: &SearchSpace, sample: &Sample) -> Result<()> {
    space.typed(sample).map(drop)
}

fn about(choice: &Choice, found: impl Into<String>) -> Error {
    bad(format!("choice {:?}", choice.name), found)
}

fn bad(subject: impl Into<String>, found: impl Into<String>) -> Error {
    Error::new(ErrorKind::BadSpace, subject, found)
}
