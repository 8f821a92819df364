//! Faults that can be planted in a pool, to see whether the harness finds them and names the right rule.

/// A fault. Nothing in the program plants one: it takes the feature `defects`, which only the tests have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Defect {
    /// A forgotten device is treated as if none had been named.
    ForgottenDeviceAccepted,
    /// A device replaces the second factor although the pool does not want that.
    SuppressesAlways,
    /// Opt-in is treated as always: confirming remembers.
    OptInRemembersAtOnce,
    /// The action `block` is not taken.
    BlockIgnored,
    /// The Note is not known.
    NoteUnknown,
    /// Any claim of a device is accepted.
    DeviceClaimUnchecked,
    /// Any claim of a password is accepted.
    PasswordClaimUnchecked,
    /// A claim can be used again.
    ClaimReusable,
    /// The fifth failure does not lock yet.
    LockoutOffByOne,
    /// A key for a new device comes even when a key was named.
    NewDeviceAlways,
    /// An address that is always blocked is let in.
    BlockedAddressIgnored,
    /// An address that is always allowed is looked at for risk all the same.
    AllowedAddressIgnored,
    /// A compromised password that is sent as it is, is let in.
    CompromisedIgnored,
    /// A compromised password is refused even where it is proved by SRP.
    CompromisedSeenInSrp,
    /// A new address is no sign of risk.
    EstimateWithoutAddress,
    /// A refresh token needs no device's key.
    RefreshUnbound,
    /// The refresh token of a device that was forgotten still works.
    ForgottenDeviceRefreshes,
    /// A refresh token that was revoked still works.
    RevokeIgnored,
    /// Signing out everywhere ends nothing.
    SignOutIgnored,
}

impl Defect {
    /// All faults.
    pub const ALL: [Self; 19] = [
        Self::ForgottenDeviceAccepted,
        Self::SuppressesAlways,
        Self::OptInRemembersAtOnce,
        Self::BlockIgnored,
        Self::NoteUnknown,
        Self::DeviceClaimUnchecked,
        Self::PasswordClaimUnchecked,
        Self::ClaimReusable,
        Self::LockoutOffByOne,
        Self::NewDeviceAlways,
        Self::BlockedAddressIgnored,
        Self::AllowedAddressIgnored,
        Self::CompromisedIgnored,
        Self::CompromisedSeenInSrp,
        Self::EstimateWithoutAddress,
        Self::RefreshUnbound,
        Self::ForgottenDeviceRefreshes,
        Self::RevokeIgnored,
        Self::SignOutIgnored,
    ];
}
