//! Reads a search space from JSON.

use std::collections::HashMap;

use serde::Deserialize;

use super::{Action, Activation, Block, Choice, Layer, Number, SearchSpace, ValueId, wire};
use crate::error::{Error, ErrorKind, Result};

impl SearchSpace {
    /// Reads a space.
    ///
    /// # Errors
    /// [`ErrorKind::BadSpace`] if the bytes are not JSON of the form of search spaces; and as
    /// [`SearchSpace::new`]. The error names the choice or the step.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        let space: wire::Space = serde_json::from_slice(bytes)
            .map_err(|error| bad("search space", format!("is not valid: {error}")))?;
        let Ok(input) = <[usize; 4]>::try_from(space.input.as_slice()) else {
            let found = format!("has {} extents", space.input.len());
            return Err(bad("input", found).expected("4: batch, channels, height, width"));
        };
        let choices: Vec<Choice> = space.choices.into_iter().map(choice).collect();
        let mut index = HashMap::new();
        for (place, choice) in choices.iter().enumerate() {
            index.entry(choice.name.as_str()).or_insert(place);
        }
        let body = Reader { index: &index }.block(space.body)?;
        SearchSpace::new(space.name, input, choices, body)
    }
}

impl Block {
    /// Reads a block without choices: a list of steps as in the form of search spaces.
    ///
    /// # Errors
    /// [`ErrorKind::BadSpace`] if it is none, or has a choice.
    pub fn from_json(steps: &serde_json::Value) -> Result<Self> {
        let steps = Vec::<wire::Step>::deserialize(steps)
            .map_err(|error| bad("steps", format!("are not valid: {error}")))?;
        Reader { index: &HashMap::new() }.block(steps)
    }
}

fn choice(choice: wire::Choice) -> Choice {
    let name = |option: serde_json::Value| match option {
        serde_json::Value::String(name) => name,
        other => other.to_string(),
    };
    Choice { name: choice.name, options: choice.options.into_iter().map(name).collect() }
}

struct Reader<'a> {
    index: &'a HashMap<&'a str, usize>,
}

