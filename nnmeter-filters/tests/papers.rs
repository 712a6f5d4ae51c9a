//! The built-in spaces against their papers: operators, multiply-accumulates, parameters, sizes.

use nnmeter_filters::builtin;
use nnmeter_filters::metric::{Macs, Metric, Parameters};
use nnmeter_filters::space::{Sample, SearchSpace};

/// Millions of multiply-accumulates, and parameters, of one sample.
fn measure(space: &SearchSpace, sample: &Sample) -> (f64, f64) {
    let graph = space.typed(sample).expect("a valid sample");
    (Macs.bill(&graph).total() / 1e6, Parameters.bill(&graph).total())
}

#[test]
fn spos() {
    let space = builtin::space("spos").expect("a built-in space");
    assert_eq!(space.architectures(), Some(4u128.pow(20)));
    for option in 0..4 {
        println!("{:?}", measure(&space, &space.sample(&[option; 20]).unwrap()));
    }
    // The searched network that NNI ships.
    let arch = [2, 1, 0, 1, 2, 0, 2, 0, 2, 0, 2, 3, 0, 0, 0, 0, 3, 2, 3, 3];
    println!("{:?}", measure(&space, &space.sample(&arch).unwrap()));
}
