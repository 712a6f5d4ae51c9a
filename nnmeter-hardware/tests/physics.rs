//! The kernel models of all built-in devices are physically sensible: on a grid of kernels no cost
//! is negative, and none drops by more than [`TOLERANCE`](sweep::TOLERANCE) where the work grows.

use nnmeter_core::kind::Kind;
use nnmeter_hardware::registry::Registry;
use nnmeter_hardware::sweep;

#[test]
fn more_work_is_never_much_cheaper() {
    let registry = Registry::built_in();
    assert!(!registry.names().is_empty());
    for name in registry.names() {
        let device = registry.open(name).expect(name);
        let predictor = device.latency().expect(name);
        let models = Kind::ALL.iter().filter_map(|&kind| Some((kind, predictor.model(kind)?)));
        for (kind, fitted) in models {
            let checked = sweep::check(kind, &fitted.model, sweep::TOLERANCE);
            checked.unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
}
