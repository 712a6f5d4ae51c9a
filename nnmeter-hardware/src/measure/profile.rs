//! Profiles of models by the runtime itself: what each of its kernels took.

use crate::backend::{Backend, Model, ProfiledKernel};
use crate::error::Result;

use super::{Log, Progress, key};

/// What the runtime says of a model: its kernels, several times; none where it does not tell.
pub type Profiles = Vec<Vec<ProfiledKernel>>;

/// Has the runtime profile each model `times` times, but for the profiles that `log` has already.
/// A runtime profiles a model while it runs it on its own, one model after the other.
///
/// # Errors
/// [`ErrorKind::Io`](crate::error::ErrorKind::Io) if the log cannot be written. What goes wrong with
/// a model is in its place of the result, and stops no other.
pub fn profile(
    backend: &dyn Backend,
    models: &[Model],
    times: usize,
    log: &mut Log,
    on_progress: &mut dyn FnMut(&Progress),
) -> Result<Vec<Result<Profiles>>> {
    let begin = std::time::Instant::now();
    let mut results = Vec::with_capacity(models.len());
    let mut taken = 0;
    for (done, model) in models.iter().enumerate() {
        let pace = begin.elapsed().checked_div(taken);
        let left = pace.map(|pace| pace.saturating_mul((models.len() - done) as u32));
        on_progress(&Progress { done: done * times, rounds: models.len() * times, left });
        let key = key(model);
        if log.profiles(&key).len() < times {
            taken += 1;
            if let Err(error) = missing(backend, model, &key, times, log)? {
                results.push(Err(error));
                continue;
            }
        }
        results.push(Ok(log.profiles(&key).to_vec()));
    }
    log.sync()?;
    Ok(results)
}

/// Takes the profiles of a model that `log` lacks. The outer error is the log's.
fn missing(
    backend: &dyn Backend,
    model: &Model,
    key: &str,
    times: usize,
    log: &mut Log,
) -> Result<Result<()>> {
    let mut session = match backend.prepare(model) {
        Ok(session) => session,
        Err(error) => return Ok(Err(error)),
    };
    while log.profiles(key).len() < times {
        match session.profile() {
            Ok(Some(kernels)) => log.push_profile(key, model.name(), kernels)?,
            Ok(None) => break,
            Err(error) => return Ok(Err(error)),
        }
    }
    Ok(Ok(()))
}
