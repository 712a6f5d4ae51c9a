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

#[test]
fn others() {
    for (name, _) in builtin::ALL {
        let t = std::time::Instant::now();
        let space = builtin::space(name).expect("a built-in space");
        println!("{name} built in {:?}", t.elapsed());
        let top: Vec<u8> = space.choices().iter().map(|c| c.options.len() as u8 - 1).collect();
        println!(
            "{name} {} choices, {:?} archs; top {:?} bottom {:?}",
            space.choices().len(),
            space.architectures(),
            measure(&space, &space.sample(&top).unwrap()),
            measure(&space, &space.sample(&vec![0; top.len()]).unwrap())
        );
    }
    let space = builtin::space("proxylessnas").unwrap();
    let json = serde_json::json!({"block 1":"k5 e3","block 2":"k3 e3","block 3":"identity","block 4":"identity",
     "block 5":"k7 e3","block 6":"k3 e3","block 7":"k5 e3","block 8":"k5 e3",
     "block 9":"k7 e6","block 10":"k5 e3","block 11":"k5 e3","block 12":"k5 e3",
     "block 13":"k5 e6","block 14":"k5 e3","block 15":"k5 e3","block 16":"k5 e3",
     "block 17":"k7 e6","block 18":"k7 e6","block 19":"k7 e3","block 20":"k7 e3", "block 21":"k7 e6"});
    println!("{:?}", measure(&space, &space.sample_from_json(&json).unwrap()));
    let nb = builtin::space("nasbench201").unwrap();
    for s in [[3u8; 6], [1; 6], [2; 6], [4; 6], [0; 6]] {
        println!("{:?}", measure(&nb, &nb.sample(&s).unwrap()));
    }
}
