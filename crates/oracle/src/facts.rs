//! The facts of a sign-in: everything that its decision depends on.

use std::fmt;
use std::net::IpAddr;

use poolproof_cognito::addresses::{AddressRange, RiskExceptions};
use poolproof_cognito::policy::{
    CustomAuthDevices, Factors, MfaMode, ProofAfterMfa, RememberMode, RiskAction, RiskLevel, RiskNote,
    Switches,
};

/// How the client proves the password.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Claim {
    /// With the right password, for the first time.
    Right,
    /// With a wrong password.
    Wrong,
    /// With a claim of the right password that has led to tokens before.
    Replayed,
}

/// The device whose `DEVICE_KEY` the client sends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Device {
    /// The client sends no key.
    None,
    /// The user's device, confirmed and remembered.
    Remembered,
    /// The user's device, confirmed but not remembered.
    NotRemembered,
    /// A device whose key was issued but never confirmed.
    Issued,
    /// A device that was forgotten, never existed, or belongs to another user.
    Forgotten,
}

impl Device {
    /// All variants.
    pub const ALL: [Self; 5] =
        [Self::None, Self::Remembered, Self::NotRemembered, Self::Issued, Self::Forgotten];

    /// Returns the name in tables and in JSON.
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

/// The authentication flow.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Flow {
    /// The client proves the password by SRP (`USER_SRP_AUTH`).
    #[default]
    Srp,
    /// The client sends the password itself (`USER_PASSWORD_AUTH`).
    Password,
    /// The client chooses a code sent by SMS as the first factor, else the password by SRP (`USER_AUTH`).
    SmsCode,
    /// The client chooses a code sent by e-mail as the first factor, else the password by SRP (`USER_AUTH`).
    EmailCode,
    /// The client answers custom challenges (`CUSTOM_AUTH`).
    Custom,
    /// The client proves the password by SRP, then answers custom challenges (`CUSTOM_AUTH`).
    CustomAfterPassword,
}

impl Flow {
    /// All variants.
    pub const ALL: [Self; 6] =
        [Self::Srp, Self::Password, Self::SmsCode, Self::EmailCode, Self::Custom, Self::CustomAfterPassword];
}

/// Whether the client's IP address is on a list of risk exceptions. The lists count only in mode `enforced`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum AddressStatus {
    /// On neither list.
    #[default]
    Any,
    /// On the list of blocked ranges: every sign-in is refused.
    Blocked,
    /// On the list of skipped ranges: risk is not evaluated.
    Skipped,
}

/// Returns on which list `address` is. An address on both lists is blocked.
pub fn address_status(address: IpAddr, lists: &RiskExceptions) -> AddressStatus {
    let address = address_bits(address.to_canonical());
    let on = |list: &[AddressRange]| {
        list.iter().any(|range| {
            let network = address_bits(range.network());
            network.get(..=usize::from(range.prefix())).is_some_and(|bits| address.starts_with(bits))
        })
    };
    if on(&lists.blocked) {
        AddressStatus::Blocked
    } else if on(&lists.skipped) {
        AddressStatus::Skipped
    } else {
        AddressStatus::Any
    }
}

/// Returns `4` or `6`, then the bits of the address as text. The pool compares numbers; this code must not
/// share a bug with it.
fn address_bits(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => format!("4{:032b}", v4.to_bits()),
        IpAddr::V6(v6) => format!("6{:0128b}", v6.to_bits()),
    }
}

/// Facts that have the same value in most sign-ins.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Circumstances {
    /// The authentication flow.
    pub flow: Flow,
    /// Whether the password is known to be compromised and the pool refuses such passwords.
    pub compromised: bool,
    /// Whether the user must reset the password.
    pub reset_required: bool,
    /// On which list of risk exceptions the client's address is.
    pub address: AddressStatus,
    /// Whether the client sends the device key with the password and leaves it out of the MFA answer.
    pub key_omitted_after_mfa: bool,
    /// The pool's custom challenges.
    pub custom_challenges: u8,
    /// Whether the client answers custom challenges wrongly until it is refused.
    pub wrong_custom_answer: bool,
    /// After which sign-ins with custom challenges a new device gets a key.
    pub custom_auth_devices: CustomAuthDevices,
    /// Whether a remembered device must prove its secret after a code as the first factor.
    pub passwordless_device_proof: bool,
    /// Whether no device replaces an MFA by e-mail (`email_mfa_suppressed: false`).
    pub email_mfa_kept: bool,
    /// Which device of an MFA answer must prove its secret.
    pub proof_after_mfa: ProofAfterMfa,
    /// Whether `mfa_if_configured` asks a user without a factor to set one up.
    pub risk_mfa_setup: bool,
}

