//! poolproof: proves Cognito-style user pools that remember devices.

pub mod client;
pub mod clock;
pub mod ids;
pub mod oracle;
pub mod policy;
pub mod protocol;
pub mod scenario;
pub mod seed;
pub mod workload;
