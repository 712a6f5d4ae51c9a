//! Students: networks with fewer blocks, smaller depthwise windows and narrower layers than their
//! teacher. Every combination of depths and windows is looked at, and of each the widths within the
//! budget that keep most.

use std::sync::Arc;

use nnmeter_core::typed::TypedGraph;

use super::costs::{Network, agree};
use super::depth::{self, Stage};
use super::groups::Groups;
use super::kernels::{self, DepthwiseKernel};
use super::knobs::{self, Widths};
use super::optimum;
use crate::error::{Error, ErrorKind, Result};
use crate::metric::Metric;
use crate::space::SearchSpace;

/// How many combinations of depths and windows are looked at.
const MOST_SHAPES: usize = 1 << 12;

/// What students may differ in from their teacher.
pub struct StudentOptions<'a> {
    /// The widths that groups may have.
    pub widths: Widths,
    /// Scale layers stage by stage, by the extent of their images, and not all by one factor.
    pub by_stage: bool,
    /// What is to be kept.
    pub keep: &'a dyn Metric,
    /// The device's name, for errors.
    pub device: Option<String>,
    /// Leave kernels without a price out of the costs instead of refusing.
    pub allow_uncovered: bool,
}

/// What there is to reduce in a teacher.
pub struct Teacher<'a> {
    graph: &'a TypedGraph,
    /// Removable blocks, stage by stage.
    pub stages: Vec<Stage>,
    /// Depthwise convolutions with windows above 3.
    pub kernels: Vec<DepthwiseKernel>,
}

/// Depths and windows of a student.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// By stage: how many blocks are removed, from the last on.
    pub removed: Vec<usize>,
    /// Largest extent of depthwise windows; `None` leaves them as they are.
    pub kernel: Option<usize>,
}

/// A student.
#[derive(Clone, Debug)]
pub struct Student {
    /// Its depths and windows.
    pub shape: Shape,
    /// The groups of the network of this shape.
    pub groups: Groups,
    /// By group: its width.
    pub widths: Vec<usize>,
    /// The student, without weights.
    pub graph: TypedGraph,
    /// What it costs, in the metric's unit.
    pub cost: f64,
    /// What it keeps by the measure.
    pub kept: f64,
    /// No widths of this shape keep more within the budget; `kept` itself if the search was exact.
    pub kept_at_most: f64,
}

impl<'a> Teacher<'a> {
    /// Finds what there is to reduce.
    pub fn new(graph: &'a TypedGraph) -> Self {
        Self { graph, stages: depth::stages(graph), kernels: kernels::depthwise(graph) }
    }

    /// All combinations of depths and windows; the teacher's own is the first.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`] if there are more than 4096.
    pub fn shapes(&self) -> Result<Vec<Shape>> {
        let depths = self.stages.iter().map(|stage| stage.len() + 1);
        let limits = self.limits();
        let count = depths.fold(limits.len(), usize::saturating_mul);
        if count > MOST_SHAPES {
            let found = format!("has {count} combinations of depths and windows");
            return Err(Error::new(ErrorKind::TooLarge, "teacher", found)
                .expected(format!("at most {MOST_SHAPES}")));
        }
        let mut shapes = vec![Shape { removed: Vec::new(), kernel: None }];
        for stage in &self.stages {
            let longer = |shape: &Shape| {
                let with = |removed: usize| {
                    let removed = shape.removed.iter().copied().chain([removed]).collect();
                    Shape { removed, kernel: None }
                };
                (0..=stage.len()).map(with).collect::<Vec<_>>()
            };
            shapes = shapes.iter().flat_map(longer).collect();
        }
        let with = |kernel: Option<usize>| {
            shapes.iter().map(move |shape| Shape { kernel, ..shape.clone() })
        };
        Ok(limits.into_iter().flat_map(with).collect())
    }

    /// Limits of windows that make a difference.
    fn limits(&self) -> Vec<Option<usize>> {
        let has_larger = |limit: usize| self.kernels.iter().any(|kernel| kernel.kernel > limit);
        let limits = [5, 3].into_iter().filter(|&limit| has_larger(limit));
        let distinct = limits.filter(|&limit| {
            limit == 3 || self.kernels.iter().any(|kernel| kernel.kernel >= limit + 2)
        });
        [None].into_iter().chain(distinct.map(Some)).collect()
    }

