//! The prediction of one model, as `predict` and `predict_batch` answer it: what the command line's
//! `predict --json` prints.

use std::sync::Arc;

use nnmeter_core::predict::{Prediction, Predictor};
use nnmeter_core::typed::TypedGraph;
use nnmeter_core::units::Unit;
use nnmeter_hardware::json;
use nnmeter_hardware::package::Metric;
use nnmeter_hardware::registry::OpenDevice;
use serde_json::Value;

use super::model::Model;
use super::service::Source;
use crate::error::{Error, ErrorKind, Result};

/// How many uncovered operators an error lists.
const LISTED: usize = 8;

/// What is to be predicted, and how it is answered.
#[derive(Debug)]
pub(super) struct Wanted {
    device: Arc<OpenDevice>,
    metric: Metric,
    budget: Option<f64>,
    pub(super) allow_uncovered: bool,
    pub(super) kernels: bool,
}

impl Wanted {
    /// What is wanted of `metric`, latency if it is not named; of budgets only its own may be given.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownMetric`], or [`ErrorKind::InvalidParams`] about a budget.
    pub(super) fn new(
        device: Arc<OpenDevice>,
        metric: Option<&str>,
        budget_ms: Option<f64>,
        budget_mj: Option<f64>,
    ) -> Result<Self> {
        let (metric, budget, other) = match metric {
            None | Some("latency") => (Metric::Latency, budget_ms, budget_mj),
            Some("energy") => (Metric::Energy, budget_mj, budget_ms),
            Some(name) => {
                let subject = format!("metric {name:?}");
                return Err(Error::new(ErrorKind::UnknownMetric, subject, "cannot be predicted")
                    .expected("latency or energy"));
            }
        };
        let wrong = |found: String| Error::new(ErrorKind::InvalidParams, "budget", found);
        if other.is_some() {
            return Err(wrong(format!("is of another metric than {}", metric.name())));
        }
        if let Some(budget) = budget.filter(|budget| *budget <= 0.0) {
            return Err(wrong(format!("is {budget}")).expected("a number above 0"));
        }
        Ok(Self { device, metric, budget, allow_uncovered: false, kernels: true })
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
