//! Recurrent layers, with ONNX's operands and outputs.

use smallvec::smallvec;

use super::site::{Rule, Site, Types, typed};
use crate::op::{Recurrent, RecurrentCell};
use crate::tensor::{Dims, TensorType};

impl Site<'_> {
    /// Outputs: the states at all times, the last hidden state, and an LSTM's last cell state.
    pub(super) fn recurrent(&self, layer: &Recurrent) -> Rule<Types> {
        let (data, weight) = (self.ty(0)?, self.ty(1)?);
        let &[outer, inner, width] = data.dims.as_slice() else {
            return Err(self.mismatch(format!("input is {data}"), "time, batch and features"));
        };
        let directions = if layer.bidirectional { 2 } else { 1 };
        let hidden = self.hidden(layer)?;
        let wanted = [directions, hidden.saturating_mul(gates(layer.cell)), width];
        if weight.dims.as_slice() != wanted {
            let expected = TensorType::f32(wanted);
            return Err(self.mismatch(
                format!("weight is {weight}"),
                format!("{expected} for an input of {data} and {hidden} hidden"),
            ));
        }
        let (all, last): ([usize; 4], [usize; 3]) = if layer.batch_first {
            ([outer, inner, directions, hidden], [outer, directions, hidden])
        } else {
            ([outer, directions, inner, hidden], [directions, inner, hidden])
        };
        let last = typed(data, Dims::from_slice(&last));
        let mut types: Types = smallvec![Some(typed(data, Dims::from_slice(&all)))];
        types.push(Some(last.clone()));
        if layer.cell == RecurrentCell::Lstm {
            types.push(Some(last));
        }
        Ok(types)
    }

    /// Width of the hidden state: the attribute, or the last extent of R.
    fn hidden(&self, layer: &Recurrent) -> Rule<usize> {
        if layer.hidden > 0 {
            return Ok(layer.hidden);
        }
        let recurrence = self.ty(2)?;
        recurrence.dims.get(2).copied().ok_or_else(|| {
            let found = format!("recurrence weight is {recurrence}");
            self.mismatch(found, "directions, gates and hidden")
        })
    }
}

/// Number of weight matrices that a cell has side by side.
fn gates(cell: RecurrentCell) -> usize {
    match cell {
        RecurrentCell::Rnn => 1,
        RecurrentCell::Gru => 3,
        RecurrentCell::Lstm => 4,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::infer::tests::check;

    #[test]
    fn recurrent_layers() {
        check(
            "x = input 20x4x32 ; w = const 2x256x32 ; r = const 2x256x64
             y,h,c = lstm x w r bi
             w1 = const 1x192x32 ; r1 = const 1x192x64
             z,zh = gru x w1 r1 h=64 batch_first",
            expect![[r#"
                y: 20x2x4x64 2x4x64 2x4x64
                z: 20x4x1x64 20x1x64
            "#]],
        );
        check(
            "x = input 20x4x16 ; w = const 1x256x32 ; y = lstm x w h=64",
            expect![[r#"
            node #2 "y": weight is 1x256x32; expected 1x256x16 for an input of 20x4x16 and 64 hidden
        "#]],
        );
    }
}
