//! A user's sign-in history, which the risk estimate uses (docs/semantics.md, threat protection).

use std::net::IpAddr;

/// Number of recent sign-in addresses that count as known.
const KNOWN_ADDRESSES: usize = 8;

/// The parts of a user's history that the risk estimate uses.
#[derive(Debug, Default)]
pub(super) struct SignInHistory {
    /// Addresses of the user's sign-ins, the latest one last.
    pub(super) addresses: Vec<IpAddr>,
    /// Failures since the last sign-in.
    pub(super) failures: u32,
}

impl SignInHistory {
    pub(super) fn new(addresses: &[IpAddr]) -> Self {
        Self { addresses: addresses.iter().map(IpAddr::to_canonical).collect(), failures: 0 }
    }

    /// Returns whether the user has signed in from this address, in any notation.
    pub(super) fn knows_address(&self, address: IpAddr) -> bool {
        self.addresses.contains(&address.to_canonical())
    }

    /// Records a failure.
    pub(super) const fn record_failure(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }

    /// Records a completed sign-in.
    pub(super) fn record_success(&mut self, address: Option<IpAddr>) {
        self.failures = 0;
        let Some(address) = address.map(|address| address.to_canonical()) else { return };
        if let Some(at) = self.addresses.iter().position(|known| *known == address) {
            self.addresses.remove(at);
        } else if self.addresses.len() >= KNOWN_ADDRESSES {
            self.addresses.remove(0);
        }
        self.addresses.push(address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv4_mapped_address_equals_the_ipv4_address() {
        let (plain, mapped) = ("192.0.2.7".parse().unwrap(), "::ffff:192.0.2.7".parse().unwrap());
        assert!(
            SignInHistory::new(&[mapped]).knows_address(plain)
                && SignInHistory::new(&[plain]).knows_address(mapped)
        );
        let mut sign_in_history = SignInHistory::default();
        sign_in_history.record_success(Some(mapped));
        sign_in_history.record_success(Some(plain));
        assert_eq!(sign_in_history.addresses, [plain], "one address, once");
    }
}
