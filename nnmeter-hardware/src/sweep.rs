//! Sweeps: kernels whose work grows along one extent while all others stay the same, to see that a
//! device's models are physically sensible.
//!
//! A kernel with more work at the same shape may run a little faster, where it fits tiles and
//! vectors better, but never much. Where a compiler goes about kernels in several ways (other numbers
//! of tiles, another mode of the hardware), a kernel may really be much cheaper than one with less
//! work that is dealt with in another way; so only those of one way are compared. The grid is made of steps of a third to a half, from the smallest
//! to the largest extents that networks have, inside and outside of what a model was fitted on.
//! Nothing here measures.

use nnmeter_core::feature::{Examined, Feature};
use nnmeter_core::kind::Kind;
use nnmeter_core::model::KernelModel;
use nnmeter_core::workload::Workload;

use crate::dataset::kernels::Configuration;
use crate::error::{Error, ErrorKind, Result};

/// Share of its cost by which a kernel may get cheaper when its work grows, on devices whose runtime
/// gives no reason for more.
pub const TOLERANCE: f64 = 0.1;

const SIDES: [u32; 10] = [1, 4, 7, 14, 20, 28, 40, 56, 112, 224];
const CHANNELS: [u32; 13] = [8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512];
const WINDOWS: [u32; 4] = [1, 3, 5, 7];
const STRIDES: [u32; 2] = [1, 2];

/// What grows along a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// Height and width.
    Side,
    /// Input channels, and output channels where they are the same.
    Cin,
    /// Output channels.
    Cout,
    /// Height and width of the window.
    Window,
}

/// Kernels of one kind whose work grows.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    /// What grows.
    pub axis: Axis,
    /// The kernels, in the order of their work.
    pub works: Vec<Workload>,
}

/// How a compiler goes about a kernel; the same for all where it has but one way.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Way([f64; WAYS.len()]);

/// What tells the ways of a compiler that tiles apart.
const WAYS: [Feature; 4] =
    [Feature::PlaneTiles, Feature::ChannelTiles, Feature::EngineMode, Feature::LopsidedPadding];

impl Way {
    /// That of `work`, by what `model` counts.
    pub fn of(model: &KernelModel, work: &Workload) -> Self {
        match model {
            KernelModel::Parametric(base) | KernelModel::Corrected(base, _)
                if tells_ways(base.terms().iter().map(|term| term.feature)) =>
            {
                let work = Examined::new(work);
                Self(WAYS.map(|feature| feature.at(&work)))
            }
            _ => Self::default(),
        }
    }
}

/// Whether a model that counts these features knows of several ways.
pub fn tells_ways(mut features: impl Iterator<Item = Feature>) -> bool {
    features.any(|feature| feature == Feature::EngineCycles)
}

impl Sweep {
    /// The greatest share by which a kernel is cheaper than one with less work, and which it is;
    /// `None` if none is. Kernels of different ways are not compared.
    pub fn worst_drop(
        &self,
        cost: impl Fn(&Workload) -> f64,
        way: impl Fn(&Workload) -> Way,
    ) -> Option<(f64, &Workload)> {
        let (mut most, mut worst) = (Vec::new(), None);
        for work in &self.works {
            let (cost, way) = (cost(work), way(work));
            match most.iter_mut().find(|(of, _)| *of == way) {
                None => most.push((way, cost)),
                Some((_, most)) => {
                    let drop = 1.0 - cost / *most;
                    if drop > worst.map_or(0.0, |(drop, _)| drop) {
                        worst = Some((drop, work));
                    }
                    *most = cost.max(*most);
                }
            }
        }
        worst
    }
}

/// Checks that `model` is physically sensible on all sweeps of `kind`.
///
/// # Errors
/// If a kernel's cost is not finite or negative, or it drops by more than the share `tolerance`.
pub fn check(kind: Kind, model: &KernelModel, tolerance: f64) -> Result<()> {
    for sweep in sweeps(kind) {
        for work in &sweep.works {
            let cost = model.cost(work);
            if !(cost.is_finite() && cost >= 0.0) {
                return Err(senseless(work, format!("costs {cost}")).expected("0 or more"));
            }
        }
        if let Some((drop, work)) =
            sweep.worst_drop(|work| model.cost(work), |work| Way::of(model, work))
            && drop > tolerance
        {
            let drop = format!("is {:.1} % cheaper than one with less work", 100.0 * drop);
            let most = format!("at most {:.0} %", 100.0 * tolerance);
            return Err(senseless(work, drop).expected(most));
        }
    }
    Ok(())
}

fn senseless(work: &Workload, found: String) -> Error {
    let Workload { kind, input: [_, side, _], cin, cout, window: [_, window, _], .. } = work;
    let subject = format!("{kind} {side}x{side}x{cin} -> {cout} channels, window {window}");
    let subject = format!("{subject}, stride {}", work.stride[1]);
    Error::new(ErrorKind::Fit, subject, found)
}

/// A point of the grid.
#[derive(Clone, Copy)]
struct Point {
    kind: Kind,
    side: u32,
    cin: u32,
    cout: u32,
    window: u32,
    stride: u32,
}

