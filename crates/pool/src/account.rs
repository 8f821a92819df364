//! Users and their devices.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::codes::UserCodes;
use super::event_record::AuthEvents;
use super::lockout::Failures;
use super::memory::{ALLOCATION, HeapBytes, map_entry};
use super::sign_in_history::SignInHistory;
use poolproof_cognito::ids::{DeviceGroupKey, DeviceKey, Sub, Username};
use poolproof_cognito::policy::{AddressKind, FactorTypes};
use poolproof_cognito::protocol::{ChallengeName, DeviceStatus};
use poolproof_cognito::time::Timestamp;
use poolproof_cognito::totp::TotpSecret;
use poolproof_srp::{Salt, Verifier};

/// Identifies an account in the pool: accounts are numbered in the order in which they were added.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct AccountId(pub(super) u64);

/// A user in the pool.
#[derive(Debug)]
pub(super) struct Account {
    /// The estimated bytes that the directory has counted for the account.
    pub(super) counted_bytes: usize,
    /// The canonical user name: `USER_ID_FOR_SRP`, the name that SRP hashes and the claim of tokens.
    pub(super) username: Username,
    pub(super) sub: Sub,
    /// The aliases under which the directory finds the account.
    pub(super) aliases: Vec<String>,
    pub(super) salt: Salt,
    pub(super) verifier: Verifier,
    pub(super) user_status: UserStatus,
    pub(super) disabled: bool,
    pub(super) phone: Option<String>,
    pub(super) sms_mfa: bool,
    pub(super) email: Option<String>,
    pub(super) email_mfa: bool,
    /// The secret of the authenticator app that was verified last.
    pub(super) totp: Option<TotpSecret>,
    pub(super) totp_mfa: bool,
    /// `FriendlyDeviceName` of the app.
    pub(super) totp_name: Option<String>,
    /// The factor that the pool asks for when there are several.
    pub(super) preferred: Option<ChallengeName>,
    /// The last time step whose code was used; the code cannot be used again.
    pub(super) totp_step_used: Option<u64>,
    pub(super) failures: Failures,
    pub(super) sign_in_history: SignInHistory,
    /// The last sign-ins that threat protection has recorded.
    pub(super) events: AuthEvents,
    /// Whether the password is compromised.
    pub(super) compromised: bool,
    /// Number of global sign-outs; tokens of earlier generations are invalid.
    pub(super) generation: u64,
    /// Increases with every change of the password and every global sign-out. A sign-in in progress ends if
    /// it began with an earlier version. It is not stored, since sign-ins in progress end with the program.
    pub(super) credential_version: u64,
    /// How often the user's access tokens were revoked, but not the refresh tokens.
    pub(super) access_revocations: u64,
    /// Sign-ins whose refresh token was revoked, each with the token's original expiry.
    pub(super) revoked: BTreeMap<String, Timestamp>,
    /// Sign-ins whose refresh token was exchanged for another one, by `origin_jti`.
    pub(super) rotated: BTreeMap<String, RotatedToken>,
    pub(super) devices: BTreeMap<DeviceKey, Device>,
    /// When the password was set. A temporary password without a time does not expire.
    pub(super) password_set: Option<Timestamp>,
    /// Attributes other than `sub`, by name.
    pub(super) attributes: BTreeMap<String, Arc<str>>,
    pub(super) created: Timestamp,
    pub(super) modified: Timestamp,
    /// The code that confirms a sign-up.
    pub(super) confirmation: Option<Confirmation>,
    /// Codes for a new password and for addresses.
    pub(super) codes: UserCodes,
    /// Whether the user has confirmed a sign-up by a code and has not signed in yet: that sign-in needs no
    /// MFA.
    pub(super) first_sign_in_pending: bool,
    /// Names of the user's groups.
    pub(super) groups: BTreeSet<String>,
    /// An authenticator app that was associated with an access token and is not verified yet.
    pub(super) app_to_verify: Option<TotpSecret>,
}

/// The current refresh token of a sign-in and those before it. Exists once the first token was exchanged.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RotatedToken {
    /// `jti` of the valid token.
    pub current: String,
    /// `jti` of the tokens before it, each with the end of its grace period.
    pub previous: BTreeMap<String, Timestamp>,
    /// The expiry of all of them, after which this record is removed.
    pub expires: Timestamp,
}

