//! Runs with a backend whose times are scripted.
