//! The reader of XGBoost's model files, JSON and UBJ, as versions 1.6 to 3.x write them.
//!
//! It reads what `Booster.save_model` and `XGBRegressor.save_model` write for the regression
//! objectives with one output. All trees count: XGBoost's scikit-learn wrapper, after early
//! stopping, leaves out those past `best_iteration`; slice the booster before saving for that.
//! Multi-class and multi-target models, categorical splits, DART, gblinear and other objectives
//! are refused by name. The binary format of before 1.0, pickles and `dump_model`'s output are
//! not model files in this sense.
//!
//! `base_score` is stored in the space of the predictions, so objectives with a log link start
//! their sum at its logarithm.

use serde::Deserialize;

use super::{Ensemble, Link, Node, PlainEnsemble, Tree, ubj};
use crate::error::{Error, ErrorKind, Result};

#[derive(Deserialize)]
struct Model {
    learner: Learner,
}

#[derive(Deserialize)]
struct Learner {
    #[serde(default)]
    feature_names: Vec<String>,
    gradient_booster: Booster,
    learner_model_param: LearnerParam,
    objective: Objective,
}

#[derive(Deserialize)]
struct Objective {
    name: String,
}

/// XGBoost writes its parameters as strings.
#[derive(Deserialize)]
struct LearnerParam {
    base_score: String,
    num_class: Option<String>,
    num_feature: String,
    num_target: Option<String>,
}

#[derive(Deserialize)]
struct Booster {
    name: String,
    #[serde(default)]
    model: Forest,
}

/// Defaults, so that another booster's model gets as far as being refused by name.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Forest {
    tree_info: Vec<u32>,
    trees: Vec<RawTree>,
}

#[derive(Deserialize)]
struct RawTree {
    left_children: Vec<i64>,
    right_children: Vec<i64>,
    split_indices: Vec<u32>,
    split_conditions: Vec<f32>,
    default_left: Vec<Flag>,
    #[serde(default)]
    split_type: Vec<u8>,
    tree_param: TreeParam,
}

#[derive(Deserialize)]
struct TreeParam {
    #[serde(default)]
    num_deleted: String,
    #[serde(default)]
    size_leaf_vector: String,
}

/// Written as a truth value before 1.6 and as a number since.
#[derive(Clone, Copy, Deserialize)]
#[serde(untagged, expecting = "expected 0, 1 or a truth value in default_left")]
enum Flag {
    Truth(bool),
    Number(u8),
}

impl Flag {
    fn is_set(self) -> bool {
        match self {
            Self::Truth(set) => set,
            Self::Number(number) => number != 0,
        }
    }
}

impl Ensemble {
    /// Reads an XGBoost model file, JSON or UBJ; which one is told from its second byte.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownFormat`] if it is neither, [`ErrorKind::Malformed`] if it is broken,
    /// [`ErrorKind::Unsupported`] for models that are not a plain sum of trees with one output,
    /// and [`ErrorKind::BadModel`] for trees that are none.
    pub fn from_xgboost(bytes: &[u8]) -> Result<Self> {
        let malformed = |error: serde_json::Error| {
            Error::new(ErrorKind::Malformed, "XGBoost model", error.to_string())
        };
        let model: Model = match bytes.trim_ascii_start() {
            [b'{', b'"' | b'}', ..] | [b'{', b' ' | b'\n' | b'\r' | b'\t', ..] => {
                serde_json::from_slice(bytes).map_err(malformed)?
            }
            [b'{', ..] => Model::deserialize(ubj::decode(bytes)?).map_err(malformed)?,
            _ => {
                return Err(Error::new(
                    ErrorKind::UnknownFormat,
                    "XGBoost model",
                    "no JSON or UBJ object",
                )
                .expected("a file of Booster.save_model")
                .hint("load it with the XGBoost that wrote it and save it as .json or .ubj"));
            }
        };
        Self::new(&model.learner.into_plain()?)
    }
}

impl Learner {
    fn into_plain(self) -> Result<PlainEnsemble> {
        self.refuse_other_models()?;
        let link = link(&self.objective.name)?;
        let n_features = number(&self.learner_model_param.num_feature, "num_feature")?;
        let trees = self.gradient_booster.model.trees.into_iter().enumerate();
        Ok(PlainEnsemble {
            base_score: base_score(&self.learner_model_param.base_score, link)?,
            link,
            n_features,
            feature_names: Some(self.feature_names).filter(|names| !names.is_empty()),
            trees: trees.map(|(index, tree)| tree.into_plain(index)).collect::<Result<_>>()?,
        })
    }

    fn refuse_other_models(&self) -> Result<()> {
        let param = &self.learner_model_param;
        let one = |value: &Option<String>| matches!(value.as_deref(), None | Some("0" | "1"));
        if self.gradient_booster.name != "gbtree" {
            let found = format!("booster is {}", self.gradient_booster.name);
            return Err(unsupported(found).expected("gbtree"));
        }
        if !one(&param.num_target) {
            let targets = param.num_target.as_deref().unwrap_or_default();
            return Err(unsupported(format!("multi-target, {targets} targets")).expected("one"));
        }
        if !one(&param.num_class)
            || self.gradient_booster.model.tree_info.iter().any(|&group| group != 0)
        {
            let found = format!("multi-class, objective {}", self.objective.name);
            return Err(unsupported(found).expected("a regression objective"));
        }
        Ok(())
    }
}

