//! What nn-Meter 2.0 does and an honest prediction does not: every quirk that the compatibility mode
//! repeats, where nn-Meter has it, and nothing else.
//!
//! The code that repeats them is in the other files of this folder, and names the quirk.

use std::fmt;

/// Defines [`Quirk`] from one table.
macro_rules! quirks {
    ($($(#[doc = $doc:literal])* $variant:ident = $name:literal at $place:literal),* $(,)?) => {
        /// A quirk of nn-Meter 2.0.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Quirk {
            $($(#[doc = $doc])* $variant,)*
        }

        impl Quirk {
            /// All quirks.
            pub const ALL: &'static [Quirk] = &[$(Quirk::$variant),*];

            /// The name in reports.
            pub fn name(self) -> &'static str {
                match self {
                    $(Quirk::$variant => $name,)*
                }
            }

            /// The file and function of nn-Meter that has it.
            pub fn place(self) -> &'static str {
                match self {
                    $(Quirk::$variant => $place,)*
                }
            }
        }
    };
}

quirks! {
    /// A kernel for whose name there is no regressor adds nothing to the total: `fc-add`,
    /// `concat-relu`, `reshape`, whatever is unknown; and on most devices `add`, `split`, `fc`.
    NoRegressor = "costs nothing"
        at "predictor/prediction/predict_by_kernel.py, predict_model",
    /// Only an exact name finds features: a kernel such as `add-add` or `mul` has none, and is
    /// dropped before the regressors are asked.
    NoFeatures = "has no features"
        at "predictor/prediction/extract_feature.py, get_predict_features",
    /// Types are compared as spelled. `BiasAdd` is listed as `Biasadd`, so it stays what it is and
    /// breaks every fusion; `Sub`, `Sigmoid`, `Softmax` and the like are not listed at all.
    UnlistedType = "is of a type that is not listed"
        at "kernel_detector/utils/constants.py, OP_ALIAS",
    /// Rules are compared as spelled too: those of `pooling` and `dense` hold for no node, whose
    /// types are `maxpool`, `avgpool` and `fc`.
    LiteralRules = "rules of pooling and dense hold for nothing"
        at "kernel_detector/rule_reader.py, is_fusible",
    /// Whole patterns are matched before the blocks, and a pattern of three makes a node of a type
    /// (`conv-bn-relu`) that no rule of two speaks of: nothing more fuses to it.
    PatternsEnd = "a whole pattern takes in nothing more"
        at "kernel_detector/rule_reader.py, _extract_fusible",
    /// Where whole patterns or blocks overlap, which of them is fused depends on the order of a set
    /// of texts, and so on the run (`PYTHONHASHSEED`). Repeated is the order of the file.
    OverlapOrder = "overlapping patterns are fused in any order"
        at "utils/graph_tool.py, find_subgraphs",
    /// A rule of two is asked of a kernel's first node, whatever the kernel ends in by then: after
    /// `BF_conv_bn`, `bn` and `relu` do not meet, but `conv` and `relu` do.
    FirstType = "fuses by the type of its first node"
        at "kernel_detector/rule_splitter.py, split",
    /// With `MON` 1 the first consumer is the first of a Python set of indices: an order by the
    /// index modulo the size of the set's table.
    SetOrder = "the first consumer is the first of a set"
        at "kernel_detector/utils/fusion_aware_graph.py, FusionAwareGraph",
    /// All operands of a sum, product or quotient are given the shape of the first that has one.
    BroadcastShape = "operand shapes are overwritten"
        at "kernel_detector/utils/ir_tools.py, convert_nodes",
    /// A kernel has the shapes of its first node, a block those of the node at its root.
    FirstShape = "has the shapes of its first node"
        at "kernel_detector/kernel_detector.py, _bb_to_kernel",
    /// A global pooling is taken to be of height 1: `hasattr` is asked of a dictionary.
    GlobalPoolHeight = "height is taken to be 1"
        at "predictor/prediction/extract_feature.py, get_predict_features",
    /// Of a concatenation of more than four tensors the channels of four are looked at, and their
    /// number is said to be 6.
    ConcatCut = "of more than 4 operands 4 are looked at"
        at "predictor/prediction/extract_feature.py, get_predict_features",
    /// Names are told by parts of them. That `transpose` holds `se` changes no total, since no
    /// regressor is called so, but without two axes the whole prediction fails.
    SubstringName = "is told by a part of its name"
        at "predictor/prediction/extract_feature.py, get_predict_features",
    /// Batch, dilation, width, the first of window and strides, and groups reach no feature.
    IgnoredGroups = "groups are not looked at"
        at "predictor/prediction/extract_feature.py, get_predict_features",
}

impl fmt::Display for Quirk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
