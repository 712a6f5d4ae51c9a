//! Windowed poolings that are called as functions: their windows are operands, and recorded shapes
//! are rare.

use super::functions::{int, ints};
use super::walk::{Call, Item, Walker};
use crate::error::Result;
use crate::op::{Layout, Op, Padding, Pool, PoolKind, Spatial};

/// No axis of any network is longer.
const MAX: i64 = 1 << 40;

/// `max_pool2d(x, kernel, stride, padding, dilation, ceil_mode)` or `avg_pool2d(x, kernel, stride,
/// padding, ceil_mode)`; kept by name where an operand is not known.
pub(super) fn pool(walker: &mut Walker<'_>, call: &Call<'_>, max: bool) -> Result<Vec<Item>> {
    match window(call, max) {
        Some(pool) => walker.add(call, Op::Pool(pool), &[call.input(0)], Vec::new(), 1),
        None => call.other(walker),
    }
}

fn window(call: &Call<'_>, max: bool) -> Option<Pool> {
    let kernel = amounts(call.input(1), 1)?;
    let strides = or_none(call.input(2), 1)?;
    let padding = or_none(call.input(3), 0)?;
    let (kind, dilations, ceil) = match max {
        true => (PoolKind::Max, or_none(call.input(4), 1)?, call.input(5)),
        false => (PoolKind::Average, Spatial::new(), call.input(4)),
    };
    Some(Pool {
        kind,
        layout: Layout::ChannelsFirst,
        strides: if strides.is_empty() { kernel.clone() } else { strides },
        dilations,
        padding: Padding::Explicit(padding.clone(), padding),
        ceil_mode: int(ceil) == Some(1),
        kernel,
    })
}

/// An amount for each of the two axes; empty where the operand is left out.
fn or_none(item: &Item, least: i64) -> Option<Spatial> {
    match item {
        Item::None => Some(Spatial::new()),
        Item::List(items) if items.is_empty() => Some(Spatial::new()),
        given => amounts(given, least),
    }
}

fn amounts(item: &Item, least: i64) -> Option<Spatial> {
    let amounts = match ints(item)?[..] {
        [both] => [both; 2],
        [height, width] => [height, width],
        _ => return None,
    };
    let fits = amounts.iter().all(|amount| (least..MAX).contains(amount));
    fits.then(|| amounts.iter().map(|&amount| amount as usize).collect())
}
