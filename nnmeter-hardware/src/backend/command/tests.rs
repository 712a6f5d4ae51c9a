//! Programs that keep the contract, and programs that do not.