impl RawTree {
    fn into_plain(self, index: usize) -> Result<Tree> {
        let subject = || format!("XGBoost model, tree #{index}");
        let n_nodes = self.left_children.len();
        let lengths = [
            ("right_children", self.right_children.len()),
            ("split_indices", self.split_indices.len()),
            ("split_conditions", self.split_conditions.len()),
            ("default_left", self.default_left.len()),
        ];
        if let Some((name, length)) = lengths.into_iter().find(|(_, length)| *length != n_nodes) {
            return Err(Error::new(ErrorKind::Malformed, subject(), format!("{length} {name}"))
                .expected(format!("{n_nodes}, one a node")));
        }
        if self.split_type.iter().any(|&kind| kind != 0) {
            return Err(Error::new(ErrorKind::Unsupported, subject(), "categorical splits")
                .expected("numerical splits"));
        }
        if !matches!(self.tree_param.size_leaf_vector.as_str(), "" | "0" | "1") {
            return Err(Error::new(
                ErrorKind::Unsupported,
                subject(),
                "leaves with several values",
            )
            .expected("one value a leaf"));
        }
        let nodes = (0..n_nodes).map(|at| self.node(at)).collect::<Option<Vec<_>>>();
        let nodes = nodes.ok_or_else(|| {
            Error::new(
                ErrorKind::Malformed,
                subject(),
                "a node with one child, or child out of range",
            )
            .expected("two children, or -1 twice")
        })?;
        Ok(Tree {
            nodes: match self.tree_param.num_deleted.as_str() {
                "" | "0" => nodes,
                _ => without_deleted(&nodes),
            },
        })
    }

    fn node(&self, at: usize) -> Option<Node> {
        let threshold = self.split_conditions[at];
        match (self.left_children[at], self.right_children[at]) {
            (-1, -1) => Some(Node::Leaf { value: threshold }),
            (left, right) => Some(Node::Split {
                feature: self.split_indices[at],
                threshold,
                default_left: self.default_left[at].is_set(),
                left: u32::try_from(left).ok()?,
                right: u32::try_from(right).ok()?,
            }),
        }
    }
}

/// Drops the nodes that pruning left behind: those that the root does not reach. Wrong indices
/// are left for [`Ensemble::new`] to report.
fn without_deleted(nodes: &[Node]) -> Vec<Node> {
    let mut kept = vec![false; nodes.len()];
    let mut stack = vec![0];
    while let Some(at) = stack.pop() {
        let Some(seen @ false) = kept.get_mut(at as usize) else {
            continue;
        };
        *seen = true;
        if let Node::Split { left, right, .. } = nodes[at as usize] {
            stack.extend([left, right]);
        }
    }
    let mut n_kept = 0;
    let renumbered: Vec<u32> = kept
        .iter()
        .map(|&kept| {
            if kept {
                n_kept += 1;
                n_kept - 1
            } else {
                u32::MAX
            }
        })
        .collect();
    let renumber = |at: u32| renumbered.get(at as usize).copied().unwrap_or(u32::MAX);
    let survivors = nodes.iter().zip(&kept).filter(|(_, kept)| **kept);
    survivors
        .map(|(&node, _)| match node {
            Node::Split { feature, threshold, default_left, left, right } => {
                let (left, right) = (renumber(left), renumber(right));
                Node::Split { feature, threshold, default_left, left, right }
            }
            leaf @ Node::Leaf { .. } => leaf,
        })
        .collect()
}

/// The link of an objective.
fn link(objective: &str) -> Result<Link> {
    match objective {
        "reg:squarederror"
        | "reg:linear"
        | "reg:pseudohubererror"
        | "reg:absoluteerror"
        | "reg:squaredlogerror"
        | "reg:quantileerror" => Ok(Link::Identity),
        "reg:gamma" | "reg:tweedie" | "count:poisson" => Ok(Link::Exp),
        _ => Err(unsupported(format!("objective is {objective}"))
            .expected("a regression objective with an identity or log link")),
    }
}

/// Reads `5E-1` or, since 3.1, `[5E-1]`, and takes it to the space of the sum.
fn base_score(text: &str, link: Link) -> Result<f32> {
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if inner.contains(',') {
        return Err(unsupported(format!("base_score is {text}, one a target")).expected("one"));
    }
    let score: f32 = number(inner, "base_score")?;
    Ok(match link {
        Link::Identity => score,
        Link::Exp => score.ln(),
    })
}

fn number<T: std::str::FromStr>(text: &str, name: &str) -> Result<T> {
    text.trim().parse().map_err(|_| {
        let found = format!("{name} is {text:?}");
        Error::new(ErrorKind::Malformed, "XGBoost model", found).expected("a number")
    })
}

fn unsupported(found: String) -> Error {
    Error::new(ErrorKind::Unsupported, "XGBoost model", found)
}
