//! The reader of scikit-learn's pickled regression forests and trees.
//!
//! Read are `RandomForestRegressor`, `ExtraTreesRegressor`, `DecisionTreeRegressor` and
//! `ExtraTreeRegressor` with one output, in the node layouts of all versions (tested: 0.23.1 to
//! 1.9.1): a record a node with `left_child`, `right_child`, `feature`, `threshold` and, from 1.3
//! on, `missing_go_to_left`; a leaf has -1 for its children and its value in a second array. Fields
//! are found by name, so further ones do no harm. Nothing of the pickle is executed; see
//! [`crate::pickle`].

use super::forest::{Forest, ForestNode, ForestTree, PlainForest};
use crate::error::{Error, ErrorKind, Result};
use crate::pickle::numpy::{Array, Column};
use crate::pickle::{Global, Pickle, Value};

/// What scikit-learn calls no child (`TREE_LEAF`).
const NO_CHILD: i64 = -1;

/// What errors call the whole.
const SUBJECT: &str = "scikit-learn model";

impl Forest {
    /// Reads a pickle of scikit-learn's, protocols 0 to 5; its predictions are scikit-learn's to
    /// the last bit. (With `n_jobs` above 1, scikit-learn itself adds trees in the order in which
    /// its threads end; this is the order with one.)
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] if the bytes are no pickle; [`ErrorKind::Unsupported`], by name, if
    /// it refers to or does anything else than such a model's needs; [`ErrorKind::BadModel`] if it
    /// holds something else, or trees that are none.
    pub fn from_sklearn(bytes: &[u8]) -> Result<Self> {
        let pickle = Pickle::read(bytes)?;
        let members = members(&pickle)?;
        let mut reader = Reader { pickle: &pickle, left: bytes.len(), n_features: None };
        let mut trees = Vec::new();
        for (index, &member) in members.iter().enumerate() {
            let tree = reader.member(member);
            trees.push(tree.map_err(|error| error.within(format!("{SUBJECT}, tree #{index}")))?);
        }
        Forest::new(&PlainForest { n_features: reader.n_features.unwrap_or(0), trees })
    }
}

/// An error about the whole model.
fn bad(found: impl Into<String>) -> Error {
    Error::new(ErrorKind::BadModel, SUBJECT, found)
}

/// The trees of a forest; a tree by itself is one.
fn members<'p>(pickle: &'p Pickle<'_>) -> Result<Vec<Value<'p>>> {
    let root = pickle.root();
    match pickle.made(root) {
        Some((Global::DecisionTreeRegressor | Global::ExtraTreeRegressor, ..)) => Ok(vec![root]),
        Some((Global::RandomForestRegressor | Global::ExtraTreesRegressor, _, state)) => {
            let members = state.and_then(|state| pickle.entry(state, "estimators_"));
            let members = members.and_then(|members| pickle.items(members));
            let members = members.filter(|members| !members.is_empty());
            members
                .map(<[_]>::to_vec)
                .ok_or_else(|| bad("a forest without trees").expected("one that was fitted"))
        }
        _ => Err(bad(pickle.describe(root)).expected(
            "RandomForestRegressor, ExtraTreesRegressor, DecisionTreeRegressor or \
             ExtraTreeRegressor",
        )),
    }
}

struct Reader<'p, 'a> {
    pickle: &'p Pickle<'a>,
    /// Bytes that nodes may still take: a pickle may refer to one tree many times, but it has no
    /// more of them than bytes.
    left: usize,
    n_features: Option<usize>,
}

