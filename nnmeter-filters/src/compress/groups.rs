//! Groups: channels whose number is one number, wherever they are.
//!
//! Channels that were found to be the same ([`trace`](super::trace)) are one class. Classes that occur
//! in the same places, equally often, make up a group: however many of them are kept, the extents of
//! all tensors follow. Each group is tried alone: a network in which it has about half of its channels
//! must have exactly the shapes that follow, or the group is left as it is.

use std::collections::BTreeMap;

use nnmeter_core::graph::{NodeId, Value};
use nnmeter_core::typed::TypedGraph;
use smallvec::SmallVec;

use super::channels::{Id, Obstacle, Why};
use super::trace::{Role, Trace};
use crate::error::{Error, ErrorKind, Result};

/// Layers whose channels can only be pruned together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The first layer's name, made different from those of all other groups.
    pub name: String,
    /// How many channels it has.
    pub channels: usize,
    /// Layers that make the channels, with how many of each layer's results are one channel.
    pub layers: Vec<(NodeId, usize)>,
    /// Layers that have parameters for every channel: depthwise convolutions, normalisations.
    pub followers: Vec<NodeId>,
    /// Layers that read the channels into others.
    pub readers: Vec<NodeId>,
}

/// A layer (some of) whose channels must stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedLayer {
    /// The layer.
    pub node: NodeId,
    /// How many of its channels stay.
    pub channels: usize,
    /// Why.
    pub obstacle: Obstacle,
}

/// The groups of a network, and how its extents follow from their widths.
#[derive(Clone, Debug)]
pub struct Groups {
    pub(super) groups: Vec<Group>,
    pub(super) fixed: Vec<FixedLayer>,
    /// Axes of constants.
    pub(super) axes: BTreeMap<(NodeId, usize), Extent>,
    /// Numbers in constants, by index.
    pub(super) numbers: BTreeMap<(NodeId, usize), Extent>,
    /// Groups of depthwise convolutions.
    pub(super) depthwise: BTreeMap<NodeId, Extent>,
    /// Axes of values.
    pub(super) values: BTreeMap<Value, (usize, Extent)>,
}

/// An extent: channels that stay, and so many for each channel of groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Extent {
    fixed: usize,
    pub(super) parts: SmallVec<[(usize, usize); 2]>,
}

impl Extent {
    /// Its value if groups have these widths.
    pub(super) fn of(&self, widths: &[usize]) -> usize {
        let parts = self.parts.iter().map(|&(group, count)| widths[group] * count);
        self.fixed + parts.sum::<usize>()
    }
}

impl Groups {
    /// The groups of `graph`.
    ///
    /// # Errors
    /// [`ErrorKind::Core`] or [`ErrorKind::Rigid`] if the shapes of the network as it is are not inferred
    /// again as they were.
    pub fn find(graph: &TypedGraph) -> Result<Self> {
        let mut trace = Trace::of(graph);
        loop {
            let (groups, classes) = Sorted::of(&trace).finish();
            let unchanged = groups.full_widths();
            groups.rebuild(graph, &unchanged)?;
            let all: Vec<usize> = unchanged.iter().map(|&width| trial(width)).collect();
            if groups.rebuild(graph, &all).is_ok() {
                return Ok(groups);
            }
            let rigid = (0..groups.groups.len()).find(|&group| {
                let mut widths = unchanged.clone();
                widths[group] = trial(widths[group]);
                groups.rebuild(graph, &widths).is_err()
            });
            // Where only several together fail, none of them is sound.
            let rigid = rigid.map_or(0..groups.groups.len(), |group| group..group + 1);
            for group in rigid {
                let node = groups.groups[group].layers[0].0;
                trace.channels.pin(&classes[group], Obstacle { node, why: Why::Rigid });
            }
        }
    }

    /// The groups, in the order of their first layers.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Layers whose channels must stay, in topological order.
    pub fn fixed(&self) -> &[FixedLayer] {
        &self.fixed
    }

    /// The widths that the groups have.
    pub fn full_widths(&self) -> Vec<usize> {
        self.groups.iter().map(|group| group.channels).collect()
    }

    /// Refuses widths that are not of these groups.
    pub(super) fn check(&self, widths: &[usize]) -> Result<()> {
        let fits = |(group, &width): (&Group, &usize)| (1..=group.channels).contains(&width);
        if widths.len() == self.groups.len() && self.groups.iter().zip(widths).all(fits) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::BadSample, "widths", format!("are {widths:?}"))
            .expected(format!("one for each of the groups, at most {:?}", self.full_widths())))
    }
}

/// The width that a group is tried with.
fn trial(width: usize) -> usize {
    width.div_ceil(2)
}

/// Classes by group.
struct Sorted<'t, 'g> {
    trace: &'t Trace<'g>,
    /// By group: roots of its classes.
    classes: Vec<Vec<Id>>,
    /// By root: its group.
    group_of: Vec<Option<usize>>,
    /// By layer of the trace.
    layers: Vec<Extent>,
}

