//! Spaces of architectures inside of NNI's search spaces: those that satisfy the tuner's constraints,
//! drawn uniformly, mutated within them, listed if they are few.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use nnmeter_filters::builtin;
use nnmeter_filters::constraint::Constraints;
use nnmeter_filters::error::ErrorKind as FiltersKind;
use nnmeter_filters::exact::{Feasible, Objective, Sampler, SamplerOptions};
use nnmeter_filters::metric::Macs;
use nnmeter_filters::random::Random;
use nnmeter_filters::search::mutate;
use nnmeter_filters::space::{Sample, SearchSpace};
use nnmeter_filters::table::{CompileOptions, CostTable};
use nnmeter_hardware::registry::Registry;
use serde_json::{Value as Json, json};

use super::constraint::Constraint;
use super::error::{Error, Result};

/// So many samples are looked at, or so many architectures sorted, to list all architectures: for grids,
/// and to know when all have been tried.
const MOST_SAMPLES: u128 = 100_000;
const MOST_SORTED: u128 = 2_000;

/// The spaces of architectures that search spaces may name. Each is compiled once.
#[derive(Debug)]
pub struct Models {
    constraints: Vec<Constraint>,
    /// Where files are looked for whose paths are relative.
    folder: PathBuf,
    opened: RefCell<HashMap<String, Rc<Model>>>,
}

impl Models {
    /// Spaces under these constraints.
    pub fn new(constraints: Vec<Constraint>, folder: PathBuf) -> Self {
        Self { constraints, folder, opened: RefCell::default() }
    }

    /// The architectures of the built-in space of that name, or of that JSON file.
    ///
    /// # Errors
    /// If there is no such space; what is wrong with the file or a constraint's device; and if no
    /// architecture satisfies the constraints, with the least that one costs, and which that is.
    pub fn open(&self, name: &str) -> Result<Rc<Model>> {
        if let Some(model) = self.opened.borrow().get(name) {
            return Ok(Rc::clone(model));
        }
        let model = Rc::new(Model::new(name, open(name, &self.folder)?, &self.constraints)?);
        self.opened.borrow_mut().insert(name.to_owned(), Rc::clone(&model));
        Ok(model)
    }
}

/// The built-in space called `name`, or that of the JSON file there.
pub(super) fn open(name: &str, folder: &Path) -> Result<SearchSpace> {
    match builtin::space(name) {
        Err(error) if error.kind() == FiltersKind::UnknownSpace => {
            let path = folder.join(name);
            if !path.exists() {
                return Err(Error::from(error).hint(format!("there is no file {path:?} either")));
            }
            let bytes = std::fs::read(&path).map_err(|e| Error::io(path.display(), &e))?;
            SearchSpace::from_json(&bytes).map_err(|e| Error::from(e).within(path.display()))
        }
        space => Ok(space?),
    }
}

/// The architectures of a space that satisfy constraints.
#[derive(Debug)]
pub struct Model {
    name: String,
    space: SearchSpace,
    tables: Vec<Arc<CostTable>>,
    sampler: RefCell<Sampler>,
    all: Option<Vec<Sample>>,
}

impl Model {
    fn new(name: &str, space: SearchSpace, constraints: &[Constraint]) -> Result<Self> {
        let registry = Registry::standard()?;
        let tables: Vec<Arc<CostTable>> =
            constraints.iter().map(|c| c.table(&space, &registry)).collect::<Result<_>>()?;
        let limits =
            constraints.iter().zip(&tables).map(|(constraint, table)| constraint.limit(table));
        let limits: Vec<_> = limits.filter_map(Result::transpose).collect::<Result<_>>()?;
        let feasible = Feasible::new(&space, Constraints::new(limits))
            .map_err(|error| Error::from(error).within(format!("search space {name:?}")))?;
        let sampler = RefCell::new(feasible.sampler(&SamplerOptions::default())?);
        let all = all(&space, &feasible, tables.first())?;
        Ok(Self { name: name.to_owned(), space, tables, sampler, all })
    }

    /// All architectures within the constraints, if they are few.
    pub fn all(&self) -> Option<&[Sample]> {
        self.all.as_deref()
    }

    /// A uniform draw from the architectures within the constraints.
    ///
    /// # Errors
    /// As [`Sampler::draw`].
    pub fn draw(&self, random: &mut Random) -> Result<Sample> {
        Ok(self.sampler.borrow_mut().draw(random)?)
    }

    /// The architecture with one choice changed, still within the constraints; `None` if there is no
    /// such change.
    pub fn mutate(&self, sample: &Sample, random: &mut Random) -> Option<Sample> {
        mutate(&self.space, self.sampler.borrow().constraints(), sample, random)
    }

    /// The architecture as a trial gets it.
    pub fn to_json(&self, sample: &Sample) -> Json {
        let cost = |table: &Arc<CostTable>| {
            let metric = table.quantity().metric;
            json!({"metric": metric, "device": table.device(), "value": table.cost(sample)})
        };
        let costs: Vec<Json> = self.tables.iter().map(cost).collect();
        json!({"space": self.name, "sample": self.space.sample_to_json(sample), "costs": costs})
    }

    /// The architecture that a trial got, if it is of this space and within the constraints.
    pub fn sample_from_json(&self, json: &Json) -> Option<Sample> {
        if json.get("space")?.as_str()? != self.name {
            return None;
        }
        let sample = self.space.sample_from_json(json.get("sample")?).ok()?;
        let sample = self.space.canonical(&sample);
        self.sampler.borrow().constraints().allow(&sample).then_some(sample)
    }
}

/// All architectures, if they are few or few samples have to be looked at.
fn all(
    space: &SearchSpace,
    feasible: &Feasible<'_>,
    table: Option<&Arc<CostTable>>,
) -> Result<Option<Vec<Sample>>> {
    let options = space.choices().iter().map(|choice| choice.options.len() as u128);
    if options.fold(1u128, u128::saturating_mul) <= MOST_SAMPLES {
        let constraints = feasible.constraints();
        let is_one = |sample: &Sample| space.canonical(sample) == *sample;
        let all = space.samples().filter(|sample| is_one(sample) && constraints.allow(sample));
        return Ok(Some(all.collect()));
    }
    let count = feasible.count(&SamplerOptions::default())?;
    if count.possible > MOST_SORTED {
        return Ok(None);
    }
    let macs = || CostTable::compile(space, &Macs, &CompileOptions::default()).map(Arc::new);
    let table = table.cloned().map_or_else(macs, Ok)?;
    let listed = feasible.best(Objective::Least(&table), count.possible as usize);
    Ok(listed.ok().map(|all| all.into_iter().map(|ranked| ranked.sample).collect()))
}
