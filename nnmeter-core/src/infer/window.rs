//! Convolutions and poolings in one to three spatial axes: what a sliding window leaves of an
//! extent.
//!
//! Formulas: ONNX's Conv, ConvTranspose and MaxPool. A partial window at the end (`ceil_mode`)
//! counts unless it would start in the padding, as PyTorch has it.

use super::site::{Rule, Site, Stop, typed};
use crate::op::{Conv, FilterLayout, Layout, Padding, Pool};
use crate::tensor::{Dims, TensorType};

/// A window along one axis.
#[derive(Clone, Copy, Debug)]
struct Window {
    kernel: usize,
    stride: usize,
    dilation: usize,
    pad: Pad,
}

/// Padding along one axis.
#[derive(Clone, Copy, Debug)]
enum Pad {
    Explicit(usize, usize),
    Same,
}

impl Window {
    /// Extent that the window spans; `None` if it has none or it overflows.
    fn span(&self) -> Option<usize> {
        self.kernel.checked_sub(1)?.checked_mul(self.dilation)?.checked_add(1)
    }

    /// Number of positions of the window in `input`; `None` if it does not fit in.
    fn slide(&self, input: usize, ceil: bool) -> Option<usize> {
        let span = self.span()?;
        let (begin, end) = match self.pad {
            Pad::Same => return Some(input.div_ceil(self.stride)),
            Pad::Explicit(begin, end) => (begin, end),
        };
        let begun = input.checked_add(begin)?;
        let room = begun.checked_add(end)?.checked_sub(span)?;
        if !ceil {
            return Some(room / self.stride + 1);
        }
        let last = room.div_ceil(self.stride);
        let starts_in_padding = last.saturating_mul(self.stride) >= begun;
        Some(if starts_in_padding { last } else { last.saturating_add(1) })
    }

    /// Extent that a transposed convolution makes of `input`; `None` if nothing is left.
    fn spread(&self, input: usize, extra: usize) -> Option<usize> {
        match self.pad {
            Pad::Same => input.checked_mul(self.stride),
            Pad::Explicit(begin, end) => input
                .checked_sub(1)?
                .checked_mul(self.stride)?
                .checked_add(self.span()?)?
                .checked_add(extra)?
                .checked_sub(begin.checked_add(end)?)
                .filter(|&extent| extent > 0),
        }
    }
}

/// Strides, dilations and padding as a node has them.
struct Sliding<'a> {
    strides: &'a [usize],
    dilations: &'a [usize],
    padding: &'a Padding,
}

/// What a weight says about its convolution.
struct Filter<'a> {
    kernel: &'a [usize],
    inputs: usize,
    outputs: usize,
}