impl<'a> Reader<'_, 'a> {
    /// The tree of a regressor.
    fn member(&mut self, value: Value<'a>) -> Result<ForestTree> {
        let pickle = self.pickle;
        let tree = match pickle.made(value) {
            Some((Global::DecisionTreeRegressor | Global::ExtraTreeRegressor, _, Some(state))) => {
                pickle.entry(state, "tree_")
            }
            _ => None,
        };
        let made = tree.and_then(|tree| pickle.made(tree));
        let Some((Global::Tree, args, Some(state))) = made else {
            return Err(fault("member", pickle.describe(value)).expected("a fitted tree"));
        };
        self.check_arguments(args)?;
        let array = |name| match pickle.entry(state, name) {
            Some(value) => Array::read(pickle, value, name),
            None => Err(fault("state", format!("no {name}")).expected("nodes and values")),
        };
        let (nodes, values) = (array("nodes")?, array("values")?);
        self.left = self.left.checked_sub(nodes.size()).ok_or_else(|| {
            fault("nodes", "more nodes than the file has bytes for").expected("each tree once")
        })?;
        Columns::of(&nodes, &values)?.tree(nodes.len())
    }

    /// The arguments of a tree: features, classes (an array, of 1), outputs.
    fn check_arguments(&mut self, args: Value<'a>) -> Result<()> {
        let &[Value::Int(features), _, Value::Int(outputs)] =
            self.pickle.items(args).unwrap_or_default()
        else {
            return Err(fault("arguments", "other than features, classes and outputs"));
        };
        if outputs != 1 {
            return Err(fault("arguments", format!("{outputs} outputs")).expected("one"));
        }
        let features = usize::try_from(features)
            .map_err(|_| fault("arguments", format!("{features} features")))?;
        match *self.n_features.get_or_insert(features) {
            first if first == features => Ok(()),
            first => Err(fault("arguments", format!("{features} features"))
                .expected(format!("{first}, as the first tree has"))),
        }
    }
}

/// What is of use in the two arrays of a tree.
struct Columns<'p> {
    left: Column<'p>,
    right: Column<'p>,
    feature: Column<'p>,
    threshold: Column<'p>,
    missing_left: Option<Column<'p>>,
    value: Column<'p>,
}

impl<'p> Columns<'p> {
    fn of(nodes: &'p Array<'_>, values: &'p Array<'_>) -> Result<Self> {
        if values.len() != nodes.len() {
            return Err(fault("values", format!("{} values", values.len()))
                .expected(format!("{}, one a node", nodes.len())));
        }
        let integers = |name| column(nodes, name, Column::is_integer);
        let missing = "missing_go_to_left";
        Ok(Self {
            left: integers("left_child")?,
            right: integers("right_child")?,
            feature: integers("feature")?,
            threshold: column(nodes, "threshold", Column::is_f64)?,
            missing_left: nodes.column(missing).map(|_| integers(missing)).transpose()?,
            value: column(values, "", Column::is_f64)?,
        })
    }

    fn tree(&self, n_nodes: usize) -> Result<ForestTree> {
        let nodes = (0..n_nodes).map(|index| self.node(index)).collect::<Result<_>>()?;
        Ok(ForestTree { nodes })
    }

    fn node(&self, index: usize) -> Result<ForestNode> {
        let place = || format!("node #{index}");
        let (left, right) = (self.left.i64(index), self.right.i64(index));
        if (left, right) == (NO_CHILD, NO_CHILD) {
            return Ok(ForestNode::Leaf { value: self.value.f64(index) });
        }
        let index_of = |what: &str, value: i64| {
            u32::try_from(value).map_err(|_| fault(&place(), format!("{what} {value}")))
        };
        Ok(ForestNode::Split {
            feature: index_of("feature", self.feature.i64(index))?,
            threshold: self.threshold.f64(index),
            missing_left: self.missing_left.is_some_and(|column| column.i64(index) != 0),
            left: index_of("left child", left)?,
            right: index_of("right child", right)?,
        })
    }
}

fn column<'p>(
    array: &'p Array<'_>,
    name: &str,
    fits: fn(Column<'p>) -> bool,
) -> Result<Column<'p>> {
    let column = array.column(name).filter(|&column| fits(column));
    column.ok_or_else(|| {
        let (array, numbers) = if name.is_empty() { ("values", "them") } else { ("nodes", name) };
        fault(array, format!("no {numbers} of the expected type"))
            .expected("integers for indices, f64 for thresholds and values")
    })
}

/// An error within a tree; the caller says which.
fn fault(subject: &str, found: impl Into<String>) -> Error {
    Error::new(ErrorKind::BadModel, subject, found)
}