/// The code that confirms a sign-up.
#[derive(Debug)]
pub(super) struct Confirmation {
    pub(super) code: String,
    /// The address that received it, if the user had one.
    pub(super) sent_to: Option<(AddressKind, String)>,
    pub(super) expires: Timestamp,
    pub(super) failures: Failures,
}

/// A device in the pool.
#[derive(Debug)]
pub(super) struct Device {
    pub(super) group_key: DeviceGroupKey,
    pub(super) name: Option<String>,
    /// The address that last used the device.
    pub(super) address: Option<IpAddr>,
    pub(super) state: DeviceState,
    /// Whether the device has completed an MFA (docs/semantics.md, states of a device).
    pub(super) mfa_bound: bool,
    pub(super) created: Timestamp,
    pub(super) modified: Timestamp,
    pub(super) authenticated: Timestamp,
}

/// The state of a device.
#[derive(Debug)]
pub(super) enum DeviceState {
    /// Its key was issued with the tokens of this sign-in; the device is not confirmed yet. `origin_id` is
    /// empty if the device cannot be confirmed.
    Issued { origin_id: String },
    /// The client has confirmed the device with a verifier.
    Confirmed { salt: Salt, verifier: Verifier, status: DeviceStatus },
}

impl Device {
    /// Returns the device's status, if it is confirmed.
    pub(super) const fn status(&self) -> Option<DeviceStatus> {
        match self.state {
            DeviceState::Issued { .. } => None,
            DeviceState::Confirmed { status, .. } => Some(status),
        }
    }
}

impl Account {
    /// Returns the registered second factors among these types, as the challenges that ask for them.
    pub(super) fn registered_factors(&self, types: FactorTypes) -> Vec<ChallengeName> {
        let registered = [
            (types.sms && self.phone.is_some(), ChallengeName::SmsMfa),
            (types.totp && self.totp.is_some(), ChallengeName::SoftwareTokenMfa),
            (types.email && self.email.is_some(), ChallengeName::EmailOtp),
        ];
        registered.into_iter().filter_map(|(registered, challenge)| registered.then_some(challenge)).collect()
    }

    /// Returns the second factors among these types that are registered and enabled.
    pub(super) fn active_factors(&self, types: FactorTypes) -> Vec<ChallengeName> {
        let FactorTypes { sms, totp, email } = types;
        self.registered_factors(FactorTypes {
            sms: sms && self.sms_mfa,
            totp: totp && self.totp_mfa,
            email: email && self.email_mfa,
        })
    }

    /// Ends the sign-ins in progress.
    pub(super) const fn end_sign_ins(&mut self) {
        self.credential_version += 1;
    }

    /// Ends the sign-ins in progress and revokes all tokens.
    pub(super) const fn sign_out(&mut self) {
        self.generation += 1;
        self.end_sign_ins();
    }

    /// Returns the device with this key, if it is confirmed.
    pub(super) fn confirmed(&self, key: &DeviceKey) -> Option<&Device> {
        self.devices.get(key).filter(|device| device.status().is_some())
    }
}

impl HeapBytes for Account {
    /// Includes the account itself and the names that find it.
    fn heap_bytes(&self) -> usize {
        let aliases =
            self.aliases.iter().map(|alias| map_entry::<String, AccountId>() + 2 * alias.heap_bytes());
        let events = self.events.iter().map(|event| {
            size_of_val(event) + event.id.heap_bytes() + event.answers.capacity() * 2 + ALLOCATION
        });
        map_entry::<AccountId, Self>()
            + map_entry::<String, AccountId>()
            + map_entry::<Sub, AccountId>()
            + 2 * self.username.heap_bytes()
            + 2 * self.sub.heap_bytes()
            + aliases.sum::<usize>()
            + self.salt.heap_bytes()
            + self.verifier.heap_bytes()
            + self.phone.heap_bytes()
            + self.email.heap_bytes()
            + self.totp.heap_bytes()
            + self.totp_name.heap_bytes()
            + self.sign_in_history.addresses.capacity() * size_of::<IpAddr>()
            + events.sum::<usize>()
            + self.revoked.heap_bytes()
            + self.rotated.heap_bytes()
            + self.devices.heap_bytes()
            + self.attributes.heap_bytes()
            + self.confirmation.as_ref().map_or(0, Confirmation::heap_bytes)
            + self.codes.heap_bytes()
            + self.groups.heap_bytes()
            + self.app_to_verify.heap_bytes()
    }
}

