//! Kernels that detection found, told as [`Configuration`]s are: what follows from other members is left
//! out, so that every member says something of its own.

use nnmeter_core::pooling::Pooling;
use nnmeter_core::workload::Workload;

use super::kernels::{Configuration, Pooled};

impl Configuration {
    /// The configuration whose [`workload`](Self::workload) is `work`.
    pub fn of(work: &Workload) -> Self {
        let mut told = Self {
            kind: work.kind.name().to_owned(),
            input: work.input.into(),
            output: Some(work.output.into()),
            cin: work.cin,
            cout: Some(work.cout),
            window: work.window.into(),
            stride: work.stride.into(),
            dilation: work.dilation.into(),
            groups: Some(work.groups),
            operands: Some(work.operands),
            batch: Some(work.batch),
            bits: Some(work.bits),
            pooled: work.pooled.as_ref().map(Pooled::of),
            ..Self::default()
        };
        told.add_channels(work);
        told.add_counts(work);
        told
    }

    /// Channels of operands, up to the last one that has any.
    fn add_channels(&mut self, work: &Workload) {
        let last = work.channels.iter().rposition(|&channels| channels > 0).unwrap_or_default();
        let after = work.channels.get(1..=last).unwrap_or_default();
        self.channels = (!after.is_empty()).then(|| after.to_vec());
    }

    /// The counts that do not follow.
    fn add_counts(&mut self, work: &Workload) {
        let (read, written) = self.traffic(&Workload { read: 0, written: 0, ..*work });
        match work.read.checked_sub(read) {
            Some(also) => self.also_read = Some(also),
            None => self.read = Some(work.read),
        }
        self.written = (work.written != written).then_some(work.written);
        let follows = self.arithmetic(work).ok();
        self.weights =
            (follows.map(|(weights, _)| weights) != Some(work.weights)).then_some(work.weights);
        self.macs = (follows.map(|(_, macs)| macs) != Some(work.macs)).then_some(work.macs);
    }
}

impl Pooled {
    fn of(pooling: &Pooling) -> Self {
        Self {
            kind: pooling.kind.name().to_owned(),
            window: pooling.window.into(),
            stride: pooling.stride.into(),
            joined: pooling.joined,
        }
    }
}
