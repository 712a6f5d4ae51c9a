//! Which backend measures: the options that `measure` and `trial measure` have in common.

use nnmeter_hardware::backend::{Backend, Backends, Options};
use nnmeter_hardware::error::Result;

/// A backend and its options.
#[derive(Clone, clap::Args)]
pub(crate) struct BackendArgs {
    /// The backend: onnxruntime, openvino, tract, or command:PROGRAM.
    #[arg(long, short, value_name = "NAME", default_value = Backends::DEFAULT)]
    backend: String,

    /// An option of the backend (repeatable); `nnmeter backends` says which there are.
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_option)]
    option: Vec<(String, String)>,

    /// Threads that the backend computes with.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    threads: Option<u32>,
}

fn parse_option(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl BackendArgs {
    pub(crate) fn open(&self) -> Result<Box<dyn Backend>> {
        let threads = self.threads.map(|threads| ("threads".to_owned(), threads.to_string()));
        let options: Options = self.option.iter().cloned().chain(threads).collect();
        Backends::built_in().open(&self.backend, &options)
    }

    /// The arguments that say the same.
    pub(crate) fn words(&self) -> impl Iterator<Item = String> + '_ {
        let options = self.option.iter().map(|(name, value)| format!("--option={name}={value}"));
        let threads = self.threads.iter().map(|threads| format!("--threads={threads}"));
        [format!("--backend={}", self.backend)].into_iter().chain(options).chain(threads)
    }
}