impl Site<'_> {
    pub(super) fn conv(&self, conv: &Conv) -> Rule<TensorType> {
        let (data, weight) = (self.ty(0)?, self.ty(1)?);
        let channel_axis = self.windowed(data, conv.layout)?;
        let filter = self.filter(conv, data, weight, channel_axis)?;
        let channels = data.dims[channel_axis];
        if channels != filter.inputs {
            return Err(self.mismatch(
                format!("input has {channels} channels"),
                format!("{}, as its weight says", filter.inputs),
            ));
        }
        self.check_bias(filter.outputs)?;
        let mut dims = data.dims.clone();
        dims[channel_axis] = filter.outputs;
        let sliding =
            Sliding { strides: &conv.strides, dilations: &conv.dilations, padding: &conv.padding };
        self.check_length("output paddings", &conv.output_padding, filter.kernel.len())?;
        let extents = &mut dims[conv.layout.spatial_axes(data.rank())];
        self.slide(&sliding, filter.kernel, extents, |window, axis, input| {
            if conv.transposed {
                window.spread(input, conv.output_padding.get(axis).copied().unwrap_or(0))
            } else {
                window.slide(input, false)
            }
        })?;
        Ok(typed(data, dims))
    }

    pub(super) fn pool(&self, pool: &Pool) -> Rule<TensorType> {
        let data = self.ty(0)?;
        self.windowed(data, pool.layout)?;
        let spatial = data.rank() - 2;
        if pool.kernel.len() != spatial {
            return Err(self.bad(
                format!("window has {} extents", pool.kernel.len()),
                format!("{spatial}, one for each spatial axis of {data}"),
            ));
        }
        let sliding =
            Sliding { strides: &pool.strides, dilations: &pool.dilations, padding: &pool.padding };
        let mut dims = data.dims.clone();
        let extents = &mut dims[pool.layout.spatial_axes(data.rank())];
        self.slide(&sliding, &pool.kernel, extents, |window, _, input| {
            window.slide(input, pool.ceil_mode)
        })?;
        Ok(typed(data, dims))
    }

    /// Replaces spatial extents by what `extent` says is left of them.
    fn slide(
        &self,
        sliding: &Sliding<'_>,
        kernel: &[usize],
        extents: &mut [usize],
        extent: impl Fn(&Window, usize, usize) -> Option<usize>,
    ) -> Rule<()> {
        self.check_lengths(sliding, extents.len())?;
        for (axis, (dim, &kernel)) in extents.iter_mut().zip(kernel).enumerate() {
            let window = self.window(sliding, axis, kernel)?;
            let input = *dim;
            *dim = extent(&window, axis, input).ok_or_else(|| self.does_not_fit(&window, input))?;
        }
        Ok(())
    }

    pub(super) fn global_pool(&self, layout: Layout) -> Rule<TensorType> {
        let data = self.ty(0)?;
        self.windowed(data, layout)?;
        let mut dims = data.dims.clone();
        dims[layout.spatial_axes(data.rank())].fill(1);
        Ok(typed(data, dims))
    }

    /// The channel axis of data that has spatial axes.
    fn windowed(&self, data: &TensorType, layout: Layout) -> Rule<usize> {
        let axis = layout.channel_axis(data.rank()).filter(|_| data.rank() >= 3);
        axis.ok_or_else(|| {
            self.mismatch(format!("input is {data}"), "a batch, channels and spatial axes")
        })
    }

    fn filter<'t>(
        &self,
        conv: &Conv,
        data: &TensorType,
        weight: &'t TensorType,
        channel_axis: usize,
    ) -> Rule<Filter<'t>> {
        if weight.rank() != data.rank() {
            let found = format!("weight {weight} has {} axes", weight.rank());
            return Err(self.mismatch(found, format!("{} as its input {data}", data.rank())));
        }
        let (kernel, [first, second]) = axes_of(conv.filter, &weight.dims);
        let groups = conv.groups_of(data.dims[channel_axis], first);
        if groups == 0 {
            return Err(self.bad("has 0 groups", "1 or more"));
        }
        let (inputs, outputs) = match (conv.filter, conv.transposed) {
            (FilterLayout::Oihw, false) => (second.saturating_mul(groups), first),
            (FilterLayout::Oihw, true) => (first, second.saturating_mul(groups)),
            (FilterLayout::Hwio, false) => (first.saturating_mul(groups), second),
            (FilterLayout::Hwio, true) => (second, first.saturating_mul(groups)),
            (FilterLayout::HwioDepthwise, _) => (first, first.saturating_mul(second)),
        };
        let (side, grouped) = if conv.transposed { ("input", inputs) } else { ("output", outputs) };
        if conv.filter != FilterLayout::HwioDepthwise && grouped % groups != 0 {
            return Err(self.mismatch(
                format!("weight {weight} has {grouped} {side} channels"),
                format!("a multiple of {groups}, the number of groups"),
            ));
        }
        Ok(Filter { kernel, inputs, outputs })
    }

    fn check_bias(&self, outputs: usize) -> Rule<()> {
        match self.optional_ty(2) {
            Ok(Some(bias)) if bias.elements() != outputs => {
                let found = format!("bias has {} values", bias.elements());
                Err(self.mismatch(found, format!("{outputs}, one for each output channel")))
            }
            _ => Ok(()),
        }
    }

    fn check_lengths(&self, sliding: &Sliding<'_>, axes: usize) -> Rule<()> {
        self.check_length("strides", sliding.strides, axes)?;
        self.check_length("dilations", sliding.dilations, axes)?;
        match sliding.padding {
            Padding::SameUpper | Padding::SameLower => Ok(()),
            Padding::Explicit(begins, ends) => {
                self.check_length("paddings at the begin", begins, axes)?;
                self.check_length("paddings at the end", ends, axes)
            }
        }
    }

    fn check_length(&self, what: &str, values: &[usize], axes: usize) -> Rule<()> {
        if values.is_empty() || values.len() == axes {
            return Ok(());
        }
        let found = format!("has {} {what}", values.len());
        Err(self.bad(found, format!("{axes}, one for each spatial axis")))
    }

    fn window(&self, sliding: &Sliding<'_>, axis: usize, kernel: usize) -> Rule<Window> {
        let or = |values: &[usize], absent| values.get(axis).copied().unwrap_or(absent);
        let pad = match sliding.padding {
            Padding::SameUpper | Padding::SameLower => Pad::Same,
            Padding::Explicit(begins, ends) => Pad::Explicit(or(begins, 0), or(ends, 0)),
        };
        let (stride, dilation) = (or(sliding.strides, 1), or(sliding.dilations, 1));
        let positive = [("window extent", kernel), ("stride", stride), ("dilation", dilation)];
        match positive.iter().find(|(_, value)| *value == 0) {
            Some((what, _)) => Err(self.bad(format!("{what} is 0"), "1 or more")),
            None => Ok(Window { kernel, stride, dilation, pad }),
        }
    }

    fn does_not_fit(&self, window: &Window, input: usize) -> Stop {
        let padding = match window.pad {
            Pad::Explicit(begin, end) => begin.saturating_add(end),
            Pad::Same => 0,
        };
        let Window { kernel, dilation, .. } = window;
        let dilated =
            if *dilation == 1 { String::new() } else { format!(" dilated by {dilation}") };
        self.mismatch(
            format!(
                "window of {kernel}{dilated} does not fit an extent of {input} padded by {padding}"
            ),
            "a window that fits its input",
        )
    }
}

