//! Address ranges for the lists of threat protection.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize, de};

/// A range of addresses in CIDR notation: `192.0.2.0/24`, `2001:db8::/32`.
///
/// The type holds the network and its prefix length. The pool and the oracle each have their own code for
/// membership tests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AddressRange {
    network: IpAddr,
    prefix: u8,
}

impl AddressRange {
    /// Returns an address of the range; bits after the prefix can be set.
    pub const fn network(&self) -> IpAddr {
        self.network
    }

    /// Returns the prefix length in bits: 0 to 32 for IPv4, 0 to 128 for IPv6.
    pub const fn prefix(&self) -> u8 {
        self.prefix
    }
}

impl FromStr for AddressRange {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (network, bits) = text.split_once('/').ok_or(())?;
        let network: IpAddr = network.parse().map_err(|_| ())?;
        let digits =
            bits.bytes().all(|byte| byte.is_ascii_digit()) && (bits == "0" || !bits.starts_with('0'));
        let prefix: u8 = if digits { bits.parse().map_err(|_| ())? } else { return Err(()) };
        let longest = if network.is_ipv4() { 32 } else { 128 };
        if prefix > longest {
            return Err(());
        }
        // An IPv4-mapped IPv6 range becomes an IPv4 range, because addresses are matched in their IPv4 form.
        match (network.to_canonical(), prefix.checked_sub(96)) {
            (four @ IpAddr::V4(_), Some(prefix)) if network.is_ipv6() => Ok(Self { network: four, prefix }),
            _ => Ok(Self { network, prefix }),
        }
    }
}

impl Serialize for AddressRange {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AddressRange {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|()| de::Error::invalid_value(de::Unexpected::Str(&text), &"an address range"))
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.prefix)
    }
}

/// Addresses that threat protection always blocks, and addresses that it never checks
/// (`RiskExceptionConfiguration`; docs/semantics.md, SEMANTICS c.4).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RiskExceptions {
    /// Addresses that are always refused (`BlockedIPRangeList`).
    pub blocked: Vec<AddressRange>,
    /// Addresses that are never checked for risk (`SkippedIPRangeList`).
    pub skipped: Vec<AddressRange>,
}

impl RiskExceptions {
    /// Maximum number of ranges in each list.
    pub const MAX_RANGES: usize = 200;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv4_mapped_ranges_are_ipv4_ranges() {
        let printed = |text: &str| text.parse::<AddressRange>().map(|range| range.to_string());
        assert_eq!(printed("::ffff:192.0.2.0/120"), Ok("192.0.2.0/24".to_owned()));
        assert_eq!(printed("::ffff:0:0/96"), Ok("0.0.0.0/0".to_owned()));
        assert_eq!(printed("::ffff:192.0.2.7/128"), Ok("192.0.2.7/32".to_owned()));
        assert_eq!(printed("::ffff:0:0/95"), Ok("::ffff:0.0.0.0/95".to_owned()), "more than version 4");
        assert_eq!(printed("::ffff:192.0.2.0/129"), Err(()));
    }

    #[test]
    fn ranges_need_an_address_and_a_valid_prefix_length() {
        for good in ["192.0.2.0/24", "0.0.0.0/0", "192.0.2.7/32", "2001:db8::/32", "::/0", "::1/128"] {
            assert_eq!(good.parse::<AddressRange>().map(|range| range.to_string()), Ok(good.to_owned()));
        }
        let bad = ["", "192.0.2.0", "192.0.2.0/33", "::/129", "192.0.2/24", "/8", "10.0.0.0/", "10.0.0.0/+8"];
        for bad in
            bad.into_iter().chain(["10.0.0.0/08", "10.0.0.0/8/8", " 10.0.0.0/8", "10.0.0.0/256", "a/8"])
        {
            assert_eq!(bad.parse::<AddressRange>(), Err(()), "{bad}");
        }
    }
}
