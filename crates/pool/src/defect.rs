//! Defects that tests plant in a pool, to see whether the harness finds each and names the right rule.
//!
//! A defect wraps the pool. It changes the settings for one input, or it rewrites the input, the stored
//! records or the step. The code that decides about sign-ins knows nothing of defects.

/// A defect. Only the feature `defects` can inject one, and only tests enable it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Defect {
    /// A forgotten device is treated as if the client had named none.
    ForgottenDeviceAccepted,
    /// A device replaces the second factor although the pool's settings do not allow it.
    SuppressesAlways,
    /// Opt-in behaves like always: confirming a device remembers it.
    OptInRemembersAtOnce,
    /// The action `block` is ignored.
    BlockIgnored,
    /// The Note is not implemented.
    NoteUnknown,
    /// Every device claim is accepted.
    DeviceClaimUnchecked,
    /// Every password claim is accepted.
    PasswordClaimUnchecked,
    /// A password claim can be sent again.
    ClaimReusable,
    /// The fifth failure does not lock the user out.
    LockoutOffByOne,
    /// The pool issues a new device key even when the client named one.
    NewDeviceAlways,
    /// An always-blocked address is accepted.
    BlockedAddressIgnored,
    /// An always-allowed address is still assessed for risk.
    AllowedAddressIgnored,
    /// A compromised password is accepted when it is sent in plain text.
    CompromisedIgnored,
    /// A compromised password is refused even when it is proven by SRP.
    CompromisedSeenInSrp,
    /// A new address is not a risk signal.
    EstimateWithoutAddress,
    /// A refresh token needs no device key.
    RefreshUnbound,
    /// The refresh token of a forgotten device still works.
    ForgottenDeviceRefreshes,
    /// A revoked refresh token still works.
    RevokeIgnored,
    /// A global sign-out has no effect.
    SignOutIgnored,
    /// After an MFA the device of the password step counts, even if the MFA answer names none.
    PasswordStepKeyCounts,
    /// Risk asks only for factors that are active.
    RiskNeedsActiveFactor,
    /// The set-up of an authenticator app counts in no quota.
    AppSetupUncounted,
    /// A refresh token that was exchanged for another one stays valid.
    UsedTokenRefreshes,
    /// After custom challenges a remembered device need not prove its secret.
    CustomDeviceProofSkipped,
    /// A code is offered as the first factor although an MFA follows.
    CodeOfferedBeforeMfa,
    /// `USER_ID_FOR_SRP` is the user's sub instead of the user name.
    SubForSrp,
}

impl Defect {
    /// All defects.
    pub const ALL: [Self; 26] = [
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
        Self::PasswordStepKeyCounts,
        Self::RiskNeedsActiveFactor,
        Self::AppSetupUncounted,
        Self::UsedTokenRefreshes,
        Self::CustomDeviceProofSkipped,
        Self::CodeOfferedBeforeMfa,
        Self::SubForSrp,
    ];
}
