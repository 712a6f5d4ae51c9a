//! What a request reads: made-up data, of the extents that the model's graph has.

use openvino::{
    CompiledModel, Dimension, ElementType, InferRequest, Model as Network, PartialShape, Tensor,
};

use super::failed;
use crate::backend::Model;
use crate::error::{Error, ErrorKind, Result};

/// Sets the extents that the file leaves open.
///
/// # Errors
/// [`ErrorKind::UnsupportedModel`] if the graph has no input of that name.
pub(super) fn fix_extents(network: &mut Network, model: &Model) -> Result<()> {
    for index in 0..network.get_inputs_len().map_err(failed)? {
        let port = network.get_input_by_index(index).map_err(failed)?;
        let name = port.get_name().map_err(failed)?;
        let dims = model.input_extents(&name).ok_or_else(|| {
            let subject = format!("input {name:?}");
            Error::new(ErrorKind::UnsupportedModel, subject, "has open extents")
        })?;
        let dims: Vec<Dimension> =
            dims.iter().map(|&dim| Dimension::new(dim as i64, dim as i64)).collect();
        let shape = PartialShape::new(dims.len() as i64, &dims).map_err(failed)?;
        network.reshape_input_by_name(&name, &shape).map_err(failed)?;
    }
    Ok(())
}

/// A request with data for every input.
///
/// # Errors
/// [`ErrorKind::UnsupportedModel`] if an input is no tensor of numbers.
pub(super) fn request(compiled: &mut CompiledModel) -> Result<InferRequest> {
    let mut request = compiled.create_infer_request().map_err(failed)?;
    for index in 0..compiled.get_input_size().map_err(failed)? {
        let port = compiled.get_input_by_index(index).map_err(failed)?;
        let element = port.get_element_type().map_err(failed)?;
        let shape = port.get_shape().map_err(failed)?;
        let mut tensor = Tensor::new(element, &shape).map_err(failed)?;
        fill(&mut tensor, element)?.then_some(()).ok_or_else(|| {
            let subject = format!("input {index}");
            let found = format!("is of element type {element}");
            Error::new(ErrorKind::UnsupportedModel, subject, found)
        })?;
        request.set_input_tensor_by_index(index, &tensor).map_err(failed)?;
    }
    Ok(request)
}

/// Fills a tensor: floats between 0 and 1, integers 1. False for other types.
fn fill(tensor: &mut Tensor, element: ElementType) -> Result<bool> {
    let float = |index: usize| (index % 251) as f32 / 251.0 + 1.0 / 512.0;
    macro_rules! fill {
        ($type:ty, $value:expr) => {{
            let elements = tensor.get_data_mut::<$type>().map_err(failed)?;
            elements.iter_mut().enumerate().for_each(|(index, element)| *element = $value(index));
        }};
    }
    match element {
        ElementType::F32 => fill!(f32, float),
        ElementType::F64 => fill!(f64, |index| f64::from(float(index))),
        ElementType::I64 | ElementType::U64 => fill!(i64, |_| 1),
        ElementType::I32 | ElementType::U32 => fill!(i32, |_| 1),
        ElementType::I16 | ElementType::U16 => fill!(i16, |_| 1),
        ElementType::I8 | ElementType::U8 | ElementType::Boolean => fill!(i8, |_| 1),
        _ => return Ok(false),
    }
    Ok(true)
}