impl Reader<'_> {
    fn block(&self, steps: Vec<wire::Step>) -> Result<Block> {
        let mut block = Block::new();
        let mut names = HashMap::from([("in".to_owned(), block.input())]);
        for (index, step) in steps.into_iter().enumerate() {
            let place = format!("step {} ({})", index + 1, step.op);
            self.step(step, &mut block, &mut names).map_err(|error| error.within(place))?;
        }
        Ok(block)
    }

    fn step(
        &self,
        mut step: wire::Step,
        block: &mut Block,
        names: &mut HashMap<String, ValueId>,
    ) -> Result<()> {
        let from = match step.from.take() {
            None => vec![block.result()],
            Some(from) => {
                let resolve = |name: &String| resolve(name, block, names);
                from.into_vec().iter().map(resolve).collect::<Result<_>>()?
            }
        };
        let given = step.names.take().map(wire::OneOrMore::into_vec).unwrap_or_default();
        let action = self.action(step)?;
        let results = action.results();
        let first = block.push(action, from, results);
        if given.len() > usize::from(results) {
            let found = format!("names {} values", given.len());
            return Err(bad("as", found).expected(format!("at most {results}")));
        }
        for (port, name) in given.into_iter().enumerate() {
            let taken = name == "-" || name.is_empty() || names.contains_key(&name);
            if taken {
                return Err(bad(format!("value {name:?}"), "is a name that is taken"));
            }
            names.insert(name, ValueId(first.0.saturating_add(port as u16)));
        }
        Ok(())
    }

    fn action(&self, mut step: wire::Step) -> Result<Action> {
        let action = match step.op.as_str() {
            "choose" => {
                let choice = self.chosen(&mut step)?;
                let candidates = self.blocks(required(step.candidates.take(), "candidates")?)?;
                Action::Choose { choice, candidates }
            }
            "repeat" => {
                let choice = self.chosen(&mut step)?;
                let times = required(step.times.take(), "times")?;
                let layers = self.blocks(required(step.layers.take(), "layers")?)?;
                Action::Repeat { choice, times, layers }
            }
            _ => Action::Layer(self.layer(&mut step)?),
        };
        match step.members().first() {
            None => Ok(action),
            Some(member) => {
                let found = format!("is no member of {}", step.op);
                Err(bad(*member, found).hint("leave it out, or correct the op"))
            }
        }
    }

    fn blocks(&self, blocks: Vec<Vec<wire::Step>>) -> Result<Vec<Block>> {
        let read = |(index, block)| {
            let place = |error: Error| error.within(format!("block {}", index + 1));
            self.block(block).map_err(place)
        };
        blocks.into_iter().enumerate().map(read).collect()
    }

    fn layer(&self, step: &mut wire::Step) -> Result<Layer> {
        let activation = Activation::ALL.into_iter().find(|a| a.name() == step.op);
        if let Some(activation) = activation {
            return Ok(Layer::Activation(activation));
        }
        let number = |number: Option<wire::Number>| match number {
            Some(number) => self.number(number),
            None => Ok(Number::Fixed(1)),
        };
        Ok(match step.op.as_str() {
            "conv" => Layer::Conv {
                channels: self.number(required(step.channels.take(), "channels")?)?,
                kernel: self.number(required(step.kernel.take(), "kernel")?)?,
                stride: number(step.stride.take())?,
                groups: number(step.groups.take())?,
                bias: step.bias.take().unwrap_or(false),
            },
            "dwconv" => Layer::DepthwiseConv {
                kernel: self.number(required(step.kernel.take(), "kernel")?)?,
                stride: number(step.stride.take())?,
            },
            "bn" => Layer::BatchNorm,
            "maxpool" => Layer::MaxPool {
                kernel: self.number(required(step.kernel.take(), "kernel")?)?,
                stride: number(step.stride.take())?,
            },
            "avgpool" => Layer::AveragePool {
                kernel: self.number(required(step.kernel.take(), "kernel")?)?,
                stride: number(step.stride.take())?,
            },
            "gap" => Layer::GlobalPool,
            "fc" => Layer::Linear {
                channels: self.number(required(step.channels.take(), "channels")?)?,
                bias: step.bias.take().unwrap_or(false),
            },
            "add" => Layer::Add,
            "mul" => Layer::Multiply,
            "concat" => Layer::Concat,
            "split" => Layer::Split { parts: required(step.parts.take(), "parts")? },
            "shuffle" => {
                Layer::Shuffle { groups: self.number(required(step.groups.take(), "groups")?)? }
            }
            "zero" => Layer::Zero,
            _ => return Err(unknown_op(&step.op)),
        })
    }

    fn number(&self, number: wire::Number) -> Result<Number> {
        Ok(match number {
            wire::Number::Fixed(value) => Number::Fixed(value),
            wire::Number::By(wire::By { choice, of }) => {
                let of = of.into_iter().map(|entry| self.number(entry));
                Number::By { choice: self.choice(&choice)?, of: of.collect::<Result<_>>()? }
            }
        })
    }

    fn chosen(&self, step: &mut wire::Step) -> Result<usize> {
        self.choice(&required(step.choice.take(), "choice")?)
    }

    fn choice(&self, name: &str) -> Result<usize> {
        self.index.get(name).copied().ok_or_else(|| {
            bad(format!("choice {name:?}"), "is not defined").expected("a name among \"choices\"")
        })
    }
}

fn resolve(name: &str, block: &Block, names: &HashMap<String, ValueId>) -> Result<ValueId> {
    match name {
        "-" => Ok(block.result()),
        _ => names.get(name).copied().ok_or_else(|| {
            bad(format!("value {name:?}"), "is not of a step before this one in its block")
                .expected("\"in\", \"-\" or a name that \"as\" gives")
        }),
    }
}

fn required<T>(member: Option<T>, name: &str) -> Result<T> {
    member.ok_or_else(|| bad(name, "is missing"))
}

fn unknown_op(op: &str) -> Error {
    let found = format!("{op:?} is not known");
    bad("op", found).expected(
        "conv, dwconv, bn, relu, relu6, hswish, hsigmoid, sigmoid, swish, maxpool, avgpool, gap, \
         fc, add, mul, concat, split, shuffle, zero, choose or repeat",
    )
}

fn bad(subject: impl Into<String>, found: impl Into<String>) -> Error {
    Error::new(ErrorKind::BadSpace, subject, found)
}
