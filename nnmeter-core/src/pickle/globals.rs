//! The globals that a pickled predictor may refer to: a closed list, each of which is only ever
//! turned into data.
//!
//! A global that is not here ends the reading, whatever the pickle would do with it.

/// Defines [`Global`] with the modules and names of each variant, from one table.
macro_rules! globals {
    ($($(#[$doc:meta])* $variant:ident = $name:literal in $($module:literal)|+),* $(,)?) => {
        /// A class or function that may stand in a pickled predictor.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Global {
            $($(#[$doc])* $variant,)*
        }

        impl Global {
            /// The global called `name` in `module`.
            pub(super) fn find(module: &str, name: &str) -> Option<Self> {
                match (module, name) {
                    $(($($module)|+, $name) => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// The name, without the module.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

globals! {
    /// scikit-learn's random forest.
    RandomForestRegressor = "RandomForestRegressor"
        in "sklearn.ensemble._forest" | "sklearn.ensemble.forest",
    /// scikit-learn's forest of randomised trees.
    ExtraTreesRegressor = "ExtraTreesRegressor"
        in "sklearn.ensemble._forest" | "sklearn.ensemble.forest",
    /// scikit-learn's regression tree.
    DecisionTreeRegressor = "DecisionTreeRegressor"
        in "sklearn.tree._classes" | "sklearn.tree.tree",
    /// scikit-learn's randomised regression tree.
    ExtraTreeRegressor = "ExtraTreeRegressor" in "sklearn.tree._classes" | "sklearn.tree.tree",
    /// The nodes of a tree.
    Tree = "Tree" in "sklearn.tree._tree",
    /// Makes an empty array, whose state then follows.
    Reconstruct = "_reconstruct" in "numpy.core.multiarray" | "numpy._core.multiarray",
    /// Makes an array of bytes, its type and its shape.
    FromBuffer = "_frombuffer" in "numpy.core.numeric" | "numpy._core.numeric",
    /// Makes a number of a type and bytes.
    Scalar = "scalar" in "numpy.core.multiarray" | "numpy._core.multiarray",
    /// The class of arrays.
    NdArray = "ndarray" in "numpy",
    /// The type of an array's elements.
    DType = "dtype" in "numpy",
    /// A generator of random numbers (a forest may keep the one it was fitted with).
    RandomState = "__randomstate_ctor" in "numpy.random._pickle",
    /// The same, up to NumPy 1.16.
    OldRandomState = "__RandomState_ctor" in "numpy.random",
    /// The source of a generator's bits.
    BitGenerator = "__bit_generator_ctor" in "numpy.random._pickle",
    /// The usual source of a generator's bits.
    Mt19937 = "MT19937" in "numpy.random._mt19937",
    /// Makes an object of a class, in protocols 0 and 1.
    Reconstructor = "_reconstructor" in "copy_reg" | "copyreg",
    /// The base of all classes, an argument of the former.
    Object = "object" in "__builtin__" | "builtins",
    /// Makes bytes of text, in protocols 0 to 2.
    Encode = "encode" in "_codecs",
}
