//! The opcodes that push what follows them: numbers, texts and bytes.

use super::machine::Machine;
use super::opcode::Opcode;
use super::{Object, Value};
use crate::error::Result;

impl<'a> Machine<'a> {
    /// The value of an opcode that pushes what follows it.
    pub(super) fn literal(&mut self, opcode: Opcode) -> Result<Value<'a>> {
        use Opcode as Op;
        let cursor = &mut self.cursor;
        Ok(match opcode {
            Op::None => Value::None,
            Op::NewTrue => Value::Bool(true),
            Op::NewFalse => Value::Bool(false),
            Op::Int => return self.int_line(),
            Op::Long => Value::Int(cursor.number()?),
            Op::BinInt => Value::Int(cursor.i32()?.into()),
            Op::BinInt1 => Value::Int(cursor.u8()?.into()),
            Op::BinInt2 => Value::Int(cursor.u16()?.into()),
            Op::Long1 => {
                let length = cursor.u8()?;
                Value::Int(cursor.long(length.into())?)
            }
            Op::Long4 => {
                let length = cursor.u32()?;
                Value::Int(cursor.long(length)?)
            }
            Op::Float => Value::Float(cursor.number()?),
            Op::BinFloat => Value::Float(cursor.f64()?),
            Op::Unicode => {
                let text = cursor.escaped_line()?;
                self.add(Object::Text(text))
            }
            Op::ShortBinUnicode | Op::BinUnicode | Op::BinUnicode8 => {
                let length = self.length(opcode)?;
                Value::Text(self.cursor.text(length)?)
            }
            Op::ShortBinBytes | Op::BinBytes | Op::BinBytes8 | Op::ByteArray8 => {
                let length = self.length(opcode)?;
                Value::Bytes(self.cursor.take(length)?)
            }
            _ => return Err(self.needless(&format!("uses the opcode {}", opcode.name()))),
        })
    }

    /// The count that goes before text or bytes.
    fn length(&mut self, opcode: Opcode) -> Result<u64> {
        match opcode {
            Opcode::ShortBinUnicode | Opcode::ShortBinBytes => Ok(self.cursor.u8()?.into()),
            Opcode::BinUnicode | Opcode::BinBytes => Ok(self.cursor.u32()?.into()),
            _ => self.cursor.u64(),
        }
    }

    /// A decimal integer; protocol 1 and older write truth values as 00 and 01.
    fn int_line(&mut self) -> Result<Value<'a>> {
        let line = self.cursor.line()?;
        match (line, line.parse()) {
            ("00", _) => Ok(Value::Bool(false)),
            ("01", _) => Ok(Value::Bool(true)),
            (_, Ok(int)) => Ok(Value::Int(int)),
            _ => Err(self.cursor.malformed(format!("the number {line:?}"))),
        }
    }
}
