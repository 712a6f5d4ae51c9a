//! Losses made of costs: their formulas in numbers, their slopes against finite differences; and what
//! is no distribution or no loss is refused.

use expect_test::expect;
use nnmeter_filters::error::{Error, ErrorKind};
use nnmeter_filters::expect::{
    AddLinear, Aggregate, BaselinePenalty, Combined, CostLoss, Distribution, MulLog, Nonlinearity,
    Softmax,
};
use proptest::prelude::*;

fn combine(loss: &impl CostLoss, task: f64, cost: f64) -> Combined {
    loss.combine(task, cost).expect("defined")
}

fn penalty(nonlinear: Nonlinearity, aggregate: Aggregate) -> BaselinePenalty {
    BaselinePenalty::new(40.0, 2.0, nonlinear, aggregate).expect("a valid penalty")
}

#[test]
fn proxylessnas_in_numbers() {
    let linear = AddLinear::new(80.0, 0.2).expect("valid");
    assert_eq!(combine(&linear, 3.0, 100.0).value, 3.05);
    // ln 100 / ln 10 = 2
    let log = MulLog::new(10.0, 0.5, 3.0).expect("valid");
    assert!((combine(&log, 3.0, 100.0).value - 12.0).abs() < 1e-12);
}

#[test]
fn baseline_penalties_in_numbers() {
    use Aggregate::{Add, Mul};
    use Nonlinearity::{Absolute, Linear, Negative, Positive};
    let forms = [Linear, Positive, Negative, Absolute];
    let values =
        |aggregate, cost| forms.map(|form| combine(&penalty(form, aggregate), 3.0, cost).value);
    // A quarter above and below a baseline of 40, at a scale of 2.
    assert_eq!(values(Add, 50.0), [3.5, 3.5, 3.0, 3.5]);
    assert_eq!(values(Add, 30.0), [2.5, 3.0, 2.5, 3.5]);
    assert_eq!(values(Mul, 50.0), [3.0 * 1.5625, 3.0 * 1.5625, 3.0, 3.0 * 1.5625]);
    assert_eq!(values(Mul, 30.0), [3.0 * 0.5625, 3.0, 3.0 * 0.5625, 3.0 * 1.5625]);
    for form in [Positive, Negative, Absolute] {
        assert_eq!(combine(&penalty(form, Add), 3.0, 40.0).by_cost, 0.0, "{form:?}");
    }
}

proptest! {
    #[test]
    fn slopes_are_finite_differences(task in 0.1..10.0f64, cost in 2.0..200.0f64) {
        prop_assume!((cost - 40.0).abs() > 0.01);
        slopes(&AddLinear::new(40.0, 0.2).expect("valid"), task, cost)?;
        slopes(&MulLog::new(40.0, 0.7, 0.6).expect("valid"), task, cost)?;
        for nonlinear in [Nonlinearity::Linear, Nonlinearity::Positive, Nonlinearity::Negative,
            Nonlinearity::Absolute] {
            slopes(&penalty(nonlinear, Aggregate::Add), task, cost)?;
            slopes(&penalty(nonlinear, Aggregate::Mul), task, cost)?;
        }
    }

    #[test]
    fn a_softmax_is_a_distribution(logits in prop::collection::vec(-800.0..800.0f64, 5)) {
        let softmax = Softmax::new(&[2, 3], &logits, 0.1).expect("valid");
        let values = softmax.distribution().values().to_vec();
        Distribution::new(&[2, 3], values).expect("probabilities");
        let of_constant = softmax.by_logit(&[7.0; 5]);
        prop_assert!(of_constant.iter().all(|slope| slope.abs() < 1e-12));
    }
}

fn slopes(loss: &impl CostLoss, task: f64, cost: f64) -> Result<(), TestCaseError> {
    let here = combine(loss, task, cost);
    let value = |task, cost| combine(loss, task, cost).value;
    let step = 1e-5;
    let by_cost = (value(task, cost + step) - value(task, cost - step)) / (2.0 * step);
    let by_task = (value(task + step, cost) - value(task - step, cost)) / (2.0 * step);
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-6 * b.abs() + 1e-9;
    prop_assert!(close(by_cost, here.by_cost), "{} {}", by_cost, here.by_cost);
    prop_assert!(close(by_task, here.by_task), "{} {}", by_task, here.by_task);
    Ok(())
}

#[test]
fn what_is_no_distribution_is_refused() {
    let probabilities =
        |values: &[f64]| Distribution::new(&[2, 1], values.to_vec()).expect_err("no distribution");
    let logits = |values: &[f64], t: f64| Softmax::new(&[2, 1], values, t).expect_err("none");
    let errors = [
        probabilities(&[0.5, 0.5]),
        probabilities(&[0.5, 0.4, 1.0]),
        probabilities(&[1.5, -0.5, 1.0]),
        probabilities(&[0.5, 0.5, f64::NAN]),
        logits(&[0.0], 1.0),
        logits(&[0.0, f64::NAN, 0.0], 1.0),
        logits(&[f64::NEG_INFINITY, f64::NEG_INFINITY, 0.0], 1.0),
        logits(&[0.0; 3], 0.0),
    ];
    assert!(errors.iter().all(|error| error.kind() == ErrorKind::BadDistribution));
    let text: Vec<String> = errors.iter().map(Error::to_string).collect();
    expect![[r#"
        distribution: has 2 probabilities; expected 3, one for each option of each choice
        distribution of choice 0: has probabilities of 0.9 in all; expected numbers from 0 on that add up to 1
        distribution of choice 0: has a probability of -0.5; expected numbers from 0 on that add up to 1
        distribution of choice 1: has a probability of NaN; expected numbers from 0 on that add up to 1
        distribution: has 1 logits; expected 3, one for each option of each choice
        distribution of choice 0: has a logit of NaN; expected numbers, at least one of them finite
        distribution of choice 0: has logits of -inf only; expected numbers, at least one of them finite
        temperature: is 0; expected a positive number"#]].assert_eq(&text.join("\n"));
    let single = Distribution::new(&[2], vec![0.300_000_1, 0.7]).expect("to single precision");
    assert!((single.values().iter().sum::<f64>() - 1.0).abs() < 1e-15);
}

#[test]
fn what_is_no_loss_is_refused() {
    let log = MulLog::new(2.0, 1.0, 0.6).expect("valid");
    let power = BaselinePenalty::new(2.0, 0.5, Nonlinearity::Linear, Aggregate::Mul);
    let errors = [
        AddLinear::new(0.0, 0.2).expect_err("no reference"),
        AddLinear::new(1.0, f64::NAN).expect_err("no lambda"),
        MulLog::new(1.0, 1.0, 0.6).expect_err("a log of 0"),
        log.combine(3.0, 0.9).expect_err("a negative log"),
        power.expect("valid").combine(3.0, 0.0).expect_err("an infinite slope"),
    ];
    assert!(errors.iter().all(|error| error.kind() == ErrorKind::BadLoss));
    let text: Vec<String> = errors.iter().map(Error::to_string).collect();
    expect![[r#"
        reference: is 0; expected a number above 0
        lambda: is NaN; expected a finite number
        reference: is 1; expected a number above 1
        cost: is 0.9; expected a number above 1
        loss at a task's loss of 3 and a cost of 0: is 0 with slopes of 0 and inf; expected finite numbers"#]].assert_eq(&text.join("\n"));
}
