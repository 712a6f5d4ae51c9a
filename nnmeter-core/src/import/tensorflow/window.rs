//! Convolutions and poolings of TensorFlow.

use super::site::{Lowered, Site, error};
use crate::error::{ErrorKind, Result};
use crate::op::{Conv, FilterLayout, Op, Padding, Pool, PoolKind, Spatial};

/// A convolution. Operands: data, filter.
pub(super) fn conv<'g>(site: &Site<'g>, filter: FilterLayout) -> Result<Lowered<'g>> {
    let op = Op::Conv(attributes(site, filter, false)?);
    Ok(Lowered::new(op, [site.input(0)?, site.input(1)?]))
}

/// The gradient of a convolution by its input, which is what transposed convolutions are made of.
/// Its operands are: extents of the result, filter, data.
pub(super) fn conv_transposed<'g>(site: &Site<'g>) -> Result<Lowered<'g>> {
    let op = Op::Conv(attributes(site, FilterLayout::Hwio, true)?);
    Ok(Lowered::new(op, [site.input(2)?, site.input(1)?]))
}

fn attributes(site: &Site<'_>, filter: FilterLayout, transposed: bool) -> Result<Conv> {
    Ok(Conv {
        transposed,
        layout: site.layout(),
        filter,
        strides: site.spatial("strides")?,
        dilations: site.spatial("dilations")?,
        padding: padding(site)?,
        output_padding: Spatial::new(),
        groups: groups(filter, transposed),
    })
}

/// TensorFlow has no attribute for groups: there are as many as the channels of the data are
/// multiples of those of the filter.
fn groups(filter: FilterLayout, transposed: bool) -> usize {
    if filter == FilterLayout::Hwio && !transposed { Conv::GROUPS_BY_WEIGHT } else { 1 }
}

/// A windowed pooling.
pub(super) fn pool<'g>(site: &Site<'g>, kind: PoolKind) -> Result<Lowered<'g>> {
    let kernel = site.spatial("ksize")?;
    if kernel.is_empty() {
        return Err(error(site.node, ErrorKind::BadAttribute, "has no ksize"));
    }
    let pool = Pool {
        kind,
        layout: site.layout(),
        strides: site.spatial("strides")?,
        dilations: Spatial::new(),
        padding: padding(site)?,
        ceil_mode: false,
        kernel,
    };
    Ok(Lowered::new(Op::Pool(pool), [site.input(0)?]))
}

fn padding(site: &Site<'_>) -> Result<Padding> {
    let rule = site.attr("padding").and_then(|attr| attr.s.as_deref()).unwrap_or(b"VALID");
    match rule {
        b"SAME" => Ok(Padding::SameUpper),
        b"VALID" => Ok(Padding::default()),
        b"EXPLICIT" => explicit(site),
        other => {
            let found = format!("has padding \"{}\"", String::from_utf8_lossy(other));
            Err(error(site.node, ErrorKind::BadAttribute, found)
                .expected("SAME, VALID or EXPLICIT"))
        }
    }
}

/// Begin and end of every axis, one axis after the other.
fn explicit(site: &Site<'_>) -> Result<Padding> {
    let list = site.attr("explicit_paddings").and_then(|attr| attr.list.as_ref());
    let pads = list.map_or(&[][..], |list| &list.i);
    let axes = site.layout().spatial_axes(pads.len() / 2);
    let amount = |&pad: &i64| usize::try_from(pad).ok().filter(|_| pad < 1 << 40);
    let pairs = &pads[2 * axes.start..2 * axes.end];
    let begins: Option<Spatial> = pairs.iter().step_by(2).map(amount).collect();
    let ends: Option<Spatial> = pairs.iter().skip(1).step_by(2).map(amount).collect();
    match (begins, ends) {
        (Some(begins), Some(ends)) if !begins.is_empty() => Ok(Padding::Explicit(begins, ends)),
        _ => {
            let found = format!("has explicit_paddings {pads:?}");
            Err(error(site.node, ErrorKind::BadAttribute, found)
                .expected("a begin and an end of 0 or more for each axis"))
        }
    }
}
