//! Fair rounds, mutations, random search and evolution under constraints.

mod support;

use std::collections::BTreeSet;

use nnmeter_filters::builtin;
use nnmeter_filters::constraint::{Constraints, Limit};
use nnmeter_filters::error::ErrorKind;
use nnmeter_filters::exact::{Feasible, Objective, Sampler, SamplerOptions};
use nnmeter_filters::metric::Macs;
use nnmeter_filters::random::Random;
use nnmeter_filters::search::{Evolution, EvolutionOptions, mutate, random_search};
use nnmeter_filters::space::{Sample, SearchSpace};
use support::exact::{canonical, compile, quantile, small_spos};
use support::random_space::random_space;
use support::{GREEDY, cpu, made_up};

fn sampler(space: &SearchSpace, constraints: &Constraints) -> Sampler {
    let feasible = Feasible::new(space, constraints.clone()).expect("a feasible budget");
    feasible.sampler(&SamplerOptions::default()).expect("a sampler")
}

#[test]
fn rounds_without_limits_have_every_option_once() {
    let space = builtin::space("spos").expect("a built-in space");
    let feasible = Feasible::new(&space, Constraints::default()).expect("anything");
    let mut fair = feasible.fair_sampler(&SamplerOptions::default()).expect("a sampler");
    let mut random = Random::new(0);
    for _ in 0..10 {
        let round: Vec<Sample> = (0..4).map(|_| fair.draw(&mut random).expect("a draw")).collect();
        assert!(fair.is_at_start_of_round());
        for choice in 0..20 {
            let options: BTreeSet<u8> = round.iter().map(|sample| sample[choice]).collect();
            assert_eq!(options.len(), 4);
        }
    }
}

#[test]
fn rounds_under_a_budget_have_every_option_that_fits() {
    let spaces = (0..40).map(random_space).chain([small_spos()]);
    for (space, share) in spaces.zip([0.1, 0.5].into_iter().cycle()) {
        let all = canonical(&space);
        let table = compile(&space, &made_up(GREEDY));
        let limit = Limit::at_most(table.clone(), quantile(&table, &all, share)).expect("a limit");
        let constraints = Constraints::new([limit]);
        let feasible = Feasible::new(&space, constraints.clone()).expect("a feasible budget");
        let mut fair = feasible.fair_sampler(&SamplerOptions::default()).expect("a sampler");
        let pairs = |sample: &Sample| sample.iter().copied().enumerate().collect::<Vec<_>>();
        let allowed = all.iter().filter(|sample| constraints.allow(sample));
        let possible: BTreeSet<(usize, u8)> = allowed.flat_map(pairs).collect();
        let mut random = Random::new(0);
        for _ in 0..3 {
            let mut seen = BTreeSet::new();
            for draws in 1.. {
                let sample = fair.draw(&mut random).expect("a draw");
                assert!(constraints.allow(&sample) && draws <= possible.len());
                seen.extend(pairs(&sample));
                // Options that are left out are found to be so by the end of the first round.
                if fair.is_at_start_of_round() || seen == possible {
                    break;
                }
            }
            assert_eq!(seen, possible);
        }
    }
}

#[test]
fn mutations_change_one_choice_or_two_and_stay_within_the_budget() {
    for seed in 0..40 {
        let space = random_space(seed);
        let all = canonical(&space);
        let table = compile(&space, &made_up(GREEDY));
        let limit = Limit::at_most(table.clone(), quantile(&table, &all, 0.4)).expect("a limit");
        let constraints = Constraints::new([limit]);
        let mut random = Random::new(seed);
        for sample in all.iter().filter(|sample| constraints.allow(sample)) {
            let Some(child) = mutate(&space, &constraints, sample, &mut random) else { continue };
            assert!(constraints.allow(&child) && child != *sample);
            assert_eq!(space.canonical(&child), child);
            let activity = space.activity();
            let both =
                |&choice: &usize| activity[choice].holds(sample) && activity[choice].holds(&child);
            let changed = (0..child.len()).filter(both).filter(|&c| child[c] != sample[c]).count();
            assert!(changed <= 2, "{sample:?} {child:?}");
        }
    }
}

#[test]
fn at_the_edge_of_the_budget_mutations_still_go_up() {
    let space = builtin::space("spos").expect("a built-in space");
    let (latency, macs) = (compile(&space, &cpu()), compile(&space, &Macs));
    let mut random = Random::new(0);
    for _ in 0..5 {
        let sample = space.random_sample(&mut random);
        let limit = Limit::at_most(latency.clone(), latency.cost(&sample)).expect("a limit");
        let constraints = Constraints::new([limit]);
        let children = (0..200).map(|_| mutate(&space, &constraints, &sample, &mut random));
        let costs: Vec<f64> = children.map(|child| macs.cost(&child.expect("a child"))).collect();
        let up = costs.iter().filter(|&&cost| cost > macs.cost(&sample)).count();
        assert!(up > 10, "{up} of 200 have more multiply-accumulates");
    }
}

#[test]
fn a_lonely_architecture_has_no_mutation() {
    let space = small_spos();
    let table = compile(&space, &cpu());
    let least = quantile(&table, &canonical(&space), 0.0);
    let constraints = Constraints::new([Limit::at_most(table, least).expect("a limit")]);
    let mut sampler = sampler(&space, &constraints);
    let only = sampler.draw(&mut Random::new(0)).expect("a draw");
    assert_eq!(mutate(&space, &constraints, &only, &mut Random::new(0)), None);
    let options = EvolutionOptions { population: 2, tournament: 2 };
    let mut evolution = Evolution::new(&space, sampler, options, 0).expect("an evolution");
    for _ in 0..10 {
        assert_eq!(evolution.step(|_| f64::NAN).expect("a step").sample, only);
    }
}

#[test]
fn searches_stay_within_the_budget_and_below_the_best() {
    let space = builtin::space("spos").expect("a built-in space");
    let (latency, macs) = (compile(&space, &cpu()), compile(&space, &Macs));
    let feasible = Feasible::new(&space, Constraints::default()).expect("anything");
    let least = feasible.best(Objective::Least(&latency), 1).expect("the best")[0].value;
    let limit = Limit::at_most(latency, 1.2 * least).expect("a limit");
    let constraints = Constraints::new([limit]);
    let feasible = Feasible::new(&space, constraints.clone()).expect("a feasible budget");
    let best = feasible.best(Objective::Most(&macs), 1).expect("the best")[0].value;
    let mut sampler = sampler(&space, &constraints);
    let fitness = |sample: &Sample| {
        assert!(constraints.allow(sample));
        macs.cost(sample)
    };
    let found = random_search(&mut sampler, 1000, &mut Random::new(0), fitness).expect("a search");
    let found = found.expect("an architecture").fitness;
    let options = EvolutionOptions::default();
    let mut evolution = Evolution::new(&space, sampler.clone(), options, 0).expect("an evolution");
    let mut bests = Vec::new();
    for _ in 0..2000 {
        evolution.step(fitness).expect("a step");
        bests.push(evolution.best().expect("an architecture").fitness);
    }
    assert!(bests[99] < bests[1999] && bests[1999] <= best, "{bests:?} {best}");
    assert!(found <= best);
    assert_eq!(evolution.alive().count(), 100);
    let none = EvolutionOptions { population: 0, tournament: 1 };
    let error = Evolution::new(&space, sampler, none, 0).expect_err("no population");
    assert_eq!(error.kind(), ErrorKind::BadConstraint);
}
