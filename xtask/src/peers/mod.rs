//! `cargo xtask bench --peers`: our tree inference against XGBoost, scikit-learn and Treelite, on the
//! same models and rows, by turns in one run, each in CPU time of one thread.
//!
//! | file | holds |
//! |---|---|
//! | `peers.py` | the models, and the Python packages' side of the timing |
//! | `theirs.rs` | the process that runs it, in an environment that it is installed into |
//! | `ours.rs` | our side: reading the models, comparing predictions bit by bit, timing |
//!
//! It downloads packages and is no part of the tests.

mod ours;
mod theirs;

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};

use anyhow::Result;

use crate::shell;
use ours::Ours;
use theirs::Theirs;

/// The names of the files of rows, and of what is special about them.
const ROWS: [&str; 2] = ["distinct", "repeated"];

/// How many rows are predicted one by one.
const SINGLE: usize = 20;

/// How often ours is timed each time that another is timed once.
const REPEATS: usize = 3;

/// What is timed: a model of someone's on some rows.
struct Task {
    model: String,
    /// Whose inference it is, which for ours says the kind of numbers.
    peer: String,
    /// The index into [`ROWS`].
    rows: usize,
    /// Whether the first [`SINGLE`] rows are predicted one by one, not all at once.
    single: bool,
    /// CPU times in nanoseconds a row and tree, one a round.
    times: Vec<f64>,
}

/// Makes what is missing, times everyone `rounds` times and prints the table.
pub(crate) fn compare(rounds: u32) -> Result<()> {
    if cfg!(debug_assertions) {
        let rounds = rounds.to_string();
        let arguments = ["run", "--release", "--package", "xtask", "--", "bench", "--peers"];
        return shell::cargo(arguments.into_iter().chain(["--rounds", &rounds]));
    }
    let folder = shell::root().join("target/peers");
    let mut theirs = Theirs::start(&folder)?;
    let ours = Ours::read(&folder)?;
    ours.check(&folder)?;
    let mut tasks = Vec::new();
    for (model, peer) in ours.names().chain(theirs.names()) {
        for (rows, single) in [(0, true), (0, false), (1, false)] {
            let (model, peer) = (model.to_owned(), peer.to_owned());
            tasks.push(Task { model, peer, rows, single, times: Vec::new() });
        }
    }
    let before = load();
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        for task in &mut tasks {
            let time = match ours.time(task) {
                Some(time) => time,
                None => theirs.time(task)?,
            };
            let n_rows = if task.single { SINGLE } else { ours.n_rows() };
            task.times.push(time as f64 / (n_rows * ours.n_trees(&task.model)) as f64);
        }
    }
    let table = table(&mut tasks);
    writeln!(io::stdout(), "{table}\nLoad of the machine: {before} before, {} after.", load())?;
    Ok(())
}

/// How many processes want the processor, on average over a minute.
fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_else(|_| "unknown".to_owned());
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// All times, and how many times those of the first row of each model and kind of rows they are.
fn table(tasks: &mut [Task]) -> String {
    let mut text = String::from(
        "| model | rows | inference | ns a row and tree: least | median | times ours |\n\
         |---|---|---|--:|--:|--:|\n",
    );
    tasks.sort_by_key(|task| (task.model.clone(), task.rows, !task.single));
    for same in tasks.chunk_by_mut(same_work) {
        let mut ours = None;
        for Task { model, peer, rows, single, times } in same {
            times.sort_by(f64::total_cmp);
            let (least, median) = (times[0], times[times.len() / 2]);
            let ratio = least / *ours.get_or_insert(least);
            let rows = if *single { "one by one" } else { ROWS[*rows] };
            let _ = writeln!(
                text,
                "| {model} | {rows} | {peer} | {least:.2} | {median:.2} | {ratio:.1} |"
            );
        }
    }
    text
}

fn same_work(a: &Task, b: &Task) -> bool {
    (&a.model, a.rows, a.single) == (&b.model, b.rows, b.single)
}
