//! Stopping a long computation from outside: when somebody asks, or at a point in time.
//!
//! A [`Stop`] is shared between the computation, which asks it between steps, and whoever may want
//! it to end. It stops nothing by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use crate::error::{Error, ErrorKind, Result};

/// Whether a computation is to stop. Clones are the same; the default is never to stop.
#[derive(Clone, Debug, Default)]
pub struct Stop(Option<Arc<State>>);

#[derive(Debug)]
struct State {
    asked: AtomicBool,
    deadline: Option<Instant>,
    steps: AtomicU64,
}

/// Why a computation is to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Somebody asked for it.
    Asked,
    /// It is past the time that was allowed.
    Deadline,
}

impl Stop {
    /// To stop when asked, and at `deadline` at the latest.
    pub fn at(deadline: Option<Instant>) -> Self {
        let (asked, steps) = (AtomicBool::new(false), AtomicU64::new(0));
        Self(Some(Arc::new(State { asked, deadline, steps })))
    }

    /// Asks the computation to stop; the default never does.
    pub fn ask(&self) {
        if let Some(state) = &self.0 {
            state.asked.store(true, Relaxed);
        }
    }

    /// Why to stop, if so.
    pub fn reason(&self) -> Option<Reason> {
        let state = self.0.as_ref()?;
        if state.asked.load(Relaxed) {
            return Some(Reason::Asked);
        }
        state.deadline.filter(|&deadline| Instant::now() >= deadline).map(|_| Reason::Deadline)
    }

    /// Counts a step of the computation, and ends it if it is to stop.
    ///
    /// # Errors
    /// [`ErrorKind::Stopped`] if so.
    pub fn step(&self) -> Result<()> {
        if let Some(state) = &self.0 {
            state.steps.fetch_add(1, Relaxed);
        }
        let found = match self.reason() {
            None => return Ok(()),
            Some(Reason::Asked) => "was cancelled",
            Some(Reason::Deadline) => "takes longer than it may",
        };
        Err(Error::new(ErrorKind::Stopped, "computation", found))
    }

    /// How many steps were counted.
    pub fn steps(&self) -> u64 {
        self.0.as_ref().map_or(0, |state| state.steps.load(Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_when_asked_and_in_time() {
        let stop = Stop::at(None);
        assert!(stop.step().is_ok() && Stop::default().step().is_ok());
        stop.clone().ask();
        assert_eq!(stop.reason(), Some(Reason::Asked));
        assert_eq!(stop.step().map_err(|error| error.kind()), Err(ErrorKind::Stopped));
        assert_eq!(stop.steps(), 2);
        assert_eq!(Stop::at(Some(Instant::now())).reason(), Some(Reason::Deadline));
    }

    #[test]
    fn a_stopped_compilation_and_search_say_so() {
        use crate::constraint::{Constraints, Limit};
        use crate::exact::{Feasible, Objective, SamplerOptions};
        use crate::metric::Macs;
        use crate::table::{CompileOptions, CostTable};
        let space = crate::builtin::space("nasbench201").expect("built in");
        let stop = Stop::at(None);
        let options = CompileOptions { stop: stop.clone(), ..CompileOptions::default() };
        let table = Arc::new(CostTable::compile(&space, &Macs, &options).expect("not stopped"));
        assert!(stop.steps() > 0);
        let limit = Limit::at_most(Arc::clone(&table), 1e8).expect("a limit");
        let feasible = Feasible::new(&space, Constraints::new([limit])).expect("some are");
        let feasible = feasible.stopped_by(stop.clone());
        stop.ask();
        let kinds = [
            CostTable::compile(&space, &Macs, &options).err(),
            feasible.best(Objective::Most(&table), 1).err(),
            feasible.sampler(&SamplerOptions::default()).err(),
            feasible.count(&SamplerOptions::default()).err(),
        ];
        for error in kinds {
            assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::Stopped));
        }
    }
}
