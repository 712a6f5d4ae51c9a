//! Python's pickles as data: a reader that executes nothing.
//!
//! A pickle is a program for a stack machine, and Python's own machine imports what it names and
//! calls it. This one knows a closed list of names ([`Global`]) and writes down what would have
//! been called with what ([`Object::Made`]); any other name ends the reading, as do the opcodes
//! that a pickled predictor has no need of. Arrays are not copied: they stay in the bytes that were
//! read. Objects may refer to each other in any way, cycles included, so nothing here recurses.
//!
//! | file | holds |
//! |---|---|
//! | `opcode.rs` | the opcodes by name |
//! | `globals.rs` | the names that may be referred to |
//! | `cursor.rs` | the arguments of opcodes |
//! | `machine.rs`, `literals.rs` | the stack machine |
//! | `numpy.rs` | arrays |
//!
//! What a forest looks like in a pickle is the business of `ensemble/sklearn.rs`.

mod cursor;
mod globals;
mod literals;
mod machine;
pub(crate) mod numpy;
mod opcode;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use crate::error::Result;

pub(crate) use globals::Global;

/// A value on the machine's stack.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
    Global(Global),
    Object(Id),
}

/// The place of an [`Object`] in its [`Pickle`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Id(u32);

/// A value that holds others, or that does not lie in the bytes as it is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Object<'a> {
    Text(String),
    Tuple(Vec<Value<'a>>),
    List(Vec<Value<'a>>),
    Dict(Vec<(Value<'a>, Value<'a>)>),
    /// What calling `class` with the tuple `args` and then giving it `state` would have made.
    Made {
        class: Global,
        args: Value<'a>,
        state: Option<Value<'a>>,
    },
}

/// What a pickle holds.
#[derive(Debug)]
pub(crate) struct Pickle<'a> {
    objects: Vec<Object<'a>>,
    root: Value<'a>,
}

impl<'a> Pickle<'a> {
    /// Reads a pickle of protocol 0 to 5, up to its end.
    ///
    /// # Errors
    /// [`Malformed`](crate::error::ErrorKind::Malformed) if the bytes are no pickle,
    /// [`Unsupported`](crate::error::ErrorKind::Unsupported) if it does something that a predictor
    /// has no need of: refers to other globals, uses other opcodes, is larger than the limits.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self> {
        machine::run(bytes)
    }

    /// What was pickled.
    pub(crate) fn root(&self) -> Value<'a> {
        self.root
    }

    fn object(&self, value: Value<'a>) -> Option<&Object<'a>> {
        match value {
            Value::Object(Id(index)) => self.objects.get(index as usize),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub(crate) fn text(&self, value: Value<'a>) -> Option<&str> {
        match (value, self.object(value)) {
            (Value::Text(text), _) => Some(text),
            (_, Some(Object::Text(text))) => Some(text),
            _ => None,
        }
    }

    /// The bytes, if they are; protocols 0 to 2 have them as text whose characters are bytes.
    pub(crate) fn bytes(&self, value: Value<'a>) -> Option<Cow<'a, [u8]>> {
        if let Value::Bytes(bytes) = value {
            return Some(Cow::Borrowed(bytes));
        }
        let (Global::Encode, args, None) = self.made(value)? else { return None };
        let [text, encoding] = *self.items(args)? else { return None };
        if self.text(encoding)? != "latin1" {
            return None;
        }
        let bytes = self.text(text)?.chars().map(|character| u8::try_from(character).ok());
        bytes.collect::<Option<Vec<u8>>>().map(Cow::Owned)
    }

    /// The elements of a tuple or list.
    pub(crate) fn items(&self, value: Value<'a>) -> Option<&[Value<'a>]> {
        match self.object(value)? {
            Object::Tuple(items) | Object::List(items) => Some(items),
            _ => None,
        }
    }

    /// The value in a dictionary that belongs to `key`: the last of them, as in Python.
    pub(crate) fn entry(&self, value: Value<'a>, key: &str) -> Option<Value<'a>> {
        let Object::Dict(entries) = self.object(value)? else { return None };
        let is_it = |entry: &&(Value<'a>, Value<'a>)| self.text(entry.0) == Some(key);
        entries.iter().rev().find(is_it).map(|entry| entry.1)
    }

    /// The global, arguments and state that made an object. `copyreg._reconstructor` is seen
    /// through: its first argument is the class.
    pub(crate) fn made(&self, value: Value<'a>) -> Option<(Global, Value<'a>, Option<Value<'a>>)> {
        let Object::Made { class, args, state } = *self.object(value)? else { return None };
        match (class, self.items(args)) {
            (Global::Reconstructor, Some([Value::Global(class), _, _])) => {
                Some((*class, Value::None, state))
            }
            _ => Some((class, args, state)),
        }
    }

    /// What a value is, in words, for errors.
    pub(crate) fn describe(&self, value: Value<'a>) -> String {
        match (value, self.object(value)) {
            (Value::None, _) => "None".to_owned(),
            (Value::Bool(_), _) => "a truth value".to_owned(),
            (Value::Int(_) | Value::Float(_), _) => "a number".to_owned(),
            (Value::Text(_), _) | (_, Some(Object::Text(_))) => "a text".to_owned(),
            (Value::Bytes(_), _) => "bytes".to_owned(),
            (Value::Global(global), _) => format!("the name {}", global.name()),
            (_, Some(Object::Tuple(_))) => "a tuple".to_owned(),
            (_, Some(Object::List(_))) => "a list".to_owned(),
            (_, Some(Object::Dict(_))) => "a dictionary".to_owned(),
            (_, Some(Object::Made { .. })) | (Value::Object(_), None) => {
                self.made(value).map_or("nothing", |made| made.0.name()).to_owned()
            }
        }
    }
}
