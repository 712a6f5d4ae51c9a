//! Tables whose entries are given, not compiled: somebody else has found out what a space costs.

use super::compile::joined;
use super::factor::{Factor, size};
use super::{CompileOptions, CostTable};
use crate::error::{Error, ErrorKind, Result};
use crate::metric::Quantity;
use crate::space::{Block, Choice, Layer, Number, SearchSpace};

/// Costs of every combination of options of a few choices, as they are given.
#[derive(Clone, Debug, PartialEq)]
pub struct GivenFactor {
    /// Indices of the choices, in ascending order; none for what every sample costs.
    pub choices: Vec<usize>,
    /// By combination of options; those of the last choice are adjacent.
    pub costs: Vec<f64>,
}

impl SearchSpace {
    /// A space of which the choices alone are known: for tables that are given. Its layers stand for
    /// the network and must not be priced.
    ///
    /// # Errors
    /// As [`SearchSpace::new`].
    pub fn of_choices(name: impl Into<String>, choices: Vec<Choice>) -> Result<Self> {
        let mut body = Block::new();
        let stand_in = |(index, choice): (usize, &Choice)| {
            Layer::conv(Number::by(index, 1..=choice.options.len() as u32), 1)
        };
        let layers: Vec<Layer> = choices.iter().enumerate().map(stand_in).collect();
        body.chain(layers, body.input());
        Self::new(name, [1, 1, 1, 1], choices, body)
    }
}

impl CostTable {
    /// The table that has the sum of these factors for every sample of `space`.
    ///
    /// # Errors
    /// [`ErrorKind::BadSpace`] if a factor's choices are not the space's, in ascending order, or it
    /// has not a finite cost for each combination of their options.
    pub fn given(
        space: &SearchSpace,
        quantity: Quantity,
        device: Option<String>,
        factors: Vec<GivenFactor>,
    ) -> Result<Self> {
        let cardinalities: Vec<usize> = space.choices().iter().map(|c| c.options.len()).collect();
        let factors = factors.into_iter().enumerate().map(|(index, given)| {
            check(&given, &cardinalities)
                .map_err(|error| error.within(format!("factor {}", index + 1)))?;
            Ok((given.choices, given.costs))
        });
        let factors: Vec<_> = factors.collect::<Result<_>>()?;
        Ok(Self { device, ..Self::summed(quantity, cardinalities, factors) })
    }

    /// The sum of tables: each over some choices in ascending order, the last of which has adjacent
    /// entries.
    pub(crate) fn summed(
        quantity: Quantity,
        cardinalities: Vec<usize>,
        tables: impl IntoIterator<Item = (Vec<usize>, Vec<f64>)>,
    ) -> Self {
        let factor =
            |(choices, costs): (Vec<usize>, Vec<f64>)| Factor::new(choices, &cardinalities, costs);
        let factors = joined(tables.into_iter().map(factor).collect(), &cardinalities);
        Self::new(quantity, cardinalities, factors)
    }
}

fn check(factor: &GivenFactor, cardinalities: &[usize]) -> Result<()> {
    let GivenFactor { choices, costs } = factor;
    let last = choices.last().is_none_or(|&choice| choice < cardinalities.len());
    if !last || !choices.is_sorted_by(|a, b| a < b) {
        return Err(bad("choices", format!("are {choices:?}"))
            .expected(format!("indices below {}, in ascending order", cardinalities.len())));
    }
    let (size, most) = (size(choices, cardinalities), CompileOptions::default().most_entries);
    if size > most || costs.len() != size {
        return Err(bad("costs", format!("are {}", costs.len()))
            .expected(format!("{size}, one for each combination of options, and {most} at most")));
    }
    match costs.iter().find(|cost| !cost.is_finite()) {
        None => Ok(()),
        Some(cost) => Err(bad("costs", format!("have {cost}")).expected("finite costs")),
    }
}

fn bad(subject: &str, found: String) -> Error {
    Error::new(ErrorKind::BadSpace, subject, found)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::exact::cheapest;

    const MS: Quantity = Quantity { metric: "latency_ms", suffix: "ms" };

    fn space() -> SearchSpace {
        let choices = vec![Choice::new("a", ["x", "y"]), Choice::new("b", ["p", "q", "r"])];
        SearchSpace::of_choices("given", choices).unwrap()
    }

    fn table(factors: &[(&[usize], &[f64])]) -> Result<CostTable> {
        let given = |&(choices, costs): &(&[usize], &[f64])| GivenFactor {
            choices: choices.to_vec(),
            costs: costs.to_vec(),
        };
        CostTable::given(&space(), MS, None, factors.iter().map(given).collect())
    }

    #[test]
    fn costs_are_the_sums_of_what_is_given() {
        let space = space();
        let pairs = [0.0, 0.5, 0.0, 0.0, 0.0, -0.25];
        let table =
            table(&[(&[], &[1.0]), (&[0], &[0.0, 2.0]), (&[0, 1], &pairs), (&[0], &[4.0, 4.0])]);
        let table = table.unwrap();
        assert_eq!(space.architectures(), Some(6));
        let costs: Vec<f64> = space.samples().map(|sample| table.cost(&sample)).collect();
        assert_eq!(costs, [5.0, 5.5, 5.0, 7.0, 7.0, 6.75]);
        let (sample, cost) = cheapest(&space, &table).unwrap();
        assert_eq!((&sample[..], cost), (&[0u8, 0][..], 5.0));
    }

    #[test]
    fn what_does_not_fit_the_space_is_refused() {
        let wrong: [(&[usize], &[f64]); 5] = [
            (&[2], &[1.0]),
            (&[1, 0], &[0.0; 6]),
            (&[0, 0], &[0.0; 4]),
            (&[1], &[0.0; 2]),
            (&[0], &[0.0, f64::NAN]),
        ];
        let texts: Vec<String> =
            wrong.iter().map(|factor| table(&[*factor]).unwrap_err().to_string()).collect();
        expect![[r#"
            factor 1, choices: are [2]; expected indices below 2, in ascending order
            factor 1, choices: are [1, 0]; expected indices below 2, in ascending order
            factor 1, choices: are [0, 0]; expected indices below 2, in ascending order
            factor 1, costs: are 2; expected 3, one for each combination of options, and 1048576 at most
            factor 1, costs: have NaN; expected finite costs"#]]
        .assert_eq(&texts.join("\n"));
    }
}
