//! Physical units as types, so that milliseconds never meet millijoules.
//!
//! Not a general quantity library: only the four units a prediction is made of.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, Sub};

macro_rules! unit {
    ($(#[$doc:meta])* $name:ident($inner:ty), $suffix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
        pub struct $name(pub $inner);

        impl Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self(self.0 + other.0)
            }
        }

        impl AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                self.0 += other.0;
            }
        }

        impl Sub for $name {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                Self(self.0 - other.0)
            }
        }

        impl Mul<$inner> for $name {
            type Output = Self;
            fn mul(self, factor: $inner) -> Self {
                Self(self.0 * factor)
            }
        }

        impl Sum for $name {
            fn sum<I: Iterator<Item = Self>>(values: I) -> Self {
                values.fold(Self::default(), Add::add)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)?;
                f.write_str($suffix)
            }
        }
    };
}

/// A unit that a metric is measured in.
pub trait Unit: Copy + fmt::Debug + fmt::Display + PartialOrd + Send + Sync + 'static {
    /// The metric's name in packages: `latency_ms`.
    const METRIC: &'static str;
    /// The unit's suffix in keys of JSON objects: `ms` as in `total_ms`.
    const SUFFIX: &'static str;

    /// The quantity of `value` units.
    fn from_value(value: f64) -> Self;

    /// The number of units.
    fn value(self) -> f64;
}

macro_rules! metric {
    ($name:ident, $metric:literal, $suffix:literal) => {
        impl Unit for $name {
            const METRIC: &'static str = $metric;
            const SUFFIX: &'static str = $suffix;

            fn from_value(value: f64) -> Self {
                Self(value)
            }

            fn value(self) -> f64 {
                self.0
            }
        }
    };
}

metric!(Millis, "latency_ms", "ms");
metric!(Millijoules, "energy_mj", "mj");

unit!(
    /// A duration in milliseconds.
    Millis(f64), " ms"
);
unit!(
    /// An energy in millijoules.
    Millijoules(f64), " mJ"
);
unit!(
    /// A number of floating-point operations; one multiply-accumulate counts two.
    Flops(u64), " FLOPs"
);
unit!(
    /// An amount of memory in bytes.
    Bytes(u64), " B"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_prints_with_its_unit() {
        let total: Millis = [Millis(1.5), Millis(2.0)].into_iter().sum();
        assert_eq!(total, Millis(3.5));
        assert_eq!(format!("{total:.2}"), "3.50 ms");
        assert_eq!(format!("{}", Bytes(4) + Bytes(8)), "12 B");
    }
}
