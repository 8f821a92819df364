//! Risk levels and address lists of threat protection (docs/semantics.md, threat protection).

use std::net::IpAddr;

use super::Pool;
use super::account::{Account, AccountId};
use super::app_client::ClientRisk;
use poolproof_cognito::addresses::{AddressRange, RiskExceptions};
use poolproof_cognito::ids::{ClientId, DeviceKey};
use poolproof_cognito::policy::{CompromisedAction, RiskLevel, RiskMode, RiskPolicy, RiskSource};
use poolproof_cognito::protocol::Origin;

/// Failures since the last sign-in that make an attempt risky.
const MANY_FAILURES: u32 = 3;
impl Pool {
    /// Returns the client's own risk configuration, if it has one.
    fn client_risk(&self, client_id: &ClientId) -> Option<&ClientRisk> {
        self.clients.get(client_id)?.risk.as_deref()
    }

    /// Returns the risk settings of sign-ins by this client: its own actions, or the pool's.
    pub(super) fn risk_policy(&self, client_id: &ClientId) -> RiskPolicy {
        let pool = self.policy.risk;
        self.client_risk(client_id).map_or(pool, |own| RiskPolicy {
            low: own.low,
            medium: own.medium,
            high: own.high,
            compromised: own.compromised,
            ..pool
        })
    }

    fn exceptions_for(&self, client_id: &ClientId) -> &RiskExceptions {
        self.client_risk(client_id).map_or(&self.exceptions, |own| &own.exceptions)
    }

    /// Returns whether the attempt's address is always blocked.
    pub(super) fn is_blocked(&self, client_id: &ClientId, origin: Origin) -> bool {
        let blocked = &self.exceptions_for(client_id).blocked;
        self.policy.risk.mode == RiskMode::Enforced && any_range_contains(blocked, origin)
    }

    /// Returns whether the attempt is assessed for risk.
    fn is_risk_assessed(&self, client_id: &ClientId, origin: Origin) -> bool {
        let skipped = any_range_contains(&self.exceptions_for(client_id).skipped, origin);
        self.policy.risk.mode != RiskMode::Off && !skipped
    }

    /// Returns the risk level of the attempt, if it is assessed. Threat protection acts on it in mode
    /// `enforced`. The estimate is this project's own rule. A new device, a new address and recent failures
    /// are one signal each, and each signal adds one level.
    pub(super) fn risk_level(
        &self,
        client_id: &ClientId,
        account: &Account,
        named: Option<&DeviceKey>,
        origin: Origin,
    ) -> Option<RiskLevel> {
        if !self.is_risk_assessed(client_id, origin) {
            return None;
        }
        if self.policy.risk.levels == RiskSource::Given {
            return origin.risk;
        }
        let known = named.is_some_and(|key| account.confirmed(key).is_some());
        let new_device = self.policy.remember.tracks() && !known;
        let new_address =
            origin.address.is_some_and(|address| !account.sign_in_history.knows_address(address));
        let failures = account.sign_in_history.failures >= MANY_FAILURES;
        match u8::from(new_device) + u8::from(new_address) + u8::from(failures) {
            0 => None,
            1 => Some(RiskLevel::Low),
            2 => Some(RiskLevel::Medium),
            _ => Some(RiskLevel::High),
        }
    }

    /// Returns whether this plain password is refused because it is compromised.
    pub(super) fn refuses_compromised(&self, client_id: &ClientId, id: AccountId, origin: Origin) -> bool {
        self.directory.account(id).compromised
            && self.policy.risk.mode == RiskMode::Enforced
            && self.risk_policy(client_id).compromised == CompromisedAction::Block
            && self.is_risk_assessed(client_id, origin)
            && !self.is_blocked(client_id, origin)
    }
}

/// Returns whether one of these ranges contains the address. No range contains an unknown address.
fn any_range_contains(ranges: &[AddressRange], origin: Origin) -> bool {
    origin.address.is_some_and(|address| ranges.iter().any(|range| contains(range, address)))
}

fn contains(range: &AddressRange, address: IpAddr) -> bool {
    let differing = match (range.network(), address.to_canonical()) {
        (IpAddr::V4(network), IpAddr::V4(address)) => (network.to_bits() ^ address.to_bits()).leading_zeros(),
        (IpAddr::V6(network), IpAddr::V6(address)) => (network.to_bits() ^ address.to_bits()).leading_zeros(),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
    };
    differing >= u32::from(range.prefix())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_contains_the_addresses_with_its_prefix() {
        for (range, inside, outside) in [
            ("192.0.2.128/25", "192.0.2.129", "192.0.2.127"),
            ("192.0.2.7/32", "192.0.2.7", "192.0.2.6"),
            ("0.0.0.0/0", "255.0.0.1", "::1"),
            ("::/0", "2001:db8::1", "192.0.2.1"),
            ("2001:db8::/33", "2001:db8:7fff::", "2001:db8:8000::"),
            ("192.0.2.0/24", "::ffff:192.0.2.9", "::ffff:192.0.3.9"),
        ] {
            let range: AddressRange = range.parse().unwrap();
            assert!(contains(&range, inside.parse().unwrap()), "{range} {inside}");
            assert!(!contains(&range, outside.parse().unwrap()), "{range} {outside}");
        }
    }
}