    /// The teacher in another shape.
    ///
    /// # Errors
    /// [`ErrorKind::BadSample`] if a stage has fewer blocks; what shape inference says.
    pub fn shaped(&self, shape: &Shape) -> Result<TypedGraph> {
        let fits = self.stages.iter().zip(&shape.removed).all(|(stage, &n)| n <= stage.len());
        if !fits || shape.removed.len() != self.stages.len() {
            let found = format!("removes {:?} blocks", shape.removed);
            let most: Vec<usize> = self.stages.iter().map(Vec::len).collect();
            return Err(Error::new(ErrorKind::BadSample, "student", found)
                .expected(format!("at most {most:?}")));
        }
        let mut graph = self.graph.graph().clone();
        if let Some(most) = shape.kernel {
            kernels::limit(&mut graph, &self.kernels, most);
        }
        let stages = self.stages.iter().zip(&shape.removed);
        let last = stages.flat_map(|(stage, &removed)| &stage[stage.len() - removed..]);
        let detours: Vec<_> = last.map(|block| block.detour).collect();
        Ok(graph.bypass(&detours)?.infer_shapes()?)
    }

    /// The best students within a budget, the one that keeps most first: of each shape the one with the
    /// best widths, at most `count` in all. `seen` is told how many shapes were looked at, of how many.
    ///
    /// # Errors
    /// As [`Teacher::student`]; [`ErrorKind::Infeasible`] if no shape has a student, with the least cost
    /// there is; [`ErrorKind::TooLarge`] if there are too many shapes.
    pub fn students(
        &self,
        metric: &dyn Metric,
        budget: f64,
        options: &StudentOptions<'_>,
        count: usize,
        seen: impl Fn(usize, usize),
    ) -> Result<Vec<Student>> {
        let shapes = self.shapes()?;
        let (mut best, mut least): (Vec<Student>, f64) = (Vec::new(), f64::INFINITY);
        for (index, shape) in shapes.iter().enumerate() {
            match self.student(shape, metric, budget, options)? {
                Ok(student) => {
                    let place = best.partition_point(|better| better.kept >= student.kept);
                    best.insert(place, *student);
                    best.truncate(count);
                }
                Err(cost) => least = least.min(cost),
            }
            seen(index + 1, shapes.len());
        }
        match best.is_empty() && least.is_finite() {
            false => Ok(best),
            true => {
                let unit = metric.quantity();
                Err(optimum::infeasible(unit, options.device.as_deref(), least, budget))
            }
        }
    }

    /// The student of a shape that keeps most at a cost of at most `budget`; or what the least costs
    /// that there is of this shape.
    ///
    /// # Errors
    /// As [`Pruning`](super::Pruning), but for budgets that cannot be met.
    pub fn student(
        &self,
        shape: &Shape,
        metric: &dyn Metric,
        budget: f64,
        options: &StudentOptions<'_>,
    ) -> Result<Result<Box<Student>, f64>> {
        options.widths.check()?;
        let graph = self.shaped(shape)?;
        let groups = Groups::find(&graph)?;
        let knobs = knobs::scaled(&groups, &options.widths, &stages_of(&groups, &graph, options));
        let allow_uncovered = options.allow_uncovered;
        let network = Network { graph: &graph, groups: &groups, knobs: &knobs, allow_uncovered };
        let mut tables = network.tables(&[metric, options.keep])?.into_iter();
        let (Some(cost), Some(keep)) = (tables.next(), tables.next()) else {
            return Err(Error::new(ErrorKind::Indecomposable, "tables", "are missing"));
        };
        let cost = Arc::new(cost.on(options.device.as_deref()));
        let space = SearchSpace::of_choices("student", knobs::choices(&knobs))?;
        let (_, least) = crate::exact::cheapest(&space, &cost)?;
        if least > budget {
            return Ok(Err(least));
        }
        let found = optimum::most(&space, &cost, &keep, budget)?;
        let widths = knobs::widths(&knobs, &groups.full_widths(), &found.settings);
        let graph = groups.rebuild(&graph, &widths)?;
        agree(found.cost, metric.bill(&graph).total())?;
        let (cost, kept, kept_at_most) = (found.cost, found.kept, found.at_most);
        let shape = shape.clone();
        Ok(Ok(Box::new(Student { shape, groups, widths, graph, cost, kept, kept_at_most })))
    }
}

/// By group: its stage, told by the extent of its first layer's images; or one for all.
fn stages_of(groups: &Groups, graph: &TypedGraph, options: &StudentOptions<'_>) -> Vec<usize> {
    let extent = |node| {
        graph.output_type(node).map_or(0, |ty| {
            let layout = graph.graph().layout();
            let image = layout.spatial_axes(ty.rank());
            ty.dims[image].iter().product()
        })
    };
    let of = |group: &super::Group| match options.by_stage {
        true => extent(group.layers[0].0),
        false => 0,
    };
    groups.groups().iter().map(of).collect()
}
