//! Exact counts, extremes and uniform draws under budgets, against brute force.

mod support;

use expect_test::expect;
use nnmeter_filters::builtin;
use nnmeter_filters::constraint::{Constraints, Limit};
use nnmeter_filters::error::ErrorKind;
use nnmeter_filters::exact::{Feasible, SamplerOptions, cheapest, dearest};
use nnmeter_filters::metric::{Macs, Parameters};
use nnmeter_filters::random::Random;
use nnmeter_filters::space::{Sample, SearchSpace};
use support::exact::{canonical, compile, excess, quantile, small_spos};
use support::random_space::random_space;
use support::{GREEDY, cpu, made_up};

const SPACES: u64 = 60;

/// Draws must be equally frequent, up to five standard deviations.
fn check_uniform(space: &SearchSpace, constraints: &Constraints, options: &SamplerOptions) {
    let all = canonical(space);
    let allowed: Vec<Sample> = all.into_iter().filter(|s| constraints.allow(s)).collect();
    let feasible = Feasible::new(space, constraints.clone()).expect("a feasible budget");
    let count = feasible.count(options).expect("a count");
    let brute = allowed.len() as u128;
    let bounds = feasible.count_by_steps(options).expect("bounds");
    assert!(bounds.certain <= brute && brute <= bounds.possible, "{bounds:?}, not {brute}");
    match constraints.limits().len() {
        1 => assert_eq!(count.exact(), Some(brute)),
        _ => assert!(count.certain <= brute && brute <= count.possible, "{count:?}, not {brute}"),
    }
    let mut sampler = match feasible.sampler(options) {
        Err(error) if error.kind() == ErrorKind::Infeasible => {
            return assert!(allowed.is_empty(), "{error}");
        }
        sampler => sampler.expect("a sampler"),
    };
    let mut random = Random::new(3);
    let draws: Vec<Sample> = (0..30 * allowed.len().max(20))
        .map(|_| sampler.draw(&mut random).expect("a draw"))
        .collect();
    assert!(excess(&draws, &allowed) < 5.0, "{}", excess(&draws, &allowed));
}

#[test]
fn random_spaces_are_counted_and_drawn_from_uniformly() {
    let options = SamplerOptions::default();
    for seed in 0..SPACES {
        let space = random_space(seed);
        let all = canonical(&space);
        let latency = compile(&space, &made_up(GREEDY));
        let size = compile(&space, &Parameters);
        let none = Feasible::new(&space, Constraints::default()).expect("anything");
        assert_eq!(none.count(&options).expect("a count").exact(), Some(all.len() as u128));
        let (low, high) = (quantile(&latency, &all, 0.2), quantile(&latency, &all, 0.6));
        let at_most = Limit::at_most(latency.clone(), high).expect("a limit");
        check_uniform(&space, &Constraints::new([at_most.clone()]), &options);
        let window = Limit::between(latency, Some(low), Some(high)).expect("a limit");
        check_uniform(&space, &Constraints::new([window]), &options);
        let size = Limit::at_most(size.clone(), quantile(&size, &all, 0.7)).expect("a limit");
        let both = Constraints::new([at_most, size]);
        if all.iter().any(|sample| both.allow(sample)) {
            check_uniform(&space, &both, &options);
        }
    }
}

#[test]
fn budgets_that_are_met_exactly_count() {
    let space = small_spos();
    let all = canonical(&space);
    let tables =
        [compile(&space, &cpu()), compile(&space, &Macs), compile(&space, &made_up(GREEDY))];
    for (table, share) in tables.iter().flat_map(|table| [0.0, 0.1, 0.5, 1.0].map(|s| (table, s))) {
        let cost = quantile(table, &all, share);
        for (low, high) in [(None, Some(cost)), (Some(cost), None), (Some(cost), Some(cost))] {
            let limit = Limit::between(table.clone(), low, high).expect("a limit");
            let constraints = Constraints::new([limit]);
            let brute = all.iter().filter(|sample| constraints.allow(sample)).count() as u128;
            let feasible = Feasible::new(&space, constraints).expect("feasible");
            let count = feasible.count(&SamplerOptions::default()).expect("a count");
            assert_eq!(count.exact(), Some(brute), "{low:?} {high:?}");
        }
    }
}

#[test]
fn spos_is_counted_exactly() {
    let space = builtin::space("spos").expect("a built-in space");
    let table = compile(&space, &cpu());
    let least = cheapest(&space, &table).expect("a sample").1;
    let limit = Limit::at_most(table, 1.1 * least).expect("a limit");
    let feasible = Feasible::new(&space, Constraints::new([limit])).expect("feasible");
    let options = SamplerOptions { steps: usize::MAX, ..SamplerOptions::default() };
    let bounds = feasible.count_by_steps(&options).expect("bounds");
    let count = feasible.count(&options).expect("a count").exact().expect("exact");
    assert!(bounds.certain < count && count < bounds.possible, "{bounds:?} {count}");
}

#[test]
fn coarse_steps_stay_uniform() {
    let space = small_spos();
    let latency = compile(&space, &cpu());
    let all = canonical(&space);
    for (share, steps) in [(0.02, 8), (0.3, 8), (0.3, 40), (1.0, 2)] {
        let limit = Limit::at_most(latency.clone(), quantile(&latency, &all, share));
        let constraints = Constraints::new([limit.expect("a limit")]);
        let options = SamplerOptions { steps, ..SamplerOptions::default() };
        check_uniform(&space, &constraints, &options);
    }
}

