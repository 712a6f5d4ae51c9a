//! NNI's own protocols, as its manager speaks them.
