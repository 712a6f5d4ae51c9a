//! What the verbs that measure have in common: which runtime, and how far measuring is.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use nnmeter_hardware::backend::{Backend, Backends, Identity, Options};
use nnmeter_hardware::measure::Progress;

/// Which runtime is measured.
#[derive(clap::Args)]
pub(crate) struct RuntimeArgs {
    /// The runtime: a name that `nnmeter backends` lists, or command:PROGRAM.
    #[arg(long, short, value_name = "NAME", default_value = Backends::DEFAULT)]
    backend: String,

    /// An option of the backend (repeatable); `nnmeter backends` says which there are.
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_option)]
    option: Vec<(String, String)>,

    /// Threads that the runtime computes with.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    threads: Option<u32>,
}

fn parse_option(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl RuntimeArgs {
    pub(crate) fn open(&self) -> anyhow::Result<Box<dyn Backend>> {
        let threads = self.threads.map(|threads| ("threads".to_owned(), threads.to_string()));
        let options: Options = self.option.iter().cloned().chain(threads).collect();
        Ok(Backends::built_in().open(&self.backend, &options)?)
    }
}

/// An identity in a line, for people.
pub(crate) fn title(identity: &Identity) -> String {
    let Identity { runtime, chip, threads, timer, .. } = identity;
    let threads = if *threads == 1 { "1 thread".to_owned() } else { format!("{threads} threads") };
    format!("{runtime} on {chip}, {threads}, {}", timer.name())
}

/// How far measuring is, on a terminal, once it takes long.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(crate) fn new() -> Self {
        let style = ProgressStyle::with_template("{prefix}{wide_bar} {pos} of {len} rounds{msg}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        Self(ProgressBar::hidden().with_style(style))
    }

    /// As [`Bar::show`], with what is being measured.
    pub(crate) fn show_as(&self, what: &str, progress: &Progress) {
        self.0.set_prefix(what.to_owned());
        self.show(progress);
    }

    /// A line above it; on a terminal only.
    pub(crate) fn say(&self, line: &str) {
        self.0.println(line);
    }

    pub(crate) fn show(&self, progress: &Progress) {
        if self.0.is_hidden() && self.0.elapsed() > Duration::from_secs(2) {
            self.0.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.0.set_length(progress.rounds as u64);
        self.0.set_position(progress.done as u64);
        if let Some(left) = progress.left {
            self.0.set_message(format!(", {} s left", left.as_secs()));
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
