//! Calibration where nobody says which base to take: every device is tried, and the one by which
//! networks left out are predicted best is taken.
//!
//! A base that cannot price all of the timings is no rival; leaving such out, or the timings, is the
//! caller's choice. How the figures come about is the business of [`choice`](super::choice): bases
//! are compared by their defaults alone, and the choice is made anew for whatever is judged by it.

use super::choice::{Choice, FEWEST, Timings};
use super::strengths::Start;
use super::{Calibrated, Families, check, check_base, finish, generic, seen_from};
use crate::error::{Error, ErrorKind, Result};
use crate::fit::samples::Samples;
use crate::package::MetricModels;

/// A device that may be the base.
#[derive(Clone, Copy, Debug)]
pub struct Rival<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its models.
    pub models: &'a MetricModels,
    /// The timings, in the same order for all rivals, with kernels by its own fusion rules.
    pub samples: &'a Samples,
}

/// How a base did against others.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// Its name.
    pub name: String,
    /// How far networks left out are off on average by its rates, as a log.
    pub error: f64,
    /// The same by generic terms of the kernels that its fusion rules make.
    pub generic_error: f64,
}

/// Calibrates the best of several bases; also says which.
///
/// # Errors
/// As [`calibrate`](super::calibrate) for each of them; and if there are no bases, or too few
/// timings to tell them apart.
pub fn calibrate_among(rivals: &[Rival<'_>], families: Families) -> Result<(usize, Calibrated)> {
    let wrong = |found: String| Error::new(ErrorKind::BadData, "timings", found);
    let count = rivals.first().map_or(0, |first| first.samples.samples().len());
    let of_base = |rival: &Rival<'_>, error: Error| error.within(rival.name);
    let mut generics = Vec::with_capacity(rivals.len());
    for rival in rivals {
        check_base(rival.models).map_err(|error| of_base(rival, error))?;
        check(rival.models, rival.samples).map_err(|error| of_base(rival, error))?;
        generics.push(generic::kernels(&rival.models.kernels)?);
    }
    let numbered = rivals.iter().zip(&generics).enumerate();
    let seen: Vec<_> = numbered
        .flat_map(|(at, (rival, generic))| {
            seen_from(at, rival.models, generic, rival.samples, &Start::ALL)
        })
        .collect();
    let timings = Timings::new(&seen);
    if count < FEWEST || !timings.can_choose() {
        return Err(wrong(format!("{count} of them tell no base from another"))
            .expected(format!("{FEWEST} different networks at least"))
            .hint("name the base that is most like the device"));
    }
    let choice = timings.choose();
    let base = &rivals[choice.base];
    let mut calibrated = finish(base.models, &seen, &timings, choice, families)
        .map_err(|error| of_base(base, error))?;
    calibrated.compared = compared(rivals, &timings.compared(), choice.base);
    Ok((choice.base, calibrated))
}

/// All rivals, the chosen one first, the others by their errors.
fn compared(rivals: &[Rival<'_>], errors: &[(Choice, f64)], chosen: usize) -> Vec<Compared> {
    let error = |base: usize, own: bool| {
        let is_it = |of: &Choice| of.base == base && of.strengths.start.follows_base() == own;
        errors.iter().find(|(of, _)| is_it(of)).map_or(f64::INFINITY, |(_, error)| *error)
    };
    let mut all: Vec<(usize, Compared)> = rivals
        .iter()
        .enumerate()
        .map(|(at, rival)| {
            let (error, generic_error) = (error(at, true), error(at, false));
            (at, Compared { name: rival.name.to_owned(), error, generic_error })
        })
        .collect();
    all.sort_by(|(a, one), (b, other)| {
        let closest = |of: &Compared| of.error.min(of.generic_error);
        (*a != chosen).cmp(&(*b != chosen)).then(closest(one).total_cmp(&closest(other)))
    });
    all.into_iter().map(|(_, compared)| compared).collect()
}
