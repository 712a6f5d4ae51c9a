//! NumPy's arrays in a pickle: numbers, and records of numbers, in place.
//!
//! An array is its type, its shape and its bytes; nothing is copied unless the protocol spells
//! bytes as text. Read are one-dimensional arrays, and others that are longer than 1 along one axis
//! at most, where the order of the axes does not matter. Arrays of Python objects are not.

use std::borrow::Cow;

use super::{Global, Pickle, Value};
use crate::error::{Error, ErrorKind, Result};

/// An array of numbers or of records.
#[derive(Debug)]
pub(crate) struct Array<'a> {
    fields: Vec<Field>,
    item_size: usize,
    len: usize,
    bytes: Cow<'a, [u8]>,
}

/// One number of a record; an array of numbers has a single one, without a name.
#[derive(Clone, Debug, PartialEq)]
struct Field {
    name: String,
    offset: usize,
    number: Number,
}

/// How a number is stored.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Number {
    form: Form,
    size: usize,
    big_endian: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Signed,
    Unsigned,
    Float,
}

/// The numbers of one name in all records.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column<'p> {
    array: &'p Array<'p>,
    offset: usize,
    number: Number,
}

impl<'a> Array<'a> {
    /// The array that `value` is; `name` is what errors call it.
    ///
    /// # Errors
    /// If it is none of the above, or its bytes are more or fewer than its shape says.
    pub(crate) fn read(pickle: &Pickle<'a>, value: Value<'a>, name: &str) -> Result<Self> {
        let parts = parts(pickle, value)
            .ok_or_else(|| bad(name, pickle.describe(value)).expected("an array of NumPy"))?;
        let shape = shape(pickle, parts.shape).ok_or_else(|| bad(name, "a shape that is none"))?;
        let (fields, item_size) = dtype(pickle, parts.dtype)
            .ok_or_else(|| bad(name, "elements that are neither numbers nor records of them"))?;
        let bytes = pickle.bytes(parts.data).ok_or_else(|| {
            bad(name, format!("{} for its data", pickle.describe(parts.data))).expected("bytes")
        })?;
        if shape.iter().filter(|&&extent| extent > 1).count() > 1 {
            return Err(bad(name, format!("the shape {shape:?}")).expected("one long axis at most"));
        }
        let len = shape.iter().try_fold(1usize, |len, &extent| len.checked_mul(extent));
        match len.filter(|len| len.checked_mul(item_size) == Some(bytes.len())) {
            Some(len) => Ok(Self { fields, item_size, len, bytes }),
            None => Err(bad(name, format!("{} bytes", bytes.len()))
                .expected(format!("{item_size} for each element of the shape {shape:?}"))),
        }
    }

    /// The number of elements.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The bytes that all elements take.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The numbers called `name` in the records; of an array of numbers, `""` are these.
    pub(crate) fn column(&self, name: &str) -> Option<Column<'_>> {
        let field = self.fields.iter().find(|field| field.name == name)?;
        Some(Column { array: self, offset: field.offset, number: field.number })
    }
}

impl Column<'_> {
    /// Whether the numbers are floats of 64 bits.
    pub(crate) fn is_f64(self) -> bool {
        self.number.form == Form::Float && self.number.size == 8
    }

    /// Whether the numbers are integers or truth values.
    pub(crate) fn is_integer(self) -> bool {
        self.number.form != Form::Float
    }

    /// The bits of the number at `index`, as many as it has.
    fn bits(self, index: usize) -> u64 {
        let start = index * self.array.item_size + self.offset;
        let bytes = &self.array.bytes[start..start + self.number.size];
        let join = |bits: u64, &byte: &u8| bits << 8 | u64::from(byte);
        if self.number.big_endian {
            bytes.iter().fold(0, join)
        } else {
            bytes.iter().rev().fold(0, join)
        }
    }

    /// The float at `index`, where [`Column::is_f64`].
    pub(crate) fn f64(self, index: usize) -> f64 {
        f64::from_bits(self.bits(index))
    }

    /// The integer at `index`, where [`Column::is_integer`].
    pub(crate) fn i64(self, index: usize) -> i64 {
        let bits = self.bits(index);
        let unused = 64 - 8 * self.number.size as u32;
        match self.number.form {
            Form::Signed => (bits << unused) as i64 >> unused,
            Form::Unsigned | Form::Float => bits as i64,
        }
    }
}

