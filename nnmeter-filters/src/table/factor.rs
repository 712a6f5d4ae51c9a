//! A factor: a dense table over the options of a few choices.

/// Costs for every combination of options of a few choices.
#[derive(Clone, Debug, PartialEq)]
pub struct Factor {
    choices: Vec<usize>,
    strides: Vec<usize>,
    costs: Vec<f64>,
}

impl Factor {
    /// A table over `choices` (in ascending order), whose last choice's options are adjacent in
    /// `costs`. `cardinalities` is by choice of the space.
    pub(super) fn new(choices: Vec<usize>, cardinalities: &[usize], costs: Vec<f64>) -> Self {
        Self { strides: strides(&choices, cardinalities), choices, costs }
    }

    /// The choices, in ascending order.
    pub fn choices(&self) -> &[usize] {
        &self.choices
    }

    /// By place in [`Factor::choices`]: how far apart in [`Factor::costs`] neighbouring options are.
    pub fn strides(&self) -> &[usize] {
        &self.strides
    }

    /// The costs; that of a sample is at [`Factor::index`].
    pub fn costs(&self) -> &[f64] {
        &self.costs
    }

    /// Where the cost of a sample is: the sum over choices of option times stride.
    ///
    /// # Panics
    /// If the sample has fewer choices.
    pub fn index(&self, sample: &[u8]) -> usize {
        index(&self.choices, &self.strides, sample)
    }

    /// What a sample costs by this factor.
    ///
    /// # Panics
    /// If the sample is not of the factor's space.
    pub fn cost(&self, sample: &[u8]) -> f64 {
        self.costs[self.index(sample)]
    }

    /// How much more a sample costs by this factor if `choice` takes the option `new`.
    pub(super) fn delta(&self, sample: &[u8], choice: usize, new: u8) -> f64 {
        let old = self.index(sample);
        let place = self.choices.iter().position(|&other| other == choice);
        let stride = place.map_or(0, |place| self.strides[place]);
        let changed = old + usize::from(new) * stride - usize::from(sample[choice]) * stride;
        self.costs[changed] - self.costs[old]
    }
}

/// Row-major strides.
pub(super) fn strides(choices: &[usize], cardinalities: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; choices.len()];
    for place in (1..choices.len()).rev() {
        strides[place - 1] = strides[place] * cardinalities[choices[place]];
    }
    strides
}

pub(super) fn index(choices: &[usize], strides: &[usize], sample: &[u8]) -> usize {
    let places = choices.iter().zip(strides);
    places.map(|(&choice, stride)| usize::from(sample[choice]) * stride).sum()
}
