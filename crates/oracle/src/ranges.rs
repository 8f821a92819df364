//! Where an address stands on the lists of threat protection: the judge's own reading of them.

use std::net::IpAddr;

use super::facts::AddressStatus;
use poolproof_cognito::addresses::{AddressRange, RiskExceptions};

/// Where `address` stands on these lists. One that is on both is blocked.
pub fn address_status(address: IpAddr, lists: &RiskExceptions) -> AddressStatus {
    let bits = bits(address);
    let on = |list: &[AddressRange]| list.iter().any(|range| bits.starts_with(&first_bits(range)));
    if on(&lists.blocked) {
        AddressStatus::Blocked
    } else if on(&lists.skipped) {
        AddressStatus::Skipped
    } else {
        AddressStatus::Any
    }
}

/// `4` or `6` and the bits of an address, written out. An address of version 4 in the clothes of version 6 is one of 4.
fn bits(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(four) => format!("4{:032b}", four.to_bits()),
        IpAddr::V6(six) => format!("6{:0128b}", six.to_bits()),
    }
}

fn first_bits(range: &AddressRange) -> String {
    let all = match range.network() {
        IpAddr::V4(four) => format!("4{:032b}", four.to_bits()),
        IpAddr::V6(six) => format!("6{:0128b}", six.to_bits()),
    };
    all.chars().take(1 + usize::from(range.prefix())).collect()
}