impl<'t, 'g> Sorted<'t, 'g> {
    fn of(trace: &'t Trace<'g>) -> Self {
        let mut places: Vec<Vec<(u32, u32)>> = vec![Vec::new(); trace.channels.count()];
        for (place, ids) in all_places(trace).enumerate() {
            for &id in ids.iter().filter(|&&id| trace.channels.obstacle(id).is_none()) {
                let seen = &mut places[trace.channels.root(id) as usize];
                match seen.last_mut() {
                    Some((last, count)) if *last == place as u32 => *count += 1,
                    _ => seen.push((place as u32, 1)),
                }
            }
        }
        // Layers that make channels come first among the places: groups are in their order.
        let mut by_places: BTreeMap<Vec<(u32, u32)>, Vec<Id>> = BTreeMap::new();
        let mut group_of = vec![None; places.len()];
        for (root, places) in places.into_iter().enumerate().filter(|(_, p)| !p.is_empty()) {
            by_places.entry(places).or_default().push(root as Id);
        }
        let classes: Vec<Vec<Id>> = by_places.into_values().collect();
        for (group, ids) in classes.iter().enumerate() {
            ids.iter().for_each(|&id| group_of[id as usize] = Some(group));
        }
        let mut sorted = Self { trace, classes, group_of, layers: Vec::new() };
        sorted.layers = trace.layers.iter().map(|(_, _, ids)| sorted.extent(ids)).collect();
        sorted
    }

    fn finish(self) -> (Groups, Vec<Vec<Id>>) {
        let extent = |ids: &Vec<Id>| self.extent(ids);
        let trace = self.trace;
        let groups = Groups {
            groups: self.named(),
            fixed: self.fixed(),
            axes: trace.axes.iter().map(|(key, ids)| (*key, extent(ids))).collect(),
            numbers: trace.numbers.iter().map(|(key, ids)| (*key, extent(ids))).collect(),
            depthwise: trace.depthwise.iter().map(|(node, ids)| (*node, extent(ids))).collect(),
            values: trace.lanes.iter().map(|(v, l)| (*v, (l.axis, extent(&l.ids)))).collect(),
        };
        (groups, self.classes)
    }

    fn extent(&self, ids: &[Id]) -> Extent {
        let mut extent = Extent::default();
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        for &id in ids {
            match self.group_of[self.trace.channels.root(id) as usize] {
                Some(group) => *counts.entry(group).or_default() += 1,
                None => extent.fixed += 1,
            }
        }
        let each = |(group, count): (usize, usize)| (group, count / self.classes[group].len());
        extent.parts = counts.into_iter().map(each).collect();
        extent
    }

    /// Layers of a role that a group is part of, with how many of their channels are one of it.
    fn layers(&self, group: usize, role: Role) -> Vec<(NodeId, usize)> {
        let layers = self.trace.layers.iter().zip(&self.layers);
        let of_role = layers.filter(|((_, other, _), _)| *other == role);
        let count = |extent: &Extent| {
            extent.parts.iter().find(|(other, _)| *other == group).map(|&(_, count)| count)
        };
        let mut found: Vec<(NodeId, usize)> =
            of_role.filter_map(|((node, ..), extent)| Some((*node, count(extent)?))).collect();
        found.dedup();
        found
    }

    fn named(&self) -> Vec<Group> {
        let mut taken: BTreeMap<&str, usize> = BTreeMap::new();
        let graph = self.trace.graph.graph();
        let group = |(index, classes): (usize, &Vec<Id>)| {
            let layers = self.layers(index, Role::Makes);
            let first = layers.first().map_or("", |&(node, _)| &graph.node(node).name);
            let times = taken.entry(first).or_default();
            *times += 1;
            let name = match *times {
                1 => first.to_owned(),
                times => format!("{first} ({times})"),
            };
            let nodes = |role| self.layers(index, role).into_iter().map(|(node, _)| node).collect();
            Group {
                name,
                channels: classes.len(),
                layers,
                followers: nodes(Role::Follows),
                readers: nodes(Role::Reads),
            }
        };
        self.classes.iter().enumerate().map(group).collect()
    }

    fn fixed(&self) -> Vec<FixedLayer> {
        let makers = self.trace.layers.iter().filter(|(_, role, _)| *role == Role::Makes);
        let fixed = |(node, _, ids): &(NodeId, Role, Vec<Id>)| {
            let all = || ids.iter().filter_map(|&id| self.trace.channels.obstacle(id));
            Some(FixedLayer { node: *node, channels: all().count(), obstacle: all().next()? })
        };
        makers.filter_map(fixed).collect()
    }
}

/// All rows of channels; those of layers that make channels first, in topological order.
fn all_places<'t>(trace: &'t Trace<'_>) -> impl Iterator<Item = &'t Vec<Id>> {
    let makes = |wanted: bool| {
        let layers = trace.layers.iter();
        layers.filter(move |(_, role, _)| (*role == Role::Makes) == wanted).map(|(_, _, ids)| ids)
    };
    let lanes = trace.lanes.values().map(|lane| &lane.ids);
    makes(true)
        .chain(makes(false))
        .chain(trace.axes.values())
        .chain(trace.numbers.values())
        .chain(trace.depthwise.iter().map(|(_, ids)| ids))
        .chain(lanes)
}
