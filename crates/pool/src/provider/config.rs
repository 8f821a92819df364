//! The configuration of an account.

use std::sync::Arc;

use poolproof_cognito::ids::PoolId;
use poolproof_cognito::jwt::Keys;
use poolproof_cognito::policy::{Quotas, Switches};
use poolproof_srp::Group;

/// The format of access and id tokens.
#[derive(Clone, Debug)]
pub enum Tokens {
    /// Only the pool can read the tokens. Two RSA signatures would hide the cost of SRP.
    Opaque,
    /// Signed with these keys, which all pools of the account share.
    Rs256(Arc<Keys>),
}

/// The issuer of a pool's RS256 tokens, their claim `iss`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Issuer {
    /// `<URL>/<UserPoolId>`. The URL has no trailing slash.
    Url(String),
    /// AWS's issuer: `https://cognito-idp.<region>.amazonaws.com/<UserPoolId>`, with the pool's region.
    Aws,
}

impl Issuer {
    /// Returns the `iss` of a pool's tokens.
    pub(super) fn of(&self, pool_id: &PoolId) -> String {
        match self {
            Self::Url(url) => format!("{url}/{pool_id}"),
            Self::Aws => format!("https://cognito-idp.{}.amazonaws.com/{pool_id}", pool_id.region()),
        }
    }
}

/// The configuration that all pools of the account share.
#[derive(Clone, Debug)]
pub struct ProviderConfig {
    /// The region, the prefix of pool ids.
    pub region: String,
    /// The issuer of RS256 tokens.
    pub issuer: Issuer,
    /// The token format.
    pub tokens: Tokens,
    /// The SRP group of the pools.
    pub group: Group,
    /// The limits of the account.
    pub limits: AccountLimits,
    /// The switches of pools that `CreateUserPool` makes.
    pub switches: Switches,
    /// The quotas of the account, which all its pools share.
    pub quotas: Quotas,
}

/// Limits of an account, which bound the memory of the process for every sequence of requests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AccountLimits {
    /// Most users of all pools together.
    pub users: usize,
    /// Most stored entries of sign-ins in progress, a few for each sign-in. Above the limit the oldest are
    /// removed.
    pub pending: usize,
    /// Most estimated bytes of everything that the account keeps; `usize::MAX` for no budget. Above it the
    /// oldest sign-ins in progress are removed. Users, pools and app clients can use three quarters of it.
    pub memory: usize,
}

impl AccountLimits {
    /// The default limits of entries, some hundred megabytes for each, and no memory budget.
    pub const DEFAULT: Self = Self { users: 100_000, pending: 500_000, memory: usize::MAX };
}
