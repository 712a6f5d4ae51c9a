//! What a session reads and writes: inputs of made-up data, outputs wherever the runtime puts them.

use ort::memory::MemoryInfo;
use ort::session::{IoBinding, Session};
use ort::value::{Tensor, TensorElementType};

use super::failed;
use crate::backend::Model;
use crate::error::{Error, ErrorKind, Result};

/// Binds every input to a tensor of the extents that the model's graph has, and every output.
///
/// # Errors
/// [`ErrorKind::UnsupportedModel`] if an input is no tensor of numbers, or has open extents.
pub(super) fn bind(session: &Session, model: &Model) -> Result<IoBinding> {
    let mut binding = session.create_binding().map_err(failed)?;
    for input in session.inputs() {
        let name = input.name();
        let refuse = |found: String| {
            Error::new(ErrorKind::UnsupportedModel, format!("input {name:?}"), found)
        };
        let dims = model.input_extents(name).or_else(|| {
            let shape = input.dtype().tensor_shape()?;
            shape.iter().map(|&dim| usize::try_from(dim).ok()).collect()
        });
        let dims = dims.ok_or_else(|| refuse("has open extents".to_owned()))?;
        let element = input.dtype().tensor_type();
        let element = element.ok_or_else(|| refuse("is no tensor".to_owned()))?;
        fill(&mut binding, name, &dims, element)?
            .then_some(())
            .ok_or_else(|| refuse(format!("is of element type {element}")))?;
    }
    let memory = session.allocator().memory_info().to_owned();
    for output in session.outputs() {
        bind_output(&mut binding, output.name(), &memory)?;
    }
    Ok(binding)
}

fn bind_output(binding: &mut IoBinding, name: &str, memory: &MemoryInfo<'_>) -> Result<()> {
    binding.bind_output_to_device(name, memory).map_err(failed)
}

/// Binds an input to data: floats between 0 and 1, integers 1. False for other types.
fn fill(
    binding: &mut IoBinding,
    name: &str,
    dims: &[usize],
    element: TensorElementType,
) -> Result<bool> {
    let count = dims.iter().product();
    let float = |index: usize| (index % 251) as f32 / 251.0 + 1.0 / 512.0;
    macro_rules! bind {
        ($data:expr) => {{
            let tensor = Tensor::from_array((dims.to_vec(), $data)).map_err(failed)?;
            binding.bind_input(name, &tensor).map_err(failed)?;
        }};
    }
    match element {
        TensorElementType::Float32 => bind!((0..count).map(float).collect::<Vec<f32>>()),
        TensorElementType::Float64 => {
            bind!((0..count).map(|index| f64::from(float(index))).collect::<Vec<f64>>());
        }
        TensorElementType::Int64 => bind!(vec![1i64; count]),
        TensorElementType::Int32 => bind!(vec![1i32; count]),
        TensorElementType::Int8 => bind!(vec![1i8; count]),
        TensorElementType::Uint8 => bind!(vec![1u8; count]),
        TensorElementType::Bool => bind!(vec![true; count]),
        _ => return Ok(false),
    }
    Ok(true)
}
