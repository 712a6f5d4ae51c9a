//! What a runtime tells of a question: which operators its kernels execute.

use crate::backend::{Backend, ExecutedKernel, Model};

use super::Case;
use super::network::{UNITS, operator_name};

/// Whether the runtime says that `case` is so, in all units of the network `model`, where the operator
/// asked about stands at `place`. `None` if it says nothing, or not the same of all units.
pub(super) fn told(backend: &dyn Backend, case: Case, model: &Model, place: usize) -> Option<bool> {
    let kernels = backend.prepare(model).ok()?.kernels().ok()??;
    let mut answers = (0..UNITS).map(|unit| in_unit(&kernels, case, &operator_name(unit, place)));
    let first = answers.next()?;
    answers.all(|answer| answer == first).then_some(first)?
}

/// An operator is fused if no kernel executes it, or what belongs to it, and nothing else; a block is
/// one kernel if there is one such kernel. Of what is in no kernel nothing is told.
fn in_unit(kernels: &[ExecutedKernel], case: Case, name: &str) -> Option<bool> {
    let belongs = |node: &String| node.strip_prefix(name).is_some_and(is_part);
    let mut executing = kernels.iter().filter(|kernel| kernel.nodes.iter().any(belongs)).peekable();
    executing.peek()?;
    let own = executing.filter(|kernel| kernel.nodes.iter().all(belongs)).count();
    Some(match case {
        Case::Pair(..) => own == 0,
        Case::Block(_) => own == 1,
    })
}

/// Whether what follows an operator's name says that it is the operator, or a part of it.
fn is_part(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('/')
}
