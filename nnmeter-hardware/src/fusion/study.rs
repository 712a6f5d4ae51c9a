//! The networks that answer the questions asked on one image: which they are, and measuring them in
//! turns until all questions are decided.

use std::collections::{BTreeMap, BTreeSet};

use crate::backend::{Backend, Measurement, Model};
use crate::error::{Error, ErrorKind, Result};
use crate::measure::{self, Log, measure};
use crate::package::Metric;

use super::finding::{Alone, Figures, Seen, Times};
use super::network::{Hold, Network, UNITS};
use super::told::told;
use super::{Case, Look, Operator, Plan, Site};

/// Questions, and the networks they take.
pub(super) struct Study {
    look: Look,
    pub(super) questions: Vec<Question>,
    models: Vec<Model>,
}

/// A question with its networks, by their places in the study.
pub(super) struct Question {
    pub(super) case: Case,
    /// Without the second operator, and with it.
    question: [usize; 2],
    /// The same where the operator before it has to be kept.
    kept: [usize; 2],
    /// The same behind a pooling.
    pooled: [usize; 2],
    /// Where in a unit the second operator stands.
    place: usize,
}

/// What became of each model, none for those that were not measured.
type Results = Vec<Option<Result<Measurement>>>;

/// Networks that were made, each once.
#[derive(Default)]
struct Networks {
    places: BTreeMap<Network, usize>,
    models: Vec<Model>,
}

impl Networks {
    fn place(&mut self, network: Network) -> Result<usize> {
        if let Some(&place) = self.places.get(&network) {
            return Ok(place);
        }
        self.models.push(Model::of_graph(network.name(), network.graph()?)?);
        self.places.insert(network, self.models.len() - 1);
        Ok(self.models.len() - 1)
    }

    fn places(&mut self, [without, with]: [Network; 2]) -> Result<[usize; 2]> {
        Ok([self.place(without)?, self.place(with)?])
    }
}

impl Study {
    /// # Errors
    /// If a network cannot be drawn.
    pub(super) fn new(cases: &[Case], look: Look) -> Result<Self> {
        let mut networks = Networks::default();
        let question = |&case: &Case| {
            let [first, second, reference] = operators(case);
            let conv = Network::between(look, &[Operator::Conv]).holding(0, Hold::Returned);
            let kept = Network { operators: vec![Operator::Conv, reference], ..conv.clone() };
            let pooled = |operators: &[Operator]| Network::between(look, operators);
            let before = before(case, first);
            Ok(Question {
                case,
                question: networks.places(asked(case, look, &before, second))?,
                kept: networks.places([conv, kept])?,
                pooled: networks.places([
                    pooled(&[Operator::AvgPool]),
                    pooled(&[Operator::AvgPool, reference]),
                ])?,
                place: before.len(),
            })
        };
        let questions = cases.iter().map(question).collect::<Result<_>>()?;
        Ok(Self { look, questions, models: networks.models })
    }

    /// Measures until all questions are decided, or have had all rounds of the plan, and asks the
    /// runtime; `tick` is told how many rounds there were.
    pub(super) fn run(
        &self,
        backend: &dyn Backend,
        plan: &Plan,
        bound: f64,
        log: &mut Log,
        tick: &mut dyn FnMut(usize),
    ) -> Result<Vec<Seen>> {
        let mut figures: Vec<Option<Result<Figures>>> = vec![None; self.questions.len()];
        let mut rounds = 0;
        while rounds < plan.rounds && figures.iter().any(is_open) {
            rounds = plan.rounds.min(rounds + plan.step.max(1));
            let open = figures.iter().enumerate().filter(|(_, figures)| is_open(figures));
            let open: Vec<usize> = open.map(|(place, _)| place).collect();
            let results = self.measure(backend, &open, rounds, log)?;
            for place in open {
                figures[place] = Some(self.figures(place, &results, rounds, bound));
            }
            tick(rounds);
        }
        let seen = |(question, figures): (&Question, _)| {
            let [_, with] = question.question;
            let told = told(backend, question.case, &self.models[with], question.place);
            Seen { look: self.look, figures, told }
        };
        Ok(self.questions.iter().zip(figures).map(seen).collect())
    }

    /// Measures what the open questions take, up to so many rounds; models are loaded anew, because
    /// where in memory they come to lie is part of what differs from time to time.
    fn measure(
        &self,
        backend: &dyn Backend,
        open: &[usize],
        rounds: usize,
        log: &mut Log,
    ) -> Result<Results> {
        let mut wanted = BTreeSet::new();
        for &place in open {
            let Question { question, kept, pooled, .. } = &self.questions[place];
            wanted.extend(question.iter().chain(kept).chain(pooled).copied());
        }
        let models: Vec<Model> = wanted.iter().map(|&place| self.models[place].clone()).collect();
        let measured = side_by_side(backend, &models, rounds, log)?;
        let mut results = vec![None; self.models.len()];
        for (&place, result) in wanted.iter().zip(measured) {
            results[place] = Some(result);
        }
        Ok(results)
    }

