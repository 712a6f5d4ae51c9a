//! What is tested: two operators in sequence and where they stand, or whether a block is one kernel.

use super::Operator;

/// Where two operators stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Site {
    /// Behind a convolution.
    Plain,
    /// Behind an average pooling: the first operator is in no convolution's kernel.
    BehindPooling,
    /// The second operator reads an input of the model as well.
    BesideInput,
    /// The second operator's result is an output of the model.
    Returned,
    /// The first operator's result is read by another operator as well.
    Shared,
}

impl Site {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Site::Plain => "plain",
            Site::BehindPooling => "behind a pooling",
            Site::BesideInput => "beside an input",
            Site::Returned => "returned",
            Site::Shared => "shared",
        }
    }
}

/// A question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Case {
    /// Whether the second operator fuses into the kernel that ends in the first.
    Pair(Site, Operator, Operator),
    /// Whether a block is one kernel, behind an average pooling.
    Block(Operator),
}

/// Patterns that most networks for phones are made of.
pub const COMMON: [Case; 19] = {
    use Operator::*;
    use Site::*;
    [
        Case::Pair(Plain, Conv, Bn),
        Case::Pair(Plain, DwConv, Bn),
        Case::Pair(Plain, Conv, Relu),
        Case::Pair(Plain, Conv, Relu6),
        Case::Pair(Plain, DwConv, Relu),
        Case::Pair(Plain, Conv, Sigmoid),
        Case::Pair(Plain, Conv, Swish),
        Case::Pair(Plain, Conv, Hswish),
        Case::Pair(Plain, Conv, HswishOfGate),
        Case::Pair(Plain, Conv, HswishOfParts),
        Case::Pair(Plain, Conv, Add),
        Case::Pair(Plain, Add, Relu),
        Case::Pair(BehindPooling, Bn, Relu),
        Case::Pair(BehindPooling, Add, Relu),
        Case::Pair(Plain, Relu, Relu),
        Case::Pair(BehindPooling, Add, Add),
        Case::Pair(Plain, Conv, ChannelShuffle),
        Case::Pair(Plain, Conv, MaxPool),
        Case::Pair(Plain, Conv, Se),
    ]
};

impl Case {
    /// All questions about kernels that end in one of `firsts`, in a settled order; blocks and what
    /// several consumers do are asked where convolutions are among them.
    pub fn all(firsts: &[Operator]) -> Vec<Case> {
        let mut cases = Vec::new();
        for &first in firsts {
            let heavy = Operator::HEAVY.contains(&first);
            let seconds = Operator::HEAVY.iter().filter(|&&second| second != Operator::AvgPool);
            let seconds = seconds.chain(Operator::ELEMENTWISE);
            cases.extend(seconds.map(|&second| Case::Pair(Site::Plain, first, second)));
            if !heavy {
                let seconds = Operator::ELEMENTWISE.iter();
                cases.extend(seconds.map(|&second| Case::Pair(Site::BehindPooling, first, second)));
            }
            if matches!(first, Operator::Conv | Operator::DwConv) {
                cases.extend(Self::of_convolutions(first));
            }
        }
        if firsts.contains(&Operator::Conv) {
            let blocks = Operator::SPELLED_OUT.iter().filter(|block| block.is_block());
            cases.extend(blocks.map(|&block| Case::Block(block)));
            cases.push(Case::Pair(Site::Shared, Operator::Conv, Operator::Relu));
        }
        cases
    }

    /// What is asked about convolutions only.
    fn of_convolutions(first: Operator) -> Vec<Case> {
        let spelled = Operator::SPELLED_OUT.iter();
        let mut cases: Vec<Case> =
            spelled.map(|&second| Case::Pair(Site::Plain, first, second)).collect();
        cases.push(Case::Pair(Site::BesideInput, first, Operator::Add));
        let returned = [Operator::Relu, Operator::Hswish, Operator::Add];
        cases.extend(returned.map(|second| Case::Pair(Site::Returned, first, second)));
        cases
    }

    /// The operator whose fusion is asked about.
    pub fn second(self) -> Operator {
        match self {
            Case::Pair(_, _, second) => second,
            Case::Block(block) => block,
        }
    }

    /// In words.
    pub fn name(self) -> String {
        match self {
            Case::Pair(Site::Plain, first, second) => {
                format!("{}, {}", first.name(), second.name())
            }
            Case::Pair(site, first, second) => {
                format!("{}, {}, {}", first.name(), second.name(), site.name())
            }
            Case::Block(block) => format!("{} as one kernel", block.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_question_is_asked_once_and_the_common_ones_are() {
        let cases = Case::all(Operator::FIRST);
        let distinct: std::collections::BTreeSet<&Case> = cases.iter().collect();
        assert_eq!(distinct.len(), cases.len());
        for common in COMMON {
            assert!(cases.contains(&common), "{}", common.name());
        }
    }
}
