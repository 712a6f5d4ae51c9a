//! The runtime: plain loops over convolutions, poolings and fully connected layers, one after the
//! other. It fuses a ReLU into the convolution or layer before it, and nothing else.
//!
//! Weights are made up, for they do not change how long a loop takes. Networks that branch are not
//! supported.

use nnmeter_core::detect::detect;
use nnmeter_core::kind::Kind;
use nnmeter_core::predict::workloads;
use nnmeter_core::rules::FusionRules;
use nnmeter_core::typed::TypedGraph;
use nnmeter_core::workload::Workload;

/// What the runtime fuses, in nn-Meter's format.
pub const RULES: &str = r#"{"BF_conv_relu": {"obey": true}, "BF_fc_relu": {"obey": true}}"#;

/// A network that is ready to run.
pub struct Network {
    steps: Vec<Step>,
    input: Vec<f32>,
}

/// A kernel.
pub struct Step {
    /// What it does: `conv-relu`.
    pub name: String,
    /// The operators that it executes.
    pub nodes: Vec<String>,
    work: Workload,
    relu: bool,
    weights: Vec<f32>,
    output: Vec<f32>,
}

impl Network {
    /// Loads a network.
    ///
    /// # Errors
    /// What the runtime cannot do, in words.
    pub fn load(graph: &TypedGraph, rules: &FusionRules) -> Result<Self, String> {
        let mut steps = Vec::new();
        for kernel in detect(graph, rules).kernels() {
            let name = kernel.name();
            let works = workloads(graph, kernel).map_err(|_| format!("{name} of unknown size"))?;
            let [work] = works[..] else { return Err(format!("{name} is several products")) };
            let nodes = kernel.nodes().iter().map(|&id| graph.graph().node(id).name.to_string());
            steps.push(Step::new(name, nodes.collect(), work)?);
        }
        let first = steps.first().ok_or("nothing to run")?;
        let input = made_up(first.work.read as usize);
        let fits = |pair: &[Step]| pair[0].work.written == pair[1].work.read;
        if !steps.windows(2).all(fits) {
            return Err("a network that branches".to_owned());
        }
        Ok(Self { steps, input })
    }

    /// The kernels, in order of execution.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Runs the network; `after` is called after each kernel. Returns the first value of the result.
    pub fn run(&mut self, mut after: impl FnMut(usize)) -> f32 {
        let mut input = &self.input;
        for (index, step) in self.steps.iter_mut().enumerate() {
            step.run(input);
            after(index);
            input = &step.output;
        }
        input[0]
    }
}

impl Step {
    fn new(name: String, nodes: Vec<String>, work: Workload) -> Result<Self, String> {
        if !matches!(work.kind, Kind::Conv | Kind::Fc | Kind::MaxPool | Kind::GlobalAvgPool)
            || work.batch != 1
            || work.groups != 1
            || work.operands != 1
        {
            return Err(name);
        }
        let weights = made_up(work.weights as usize);
        let output = vec![0.0; work.written as usize];
        Ok(Self { relu: name.ends_with("relu"), name, nodes, work, weights, output })
    }

    fn run(&mut self, input: &[f32]) {
        match self.work.kind {
            Kind::Fc => product(input, &self.weights, &mut self.output),
            Kind::GlobalAvgPool => average(input, &mut self.output),
            Kind::MaxPool => self.windows(input, f32::NEG_INFINITY, |sums, taps, _| {
                sums.iter_mut().zip(taps).for_each(|(most, tap)| *most = most.max(*tap));
            }),
            // `Step::new` lets no other kind through.
            _ => self.windows(input, 0.0, product_with),
        }
        if self.relu {
            self.output.iter_mut().for_each(|value| *value = value.max(0.0));
        }
    }

    /// For each place of the result: starts from `start`, and folds in all channels at each place of
    /// the window that is not padding, with the weights for it. A row of the result is done at a
    /// time, so that the weights of a place of the window are used again while they are at hand.
    fn windows(&mut self, input: &[f32], start: f32, fold: impl Fn(&mut [f32], &[f32], &[f32])) {
        let Workload { input: [_, height, width], output: [_, rows, columns], .. } = self.work;
        let ([_, high, wide], [_, down, right]) = (self.work.window, self.work.stride);
        let (cin, cout) = (self.work.cin as usize, self.work.cout as usize);
        let before = |out: u32, stride: u32, window: u32, extent: u32| {
            ((out - 1) * stride + window).saturating_sub(extent) / 2
        };
        let (top, left) = (before(rows, down, high, height), before(columns, right, wide, width));
        for (row, line) in (0..rows).zip(self.output.chunks_exact_mut(columns as usize * cout)) {
            line.fill(start);
            for tap in 0..high * wide {
                let y = row * down + tap / wide;
                if !(top..top + height).contains(&y) {
                    continue;
                }
                let weights = self.weights.get(tap as usize * cin * cout..).unwrap_or(&[]);
                for (column, sums) in (0..columns).zip(line.chunks_exact_mut(cout)) {
                    let x = column * right + tap % wide;
                    if (left..left + width).contains(&x) {
                        let from = ((y - top) * width + x - left) as usize * cin;
                        fold(sums, &input[from..from + cin], weights);
                    }
                }
            }
        }
    }
}

/// `sums += values * weights`, a matrix of as many rows as there are values.
fn product_with(sums: &mut [f32], values: &[f32], weights: &[f32]) {
    for (value, row) in values.iter().zip(weights.chunks_exact(sums.len())) {
        sums.iter_mut().zip(row).for_each(|(sum, weight)| *sum += value * weight);
    }
}

fn product(input: &[f32], weights: &[f32], output: &mut [f32]) {
    output.fill(0.0);
    product_with(output, input, weights);
}

/// The mean of each channel.
fn average(input: &[f32], output: &mut [f32]) {
    let channels = output.len();
    output.fill(0.0);
    for pixel in input.chunks_exact(channels) {
        output.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += value);
    }
    let pixels = (input.len() / channels) as f32;
    output.iter_mut().for_each(|sum| *sum /= pixels);
}

/// Numbers from -0.5 to 0.5.
fn made_up(length: usize) -> Vec<f32> {
    (0..length).map(|index| (index * 37 % 101) as f32 / 100.0 - 0.5).collect()
}
