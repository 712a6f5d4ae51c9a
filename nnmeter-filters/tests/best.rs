//! The best architectures and Pareto fronts, against brute force.

mod support;

use expect_test::expect;
use nnmeter_filters::builtin;
use nnmeter_filters::constraint::{Constraints, Limit};
use nnmeter_filters::error::ErrorKind;
use nnmeter_filters::exact::{Feasible, Objective, Ranked, cheapest, pareto};
use nnmeter_filters::metric::{Macs, Parameters};
use nnmeter_filters::random::Random;
use nnmeter_filters::space::{Sample, SearchSpace};
use nnmeter_filters::table::CostTable;
use support::exact::{canonical, compile, quantile};
use support::random_space::random_space;
use support::{GREEDY, cpu, made_up};

const SPACES: u64 = 60;

/// Random scores, in every other space few different ones, so that there are ties.
fn scores(space: &SearchSpace, seed: u64) -> CostTable {
    let mut random = Random::new(seed);
    let mut score = || match seed % 2 {
        0 => random.unit(),
        _ => random.below(3) as f64,
    };
    let of = |count: usize, score: &mut dyn FnMut() -> f64| (0..count).map(|_| score()).collect();
    let choices = space.choices().iter();
    let scores: Vec<Vec<f64>> = choices.map(|c| of(c.options.len(), &mut score)).collect();
    let table = CostTable::additive(space, &scores).expect("a table of scores");
    for sample in space.samples() {
        let adds = |(choice, &option): (usize, &u8)| {
            let active = space.activity()[choice].holds(&sample);
            if active { scores[choice][usize::from(option)] } else { 0.0 }
        };
        let sum: f64 = sample.iter().enumerate().map(adds).sum();
        assert!((table.cost(&sample) - sum).abs() < 1e-12);
    }
    table
}

fn check_best(space: &SearchSpace, constraints: &Constraints, objective: Objective<'_>) {
    let all = canonical(space);
    let sign = if matches!(objective, Objective::Most(_)) { -1.0 } else { 1.0 };
    let loss = |sample: &Sample| sign * objective.table().cost(sample);
    let mut losses: Vec<f64> = all.iter().filter(|s| constraints.allow(s)).map(loss).collect();
    losses.sort_by(f64::total_cmp);
    losses.truncate(12);
    let feasible = Feasible::new(space, constraints.clone()).expect("a feasible budget");
    let found = match feasible.best(objective, 12) {
        Err(error) if error.kind() == ErrorKind::Infeasible => Vec::new(),
        found => found.expect("the best"),
    };
    assert_eq!(found.len(), losses.len());
    for (found, expected) in found.iter().zip(losses) {
        assert!((sign * found.value - expected).abs() < 1e-9, "{} {expected}", found.value);
        assert!(constraints.allow(&found.sample));
        assert_eq!(space.canonical(&found.sample), found.sample);
    }
    let mut samples: Vec<&Sample> = found.iter().map(|ranked| &ranked.sample).collect();
    samples.sort();
    samples.dedup();
    assert_eq!(samples.len(), found.len(), "no architecture twice");
}

#[test]
fn the_best_are_those_of_all() {
    for seed in 0..SPACES {
        let space = random_space(seed);
        let all = canonical(&space);
        let (latency, size) = (compile(&space, &made_up(GREEDY)), compile(&space, &Parameters));
        let scores = scores(&space, seed);
        let bound = |share| Some(quantile(&latency, &all, share));
        let limit = |low, high| Limit::between(latency.clone(), low, high).expect("a limit");
        let sizes = Limit::at_most(size.clone(), quantile(&size, &all, 0.6)).expect("a limit");
        let sets = [
            vec![],
            vec![limit(None, bound(0.4))],
            vec![limit(bound(0.3), bound(0.5))],
            vec![limit(None, bound(0.5)), sizes],
        ];
        for limits in sets {
            let constraints = Constraints::new(limits);
            check_best(&space, &constraints, Objective::Most(&scores));
            check_best(&space, &constraints, Objective::Most(&size));
            check_best(&space, &constraints, Objective::Least(&latency));
        }
    }
}

/// Whether some point is as cheap and as good as `cost` and `loss`, up to rounding.
fn covers(front: &[(f64, f64)], (cost, loss): (f64, f64)) -> bool {
    front.iter().any(|point| point.0 <= cost * (1.0 + 1e-9) && point.1 <= loss + 1e-9)
}

#[test]
fn fronts_are_those_of_all() {
    for seed in 0..SPACES {
        let space = random_space(seed);
        let all = canonical(&space);
        let table = compile(&space, &made_up(GREEDY));
        let scores = scores(&space, seed);
        for share in [None, Some(0.5)] {
            let upper = share.map(|share| quantile(&table, &all, share));
            let front = pareto(&space, &table, Objective::Most(&scores), upper).expect("a front");
            let point = |ranked: &Ranked| (ranked.costs[0], -ranked.value);
            let front: Vec<(f64, f64)> = front.iter().map(point).collect();
            assert!(front.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 > pair[1].1));
            let within = all.iter().map(|s| (table.cost(s), -scores.cost(s)));
            let within: Vec<(f64, f64)> =
                within.filter(|point| upper.is_none_or(|upper| point.0 <= upper)).collect();
            assert!(within.iter().all(|&point| covers(&front, point)), "seed {seed}");
            assert!(front.iter().all(|point| within.contains(point)), "seed {seed}");
        }
    }
}