/// Kernel extents of a weight, and its two other axes in their order. `dims` has two or more axes.
fn axes_of(layout: FilterLayout, dims: &Dims) -> (&[usize], [usize; 2]) {
    match layout {
        FilterLayout::Oihw => (&dims[2..], [dims[0], dims[1]]),
        FilterLayout::Hwio | FilterLayout::HwioDepthwise => {
            let n = dims.len();
            (&dims[..n - 2], [dims[n - 2], dims[n - 1]])
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Pad, Window};

    /// Positions by trying them: a window counts if it ends in the padded input, or, with `ceil`,
    /// if it begins before the end padding and is not wholly past the first that sticks out.
    fn brute_force(window: &Window, input: usize, ceil: bool) -> usize {
        let Pad::Explicit(begin, end) = window.pad else { return 0 };
        let span = (window.kernel - 1) * window.dilation + 1;
        let padded = begin + input + end;
        let mut count = 0;
        for start in (0..=padded).step_by(window.stride) {
            if start + span <= padded {
                count += 1;
            } else if ceil && count > 0 && start < begin + input {
                let previous_fills = start - window.stride + span == padded;
                return if previous_fills { count } else { count + 1 };
            }
        }
        count
    }

    fn windows() -> impl Strategy<Value = Window> {
        (1_usize..6, 1_usize..4, 1_usize..4, 0_usize..4, 0_usize..4).prop_map(
            |(kernel, stride, dilation, begin, end)| Window {
                kernel,
                stride,
                dilation,
                pad: Pad::Explicit(begin, end),
            },
        )
    }

    proptest! {
        #[test]
        fn slides_as_often_as_there_are_positions(window in windows(), input in 1_usize..20) {
            let expected = brute_force(&window, input, false);
            prop_assert_eq!(window.slide(input, false).unwrap_or(0), expected);
        }

        #[test]
        fn partial_windows_count_in_ceil_mode(window in windows(), input in 1_usize..20) {
            let Pad::Explicit(begin, _) = window.pad else { return Ok(()) };
            prop_assume!(begin < window.kernel);
            let found = window.slide(input, true).unwrap_or(0);
            let floor = window.slide(input, false).unwrap_or(0);
            prop_assert!(found <= floor + 1);
            prop_assume!(brute_force(&window, input, false) <= found);
            prop_assert_eq!(found, brute_force(&window, input, true));
        }

        #[test]
        fn spreading_undoes_sliding(window in windows(), output in 1_usize..20) {
            if let Some(input) = window.spread(output, 0) {
                prop_assert_eq!(window.slide(input, false), Some(output));
            }
        }
    }
}
