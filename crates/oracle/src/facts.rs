//! What is known of a situation before the pool decides.

use std::fmt;

use poolproof_cognito::policy::{Factors, MfaMode, RememberMode, RiskAction, RiskLevel, RiskNote};

/// Which claim of the password is made.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Claim {
    /// The right password's, for the first time.
    Right,
    /// A wrong password's.
    Wrong,
    /// The right one, once more after it has led to tokens.
    Replayed,
}

/// The device whose key the client names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Device {
    /// No key is named.
    None,
    /// The user's, confirmed and remembered.
    Remembered,
    /// The user's, confirmed and not remembered.
    NotRemembered,
    /// Its key was handed out and never confirmed.
    Issued,
    /// Removed, never known, or another user's.
    Forgotten,
}

impl Device {
    /// All situations.
    pub const ALL: [Self; 5] =
        [Self::None, Self::Remembered, Self::NotRemembered, Self::Issued, Self::Forgotten];
}

/// How the password is proved.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Flow {
    /// By SRP.
    #[default]
    Srp,
    /// It is sent as it is (`USER_PASSWORD_AUTH`).
    Password,
}

/// Where an attempt comes from, as the lists of an enforced threat protection have it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum AddressStatus {
    /// On no list.
    #[default]
    Any,
    /// Always refused.
    Blocked,
    /// Never looked at for risk.
    Skipped,
}

/// What else counts, and is as it mostly is by default.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Circumstances {
    /// How the password is proved.
    pub flow: Flow,
    /// Whether the password is known to be compromised, and the pool refuses such passwords.
    pub compromised: bool,
    /// Whether the user must reset the password.
    pub reset_required: bool,
    /// Where the attempt comes from.
    pub address: AddressStatus,
}

/// Whether the user is locked out by failures.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum LockoutState {
    /// Not.
    Unlocked,
    /// Locked out.
    Locked,
    /// So near the edge that the time a request travels decides: both answers are right.
    Uncertain,
}

/// A situation: the pool's settings, the user, the device, the attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Facts {
    /// Whether the pool remembers devices.
    pub remember: RememberMode,
    /// Whether a remembered device replaces the second factor.
    pub suppress_mfa: bool,
    /// When the pool asks for a second factor.
    pub mfa: MfaMode,
    /// Which sign-ins the Note covers.
    pub risk_note: RiskNote,
    /// Whether a device must have been through an MFA to replace one.
    pub strict_mfa_binding: bool,
    /// The user's enabled factors.
    pub factors: Factors,
    /// The claim of the password.
    pub claim: Claim,
    /// The device that is named.
    pub device: Device,
    /// Whether that device has been through an MFA.
    pub mfa_bound: bool,
    /// Whether that device still has its secret.
    pub device_secret_valid: bool,
    /// The risk that the pool sees and the action it has for that level; `None` too where risk is not enforced.
    pub risk: Option<(RiskLevel, RiskAction)>,
    /// Whether the user is locked out.
    pub lock: LockoutState,
    /// What else counts.
    pub circumstances: Circumstances,
}

impl Device {
    /// The word in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Remembered => "remembered",
            Self::NotRemembered => "not_remembered",
            Self::Issued => "issued",
            Self::Forgotten => "forgotten",
        }
    }
}

impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { remember, suppress_mfa, mfa, factors, .. } = self;
        write!(f, "remember {remember}, suppress_mfa {suppress_mfa}, mfa {mfa}; factors {factors}, ")?;
        write!(f, "device {}", self.device.as_str())?;
        if self.device == Device::Remembered && self.strict_mfa_binding && !self.mfa_bound {
            write!(f, " (not MFA-bound)")?;
        }
        if self.device != Device::None && !self.device_secret_valid {
            write!(f, " (secret damaged)")?;
        }
        match self.risk {
            None => write!(f, ", no risk")?,
            Some((level, action)) => write!(f, ", {level} risk with {action}")?,
        }
        let Circumstances { flow, compromised, reset_required, address } = self.circumstances;
        for (holds, words) in [
            (flow == Flow::Password, "; password sent as it is"),
            (compromised, "; compromised password"),
            (reset_required, "; must reset the password"),
            (address == AddressStatus::Blocked, "; from an address that is always blocked"),
            (address == AddressStatus::Skipped, "; from an address that is always allowed"),
        ] {
            f.write_str(if holds { words } else { "" })?;
        }
        match self.claim {
            Claim::Right => {}
            Claim::Wrong => write!(f, "; wrong password")?,
            Claim::Replayed => write!(f, "; claim used before")?,
        }
        match self.lock {
            LockoutState::Unlocked => Ok(()),
            LockoutState::Locked => write!(f, "; locked out"),
            LockoutState::Uncertain => write!(f, "; at the edge of a lock-out"),
        }
    }
}
