//! Describes the machine of a run.

use serde::{Deserialize, Serialize};

/// The machine and the command.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Environment {
    /// Operating system.
    pub os: String,
    /// Processor architecture.
    pub arch: String,
    /// Processor model, if the system reports it.
    pub cpu: Option<String>,
    /// Processor cores that this process may use.
    pub cores: usize,
    /// Version of poolproof.
    pub version: String,
    /// The command line.
    pub command: String,
}

impl Environment {
    /// Returns this machine with the given command line.
    pub fn here(command: impl Into<String>) -> Self {
        Self {
            os: std::env::consts::OS.to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
            cpu: std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| model(&text)),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            command: command.into(),
        }
    }
}

/// Returns the processor model from `/proc/cpuinfo`.
fn model(cpuinfo: &str) -> Option<String> {
    cpuinfo.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == "model name").then(|| value.trim().to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_named_as_linux_names_it() {
        assert_eq!(model("processor\t: 0\nmodel name\t: EPYC: 7\n").as_deref(), Some("EPYC: 7"));
        assert_eq!(model("processor\t: 0\n"), None);
    }
}