#[test]
fn extremes_are_those_of_all() {
    for seed in 0..SPACES {
        let space = random_space(seed);
        let table = compile(&space, &made_up(GREEDY));
        let all = canonical(&space);
        let (least, most) = (quantile(&table, &all, 0.0), quantile(&table, &all, 1.0));
        let close = |a: f64, b: f64| (a - b).abs() <= 1e-12 * b;
        assert!(close(cheapest(&space, &table).expect("a sample").1, least));
        assert!(close(dearest(&space, &table).expect("a sample").1, most));
    }
}

#[test]
fn only_the_cheapest_fits_its_own_cost() {
    let space = small_spos();
    let table = compile(&space, &cpu());
    let (sample, cost) = cheapest(&space, &table).expect("a sample");
    let limit = Limit::at_most(table, cost).expect("a limit");
    let feasible = Feasible::new(&space, Constraints::new([limit])).expect("one is left");
    let mut sampler = feasible.sampler(&SamplerOptions::default()).expect("a sampler");
    assert_eq!(sampler.draw(&mut Random::new(0)).expect("a draw"), sample);
}

#[test]
fn reasons_are_given() {
    let space = builtin::space("spos").expect("a built-in space");
    let macs = compile(&space, &Macs);
    let limit = |low, high| Limit::between(macs.clone(), low, high).expect("a limit");
    let small = space.sample(&[0; 20]).expect("a sample");
    let reason = |limit: Limit| {
        Constraints::new([limit]).check(&small).expect_err("a violation").to_string()
    };
    expect!["over budget: 295842496 macs > 250000000 macs"]
        .assert_eq(&reason(limit(None, Some(2.5e8))));
    expect!["under the lower bound: 295842496 macs < 400000000 macs"]
        .assert_eq(&reason(limit(Some(4e8), Some(5e8))));
    let error = |limit| {
        let error = Feasible::new(&space, Constraints::new([limit])).expect_err("infeasible");
        assert_eq!(error.kind(), ErrorKind::Infeasible);
        error.to_string()
    };
    expect![
        "over budget: every architecture needs 270359360 macs or more; expected 100000000 macs"
    ]
    .assert_eq(&error(limit(None, Some(1e8))));
    expect!["under the lower bound: every architecture needs 398609216 macs or less; expected 1000000000 macs"].assert_eq(&error(limit(Some(1e9), None)));
    let wrong = |low, high| Limit::between(macs.clone(), low, high).expect_err("no limit");
    expect![
        "limit of macs: is from 2 to 1; expected a lower bound that does not exceed the upper one"
    ]
    .assert_eq(&wrong(Some(2.0), Some(1.0)).to_string());
    assert_eq!(wrong(None, Some(f64::NAN)).kind(), ErrorKind::BadConstraint);
    let other = builtin::space("nasbench201").expect("a built-in space");
    let error = Feasible::new(&other, Constraints::new([limit(None, Some(1e9))]));
    assert_eq!(error.expect_err("of another space").kind(), ErrorKind::BadConstraint);
}

#[test]
fn built_in_spaces_are_sampled_at_tight_budgets() {
    let options = SamplerOptions::default();
    for (name, _) in builtin::ALL {
        let space = builtin::space(name).expect("a built-in space");
        if *name == "nasbench201" {
            continue; // listed by its table: its costs depend on all choices together
        }
        let (macs, size) = (compile(&space, &Macs), compile(&space, &Parameters));
        let between = |table, share: f64| {
            let low = cheapest(&space, table).expect("a sample").1;
            low + share * (dearest(&space, table).expect("a sample").1 - low)
        };
        let tight = Limit::at_most(macs.clone(), between(&macs, 0.01)).expect("a limit");
        let both = [
            Limit::at_most(macs.clone(), between(&macs, 0.2)).expect("a limit"),
            Limit::at_most(size.clone(), between(&size, 0.3)).expect("a limit"),
        ];
        for constraints in [Constraints::new([tight]), Constraints::new(both)] {
            let feasible = Feasible::new(&space, constraints.clone()).expect("feasible");
            let mut sampler = feasible.sampler(&options).expect("a sampler");
            let mut random = Random::new(5);
            for _ in 0..200 {
                let sample = sampler.draw(&mut random).expect("a draw");
                assert!(constraints.allow(&sample));
                assert_eq!(space.canonical(&sample), sample);
            }
            assert!(sampler.acceptance() > 0.2, "{name}: {}", sampler.acceptance());
        }
    }
}

#[test]
fn bins_are_equally_frequent() {
    let space = small_spos();
    let table = compile(&space, &cpu());
    let all = canonical(&space);
    let limit = Limit::at_most(table.clone(), quantile(&table, &all, 0.9)).expect("a limit");
    let feasible = Feasible::new(&space, Constraints::new([limit])).expect("feasible");
    let mut sampler = feasible.binned_sampler(4, &SamplerOptions::default()).expect("a sampler");
    assert!(sampler.empty().is_empty());
    let bins: Vec<(f64, f64)> = sampler.bins().collect();
    let mut counts = [0; 4];
    let mut random = Random::new(0);
    for _ in 0..4000 {
        let cost = table.cost(&sampler.draw(&mut random).expect("a draw"));
        let bin = bins.iter().position(|&(from, to)| from <= cost && cost <= to);
        counts[bin.expect("a bin")] += 1;
    }
    assert!(counts.iter().all(|count| (880..1120).contains(count)), "{counts:?}");
    assert!(feasible.binned_sampler(0, &SamplerOptions::default()).is_err());
}
