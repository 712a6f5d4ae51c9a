//! What was open when a device's fit was designed: the candidates among which `--nested` chooses.

use nnmeter_hardware::fit::recipe::Recipe;
use nnmeter_hardware::fit::terms::TermSpec;

/// The candidates: every list of terms with every set of constants.
pub(crate) struct Choices {
    /// What is chosen, in words.
    pub(crate) says: &'static str,
    /// The lists of terms that the device's own gives rise to.
    pub(crate) terms: fn(&[TermSpec]) -> Vec<Vec<TermSpec>>,
    /// The sets of constants that the device's own give rise to.
    pub(crate) recipes: fn(Recipe) -> Vec<Recipe>,
}

/// Constants alone: what remains open where the list of terms is taken as it is.
pub(crate) const CONSTANTS: Choices = Choices {
    says: "weight of the prior, trees or none",
    terms: |terms| vec![terms.to_vec()],
    recipes: |base| {
        let with =
            |ridge| [base.correction, None].map(|correction| Recipe { ridge, correction, ..base });
        [1e-7, 1e-6, 1e-5].into_iter().flat_map(with).collect()
    },
};

/// Those of the Cortex-A76.
pub(crate) const CPU: Choices = Choices {
    says: "how slow a global mean is, whether patches that leave the cache cost more, weight of the \
           prior, weight of family effects",
    terms: term_lists,
    recipes,
};

const MEAN_WEIGHTS: [f64; 4] = [1.0, 5.0, 10.0, 20.0];
const RIDGES: [f64; 5] = [1e-7, 1e-6, 3e-6, 1e-5, 3e-5];
const FAMILY_EFFECTS: [f64; 3] = [0.0, 0.5, 0.8];

/// The terms with each weight of the global mean, with and without the spill of patches.
fn term_lists(terms: &[TermSpec]) -> Vec<Vec<TermSpec>> {
    let reweighted = |term: &TermSpec, weight: f64| match term.name {
        "gap.in" => TermSpec { weight, ..*term },
        _ => *term,
    };
    let list = |weight: f64, spill: bool| -> Vec<TermSpec> {
        let kept = terms.iter().filter(|term| spill || term.name != "convk.spill");
        kept.map(|term| reweighted(term, weight)).collect()
    };
    MEAN_WEIGHTS.iter().flat_map(|&weight| [list(weight, false), list(weight, true)]).collect()
}

fn recipes(base: Recipe) -> Vec<Recipe> {
    let with = |ridge: f64| {
        FAMILY_EFFECTS.map(|family_effect| Recipe {
            ridge,
            family_effect,
            rounds: if family_effect > 0.0 { base.rounds } else { 1 },
            ..base
        })
    };
    RIDGES.iter().flat_map(|&ridge| with(ridge)).collect()
}
