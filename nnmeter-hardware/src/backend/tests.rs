//! Measuring several models with a backend that has no runtime behind it.

use std::cell::RefCell;
use std::rc::Rc;

use super::*;
use crate::device::{Precision, Runtime};
use crate::error::{Error, ErrorKind};

/// Writes down which model was measured when; costs grow with every round.
#[derive(Debug)]
struct Fake {
    identity: Identity,
    log: Rc<RefCell<String>>,
}

struct FakeSession {
    name: String,
    rounds: usize,
    log: Rc<RefCell<String>>,
}

impl Backend for Fake {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn metrics(&self) -> &[Metric] {
        &[Metric::Energy]
    }

    fn prepare(&self, model: &Model) -> Result<Box<dyn Session>> {
        let name = model.name().to_owned();
        if name == "strange" {
            return Err(Error::new(ErrorKind::UnsupportedModel, name, "is strange"));
        }
        Ok(Box::new(FakeSession { name, rounds: 0, log: Rc::clone(&self.log) }))
    }
}

impl Session for FakeSession {
    fn measure(&mut self) -> Result<Vec<Sample>> {
        self.rounds += 1;
        self.log.borrow_mut().push_str(&self.name);
        match self.rounds {
            2 if self.name == "b" => Err(Error::new(ErrorKind::Backend, "b", "broke down")),
            round => Ok(vec![Sample { metric: Metric::Energy, value: round as f64 }]),
        }
    }
}

fn model(name: &str) -> Model {
    let json = br#"{"x": {"inbounds": [], "outbounds": ["r"], "attr": {"type": "Placeholder",
        "attr": {"shape": [1, 2]}, "input_shape": [], "output_shape": [[1, 2]]}},
        "r": {"inbounds": ["x"], "outbounds": [], "attr": {"type": "Relu", "attr": {},
        "input_shape": [], "output_shape": []}}}"#;
    Model::new(name, json.to_vec()).expect("a sound model")
}

#[test]
fn models_take_turns_and_one_that_fails_stops_no_other() {
    let log = Rc::new(RefCell::new(String::new()));
    let identity = Identity {
        chip: "none".to_owned(),
        clock: None,
        threads: 1,
        runtime: Runtime::new("fake", "1"),
        precision: Precision::Fp32,
        timer: Timer::Stated,
        options: Options::default(),
    };
    let backend: Box<dyn Backend> = Box::new(Fake { identity, log: Rc::clone(&log) });
    let models = ["a", "strange", "b", "c"].map(model);
    let jobs: Vec<Job<'_>> = models.iter().map(|model| Job { model, rounds: 3 }).collect();
    let mut results = vec![String::new(); jobs.len()];
    let mut sink = |index: usize, samples: Result<Vec<Sample>>| {
        results[index] += &match samples {
            Ok(samples) => format!("{} ", samples[0].value),
            Err(error) => error.to_string(),
        };
        Ok(())
    };
    backend.measure_rounds(&jobs, &mut sink).expect("the sink takes all");
    assert_eq!(*log.borrow(), "abcabcac");
    assert_eq!(results, ["1 2 3 ", "strange: is strange", "1 b: broke down", "1 2 3 "]);
    let mut session = backend.prepare(&model("a")).expect("prepares");
    assert_eq!(session.kernels().expect("no failure"), None);
    assert_eq!(session.profile().expect("no failure"), None);
}

#[test]
fn what_is_no_model_is_named() {
    let error = Model::new("mine", b"no model".to_vec()).expect_err("is none");
    assert!(error.to_string().starts_with("mine, "), "{error}");
}
