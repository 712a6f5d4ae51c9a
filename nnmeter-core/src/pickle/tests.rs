//! Tests of the pickle machine.
