//! The stack machine of pickles, which makes data only.
//!
//! Every opcode takes constant time but for the values it moves, so the whole takes time and memory
//! in proportion to the bytes read. The limits below are far above any forest's needs.

use std::collections::BTreeMap;

use super::cursor::Cursor;
use super::opcode::Opcode;
use super::{Global, Id, Object, Pickle, Value};
use crate::error::{Error, ErrorKind, Result};

/// Most opcodes of a pickle. A forest has about fifty a tree.
const MAX_STEPS: u32 = 1 << 22;

/// The newest protocol.
const NEWEST: u8 = 5;

pub(super) struct Machine<'a> {
    pub(super) cursor: Cursor<'a>,
    stack: Vec<Value<'a>>,
    /// Heights of the stack where a mark lies.
    marks: Vec<usize>,
    memo: BTreeMap<u32, Value<'a>>,
    objects: Vec<Object<'a>>,
}

/// Runs a pickle to its end.
pub(super) fn run(bytes: &[u8]) -> Result<Pickle<'_>> {
    let mut machine = Machine {
        cursor: Cursor::new(bytes),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: BTreeMap::new(),
        objects: Vec::new(),
    };
    for _ in 0..MAX_STEPS {
        let byte = machine.cursor.u8()?;
        let Some(opcode) = Opcode::of(byte) else {
            let found = format!("0x{byte:02x}, which is no opcode");
            return Err(machine.cursor.malformed(found).expected("a pickle of protocol 0 to 5"));
        };
        if opcode == Opcode::Stop {
            return machine.finish();
        }
        machine.step(opcode)?;
    }
    let found = format!("more than {MAX_STEPS} opcodes");
    Err(machine.cursor.error(ErrorKind::Unsupported, found))
}

