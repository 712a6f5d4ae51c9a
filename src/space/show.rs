//! `nnmeter space show`: the built-in spaces, or the choices of one space.

use std::io::Write;
use std::process::ExitCode;

use nnmeter_filters::builtin;
use nnmeter_filters::space::{Activity, Guard, SearchSpace};
use serde_json::json;

use crate::report::plain_table;

/// Show the choices of a search space, or list the built-in spaces.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  nnmeter space show
  nnmeter space show once-for-all
  nnmeter space show spos --json > spos.json")]
pub(crate) struct Args {
    /// A built-in space, or a JSON file.
    #[arg(value_name = "SPACE")]
    space: Option<String>,

    /// Print the space as JSON, in the form of files; without a space, one object a built-in space.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let text = match &args.space {
        None if args.json => list_json(),
        None => list(),
        Some(name) => {
            let space = super::open(name)?;
            if args.json { format!("{}\n", space.to_json()) } else { describe(&space) }
        }
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn list() -> String {
    let mut table = plain_table(&["name", "search space"]);
    builtin::ALL.iter().for_each(|(name, about)| {
        table.add_row([*name, *about]);
    });
    format!("{}\n", table.trim_fmt())
}

fn list_json() -> String {
    let line =
        |(name, about): &(&str, &str)| format!("{}\n", json!({"name": name, "about": about}));
    builtin::ALL.iter().map(line).collect()
}

fn describe(space: &SearchSpace) -> String {
    let input: Vec<String> = space.input().iter().map(usize::to_string).collect();
    let count = match space.architectures() {
        Some(count) => count.to_string(),
        None => "more than 10^38".to_owned(),
    };
    let mut table = plain_table(&["choice", "options", "matters"]);
    for (choice, activity) in space.choices().iter().zip(space.activity()) {
        let matters = condition(space, activity);
        table.add_row([choice.name.as_str(), &choice.options.join(", "), &matters]);
    }
    format!(
        "{}: input {}, {} choices, {count} architectures\n\n{}\n",
        space.name(),
        input.join("x"),
        space.choices().len(),
        table.trim_fmt()
    )
}

/// When a choice matters, in words.
fn condition(space: &SearchSpace, activity: &Activity) -> String {
    if activity.is_always() {
        return "always".to_owned();
    }
    let guard = |guard: &Guard| {
        let choice = &space.choices()[guard.choice];
        let options = choice.options.iter().zip(&guard.options).filter(|(_, holds)| **holds);
        let options: Vec<&str> = options.map(|(option, _)| option.as_str()).collect();
        format!("{} is {}", choice.name, options.join(" or "))
    };
    let all = |guards: &Vec<Guard>| guards.iter().map(guard).collect::<Vec<_>>().join(" and ");
    let alternatives: Vec<String> = activity.alternatives.iter().map(all).collect();
    format!("if {}", alternatives.join(", or "))
}
