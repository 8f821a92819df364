//! poolproof: proves Cognito-style user pools that remember devices.

pub mod actors;
pub mod cli;
pub mod client;
pub mod clock;
pub mod compute;
pub mod ids;
pub mod matrix;
pub mod metrics;
pub mod oracle;
pub mod pair;
pub mod policy;
pub mod pool;
pub mod protocol;
pub mod report;
pub mod run;
pub mod scenario;
pub mod seed;
pub mod srp;
pub mod target;
pub mod totp;
pub mod workload;