fn bad(name: &str, found: impl Into<String>) -> Error {
    Error::new(ErrorKind::BadModel, format!("array \"{name}\""), found)
}

/// The parts of an array, wherever its way of pickling puts them.
struct Parts<'a> {
    shape: Value<'a>,
    dtype: Value<'a>,
    data: Value<'a>,
}

fn parts<'a>(pickle: &Pickle<'a>, value: Value<'a>) -> Option<Parts<'a>> {
    let (class, args, state) = pickle.made(value)?;
    match (class, pickle.items(args)?, state) {
        (Global::Reconstruct, [Value::Global(Global::NdArray), _, _], Some(state)) => {
            match *pickle.items(state)? {
                [Value::Int(1), shape, dtype, Value::Bool(_), data] => {
                    Some(Parts { shape, dtype, data })
                }
                _ => None,
            }
        }
        (Global::FromBuffer, &[data, dtype, shape, _], None) => Some(Parts { shape, dtype, data }),
        _ => None,
    }
}

fn shape<'a>(pickle: &Pickle<'a>, value: Value<'a>) -> Option<Vec<usize>> {
    let extent = |value: &Value<'_>| match *value {
        Value::Int(extent) => usize::try_from(extent).ok(),
        _ => None,
    };
    let extents = pickle.items(value)?;
    // NumPy has 64 axes at most.
    if extents.len() > 64 { None } else { extents.iter().map(extent).collect() }
}

/// The fields of a type, and the bytes of an element.
fn dtype<'a>(pickle: &Pickle<'a>, value: Value<'a>) -> Option<(Vec<Field>, usize)> {
    let (code, state) = typecode(pickle, value)?;
    let Some(size) = code.strip_prefix('V') else {
        let number = number(code, state.byte_order)?;
        let field = Field { name: String::new(), offset: 0, number };
        return Some((vec![field], number.size));
    };
    let size = size.parse().ok()?;
    let names = pickle.items(state.names)?;
    // A record of scikit-learn has eight fields.
    if names.len() > 64 {
        return None;
    }
    let fields = names.iter().map(|&name| field(pickle, state.fields, pickle.text(name)?, size));
    Some((fields.collect::<Option<_>>()?, size))
}

/// What is of use in the state of a type.
struct TypeState<'p, 'a> {
    byte_order: &'p str,
    names: Value<'a>,
    fields: Value<'a>,
}

/// The code of a type (`f8`, `V56`) and its state; `None` for arrays as elements.
fn typecode<'p, 'a>(
    pickle: &'p Pickle<'a>,
    value: Value<'a>,
) -> Option<(&'p str, TypeState<'p, 'a>)> {
    let (Global::DType, args, Some(state)) = pickle.made(value)? else { return None };
    let code = pickle.text(*pickle.items(args)?.first()?)?;
    match *pickle.items(state)? {
        [Value::Int(_), byte_order, Value::None, names, fields, ..] => {
            let byte_order = pickle.text(byte_order)?;
            Some((code, TypeState { byte_order, names, fields }))
        }
        _ => None,
    }
}

/// The field called `name` of records of `size` bytes.
fn field<'a>(pickle: &Pickle<'a>, fields: Value<'a>, name: &str, size: usize) -> Option<Field> {
    let entry = pickle.entry(fields, name)?;
    let &[kind, Value::Int(offset), ..] = pickle.items(entry)? else { return None };
    let (code, state) = typecode(pickle, kind)?;
    let number = number(code, state.byte_order)?;
    let offset = usize::try_from(offset).ok()?;
    let inside = offset.checked_add(number.size)? <= size;
    inside.then(|| Field { name: name.to_owned(), offset, number })
}

/// How a number of this code and byte order is stored.
fn number(code: &str, byte_order: &str) -> Option<Number> {
    let (form, size) = match code {
        "b1" | "u1" => (Form::Unsigned, 1),
        "u2" => (Form::Unsigned, 2),
        "u4" => (Form::Unsigned, 4),
        "u8" => (Form::Unsigned, 8),
        "i1" => (Form::Signed, 1),
        "i2" => (Form::Signed, 2),
        "i4" => (Form::Signed, 4),
        "i8" => (Form::Signed, 8),
        "f4" => (Form::Float, 4),
        "f8" => (Form::Float, 8),
        _ => return None,
    };
    let big_endian = match byte_order {
        "<" | "|" => false,
        ">" => true,
        _ => return None,
    };
    Some(Number { form, size, big_endian })
}