/// All sweeps of a kind along the extents that it has.
pub fn sweeps(kind: Kind) -> Vec<Sweep> {
    let (mixes, slides) = (mixes_channels(kind), has_window(kind));
    let couts: &[u32] = if mixes { &CHANNELS } else { &CHANNELS[..1] };
    let windows: &[u32] = if slides { &WINDOWS } else { &WINDOWS[..1] };
    let strides: &[u32] = if slides { &STRIDES } else { &STRIDES[..1] };
    let sides: &[u32] = if kind == Kind::Fc { &SIDES[..1] } else { &SIDES };
    let axes: [(Axis, &[u32]); 4] =
        [(Axis::Side, sides), (Axis::Cin, &CHANNELS), (Axis::Cout, couts), (Axis::Window, windows)];
    let mut points = Vec::new();
    for (&side, &cin) in sides.iter().flat_map(|side| CHANNELS.iter().map(move |cin| (side, cin))) {
        for (&cout, &window) in couts.iter().flat_map(|c| windows.iter().map(move |k| (c, k))) {
            let cout = if mixes { cout } else { cin };
            let point = |&stride| Point { kind, side, cin, cout, window, stride };
            points.extend(strides.iter().map(point));
        }
    }
    let along = |(axis, values): (Axis, &[u32])| -> Vec<Sweep> {
        let starts = points.iter().filter(|point| point.on(axis) == values[0]);
        let sweep = |start: &Point| Sweep {
            axis,
            works: values.iter().filter_map(|&value| start.with(axis, value).work()).collect(),
        };
        if values.len() > 1 { starts.map(sweep).collect() } else { Vec::new() }
    };
    axes.into_iter().flat_map(along).collect()
}

/// A kernel of the grid, square and with as many channels after as before.
pub fn square(kind: Kind, side: u32, channels: u32, window: u32) -> Option<Workload> {
    Point { kind, side, cin: channels, cout: channels, window, stride: 1 }.work()
}

fn mixes_channels(kind: Kind) -> bool {
    matches!(kind, Kind::Conv | Kind::ConvTrans | Kind::Fc)
}

fn has_window(kind: Kind) -> bool {
    matches!(kind, Kind::Conv | Kind::ConvTrans | Kind::DwConv | Kind::MaxPool | Kind::AvgPool)
}

impl Point {
    fn on(&self, axis: Axis) -> u32 {
        match axis {
            Axis::Side => self.side,
            Axis::Cin => self.cin,
            Axis::Cout => self.cout,
            Axis::Window => self.window,
        }
    }

    fn with(mut self, axis: Axis, value: u32) -> Self {
        match axis {
            Axis::Side => self.side = value,
            Axis::Cin if mixes_channels(self.kind) => self.cin = value,
            Axis::Cin => (self.cin, self.cout) = (value, value),
            Axis::Cout => self.cout = value,
            Axis::Window => self.window = value,
        }
        self
    }

    /// `None` for a kind whose work does not follow from these extents.
    fn work(&self) -> Option<Workload> {
        // Squeeze and excite with a quarter of the channels between its two products.
        let inner = u64::from(self.cin) * u64::from(self.cin) / 2;
        let inner = (self.kind == Kind::Se).then_some(inner);
        let cout = if self.kind == Kind::Concat { 2 * self.cout } else { self.cout };
        let configuration = Configuration {
            kind: self.kind.name().to_owned(),
            input: vec![self.side; 2],
            cin: self.cin,
            cout: Some(cout),
            window: vec![self.window; 2],
            stride: vec![self.stride; 2],
            weights: inner,
            macs: inner,
            ..Configuration::default()
        };
        configuration.workload().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_grows_along_a_sweep() {
        for kind in [Kind::Conv, Kind::DwConv, Kind::Fc, Kind::MaxPool, Kind::Add, Kind::Se] {
            let sweeps = sweeps(kind);
            assert!(sweeps.len() >= 13, "{kind}: {}", sweeps.len());
            for Sweep { axis, works } in sweeps {
                assert!(works.len() >= 4);
                let size = |work: &Workload| {
                    let window = work.window_area() * work.written;
                    (work.macs, work.read + work.written + window)
                };
                let grows = |a: &Workload, b: &Workload| size(a) < size(b);
                assert!(works.is_sorted_by(grows), "{kind} {axis:?}");
            }
        }
    }

    #[test]
    fn the_worst_drop_is_found() {
        let sweep = sweeps(Kind::Relu).into_iter().next().expect("sweeps");
        let one_way = |_: &Workload| Way::default();
        assert_eq!(sweep.worst_drop(|work| work.read as f64, one_way), None);
        let dip = sweep.works[3];
        let cost = |work: &Workload| if *work == dip { 0.5 } else { 1.0 };
        assert_eq!(sweep.worst_drop(cost, one_way), Some((0.5, &dip)));
        let another = |work: &Workload| Way([f64::from(u8::from(*work == dip)); WAYS.len()]);
        assert_eq!(sweep.worst_drop(cost, another), None);
    }
}
