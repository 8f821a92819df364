//! How long the pool's computations take under the virtual clock.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::numbers::BoundedInt;
use super::values::Time;

/// Cost of the pool's arithmetic under the virtual clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Service {
    /// [`ServiceModel::NOMINAL`], without a queue.
    #[default]
    None,
    /// The cost on this machine, measured before the run.
    Calibrated,
    /// The costs that the scenario gives.
    Model(ServiceModel),
}

impl Service {
    /// Returns whether operations wait for each other, so that latency depends on the load.
    pub(super) const fn queues(&self) -> bool {
        match self {
            Self::None => false,
            Self::Calibrated => true,
            Self::Model(model) => model.cores.is_some(),
        }
    }

    /// Returns the costs that the scenario gives, else [`ServiceModel::NOMINAL`].
    ///
    /// The caller must replace [`Service::Calibrated`] by a measured [`Service::Model`] before the run.
    pub const fn model(&self) -> ServiceModel {
        match self {
            Self::None | Self::Calibrated => ServiceModel::NOMINAL,
            Self::Model(model) => *model,
        }
    }
}

/// Costs of the pool's arithmetic, by the size of the exponent in bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a map with the costs")]
#[schemars(rename = "ServiceMap")]
pub struct ServiceModel {
    /// Number of operations that run at once. Left out: no limit and no queue.
    #[serde(deserialize_with = "cores")]
    #[schemars(with = "Option<BoundedInt<1, 1024>>")]
    pub cores: Option<u32>,
    /// One modular exponentiation with an exponent of 256 bits.
    #[serde(with = "Time")]
    pub modexp_256: Duration,
    /// One modular exponentiation with an exponent of 513 bits.
    #[serde(with = "Time")]
    pub modexp_513: Duration,
    /// One modular exponentiation with an exponent of 1025 bits.
    #[serde(with = "Time")]
    pub modexp_1025: Duration,
}

impl ServiceModel {
    /// Costs of a common server core, without a queue.
    pub const NOMINAL: Self = Self {
        cores: None,
        modexp_256: Duration::from_micros(340),
        modexp_513: Duration::from_micros(645),
        modexp_1025: Duration::from_micros(1304),
    };
}

impl Default for ServiceModel {
    fn default() -> Self {
        Self::NOMINAL
    }
}

fn cores<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    BoundedInt::<1, 1024>::deserialize(deserializer).map(|cores| Some(cores.get()))
}
