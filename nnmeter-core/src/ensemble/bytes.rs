//! The compact binary form of an ensemble inside predictor packages.
//!
//! Little-endian; `varint` is LEB128 in as few bytes as will do:
//!
//! ```text
//! magic        8 bytes   "nnmtree" and the version, 1
//! link         u8        0 identity, 1 exp
//! base_score   f32       before the link
//! n_features   varint
//! names        u8        0 none, 1 then for each feature: varint length, UTF-8
//! n_trees      varint
//!   n_nodes    varint    of each tree, then its nodes breadth first:
//!     kind     varint    0 leaf, 1 + 2 * feature + default_left split
//!     value    f32       leaf value or threshold
//! ```
//!
//! The children of a tree's k-th split are its nodes 1 + 2k and 2 + 2k, so they are not written.
//! An ensemble has one encoding. It is not compressed and carries no checksum: packages do both.

use super::build::{Builder, NewNode};
use super::flat::Layout;
use super::{Ensemble, Link, Node, PlainEnsemble, Tree, check_header};
use crate::error::{Error, ErrorKind, Result};

const MAGIC: &[u8; 7] = b"nnmtree";
const VERSION: u8 = 1;

/// The bytes that a node takes at least: its kind and its value.
const MIN_NODE: usize = 5;

impl Ensemble {
    /// Encodes the ensemble; the same ensemble gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 + self.n_nodes() * (MIN_NODE + 1));
        out.extend(MAGIC);
        out.push(VERSION);
        out.push(match self.link {
            Link::Identity => 0,
            Link::Exp => 1,
        });
        out.extend(self.base_score.to_le_bytes());
        put_varint(&mut out, self.n_features as u64);
        out.push(u8::from(self.feature_names.is_some()));
        for name in self.feature_names.iter().flatten() {
            put_varint(&mut out, name.len() as u64);
            out.extend(name.as_bytes());
        }
        put_varint(&mut out, self.n_trees() as u64);
        for tree in self.layout.to_trees() {
            put_tree(&mut out, &tree);
        }
        out
    }

    /// Decodes what [`Ensemble::to_bytes`] wrote, and checks all of it.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownFormat`] for other bytes or another version, [`ErrorKind::Malformed`]
    /// for an encoding that `to_bytes` does not write, [`ErrorKind::BadModel`] as for
    /// [`Ensemble::new`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let Some((magic, rest)) = bytes.split_first_chunk::<8>() else {
            return Err(unknown_format("fewer than 8 bytes"));
        };
        if magic[..7] != MAGIC[..] {
            return Err(unknown_format("other leading bytes"));
        }
        if magic[7] != VERSION {
            return Err(unknown_format(&format!("version {}", magic[7])));
        }
        let mut reader = Reader::new(bytes.len(), rest);
        let head = reader.head()?;
        check_header(&head)?;
        let layout = reader.trees(head.n_features)?;
        match reader.rest.len() {
            0 => Ok(Self::with_layout(&head, layout)),
            rest => Err(reader.error(format!("{rest} bytes follow the last tree"))),
        }
    }
}

fn unknown_format(found: &str) -> Error {
    Error::new(ErrorKind::UnknownFormat, "tree ensemble", found)
        .expected(format!("\"nnmtree\" and version {VERSION}"))
}

pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_tree(out: &mut Vec<u8>, tree: &Tree) {
    put_varint(out, tree.nodes.len() as u64);
    for node in &tree.nodes {
        let (kind, value) = match *node {
            Node::Leaf { value } => (0, value),
            Node::Split { feature, threshold, default_left, .. } => {
                (1 + 2 * u64::from(feature) + u64::from(default_left), threshold)
            }
        };
        put_varint(out, kind);
        out.extend(value.to_le_bytes());
    }
}

/// Reads numbers and counts with suspicion.
pub(super) struct Reader<'a> {
    length: usize,
    pub(super) rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader of `rest`, the end of `length` bytes.
    pub(super) fn new(length: usize, rest: &'a [u8]) -> Self {
        Self { length, rest }
    }

    pub(super) fn error(&self, found: impl Into<String>) -> Error {
        let at = self.length - self.rest.len();
        Error::new(ErrorKind::Malformed, format!("tree ensemble, byte {at}"), found)
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(|| {
            self.error(format!("{} bytes left", self.rest.len())).expected(length.to_string())
        })?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    pub(super) fn f32(&mut self) -> Result<f32> {
        let mut array = [0; 4];
        array.copy_from_slice(self.take(4)?);
        Ok(f32::from_le_bytes(array))
    }

    pub(super) fn f64(&mut self) -> Result<f64> {
        let mut array = [0; 8];
        array.copy_from_slice(self.take(8)?);
        Ok(f64::from_le_bytes(array))
    }

    /// A number of at most 35 bits.
    pub(super) fn varint(&mut self) -> Result<u64> {
        let mut value = 0;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.u8()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                if byte == 0 && shift > 0 {
                    return Err(self.error("a number in more bytes than it needs"));
                }
                return Ok(value);
            }
        }
        Err(self.error("a number of more than 35 bits"))
    }

    /// A count of things that take `size` bytes at least.
    pub(super) fn count(&mut self, size: usize) -> Result<usize> {
        let count = self.varint()?;
        match usize::try_from(count) {
            Ok(count) if count <= self.rest.len() / size => Ok(count),
            _ => Err(self
                .error(format!("count {count}"))
                .expected(format!("at most {}, what is left", self.rest.len() / size))),
        }
    }

    /// All but the trees.
    fn head(&mut self) -> Result<PlainEnsemble> {
        let link = match self.u8()? {
            0 => Link::Identity,
            1 => Link::Exp,
            other => return Err(self.error(format!("link {other}")).expected("0 or 1")),
        };
        let base_score = self.f32()?;
        let n_features = self.varint()?;
        let n_features = usize::try_from(n_features)
            .map_err(|_| self.error(format!("{n_features} features")))?;
        let feature_names = match self.u8()? {
            0 => None,
            1 => Some((0..n_features).map(|_| self.name()).collect::<Result<_>>()?),
            other => return Err(self.error(format!("names {other}")).expected("0 or 1")),
        };
        Ok(PlainEnsemble { base_score, link, n_features, feature_names, trees: Vec::new() })
    }

    fn name(&mut self) -> Result<String> {
        let length = self.count(1)?;
        let text = std::str::from_utf8(self.take(length)?);
        Ok(text.map_err(|_| self.error("a feature name that is not UTF-8"))?.to_owned())
    }

    /// The trees, which go into the layout as they are read.
    fn trees(&mut self, n_features: usize) -> Result<Layout> {
        let n_trees = self.count(1 + MIN_NODE)?;
        let mut builder = Builder::new(n_features, self.rest.len() / MIN_NODE)?;
        for _ in 0..n_trees {
            let n_nodes = self.count(MIN_NODE)?;
            builder.start_tree(n_nodes)?;
            for name in 0..n_nodes {
                let node = self.node()?;
                builder.add(name as u32, node)?;
            }
            builder.end_tree();
        }
        Ok(builder.finish())
    }

    #[inline]
    fn node(&mut self) -> Result<NewNode> {
        let kind = self.varint()?;
        let value = self.f32()?;
        Ok(match kind.checked_sub(1) {
            None => NewNode::Leaf { value },
            Some(kind) => {
                let feature = u32::try_from(kind / 2)
                    .map_err(|_| self.error(format!("feature {}", kind / 2)))?;
                NewNode::Split { feature, threshold: value, default_left: kind % 2 == 1 }
            }
        })
    }
}