    fn figures(
        &self,
        place: usize,
        results: &Results,
        rounds: usize,
        bound: f64,
    ) -> Result<Figures> {
        let series = |places: [usize; 2]| -> Result<[Vec<f64>; 2]> {
            let [without, with] = places.map(|place| series(&results[place], rounds));
            Ok([without?, with?])
        };
        let Question { case, question, kept, pooled, .. } = &self.questions[place];
        let [question, kept, pooled] = [series(*question)?, series(*kept)?, series(*pooled)?];
        let times = Times { question, kept, pooled, units: UNITS };
        Ok(Figures::new(&times, *case, self.look, bound))
    }
}

/// First and second operator of a case, and the one whose cost on its own is compared with.
fn operators(case: Case) -> [Operator; 3] {
    match case {
        Case::Pair(_, first, second) => [first, second, second],
        Case::Block(block) => [Operator::AvgPool, block, Operator::Relu],
    }
}

/// What stands between the trunk and the second operator.
fn before(case: Case, first: Operator) -> Vec<Operator> {
    match case {
        Case::Pair(Site::BehindPooling, ..) => vec![Operator::AvgPool, first],
        _ => vec![first],
    }
}

/// The networks of a case, without the second operator and with it.
fn asked(case: Case, look: Look, before: &[Operator], second: Operator) -> [Network; 2] {
    let without = Network::between(look, before);
    let with = Network::between(look, &[before, &[second]].concat());
    let last = before.len() - 1;
    match case {
        Case::Pair(Site::BesideInput, ..) => [without, Network { beside_input: true, ..with }],
        Case::Pair(Site::Returned, ..) => {
            [without.holding(last, Hold::Returned), with.holding(last + 1, Hold::Returned)]
        }
        Case::Pair(Site::Shared, ..) => {
            [without.holding(last, Hold::Shared), with.holding(last, Hold::Shared)]
        }
        Case::Pair(..) | Case::Block(_) => [without, with],
    }
}

/// Least times of operators alone and in sequence, on inputs of the model, as nn-Meter measures them:
/// by the two operators.
pub(super) fn alone(
    backend: &dyn Backend,
    pairs: &BTreeSet<[Operator; 2]>,
    look: Look,
    rounds: usize,
    log: &mut Log,
) -> Result<BTreeMap<[Operator; 2], Result<Alone>>> {
    let mut networks = Networks::default();
    let mut places = BTreeMap::new();
    for &[first, second] in pairs {
        let mut place = |operators: &[Operator]| {
            networks.place(Network { alone: true, ..Network::between(look, operators) })
        };
        let of_pair = [place(&[first])?, place(&[second])?, place(&[first, second])?];
        places.insert([first, second], of_pair);
    }
    let results: Results =
        side_by_side(backend, &networks.models, rounds, log)?.into_iter().map(Some).collect();
    let least = |place: usize| -> Result<f64> {
        let least = series(&results[place], rounds)?.into_iter().min_by(f64::total_cmp);
        least.ok_or_else(|| Error::new(ErrorKind::BadData, "a network", "has no latencies"))
    };
    let alone = |[first, second, both]: [usize; 3]| -> Result<Alone> {
        Ok(Alone { first: least(first)?, second: least(second)?, both: least(both)? })
    };
    Ok(places.into_iter().map(|(pair, places)| (pair, alone(places))).collect())
}

fn side_by_side(
    backend: &dyn Backend,
    models: &[Model],
    rounds: usize,
    log: &mut Log,
) -> Result<Vec<Result<Measurement>>> {
    let models_at_a_time = models.len().max(1);
    let plan = measure::Plan { rounds, models_at_a_time, ..measure::Plan::default() };
    measure(backend, models, &plan, log, &mut |_| ())
}

/// Whether a question is to be measured on: neither decided nor failed.
fn is_open(figures: &Option<Result<Figures>>) -> bool {
    match figures {
        None => true,
        Some(Ok(figures)) => figures.is_open,
        Some(Err(_)) => false,
    }
}

/// The least latency of each of so many rounds.
fn series(result: &Option<Result<Measurement>>, rounds: usize) -> Result<Vec<f64>> {
    match result {
        Some(Ok(measurement)) => {
            let mut series = measurement.round_minima(Metric::Latency);
            series.truncate(rounds);
            Ok(series)
        }
        Some(Err(error)) => Err(error.clone()),
        None => Err(Error::new(ErrorKind::BadData, "a network", "was not measured")),
    }
}
