//! Blocks: lists of steps, and how they are put together.

use super::{Choice, Layer};

/// A value in a block: its input, or a result of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ValueId(pub(super) u16);

/// A small network of one input and one result: that of its last step, or its input if it has none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    pub(super) steps: Vec<Step>,
    /// Number of values; the input is the first.
    values: u16,
}

/// A step of a block.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub(super) from: Vec<ValueId>,
    pub(super) action: Action,
    /// For a layer: which it is of all layers of the space.
    pub(super) site: u32,
    /// Its first value.
    pub(super) value: ValueId,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Computes.
    Layer(Layer),
    /// Runs the block that a choice picks.
    Choose {
        /// Index of the choice.
        choice: usize,
        /// A block for each of its options.
        candidates: Vec<Block>,
    },
    /// Runs the first of several blocks, each on the result of the one before it.
    Repeat {
        /// Index of the choice that says how many.
        choice: usize,
        /// For each of its options: how many blocks are run.
        times: Vec<usize>,
        /// The blocks.
        layers: Vec<Block>,
    },
}

impl Action {
    /// How many values it makes.
    pub(super) fn results(&self) -> u16 {
        match self {
            Action::Layer(layer) => layer.results(),
            Action::Choose { .. } | Action::Repeat { .. } => 1,
        }
    }
}

impl Block {
    /// An empty block: its result is its input.
    pub fn new() -> Self {
        Self::default()
    }

    /// The block's input.
    pub fn input(&self) -> ValueId {
        ValueId(0)
    }

    /// The block's result as it stands.
    pub fn result(&self) -> ValueId {
        self.steps.last().map_or(ValueId(0), |step| step.value)
    }

    /// Its steps.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Adds a layer that reads `from`; gives its (first) result.
    pub fn layer(&mut self, layer: Layer, from: &[ValueId]) -> ValueId {
        let results = layer.results();
        self.push(Action::Layer(layer), from.to_vec(), results)
    }

    /// Adds layers in a row, the first of which reads `from`.
    pub fn chain(&mut self, layers: impl IntoIterator<Item = Layer>, from: ValueId) -> ValueId {
        layers.into_iter().fold(from, |value, layer| self.layer(layer, &[value]))
    }

    /// Adds a split into `parts` equal parts.
    pub fn split(&mut self, parts: u16, from: ValueId) -> Vec<ValueId> {
        let first = self.layer(Layer::Split { parts }, &[from]);
        (0..parts).map(|part| ValueId(first.0.saturating_add(part))).collect()
    }

    /// Adds a step that runs the block that `choice` picks.
    pub fn choose(&mut self, choice: usize, candidates: Vec<Block>, from: ValueId) -> ValueId {
        self.push(Action::Choose { choice, candidates }, vec![from], 1)
    }

    /// Adds a step that runs the first `times[option]` of `layers`.
    pub fn repeat(
        &mut self,
        choice: usize,
        times: Vec<usize>,
        layers: Vec<Block>,
        from: ValueId,
    ) -> ValueId {
        self.push(Action::Repeat { choice, times, layers }, vec![from], 1)
    }

    /// Adds the steps of another block, run on `from`; gives its result.
    pub fn append(&mut self, other: &Block, from: ValueId) -> ValueId {
        let mut values = vec![from; usize::from(other.values())];
        for step in &other.steps {
            let reads = |value: &ValueId| values.get(usize::from(value.0)).copied().unwrap_or(from);
            let operands = step.from.iter().map(reads).collect();
            let results = step.action.results();
            let first = self.push(step.action.clone(), operands, results);
            for port in 0..results {
                let value = usize::from(step.value.0.saturating_add(port));
                if let Some(known) = values.get_mut(value) {
                    *known = ValueId(first.0.saturating_add(port));
                }
            }
        }
        values[usize::from(other.result().0)]
    }

    pub(super) fn push(&mut self, action: Action, from: Vec<ValueId>, results: u16) -> ValueId {
        let value = ValueId(self.values.max(1));
        self.values = value.0.saturating_add(results.max(1));
        self.steps.push(Step { from, action, site: u32::MAX, value });
        value
    }

    /// Number of values; the input is the first.
    pub(super) fn values(&self) -> u16 {
        self.values.max(1)
    }

    /// Numbers all layers; gives the place of each, by number.
    pub(super) fn number_sites(&mut self, choices: &[Choice]) -> Vec<String> {
        let mut places = Vec::new();
        self.number(choices, "", &mut places);
        places
    }

    fn number(&mut self, choices: &[Choice], place: &str, places: &mut Vec<String>) {
        for (index, step) in self.steps.iter_mut().enumerate() {
            let here = format!("{place}{}", index + 1);
            match &mut step.action {
                Action::Layer(layer) => {
                    step.site = places.len() as u32;
                    places.push(format!("{here} {}", layer.name()));
                }
                Action::Choose { choice, candidates } => {
                    let choice = &choices[*choice];
                    for (candidate, option) in candidates.iter_mut().zip(&choice.options) {
                        let inside = format!("{here} {}={option}/", choice.name);
                        candidate.number(choices, &inside, places);
                    }
                }
                Action::Repeat { choice, layers, .. } => {
                    for (round, layer) in layers.iter_mut().enumerate() {
                        let inside = format!("{here} {}[{round}]/", choices[*choice].name);
                        layer.number(choices, &inside, places);
                    }
                }
            }
        }
    }
}

impl Step {
    /// The values it reads.
    pub fn from(&self) -> &[ValueId] {
        &self.from
    }

    /// What it does.
    pub fn action(&self) -> &Action {
        &self.action
    }
}
