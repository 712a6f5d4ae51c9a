//! Bench of cost tables.
fn main() {}