impl<'a> Machine<'a> {
    fn finish(mut self) -> Result<Pickle<'a>> {
        let root = self.pop()?;
        match self.cursor.left() {
            0 => Ok(Pickle { objects: self.objects, root }),
            left => Err(self.cursor.malformed(format!("{left} bytes follow the end"))),
        }
    }

    fn step(&mut self, opcode: Opcode) -> Result<()> {
        use Opcode as Op;
        match opcode {
            Op::Proto => self.protocol()?,
            Op::Frame => self.frame()?,
            Op::Mark => self.marks.push(self.stack.len()),
            Op::Pop => drop(self.pop()?),
            Op::PopMark => drop(self.pop_mark()?),
            Op::Dup => self.dup()?,
            Op::Global | Op::StackGlobal => self.global(opcode)?,
            Op::Reduce | Op::NewObj => self.make()?,
            Op::Build => self.build()?,
            Op::Append | Op::Appends => self.append(opcode)?,
            Op::SetItem | Op::SetItems => self.set_items(opcode)?,
            Op::Get | Op::BinGet | Op::LongBinGet => self.get(opcode)?,
            Op::Put | Op::BinPut | Op::LongBinPut | Op::Memoize => self.put(opcode)?,
            Op::EmptyTuple | Op::Tuple | Op::Tuple1 | Op::Tuple2 | Op::Tuple3 => {
                self.tuple(opcode)?;
            }
            Op::EmptyList | Op::List | Op::EmptyDict | Op::Dict => self.container(opcode)?,
            _ => {
                let value = self.literal(opcode)?;
                self.stack.push(value);
            }
        }
        Ok(())
    }

    fn protocol(&mut self) -> Result<()> {
        match self.cursor.u8()? {
            0..=NEWEST => Ok(()),
            newer => {
                let found = format!("protocol {newer}");
                let error = self.cursor.error(ErrorKind::Unsupported, found);
                Err(error.expected(format!("0 to {NEWEST}")))
            }
        }
    }

    /// A frame says how much a reader should fetch at once; it must lie in the bytes.
    fn frame(&mut self) -> Result<()> {
        let (length, left) = (self.cursor.u64()?, self.cursor.left() as u64);
        if length <= left {
            return Ok(());
        }
        let found = format!("a frame of {length} bytes");
        Err(self.cursor.malformed(found).expected(format!("at most {left}, what is left")))
    }

    fn global(&mut self, opcode: Opcode) -> Result<()> {
        let (module, name) = if opcode == Opcode::Global {
            (self.cursor.line()?, self.cursor.line()?)
        } else {
            match (self.pop()?, self.pop()?) {
                (Value::Text(name), Value::Text(module)) => (module, name),
                _ => return Err(self.cursor.malformed("a global whose name is no text")),
            }
        };
        let Some(global) = Global::find(module, name) else {
            return Err(self.needless(&format!("refers to {module}.{name}")));
        };
        self.stack.push(Value::Global(global));
        Ok(())
    }

    /// Writes down a call.
    fn make(&mut self) -> Result<()> {
        let (args, callee) = (self.pop()?, self.pop()?);
        let Value::Global(class) = callee else {
            return Err(self.needless("calls something other than a known name"));
        };
        if !matches!(self.object_mut(args), Some(Object::Tuple(_))) {
            return Err(self.cursor.malformed("a call whose arguments are no tuple"));
        }
        let made = self.add(Object::Made { class, args, state: None });
        self.stack.push(made);
        Ok(())
    }

    fn build(&mut self) -> Result<()> {
        let (given, target) = (self.pop()?, self.top()?);
        match self.object_mut(target) {
            Some(Object::Made { state: state @ None, .. }) => *state = Some(given),
            _ => return Err(self.cursor.malformed("a state for what has one, or can have none")),
        }
        Ok(())
    }

    fn append(&mut self, opcode: Opcode) -> Result<()> {
        let items = match opcode {
            Opcode::Append => vec![self.pop()?],
            _ => self.pop_mark()?,
        };
        let target = self.top()?;
        match self.object_mut(target) {
            Some(Object::List(list)) => list.extend(items),
            _ => return Err(self.cursor.malformed("appends to what is no list")),
        }
        Ok(())
    }

    fn set_items(&mut self, opcode: Opcode) -> Result<()> {
        let items = match opcode {
            Opcode::SetItem => {
                let value = self.pop()?;
                vec![self.pop()?, value]
            }
            _ => self.pop_mark()?,
        };
        let pairs = self.pairs(&items)?;
        let target = self.top()?;
        match self.object_mut(target) {
            Some(Object::Dict(entries)) => entries.extend(pairs),
            _ => return Err(self.cursor.malformed("sets an item of what is no dictionary")),
        }
        Ok(())
    }

    fn pairs(&self, items: &[Value<'a>]) -> Result<Vec<(Value<'a>, Value<'a>)>> {
        let (pairs, rest) = items.as_chunks();
        if !rest.is_empty() {
            return Err(self.cursor.malformed("a key without a value"));
        }
        Ok(pairs.iter().map(|&[key, value]| (key, value)).collect())
    }

    fn tuple(&mut self, opcode: Opcode) -> Result<()> {
        let length = match opcode {
            Opcode::EmptyTuple => 0,
            Opcode::Tuple1 => 1,
            Opcode::Tuple2 => 2,
            Opcode::Tuple3 => 3,
            _ => self.stack.len() - self.floor(),
        };
        let items = match opcode {
            Opcode::Tuple => self.pop_mark()?,
            _ if length > self.stack.len() - self.floor() => return Err(self.underflow()),
            _ => self.stack.split_off(self.stack.len() - length),
        };
        let tuple = self.add(Object::Tuple(items));
        self.stack.push(tuple);
        Ok(())
    }

    fn container(&mut self, opcode: Opcode) -> Result<()> {
        let object = match opcode {
            Opcode::EmptyList => Object::List(Vec::new()),
            Opcode::List => Object::List(self.pop_mark()?),
            Opcode::EmptyDict => Object::Dict(Vec::new()),
            _ => {
                let items = self.pop_mark()?;
                Object::Dict(self.pairs(&items)?)
            }
        };
        let value = self.add(object);
        self.stack.push(value);
        Ok(())
    }

    fn get(&mut self, opcode: Opcode) -> Result<()> {
        let index = self.memo_index(opcode)?;
        match self.memo.get(&index) {
            Some(&value) => self.stack.push(value),
            None => return Err(self.cursor.malformed(format!("no memo #{index}"))),
        }
        Ok(())
    }

    fn put(&mut self, opcode: Opcode) -> Result<()> {
        let value = self.top()?;
        let index = match opcode {
            Opcode::Memoize => self.memo.len() as u32,
            _ => self.memo_index(opcode)?,
        };
        self.memo.insert(index, value);
        Ok(())
    }

    fn memo_index(&mut self, opcode: Opcode) -> Result<u32> {
        match opcode {
            Opcode::Get | Opcode::Put => self.cursor.number(),
            Opcode::BinGet | Opcode::BinPut => Ok(self.cursor.u8()?.into()),
            _ => self.cursor.u32(),
        }
    }

    fn dup(&mut self) -> Result<()> {
        let value = self.top()?;
        self.stack.push(value);
        Ok(())
    }

    /// The height below which nothing may be popped: that of the last mark.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self) -> Result<Value<'a>> {
        match self.stack.last() {
            Some(&value) if self.stack.len() > self.floor() => Ok(value),
            _ => Err(self.underflow()),
        }
    }

    fn pop(&mut self) -> Result<Value<'a>> {
        let value = self.top()?;
        self.stack.pop();
        Ok(value)
    }

    /// Everything above the last mark, which goes too.
    fn pop_mark(&mut self) -> Result<Vec<Value<'a>>> {
        match self.marks.pop() {
            Some(height) => Ok(self.stack.split_off(height)),
            None => Err(self.cursor.malformed("no mark on the stack")),
        }
    }

    pub(super) fn add(&mut self, object: Object<'a>) -> Value<'a> {
        let id = Id(self.objects.len() as u32);
        self.objects.push(object);
        Value::Object(id)
    }

    fn object_mut(&mut self, value: Value<'a>) -> Option<&mut Object<'a>> {
        match value {
            Value::Object(Id(index)) => self.objects.get_mut(index as usize),
            _ => None,
        }
    }

    fn underflow(&self) -> Error {
        self.cursor.malformed("too few values on the stack")
    }

    /// The error for what no predictor does.
    pub(super) fn needless(&self, what: &str) -> Error {
        let found = format!("{what}, which a predictor has no need of");
        let error = self.cursor.error(ErrorKind::Unsupported, found);
        error.hint("nothing of the file was executed; only pickled forests and trees are read")
    }
}
