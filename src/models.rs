//! Model files as the command line takes them: files, folders, `-`; mapped into memory, never read
//! as a whole.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Context;
use bytes::Bytes;
use nnmeter_core::graph::Graph;
use nnmeter_core::import::{self, Format};
use nnmeter_core::typed::TypedGraph;
use nnmeter_hardware::nn_meter::IrGraph;

use crate::failure::Usage;

/// Extensions of model files, for folders.
const EXTENSIONS: [&str; 3] = ["onnx", "pb", "json"];

/// Options about how model files are read.
#[derive(clap::Args)]
pub(crate) struct ReadArgs {
    /// Format of the files; guessed from their content if left out.
    #[arg(long, value_name = "FORMAT", value_parser = Format::from_str)]
    format: Option<Format>,

    /// Extents of an input whose axes the file leaves open (repeatable).
    #[arg(long, value_name = "NAME:1x3x224x224", value_parser = InputShape::from_str)]
    input_shape: Vec<InputShape>,

    /// Batch size: the first extent of every input.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    batch: Option<u32>,
}

/// A shape given for an input.
#[derive(Clone, Debug)]
struct InputShape {
    name: String,
    dims: Vec<usize>,
}

impl FromStr for InputShape {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, dims) = text.rsplit_once(':').ok_or("expected NAME:DIMS as in x:1x3x224x224")?;
        let dims: Result<Vec<usize>, _> = dims.split(['x', ',']).map(str::parse).collect();
        let dims = dims.map_err(|_| "expected extents as in 1x3x224x224".to_owned())?;
        if name.is_empty() || dims.contains(&0) {
            return Err("expected NAME:DIMS with extents above zero".to_owned());
        }
        Ok(Self { name: name.to_owned(), dims })
    }
}

impl ReadArgs {
    /// Reads a model as nn-Meter would: nn-Meter IR as it is, without a look at its meaning, unless
    /// options change the inputs.
    pub(crate) fn load_as_nn_meter(&self, path: &Path) -> anyhow::Result<IrGraph> {
        let bytes = bytes_of(path)?;
        let format = self.format.map_or_else(|| Format::detect(&bytes), Ok)?;
        let changed = self.batch.is_some() || !self.input_shape.is_empty();
        match format {
            Format::NnMeterIr if !changed => Ok(IrGraph::from_json(&bytes)?),
            _ => Ok(IrGraph::of(&self.typed(bytes)?)?),
        }
    }

    /// Reads a model and gives every value its type.
    pub(crate) fn load(&self, path: &Path) -> anyhow::Result<TypedGraph> {
        self.typed(bytes_of(path)?)
    }

    fn typed(&self, bytes: Bytes) -> anyhow::Result<TypedGraph> {
        let mut graph = read(bytes, self.format, &self.input_shape)?;
        if let Some(batch) = self.batch {
            graph.set_batch(batch as usize)?;
        }
        Ok(graph.infer_shapes()?)
    }
}

/// Reads a model whose inputs have the shapes that `text` gives, as `NAME:DIMS` with spaces or
/// semicolons between.
pub(crate) fn load_shaped(path: &Path, text: &str) -> anyhow::Result<TypedGraph> {
    let shapes = text.split([' ', ';']).filter(|shape| !shape.is_empty());
    let shapes: Result<Vec<InputShape>, String> = shapes.map(InputShape::from_str).collect();
    let shapes = shapes.map_err(|why| anyhow::anyhow!("input shape \"{text}\": {why}"))?;
    Ok(read(bytes_of(path)?, None, &shapes)?.infer_shapes()?)
}

fn read(bytes: Bytes, format: Option<Format>, shapes: &[InputShape]) -> anyhow::Result<Graph> {
    let mut graph = import::read(bytes, format)?;
    for shape in shapes {
        graph.set_input_shape(&shape.name, &shape.dims)?;
    }
    Ok(graph)
}

/// Replaces folders by the model files in them, sorted by name.
pub(crate) fn expand(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    if paths.iter().filter(|path| *path == Path::new("-")).count() > 1 {
        return Err(Usage("-: is given twice; standard input can be read once".to_owned()).into());
    }
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            files.extend(model_files(path)?);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

fn model_files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let cannot = || format!("folder \"{}\" cannot be read", folder.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(cannot)? {
        let path = entry.with_context(cannot)?.path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        if path.is_file() && extension.is_some_and(|e| EXTENSIONS.contains(&e)) {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        let text = format!(
            "folder \"{}\": holds no model file; expected *.{}",
            folder.display(),
            EXTENSIONS.join(", *.")
        );
        return Err(Usage(text).into());
    }
    Ok(files)
}

/// The bytes of a file, mapped; or of standard input for `-`.
fn bytes_of(path: &Path) -> anyhow::Result<Bytes> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).context("standard input cannot be read")?;
        return Ok(bytes.into());
    }
    let file = File::open(path).context("cannot be opened")?;
    if file.metadata().context("cannot be examined")?.len() == 0 {
        return Ok(Bytes::new());
    }
    // SAFETY: the map is only read; a program that truncates the file meanwhile can kill this
    // process, as it can with every reader that maps files.
    #[allow(unsafe_code)]
    let map = unsafe { memmap2::Mmap::map(&file) }.context("cannot be mapped into memory")?;
    Ok(Bytes::from_owner(map))
}