impl HeapBytes for Confirmation {
    fn heap_bytes(&self) -> usize {
        self.code.heap_bytes() + self.sent_to.as_ref().map_or(0, |(_, address)| address.heap_bytes())
    }
}

impl HeapBytes for Device {
    fn heap_bytes(&self) -> usize {
        let state = match &self.state {
            DeviceState::Issued { origin_id } => origin_id.heap_bytes(),
            DeviceState::Confirmed { salt, verifier, .. } => salt.heap_bytes() + verifier.heap_bytes(),
        };
        self.group_key.heap_bytes() + self.name.heap_bytes() + state
    }
}

impl HeapBytes for RotatedToken {
    fn heap_bytes(&self) -> usize {
        self.current.heap_bytes() + self.previous.heap_bytes()
    }
}

impl HeapBytes for Timestamp {
    fn heap_bytes(&self) -> usize {
        0
    }
}

/// The status of a user.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserStatus {
    /// The user can sign in.
    Confirmed,
    /// The user has signed up and is not confirmed yet.
    Unconfirmed,
    /// An administrator created the user with a temporary password.
    ForceChangePassword,
    /// The user must reset the password.
    ResetRequired,
}

/// A user to add to a pool.
#[derive(Debug)]
pub struct NewAccount {
    /// The canonical user name, which SRP hashes as `USER_ID_FOR_SRP`.
    pub username: Username,
    /// `sub`.
    pub sub: Sub,
    /// The salt of the password's verifier.
    pub salt: Salt,
    /// The password's verifier, computed with `username`.
    pub verifier: Verifier,
    /// The user's status.
    pub user_status: UserStatus,
    /// Whether an administrator has disabled the user.
    pub disabled: bool,
    /// The phone number that receives codes.
    pub phone: Option<String>,
    /// Whether SMS codes are a second factor. A phone number alone is enough if the pool requires MFA and the
    /// user has no factor.
    pub sms_mfa: bool,
    /// The e-mail address, the destination of codes.
    pub email: Option<String>,
    /// Whether e-mail codes are a second factor.
    pub email_mfa: bool,
    /// The factor to ask for when there are several; without one the user chooses.
    pub preferred: Option<ChallengeName>,
    /// The secret of the authenticator app, if one is enabled.
    pub totp: Option<TotpSecret>,
    /// Devices that are already confirmed.
    pub devices: Vec<NewDevice>,
    /// Attributes besides `sub`, `email` and `phone_number`, by name.
    pub attributes: BTreeMap<String, String>,
    /// When the account was created.
    pub created: Timestamp,
    /// When the password was set. A temporary password without a time does not expire.
    pub password_set: Option<Timestamp>,
    /// Addresses of the user's earlier sign-ins.
    pub addresses: Vec<IpAddr>,
    /// Whether the password is compromised (docs/semantics.md, threat protection).
    pub compromised: bool,
}

impl NewAccount {
    /// Returns a confirmed user with a password and no other settings.
    pub const fn new(username: Username, sub: Sub, salt: Salt, verifier: Verifier) -> Self {
        Self {
            username,
            sub,
            salt,
            verifier,
            user_status: UserStatus::Confirmed,
            disabled: false,
            phone: None,
            sms_mfa: false,
            email: None,
            email_mfa: false,
            preferred: None,
            totp: None,
            devices: Vec::new(),
            attributes: BTreeMap::new(),
            created: Timestamp::from_us(0),
            password_set: None,
            addresses: Vec::new(),
            compromised: false,
        }
    }
}

/// Another account has this user name, sub or alias.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("another account has this name")]
pub struct NameTaken;

/// A confirmed device of a new user.
#[derive(Debug)]
pub struct NewDevice {
    /// The device key.
    pub device_key: DeviceKey,
    /// The device group key.
    pub device_group_key: DeviceGroupKey,
    /// The salt of the verifier.
    pub salt: Salt,
    /// The device's verifier.
    pub verifier: Verifier,
    /// Whether the device is remembered.
    pub status: DeviceStatus,
    /// Whether the device has completed an MFA.
    pub mfa_bound: bool,
}
