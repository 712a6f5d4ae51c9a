//! Arithmetic on the values of small tensors. Results that are not representable (a division by
//! zero, an overflow) are unknown, never wrapped.

use std::borrow::Cow;

use super::site::count;
use super::slicing::Part;
use crate::op::{Binary, ReduceKind, Unary};
use crate::tensor::{DType, Values};

/// `op` of each element.
pub(super) fn unary(op: &Unary, values: &Values) -> Option<Values> {
    let int: fn(i64) -> Option<i64> = match op {
        Unary::Neg => i64::checked_neg,
        Unary::Abs => i64::checked_abs,
        Unary::Not => |x| Some(i64::from(x == 0)),
        Unary::Floor | Unary::Ceil | Unary::Round => Some,
        _ => |_| None,
    };
    let float: fn(f64) -> f64 = match op {
        Unary::Neg => |x| -x,
        Unary::Abs => f64::abs,
        Unary::Floor => f64::floor,
        Unary::Ceil => f64::ceil,
        Unary::Round => f64::round_ties_even,
        Unary::Sqrt => f64::sqrt,
        _ => return only_ints(values, int),
    };
    match values {
        Values::Ints(_) => only_ints(values, int),
        Values::Floats(v) => Some(Values::Floats(v.iter().map(|&x| float(x)).collect())),
    }
}

fn only_ints(values: &Values, function: fn(i64) -> Option<i64>) -> Option<Values> {
    match values {
        Values::Ints(v) => v.iter().map(|&x| function(x)).collect::<Option<_>>().map(Values::Ints),
        Values::Floats(_) => None,
    }
}

/// `op` of elements in pairs; both operands have the same length.
pub(super) fn binary(op: Binary, a: &Values, b: &Values) -> Option<Values> {
    if let (Values::Ints(a), Values::Ints(b)) = (a, b) {
        let pairs = a.iter().zip(b).map(|(&a, &b)| of_ints(op, a, b));
        return pairs.collect::<Option<_>>().map(Values::Ints);
    }
    let (a, b) = (floats(a), floats(b));
    if op.is_comparison() {
        let pairs = a.iter().zip(b.iter()).map(|(a, b)| compare(op, a, b).map(i64::from));
        return pairs.collect::<Option<_>>().map(Values::Ints);
    }
    let pairs = a.iter().zip(b.iter()).map(|(&a, &b)| of_floats(op, a, b));
    pairs.collect::<Option<_>>().map(Values::Floats)
}

fn compare<T: PartialOrd>(op: Binary, a: &T, b: &T) -> Option<bool> {
    match op {
        Binary::Equal => Some(a == b),
        Binary::Less => Some(a < b),
        Binary::LessOrEqual => Some(a <= b),
        Binary::Greater => Some(a > b),
        Binary::GreaterOrEqual => Some(a >= b),
        _ => None,
    }
}

fn of_ints(op: Binary, a: i64, b: i64) -> Option<i64> {
    match op {
        Binary::Add => a.checked_add(b),
        Binary::Sub => a.checked_sub(b),
        Binary::Mul => a.checked_mul(b),
        Binary::Div => a.checked_div(b),
        Binary::FloorDiv => {
            let inexact = a.checked_rem(b)? != 0;
            a.checked_div(b)?.checked_sub(i64::from(inexact && (a < 0) != (b < 0)))
        }
        Binary::Mod => {
            let rest = a.checked_rem(b)?;
            Some(if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest })
        }
        Binary::Pow => a.checked_pow(u32::try_from(b).ok()?),
        Binary::Min => Some(a.min(b)),
        Binary::Max => Some(a.max(b)),
        Binary::SquaredDifference => a.checked_sub(b)?.checked_pow(2),
        Binary::And => Some(i64::from(a != 0 && b != 0)),
        Binary::Or => Some(i64::from(a != 0 || b != 0)),
        Binary::Xor => Some(i64::from((a != 0) != (b != 0))),
        Binary::Equal
        | Binary::Less
        | Binary::LessOrEqual
        | Binary::Greater
        | Binary::GreaterOrEqual => compare(op, &a, &b).map(i64::from),
        Binary::Mean | Binary::PRelu | Binary::BitShift => None,
    }
}

