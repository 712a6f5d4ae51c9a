//! `nnmeter student`: smaller networks like a given one, within a budget.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use indicatif::ProgressBar;
use nnmeter_core::graph::NodeId;
use nnmeter_core::typed::TypedGraph;
use nnmeter_filters::compress::{Stage, Student, StudentOptions, Teacher};
use nnmeter_filters::metric::{Macs, Parameters};
use serde_json::{Value, json};

use crate::compress::{NetworkArgs, layers, write_graph};
use crate::report::plain_table;

/// Find students of a network within a latency (or energy) budget.
///
/// A student has fewer residual blocks, smaller depthwise windows and narrower layers than its teacher.
/// Every combination of depths and windows is looked at; of each, the widths that keep most within the
/// budget. The best are listed, no two with the same depths and windows. Ends with 1 if there are none.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  nnmeter student resnet50.onnx --device cortexA76cpu_tflite21 --budget 200ms
  nnmeter student mobilenet_v2.onnx --device adreno640gpu_tflite21 --budget 6ms --by-stage
  nnmeter student mobilenet_v2.onnx --device adreno640gpu_tflite21 --budget 6ms --json --graph best.json")]
pub(crate) struct Args {
    #[command(flatten)]
    network: NetworkArgs,

    /// What students are ranked by.
    #[arg(long, value_enum, default_value_t = Measure::Macs)]
    keep: Measure,

    /// Scale widths stage by stage, and not all by one factor. A stage is what has images of one extent.
    #[arg(long)]
    by_stage: bool,

    /// How many students to list.
    #[arg(long, short = 'k', value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    count: u16,

    /// Print a JSON object a student, the best first.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Measure {
    Macs,
    Parameters,
}

/// What is the same for all students.
struct Page<'a> {
    args: &'a Args,
    device: &'a str,
    unit: &'static str,
    measure: &'static str,
    budget: f64,
    graph: &'a TypedGraph,
    teacher: &'a Teacher<'a>,
    /// Of the teacher.
    cost: f64,
    kept: f64,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let network = args.network.open()?;
    let (metric, graph, budget) = (network.metric()?, &network.graph, network.budget);
    let device = &network.device.device().name;
    let keep: &dyn nnmeter_filters::metric::Metric = match args.keep {
        Measure::Macs => &Macs,
        Measure::Parameters => &Parameters,
    };
    let options = StudentOptions {
        widths: network.widths,
        by_stage: args.by_stage,
        keep,
        device: Some(device.clone()),
        allow_uncovered: args.network.allow_uncovered,
    };
    let teacher = Teacher::new(graph);
    let bar = ProgressBar::new(0);
    let seen = |done: usize, all: usize| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    };
    let students = teacher.students(metric, budget, &options, args.count.into(), seen);
    bar.finish_and_clear();
    let students = students.with_context(|| args.network.file())?;
    if let (Some(path), Some(best)) = (&args.network.graph, students.first()) {
        write_graph(path, &best.graph)?;
    }
    let page = Page {
        args,
        device,
        unit: metric.quantity().suffix,
        measure: keep.quantity().metric,
        budget,
        graph,
        teacher: &teacher,
        cost: metric.bill(graph).total(),
        kept: keep.bill(graph).total(),
    };
    let text = if args.json { page.json(&students) } else { page.text(&students) };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

impl Page<'_> {
    fn json(&self, students: &[Student]) -> String {
        let line = |(rank, student): (usize, &Student)| format!("{}\n", self.object(rank, student));
        students.iter().enumerate().map(line).collect()
    }

    fn object(&self, rank: usize, student: &Student) -> Value {
        let unit = self.unit;
        let graph = student.graph.graph();
        let groups = student.groups.groups().iter().zip(&student.widths);
        json!({
            "file": self.args.network.file(),
            "device": self.device,
            "rank": rank + 1,
            format!("budget_{unit}"): self.budget,
            format!("before_{unit}"): self.cost,
            format!("after_{unit}"): student.cost,
            "kept": {
                "measure": self.measure,
                "before": self.kept,
                "after": student.kept,
                "share": student.kept / self.kept,
                "share_at_most": student.kept_at_most / self.kept,
            },
            "exact": student.kept_at_most <= student.kept,
            "removed_blocks": self.removed(student),
            "depthwise_kernels_at_most": student.shape.kernel,
            "groups": groups.map(|(group, &width)| layers(graph, group, width)).collect::<Vec<_>>(),
        })
    }

    /// Names of the layers of each removed block.
    fn removed(&self, student: &Student) -> Vec<Vec<&str>> {
        let stages = self.teacher.stages.iter().zip(&student.shape.removed);
        let blocks = stages.flat_map(|(stage, &removed)| &stage[stage.len() - removed..]);
        let name = |&node: &NodeId| &*self.graph.graph().node(node).name;
        blocks.map(|block| block.nodes.iter().map(name).collect()).collect()
    }

    fn text(&self, students: &[Student]) -> String {
        let unit = self.unit;
        let mut table =
            plain_table(&["rank", unit, self.measure, "blocks removed", "windows", "widths"]);
        for (rank, student) in students.iter().enumerate() {
            let bound = match student.kept_at_most <= student.kept {
                true => String::new(),
                false => format!(" (<= {:.1} %)", 100.0 * student.kept_at_most / self.kept),
            };
            table.add_row([
                (rank + 1).to_string(),
                format!("{:.2}", student.cost),
                format!("{:.1} %{bound}", 100.0 * student.kept / self.kept),
                removed_by_stage(&self.teacher.stages, &student.shape.removed),
                student.shape.kernel.map_or("as they are".to_owned(), |most| format!("<= {most}")),
                shares(student),
            ]);
        }
        format!(
            "{} on {}: {:.2} {unit} (budget {} {unit}); students by {} kept\n\n{}\n",
            self.args.network.file(),
            self.device,
            self.cost,
            self.budget,
            self.measure,
            table.trim_fmt()
        )
    }
}

/// How many blocks of each stage are removed: `1 of 2, 0 of 3`.
fn removed_by_stage(stages: &[Stage], removed: &[usize]) -> String {
    let of = |(stage, removed): (&Stage, &usize)| format!("{removed} of {}", stage.len());
    let all: Vec<String> = stages.iter().zip(removed).map(of).collect();
    if all.is_empty() { "none to remove".to_owned() } else { all.join(", ") }
}

/// Least and most of the shares of their channels that groups keep.
fn shares(student: &Student) -> String {
    let groups = student.groups.groups().iter().zip(&student.widths);
    let shares: Vec<f64> =
        groups.map(|(group, &width)| width as f64 / group.channels as f64).collect();
    let least = 100.0 * shares.iter().copied().fold(1.0, f64::min);
    let most = 100.0 * shares.iter().copied().fold(0.0, f64::max);
    match shares.is_empty() || least == most {
        true => format!("{least:.0} %"),
        false => format!("{least:.0} to {most:.0} %"),
    }
}