impl Circumstances {
    /// Returns the usual circumstances in a pool with these switches.
    pub fn of_switches(switches: &Switches) -> Self {
        Self {
            custom_auth_devices: switches.custom_auth_devices,
            passwordless_device_proof: switches.passwordless_device_proof,
            email_mfa_kept: !switches.email_mfa_suppressed,
            proof_after_mfa: switches.proof_after_mfa,
            risk_mfa_setup: switches.risk_mfa_setup,
            ..Self::default()
        }
    }
}

/// Whether the user is locked out by failed attempts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum LockoutState {
    /// Not locked out.
    Unlocked,
    /// Locked out.
    Locked,
    /// The lockout starts or ends while the request is under way. The oracle accepts both answers.
    Uncertain,
}

/// The facts of a sign-in: the pool's settings, the user, the device and the attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Facts {
    /// Whether the pool remembers devices.
    pub remember: RememberMode,
    /// Whether a remembered device replaces the second factor.
    pub suppress_mfa: bool,
    /// When the pool requires a second factor.
    pub mfa: MfaMode,
    /// Which sign-ins the Note about suppressed MFA covers, see docs/semantics.md.
    pub risk_note: RiskNote,
    /// Whether only an MFA-bound device can replace an MFA.
    pub strict_mfa_binding: bool,
    /// The user's second factors.
    pub factors: Factors,
    /// How the client proves the password.
    pub claim: Claim,
    /// The device whose key the client sends.
    pub device: Device,
    /// Whether that device has completed an MFA before.
    pub mfa_bound: bool,
    /// Whether that device still has its secret.
    pub device_secret_valid: bool,
    /// The risk level and the pool's action for it; `None` too where the pool does not enforce risk.
    pub risk: Option<(RiskLevel, RiskAction)>,
    /// Whether the user is locked out.
    pub lock: LockoutState,
    /// The rarer facts.
    pub circumstances: Circumstances,
}

impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { remember, suppress_mfa, mfa, factors, .. } = self;
        write!(f, "remember {remember}, suppress_mfa {suppress_mfa}, mfa {mfa}; factors {factors}, ")?;
        write!(f, "device {}", self.device.as_str())?;
        if self.device == Device::Remembered && self.strict_mfa_binding && !self.mfa_bound {
            f.write_str(" (not MFA-bound)")?;
        }
        if self.device != Device::None && !self.device_secret_valid {
            f.write_str(" (secret damaged)")?;
        }
        match self.risk {
            None => f.write_str(", no risk")?,
            Some((level, action)) => write!(f, ", {level} risk with {action}")?,
        }
        let Circumstances { flow, compromised, reset_required, address, .. } = self.circumstances;
        let Circumstances { key_omitted_after_mfa, wrong_custom_answer, .. } = self.circumstances;
        let remarks = [
            (flow == Flow::Password, "USER_PASSWORD_AUTH"),
            (flow == Flow::SmsCode, "USER_AUTH with SMS_OTP"),
            (flow == Flow::EmailCode, "USER_AUTH with EMAIL_OTP"),
            (flow == Flow::Custom, "CUSTOM_AUTH"),
            (flow == Flow::CustomAfterPassword, "CUSTOM_AUTH after the password"),
            (wrong_custom_answer, "wrong custom answers"),
            (compromised, "compromised password"),
            (reset_required, "password reset required"),
            (address == AddressStatus::Blocked, "address always blocked"),
            (address == AddressStatus::Skipped, "address always allowed"),
            (key_omitted_after_mfa, "no device key in the MFA answer"),
            (self.claim == Claim::Wrong, "wrong password"),
            (self.claim == Claim::Replayed, "claim used before"),
            (self.lock == LockoutState::Locked, "locked out"),
            (self.lock == LockoutState::Uncertain, "lockout uncertain"),
        ];
        remarks.iter().filter(|(holds, _)| *holds).try_for_each(|(_, text)| write!(f, "; {text}"))
    }
}
