//! Published networks by which a new device is judged: nothing is ever fitted to them.
//!
//! They are drawn from the papers, batch normalisations folded into the convolutions before them, as
//! exporters do.

mod classic;
mod mobile;
mod units;

use nnmeter_core::typed::TypedGraph;

use crate::error::Result;

/// A network that a device is judged by.
#[derive(Clone, Debug)]
pub struct Known {
    /// The family that it is of.
    pub family: String,
    /// Its name, with what tells it apart from others of the family.
    pub name: String,
    /// The network.
    pub graph: TypedGraph,
}

/// Thirty networks of thirteen families, in a fixed order.
///
/// # Errors
/// None, unless there is a mistake here.
pub fn all() -> Result<Vec<Known>> {
    let mut known = Vec::new();
    let mut add = |family: &str, name: String, graph: Result<TypedGraph>| -> Result<()> {
        known.push(Known { family: family.to_owned(), name, graph: graph? });
        Ok(())
    };
    add("alexnet", "alexnet".to_owned(), classic::alexnet())?;
    for (depth, repeats) in [(11, [1, 1, 2, 2, 2]), (16, [2, 2, 3, 3, 3])] {
        add("vgg", format!("vgg{depth}"), classic::vgg(repeats))?;
    }
    for (depth, side, repeats) in
        [(18, 224, [2, 2, 2, 2]), (18, 160, [2, 2, 2, 2]), (34, 224, [3, 4, 6, 3])]
    {
        add("resnet", format!("resnet{depth}@{side}"), classic::resnet(side, repeats))?;
    }
    add("resnet", "resnet50@224".to_owned(), classic::bottlenecks([3, 4, 6, 3], 64, 1))?;
    add("resnext", "resnext50_32x4d".to_owned(), classic::bottlenecks([3, 4, 6, 3], 128, 32))?;
    for (version, first) in [("1.0", 7), ("1.1", 3)] {
        add("squeezenet", format!("squeezenet{version}"), classic::squeezenet(first))?;
    }
    add("googlenet", "googlenet".to_owned(), classic::googlenet())?;
    add("densenet", "densenet121".to_owned(), units::densenet([6, 12, 24, 16]))?;
    for (width, side) in [(1.0, 224), (0.5, 160)] {
        add("mobilenet_v1", format!("mobilenet_v1 {width}@{side}"), mobile::v1(width, side))?;
    }
    for (width, side) in [(1.0, 224), (0.75, 192), (1.4, 224)] {
        add("mobilenet_v2", format!("mobilenet_v2 {width}@{side}"), mobile::v2(width, side))?;
    }
    for (size, width, side) in [("large", 1.0, 224), ("large", 0.75, 160), ("small", 1.0, 224)] {
        let name = format!("mobilenet_v3_{size} {width}@{side}");
        add("mobilenet_v3", name, mobile::v3(size == "large", width, side))?;
    }
    add("mnasnet", "mnasnet_a1".to_owned(), mobile::mnasnet_a1())?;
    add("mnasnet", "mnasnet_b1".to_owned(), mobile::mnasnet_b1())?;
    add("efficientnet", "efficientnet_b0".to_owned(), mobile::efficientnet_b0(224))?;
    add("efficientnet", "efficientnet_b0@160".to_owned(), mobile::efficientnet_b0(160))?;
    for (width, channels) in [(0.5, [48, 96, 192]), (1.0, [116, 232, 464]), (1.5, [176, 352, 704])]
    {
        add("shufflenet_v2", format!("shufflenet_v2 {width}"), units::shufflenet(channels))?;
    }
    for (name, cell) in units::CELLS {
        add("nasbench201", format!("nasbench201 {name}"), units::nasbench201(cell))?;
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use nnmeter_core::detect::detect;
    use nnmeter_core::predict::workloads;
    use nnmeter_core::rules::FusionRules;

    use super::*;

    /// Multiply-accumulates and weights, in millions.
    fn size(graph: &TypedGraph) -> (f64, f64) {
        let rules = FusionRules::from_json(b"{}").expect("no rules");
        let detection = detect(graph, &rules);
        let work = detection.kernels().flat_map(|kernel| workloads(graph, kernel).expect("shapes"));
        work.fold((0.0, 0.0), |(macs, weights), work| {
            (macs + work.macs as f64 / 1e6, weights + work.weights as f64 / 1e6)
        })
    }

    /// What the papers, or the reference implementations, say of them.
    #[test]
    fn networks_are_as_large_as_published() {
        let known = all().expect("sound networks");
        assert_eq!(known.len(), 30);
        let published = [
            ("alexnet", 714.0, 61.1),
            ("vgg16", 15_470.0, 138.3),
            ("resnet18@224", 1_814.0, 11.7),
            ("resnet50@224", 4_089.0, 25.5),
            ("resnext50_32x4d", 4_230.0, 25.0),
            ("squeezenet1.1", 350.0, 1.2),
            ("googlenet", 1_580.0, 7.0),
            ("densenet121", 2_834.0, 7.9),
            ("mobilenet_v1 1@224", 569.0, 4.2),
            ("mobilenet_v2 1@224", 300.0, 3.5),
            ("mobilenet_v3_large 1@224", 219.0, 5.4),
            ("mobilenet_v3_small 1@224", 56.0, 2.5),
            ("mnasnet_a1", 312.0, 3.9),
            ("mnasnet_b1", 315.0, 4.3),
            ("efficientnet_b0", 390.0, 5.3),
            ("shufflenet_v2 1", 146.0, 2.3),
        ];
        for (name, macs, weights) in published {
            let network = known.iter().find(|known| known.name == name);
            let (found, parameters) = size(&network.unwrap_or_else(|| panic!("{name}")).graph);
            assert!((found / macs - 1.0).abs() < 0.05, "{name}: {found} million MACs");
            assert!((parameters / weights - 1.0).abs() < 0.05, "{name}: {parameters} million");
        }
    }
}
