//! A device without any file: its rules and models are written in code.
//!
//! That is enough for hardware of which a data sheet is all there is. Its interval is a guess, and
//! its card says that nobody measured it.

use nnmeter_core::feature::Feature;
use nnmeter_core::kind::Kind;
use nnmeter_core::model::{FittedRange, KernelModel, Parametric, Term, WindowClass};
use nnmeter_core::predict::FittedModel;
use nnmeter_hardware::device::{Device, Provenance, Runtime};
use nnmeter_hardware::error::Result;
use nnmeter_hardware::package::{MetricModels, Package, RuleFile};
use nnmeter_hardware::provider::{DeviceProvider, LazyPackage};
use nnmeter_hardware::version::Version;

/// The devices of this crate.
pub struct DataSheets;

impl DeviceProvider for DataSheets {
    fn packages(&self) -> Vec<LazyPackage> {
        vec![LazyPackage::from_fn("sheet_npu", Version::FIRST, npu)]
    }
}

/// Milliseconds for a multiply-accumulate at 1 TMAC/s, and for an element of four bytes at 8 GB/s.
const MAC: f64 = 1e-9;
const ELEMENT: f64 = 5e-7;

fn npu() -> Result<Package> {
    let device = Device::new("sheet_npu", "An NPU of 1 TMAC/s", "NPU", Runtime::new("none", "0"));
    let rules = RuleFile::from_json(br#"{"BF_conv_relu": {"obey": true}}"#)?;
    let kernels = vec![
        (Kind::Conv, roofline(&[(Feature::Macs, MAC), (Feature::Moved, ELEMENT)])?),
        (Kind::Fc, roofline(&[(Feature::Macs, MAC), (Feature::Weights, ELEMENT)])?),
        (Kind::MaxPool, roofline(&[(Feature::Moved, ELEMENT)])?),
        (Kind::GlobalAvgPool, roofline(&[(Feature::Moved, ELEMENT)])?),
    ];
    Ok(Package {
        // Nobody measured how far totals are off.
        latency: Some(MetricModels { uncertainty: None, kernels }),
        ..Package::new(device, from_a_data_sheet(), rules)
    })
}

fn roofline(rates: &[(Feature, f64)]) -> Result<FittedModel> {
    let term = |&(feature, rate)| Term { feature, window: WindowClass::Any, rate };
    let parametric = Parametric::new(rates.iter().map(term).collect())?;
    Ok(FittedModel { model: KernelModel::Parametric(parametric), range: FittedRange::default() })
}

fn from_a_data_sheet() -> Provenance {
    let text = str::to_owned;
    Provenance {
        data_set: text("nothing measured"),
        licence: text("MIT"),
        source: text("a data sheet that was made up for this example"),
        models: 0,
        kernels: 0,
        date: text("2026-11-23"),
        seed: 0,
        tool: text("by hand"),
        method: text("Peak rates of the data sheet, added up."),
    }
}