fn of_floats(op: Binary, a: f64, b: f64) -> Option<f64> {
    match op {
        Binary::Add => Some(a + b),
        Binary::Sub => Some(a - b),
        Binary::Mul => Some(a * b),
        Binary::Div => Some(a / b).filter(|x| x.is_finite()),
        Binary::FloorDiv => Some((a / b).floor()).filter(|x| x.is_finite()),
        Binary::Pow => Some(a.powf(b)),
        Binary::Min => Some(a.min(b)),
        Binary::Max => Some(a.max(b)),
        _ => None,
    }
}

/// All elements folded into one.
pub(super) fn reduce(kind: ReduceKind, values: &Values) -> Option<Values> {
    match values {
        Values::Ints(v) => {
            let mut items = v.iter().copied();
            let folded = match kind {
                ReduceKind::Prod => items.try_fold(1_i64, i64::checked_mul),
                ReduceKind::Sum => items.try_fold(0_i64, i64::checked_add),
                ReduceKind::Max => items.max(),
                ReduceKind::Min => items.min(),
                _ => None,
            };
            folded.map(|x| Values::Ints(vec![x]))
        }
        Values::Floats(v) => {
            let folded = match kind {
                ReduceKind::Prod => v.iter().product(),
                ReduceKind::Sum => v.iter().sum(),
                _ => return None,
            };
            Some(Values::Floats(vec![folded]))
        }
    }
}

fn floats(values: &Values) -> Cow<'_, [f64]> {
    match values {
        Values::Ints(v) => v.iter().map(|&i| i as f64).collect::<Vec<_>>().into(),
        Values::Floats(v) => v.as_slice().into(),
    }
}

/// Extents as integers.
pub(super) fn ints(extents: impl IntoIterator<Item = usize>) -> Values {
    let signed = |extent| i64::try_from(extent).unwrap_or(i64::MAX);
    Values::Ints(extents.into_iter().map(signed).collect())
}

/// Elements by their indices.
pub(super) fn pick(values: &Values, indices: Vec<usize>) -> Option<Values> {
    let indices = indices.into_iter();
    match values {
        Values::Ints(v) => {
            indices.map(|i| v.get(i).copied()).collect::<Option<_>>().map(Values::Ints)
        }
        Values::Floats(v) => {
            indices.map(|i| v.get(i).copied()).collect::<Option<_>>().map(Values::Floats)
        }
    }
}

/// A part of a vector.
pub(super) fn take(values: &Values, part: Part) -> Option<Values> {
    let (first, length) = part.resolve(count(values));
    let step = isize::try_from(part.step).ok();
    let index = |i: usize| first.checked_add_signed(step?.checked_mul(isize::try_from(i).ok()?)?);
    match length {
        0 => pick(values, Vec::new()),
        1 => pick(values, vec![first]),
        _ => pick(values, (0..length).map(index).collect::<Option<_>>()?),
    }
}

/// Elements of `x` where the condition holds, of `y` elsewhere.
pub(super) fn choose<T: Copy>(condition: &[i64], x: &[T], y: &[T]) -> Vec<T> {
    let both = x.iter().zip(y);
    both.zip(condition).map(|((&x, &y), &c)| if c != 0 { x } else { y }).collect()
}

/// Conversion of the element type; floats lose their fraction.
pub(super) fn cast(values: &Values, dtype: DType) -> Values {
    match (values, dtype) {
        (Values::Ints(v), DType::Bool) => {
            Values::Ints(v.iter().map(|&x| i64::from(x != 0)).collect())
        }
        (Values::Floats(v), DType::Bool) => {
            Values::Ints(v.iter().map(|&x| i64::from(x != 0.0)).collect())
        }
        (_, DType::F32 | DType::F64 | DType::F16 | DType::BF16 | DType::F8) => match values {
            Values::Ints(v) => Values::Floats(v.iter().map(|&x| x as f64).collect()),
            Values::Floats(_) => values.clone(),
        },
        (Values::Floats(v), _) => Values::Ints(v.iter().map(|&x| x as i64).collect()),
        (Values::Ints(_), _) => values.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divides_towards_zero_or_down_as_the_operator_says() {
        assert_eq!(of_ints(Binary::Div, -7, 2), Some(-3));
        assert_eq!(of_ints(Binary::FloorDiv, -7, 2), Some(-4));
        assert_eq!(of_ints(Binary::Mod, -7, 2), Some(1));
        assert_eq!(of_ints(Binary::Div, 7, 0), None);
        assert_eq!(of_ints(Binary::Mod, i64::MIN, -1), None);
        assert_eq!(of_ints(Binary::Mul, i64::MAX, 2), None);
    }
}
