//! Whole patterns: chains of three kinds or more that rules fuse at once.
//!
//! They come before pairs, do not overlap, and do not depend on the order of nodes in the file.

use smallvec::SmallVec;

use crate::detect::chains::Chains;
use crate::graph::NodeId;
use crate::rules::Pattern;

impl Chains<'_> {
    /// Marks the wires that whole patterns cover. Patterns do not overlap: units are asked in
    /// order, and at each the longest that fits wins.
    pub(super) fn match_patterns(&mut self) {
        let mut covered = vec![false; self.by_pattern.len()];
        for head in self.pattern_order() {
            if covered[head.index()] {
                continue;
            }
            let patterns = self.rules.patterns();
            let found = patterns.iter().enumerate().find_map(|(index, pattern)| {
                Some((index as u16, self.match_pattern(pattern, head, &covered)?))
            });
            if let Some((index, chain)) = found {
                chain.iter().for_each(|id| covered[id.index()] = true);
                for id in &chain[..chain.len() - 1] {
                    self.by_pattern[id.index()] = Some(index);
                }
            }
        }
    }

    /// Every unit after those that only it reads, and these by operand slot: an order in which
    /// the first of two patterns that meet does not depend on the order of nodes in the file.
    fn pattern_order(&self) -> Vec<NodeId> {
        let mut order = Vec::with_capacity(self.tails.len());
        let mut stack = Vec::new();
        for &root in self.tails.iter().filter(|id| self.heirs[id.index()] == NodeId::end()) {
            stack.push(root);
            while let Some(unit) = stack.pop() {
                order.push(unit);
                let mine = |id: &NodeId| self.heirs[id.index()] == unit;
                match self.blocks.input(unit) {
                    Some(input) => stack.extend(Some(input.node).filter(mine)),
                    None => stack.extend(self.producers(unit).into_iter().filter(mine)),
                }
            }
        }
        order.reverse();
        order
    }

    fn match_pattern(
        &self,
        pattern: &Pattern,
        head: NodeId,
        covered: &[bool],
    ) -> Option<SmallVec<[NodeId; 8]>> {
        let mut chain: SmallVec<[NodeId; 8]> = SmallVec::new();
        let mut current = head;
        for (place, kinds) in pattern.places.iter().enumerate() {
            if place > 0 {
                current = self.heirs[current.index()];
            }
            if current == NodeId::end() || covered[current.index()] {
                return None;
            }
            kinds.contains(&self.blocks.kind(current)).then(|| chain.push(current))?;
        }
        Some(chain)
    }
}
