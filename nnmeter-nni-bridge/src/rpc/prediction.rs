//! The prediction of one model, as `predict` and `predict_batch` answer it: what the command line's
//! `predict --json` prints.

use std::sync::Arc;

use nnmeter_core::predict::{Prediction, Predictor};
use nnmeter_core::typed::TypedGraph;
use nnmeter_core::units::Unit;
use nnmeter_hardware::dataset::kernels::Configuration;
use nnmeter_hardware::json;
use nnmeter_hardware::package::Metric;
use nnmeter_hardware::registry::OpenDevice;
use serde_json::Value;

use super::model::Model;
use super::service::Source;
use crate::error::{Error, ErrorKind, Result};

/// How many uncovered operators an error lists.
const LISTED: usize = 8;

/// Defines the parameters of `predict` or `predict_batch`, which differ in `$models` alone: serde's
/// `flatten` would share them without a macro, and take members that are not known.
macro_rules! params {
    ($models:ident: $type:ty) => {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct Params {
            /// `name` or `name@1.0`.
            device: String,
            $models: $type,
            /// `latency` or `energy`.
            #[serde(default)]
            metric: Option<String>,
            /// Also tell the probability to stay within so many milliseconds.
            #[serde(default)]
            budget_ms: Option<f64>,
            /// Also tell the probability to stay within so many millijoules.
            #[serde(default)]
            budget_mj: Option<f64>,
            /// Answer even if operators have no price.
            #[serde(default)]
            allow_uncovered: bool,
            /// Leave the list of kernels out.
            #[serde(default)]
            without_kernels: bool,
            /// Also tell all that kernels are priced by.
            #[serde(default)]
            workloads: bool,
        }

        impl Params {
            fn wanted(&self, state: &$crate::rpc::state::State) -> $crate::error::Result<Wanted> {
                let device = state.devices.open(&self.device)?;
                let budgets = [self.budget_ms, self.budget_mj];
                let mut wanted = Wanted::new(device, self.metric.as_deref(), budgets)?;
                wanted.allow_uncovered = self.allow_uncovered;
                wanted.kernels = !self.without_kernels;
                wanted.workloads = self.workloads;
                Ok(wanted)
            }
        }
    };
}
pub(super) use params;

/// What is to be predicted, and how it is answered.
#[derive(Debug)]
pub(super) struct Wanted {
    device: Arc<OpenDevice>,
    metric: Metric,
    budget: Option<f64>,
    pub(super) allow_uncovered: bool,
    pub(super) kernels: bool,
    pub(super) workloads: bool,
}

impl Wanted {
    /// What is wanted of `metric`, latency if it is not named; of budgets, in milliseconds and in
    /// millijoules, only its own may be given.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownMetric`], or [`ErrorKind::InvalidParams`] about a budget.
    pub(super) fn new(
        device: Arc<OpenDevice>,
        metric: Option<&str>,
        [budget_ms, budget_mj]: [Option<f64>; 2],
    ) -> Result<Self> {
        let metric = metric_called(metric)?;
        let (budget, other) = match metric {
            Metric::Latency => (budget_ms, budget_mj),
            Metric::Energy => (budget_mj, budget_ms),
        };
        let wrong = |found: String| Error::new(ErrorKind::InvalidParams, "budget", found);
        if other.is_some() {
            return Err(wrong(format!("is of another metric than {}", metric.name())));
        }
        if let Some(budget) = budget.filter(|budget| *budget <= 0.0) {
            return Err(wrong(format!("is {budget}")).expected("a number above 0"));
        }
        Ok(Self { device, metric, budget, allow_uncovered: false, kernels: true, workloads: false })
    }

    /// The prediction of a model.
    ///
    /// # Errors
    /// What is wrong with the model; [`ErrorKind::Uncovered`] if an operator of it has no price,
    /// unless that is allowed.
    pub(super) fn predict(&self, model: &Model, source: Source) -> Result<Value> {
        let graph = model.load(source)?;
        match self.metric {
            Metric::Latency => self.of(self.device.latency()?, &graph),
            Metric::Energy => self.of(self.device.energy()?, &graph),
        }
    }

    fn of<U: Unit>(&self, predictor: &Predictor<U>, graph: &TypedGraph) -> Result<Value> {
        let prediction = predictor.predict(graph);
        if !prediction.uncovered.is_empty() && !self.allow_uncovered {
            return Err(self.uncovered(&prediction, graph));
        }
        let within = |budget| (budget, prediction.probability_within(U::from_value(budget)));
        let mut answer = json::prediction(graph, &prediction, self.budget.map(within));
        answer["device"] = self.device.device().name.as_str().into();
        if let (false, Value::Object(members)) = (self.kernels, &mut answer) {
            members.remove("kernels");
        }
        if let (true, Some(Value::Array(kernels))) = (self.workloads, answer.get_mut("kernels")) {
            for (kernel, priced) in kernels.iter_mut().zip(&prediction.kernels) {
                let told: Vec<_> = priced.work.iter().map(Configuration::of).collect();
                kernel["workloads"] = serde_json::json!(told);
            }
        }
        Ok(answer)
    }

    fn uncovered<U>(&self, prediction: &Prediction<U>, graph: &TypedGraph) -> Error {
        let listed = prediction.uncovered.iter().take(LISTED).map(|uncovered| {
            let node = graph.graph().node(uncovered.node);
            format!("{} ({})", node.name, node.op.name())
        });
        let listed: Vec<String> = listed.collect();
        let more = match prediction.uncovered.len().saturating_sub(LISTED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let found = format!("has no price for {}{more}", listed.join(", "));
        let device = format!("device {:?}", self.device.device().name);
        Error::new(ErrorKind::Uncovered, device, found)
            .expected("a price for every operator of the model")
            .hint("`allow_uncovered` gives the total of the others, and lists these")
    }
}

/// The metric of that name; latency if none is given.
///
/// # Errors
/// [`ErrorKind::UnknownMetric`] if there is none.
pub(super) fn metric_called(name: Option<&str>) -> Result<Metric> {
    match name {
        None | Some("latency") => Ok(Metric::Latency),
        Some("energy") => Ok(Metric::Energy),
        Some(name) => {
            let subject = format!("metric {name:?}");
            Err(Error::new(ErrorKind::UnknownMetric, subject, "cannot be predicted")
                .expected("latency or energy"))
        }
    }
}