#[test]
fn spos_under_a_budget_on_the_cpu() {
    let space = builtin::space("spos").expect("a built-in space");
    let (latency, macs) = (compile(&space, &cpu()), compile(&space, &Macs));
    let (_, least) = cheapest(&space, &latency).expect("a sample");
    let limit = Limit::at_most(latency.clone(), 1.1 * least).expect("a limit");
    let feasible = Feasible::new(&space, Constraints::new([limit])).expect("feasible");
    let best = feasible.best(Objective::Most(&macs), 100).expect("the best");
    assert_eq!(best.len(), 100);
    assert!(best.windows(2).all(|pair| pair[0].value >= pair[1].value));
    // The best is the end of the front at the same budget.
    let front = pareto(&space, &latency, Objective::Most(&macs), Some(1.1 * least));
    let front = front.expect("a front");
    assert_eq!(front[0].costs[0], least);
    assert_eq!(front.last().expect("a point").value, best[0].value);
    let error = pareto(&space, &latency, Objective::Most(&macs), Some(0.5 * least));
    assert_eq!(error.expect_err("nothing").kind(), ErrorKind::Infeasible);
}

#[test]
fn wrong_scores_are_refused() {
    let space = builtin::space("spos").expect("a built-in space");
    let error = |scores: Vec<Vec<f64>>| {
        CostTable::additive(&space, &scores).expect_err("must be refused").to_string()
    };
    let mut scores = vec![vec![0.0; 4]; 20];
    expect!["scores: are of 0 choices; expected 20, as many as the space has"]
        .assert_eq(&error(vec![]));
    scores[3].push(1.0);
    expect![[r#"choice "block 4": has 5 scores; expected 4 finite scores, one for each option"#]]
        .assert_eq(&error(scores.clone()));
    scores[1][2] = f64::NAN;
    expect![[
        r#"choice "block 2": has a score of NaN; expected 4 finite scores, one for each option"#
    ]]
    .assert_eq(&error(scores));
}

/// A space of two choices, the second of them of no effect without the first.
fn two_choices() -> SearchSpace {
    let json = serde_json::json!({"name": "two", "input": [1, 3, 16, 16],
        "choices": [{"name": "a", "options": ["x", "y"]}, {"name": "b, c", "options": [3, 5]}],
        "body": [{"op": "conv", "channels": 8, "kernel": 3},
            {"op": "choose", "choice": "a", "candidates": [[], [{"op": "conv", "channels": 8,
                "kernel": {"choice": "b, c", "of": [3, 5]}}]]}]});
    SearchSpace::from_json(json.to_string().as_bytes()).expect("a space")
}

#[test]
fn scores_are_read_from_json_and_csv() {
    let space = two_choices();
    let json = r#"{"b, c": {"5": 2, "3": 1.5}, "a": {"x": 0, "y": -1e0}}"#;
    let csv = "score,choice,option\n0,a,x\r\n-1,a,y\n1.5,\"b, c\",3\n\n2,\"b, c\",5";
    for text in [json, csv] {
        let table = CostTable::scores_from_file(&space, text.as_bytes()).expect("scores");
        let cost = |options: &[u8]| table.cost(&space.sample(options).expect("a sample"));
        assert_eq!([cost(&[0, 1]), cost(&[1, 0]), cost(&[1, 1])], [0.0, 0.5, 1.0]);
    }
}

#[test]
fn files_of_scores_that_are_wrong_are_refused() {
    let space = two_choices();
    let error = |text: &str| {
        let error = CostTable::scores_from_file(&space, text.as_bytes()).expect_err("refused");
        format!("{error}\n")
    };
    let texts = [
        "",
        "{",
        "a,b\n",
        "choice,option,score\n\"a",
        "choice,option,score\na,x\n",
        "choice,option,score\na,x,high\n",
        "choice,option,score\na,x,1\na,x,1\n",
        "choice,option,score\na,z,1\n",
        "choice,option,score\na,x,1\n",
        r#"{"a": 3}"#,
        r#"{"A": {}}"#,
        r#"{"a": {"x": null}}"#,
    ];
    let said: String = texts.into_iter().map(error).collect();
    expect![[r#"
        scores, line 1: is empty; expected the columns choice, option and score
        scores: are not JSON: EOF while parsing an object at line 1 column 1
        scores, line 1: is not the header; expected the columns choice, option and score
        line 2: has a quote that is not closed
        scores, line 2: has other fields; expected the columns choice, option and score
        line 2, choice "a", option "x": has the score high; expected a finite number
        line 3, choice "a", option "x": has a second score
        line 2, choice "a", option "z": is unknown; expected one of x, y
        choice "a", option "y": has no score; expected a score for every option
        choice "a": is not an object; expected an object of scores by option
        choice "A": is unknown; expected one of a, b, c
        choice "a", option "x": has the score null; expected a finite number
    "#]]
    .assert_eq(&said);
}
