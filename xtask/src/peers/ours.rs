//! Our side: the models that the peers have too, their predictions checked and timed.

use std::fs;
use std::hint::black_box;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use nnmeter_core::ensemble::{Ensemble, Forest};
use rustix::time::{ClockId, clock_gettime};

use super::{REPEATS, ROWS, SINGLE, Task};

const N_FEATURES: usize = 12;

/// Our models, by the name of the model and of the inference, and the rows.
pub(super) struct Ours {
    models: [(&'static str, &'static str, Model); 3],
    rows: [Vec<f32>; 2],
}

enum Model {
    F32(Ensemble),
    F64(Forest),
}

impl Ours {
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let xgboost = |name| anyhow::Ok(Model::F32(Ensemble::from_xgboost(&read(folder, name)?)?));
        let forest = Forest::from_sklearn(&read(folder, "forest.pickle")?)?;
        let rows = |name| {
            let bytes = read(folder, &format!("{name}.f32"))?;
            anyhow::Ok(bytes.as_chunks().0.iter().map(|four| f32::from_le_bytes(*four)).collect())
        };
        Ok(Self {
            models: [
                ("forest", "nnmeter", xgboost("forest.json")?),
                ("forest", "nnmeter, f64", Model::F64(forest)),
                ("boosted", "nnmeter", xgboost("boosted.json")?),
            ],
            rows: [rows(ROWS[0])?, rows(ROWS[1])?],
        })
    }

    /// Compares predictions bit by bit: with XGBoost's, and of the `f64` forest with
    /// scikit-learn's.
    pub(super) fn check(&self, folder: &Path) -> Result<()> {
        for (name, _, model) in &self.models {
            for (rows_name, rows) in ROWS.iter().zip(&self.rows) {
                let (kind, bytes) = match model {
                    Model::F32(model) => ("f32", predict_f32(model, rows)),
                    Model::F64(model) => ("f64", predict_f64(model, rows)),
                };
                let file = format!("{name}.{rows_name}.{kind}");
                ensure!(bytes == read(folder, &file)?, "{file}: has other predictions than ours");
            }
        }
        Ok(())
    }

    /// The models, and what our inference of each is called.
    pub(super) fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.models.iter().map(|(model, peer, _)| (*model, *peer))
    }

    pub(super) fn n_rows(&self) -> usize {
        self.rows[0].len() / N_FEATURES
    }

    pub(super) fn n_trees(&self, name: &str) -> usize {
        let model = self.models.iter().find(|(model, ..)| *model == name);
        model.map_or(1, |(_, _, model)| match model {
            Model::F32(model) => model.n_trees(),
            Model::F64(model) => model.n_trees(),
        })
    }

    /// CPU time in nanoseconds, the least of some; none if the task is not ours.
    pub(super) fn time(&self, task: &Task) -> Option<u64> {
        let is_meant = |(model, peer, _): &&(&str, &str, Model)| {
            (*model, *peer) == (task.model.as_str(), task.peer.as_str())
        };
        let (_, _, model) = self.models.iter().find(is_meant)?;
        let rows = &self.rows[task.rows];
        (0..REPEATS).map(|_| model.time(rows, task.single)).min()
    }
}

impl Model {
    fn time(&self, rows: &[f32], single: bool) -> u64 {
        let single = rows.chunks_exact(N_FEATURES).take(if single { SINGLE } else { 0 });
        let start = cpu_time();
        match self {
            Self::F32(model) if single.len() > 0 => {
                single.for_each(|row| _ = black_box(model.predict_row(black_box(row))));
            }
            Self::F64(model) if single.len() > 0 => {
                single.for_each(|row| _ = black_box(model.predict_row(black_box(row))));
            }
            Self::F32(model) => _ = black_box(predict_f32(model, black_box(rows))),
            Self::F64(model) => _ = black_box(predict_f64(model, black_box(rows))),
        }
        cpu_time() - start
    }
}

/// The predictions' bytes.
fn predict_f32(model: &Ensemble, rows: &[f32]) -> Vec<u8> {
    let mut out = vec![0.0; rows.len() / N_FEATURES];
    model.predict_rows(rows, N_FEATURES, &mut out);
    out.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn predict_f64(model: &Forest, rows: &[f32]) -> Vec<u8> {
    let mut out = vec![0.0; rows.len() / N_FEATURES];
    model.predict_rows(rows, N_FEATURES, &mut out);
    out.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn read(folder: &Path, name: &str) -> Result<Vec<u8>> {
    let path = folder.join(name);
    fs::read(&path).with_context(|| path.display().to_string())
}

/// Time in nanoseconds that this thread has run.
fn cpu_time() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
