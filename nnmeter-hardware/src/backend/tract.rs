//! The backend `tract`: a runtime written in Rust, linked into this program; nothing is installed.
//!
//! It computes on the thread that calls it, one at a time. Its kernels are the nodes of its optimised
//! graph, which it names after the operators that they were made of.

use std::fmt;
use std::sync::Arc;

use tract_onnx::prelude::{
    DatumType, Framework, InferenceFact, InferenceModelExt, TValue, TVec, Tensor, TractError,
    TypedFact, TypedOp,
};
use tract_onnx::tract_core::plan::{SimplePlan, SimpleState, eval};
use tract_onnx::tract_hir::infer::Factoid;

use super::{
    Backend, ExecutedKernel, Identity, Model, Options, ProfiledKernel, Sample, Session, Stopwatch,
    attribution::{self, Named},
    machine,
};
use crate::device::{Precision, Runtime};
use crate::error::{Error, ErrorKind, Result};
use crate::package::Metric;

/// The version of tract in `Cargo.lock`: tract itself does not tell.
const VERSION: &str = "0.23.9";

type Plan = SimplePlan<TypedFact, Box<dyn TypedOp>>;

/// tract on this machine.
#[derive(Debug)]
pub(super) struct Tract {
    identity: Identity,
    watch: Stopwatch,
}

impl Tract {
    /// # Errors
    /// If there are options that it does not know.
    pub(super) fn open(options: &Options) -> Result<Self> {
        options.check_names(&["threads", Stopwatch::OPTION])?;
        if options.parse("threads", 1u32)? != 1 {
            return Err(Error::new(ErrorKind::BadData, "option \"threads\"", "is not 1")
                .expected("1: tract computes on one thread here"));
        }
        let watch = Stopwatch::new(1, options)?;
        let identity = Identity {
            chip: machine::chip(),
            clock: machine::clock(),
            threads: 1,
            runtime: Runtime::new("tract", VERSION),
            precision: Precision::Fp32,
            timer: watch.timer(),
            options: options.iter().filter(|(name, _)| *name != "threads").collect(),
        };
        Ok(Self { identity, watch })
    }
}

impl Backend for Tract {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn metrics(&self) -> &[Metric] {
        &[Metric::Latency]
    }

    fn prepare(&self, model: &Model) -> Result<Box<dyn Session>> {
        let within = |error: Error| {
            error.within(format!("model {:?}", model.name())).with_kind(ErrorKind::UnsupportedModel)
        };
        let (plan, inputs) = load(model).map_err(|error| within(failed(&error)))?;
        let state = SimpleState::new(&plan).map_err(|error| within(failed(&error)))?;
        Ok(Box::new(Ready { state, inputs, model: model.clone(), watch: self.watch }))
    }
}

fn failed(error: &TractError) -> Error {
    Error::new(ErrorKind::Backend, "tract", format!("{error:#}"))
}

/// The optimised model, with data for its inputs: their extents are those of the model's graph.
fn load(model: &Model) -> Result<(Arc<Plan>, TVec<TValue>), TractError> {
    let bytes = model.onnx().map_err(TractError::new)?;
    let mut inference = tract_onnx::onnx().model_for_read(&mut &bytes[..])?;
    let mut inputs = TVec::new();
    let outlets = inference.input_outlets()?.to_vec();
    for (place, outlet) in outlets.iter().enumerate() {
        let name = inference.node(outlet.node).name.clone();
        let fact = inference.outlet_fact(*outlet)?.clone();
        let element = fact.datum_type.concretize().unwrap_or(DatumType::F32);
        let dims = model
            .input_extents(&name)
            .ok_or_else(|| TractError::msg(format!("input {name:?} is not in the graph")))?;
        inference.set_input_fact(place, InferenceFact::dt_shape(element, &dims))?;
        inputs.push(data(element, &dims)?.into());
    }
    Ok((SimplePlan::new(inference.into_optimized()?)?, inputs))
}

/// Floats between 0 and 1; integers 1.
fn data(element: DatumType, dims: &[usize]) -> Result<Tensor, TractError> {
    let count: usize = dims.iter().product();
    let floats = element.is_float();
    let value = |index: usize| match floats {
        true => (index % 251) as f32 / 251.0 + 1.0 / 512.0,
        false => 1.0,
    };
    let values: Vec<f32> = (0..count).map(value).collect();
    Ok(Tensor::from_shape(dims, &values)?.cast_to_dt(element)?.into_owned())
}

/// A model that is loaded.
struct Ready {
    state: SimpleState<TypedFact, Box<dyn TypedOp>>,
    inputs: TVec<TValue>,
    model: Model,
    watch: Stopwatch,
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready").finish_non_exhaustive()
    }
}

impl Session for Ready {
    fn measure(&mut self) -> Result<Vec<Sample>> {
        let Self { state, inputs, watch, .. } = self;
        watch.round(|| state.run(inputs.clone()).map(drop).map_err(|error| failed(&error)))
    }

    fn kernels(&mut self) -> Result<Option<Vec<ExecutedKernel>>> {
        let plan = self.state.plan();
        let order = plan.order_without_consts().iter().map(|&node| plan.model().node(node));
        let computed = order.filter(|node| !node.inputs.is_empty());
        let named = computed.map(|node| (node.name.clone(), node.op.name().into_owned()));
        Ok(Some(self.executed(named.collect())))
    }

    fn profile(&mut self) -> Result<Option<Vec<ProfiledKernel>>> {
        let (mut named, mut samples, watch) = (Vec::new(), Vec::new(), self.watch);
        let inputs = self.inputs.clone();
        let run = self.state.run_plan_with_eval(inputs, |context, state, node, inputs| {
            let begin = watch.now();
            let result = eval(context, state, node, inputs);
            if !node.inputs.is_empty() {
                let value = 1e3 * (watch.now() - begin).as_secs_f64();
                samples.push(Sample { metric: Metric::Latency, value });
                named.push((node.name.clone(), node.op.name().into_owned()));
            }
            result
        });
        run.map_err(|error| failed(&error))?;
        let kernels = self.executed(named).into_iter().zip(samples);
        let profiled = |(kernel, sample)| ProfiledKernel { kernel, samples: vec![sample] };
        Ok(Some(kernels.map(profiled).collect()))
    }
}

impl Ready {
    /// Kernels by tract's names and operators.
    fn executed(&self, named: Vec<(String, String)>) -> Vec<ExecutedKernel> {
        let names: Vec<_> = named.iter().map(|(name, _)| vec![name]).collect();
        let operators = attribution::operators(self.model.graph(), &names, Named::AfterFirst);
        let kernels = named.into_iter().zip(operators);
        kernels
            .map(|((name, op), nodes)| ExecutedKernel { name: format!("{op} {name}"), nodes })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_version_is_that_of_the_lock_file() {
        let lock = include_str!("../../../Cargo.lock");
        let locked = format!("name = \"tract-onnx\"\nversion = \"{}\"\n", super::VERSION);
        assert!(lock.contains(&locked), "{locked}");
    }
}
