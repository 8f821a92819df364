//! Decides what the pool requires after a correct first factor, in the documented order of steps.

use super::Pool;
use super::account::{Account, AccountId};
use super::session_store::{ProvenBy, SignInState};
use poolproof_cognito::ids::{ClientId, DeviceKey};
use poolproof_cognito::policy::{MfaMode, RememberMode, RiskAction, RiskLevel, RiskMode, RiskNote};
use poolproof_cognito::protocol::{ApiError, ChallengeName, DeviceStatus, Origin, Parameters};

/// A user whose first factor was correct.
pub(super) struct Proven {
    pub(super) client_id: ClientId,
    pub(super) account: AccountId,
    pub(super) by: ProvenBy,
    pub(super) named_device: Option<DeviceKey>,
    pub(super) origin: Origin,
    /// `ClientMetadata` of the request that gave the proof.
    pub(super) metadata: Parameters,
}

/// The decision after a correct first factor.
pub(super) enum Decision {
    /// The sign-in is refused.
    Refuse(ApiError),
    /// The device is unknown. The client may send the claim again without the device key.
    UnknownDevice,
    /// The sign-in continues, with or without an MFA.
    Proceed { sign_in: SignInState, mfa: bool },
}

impl Pool {
    /// Decides about a sign-in whose first factor was correct.
    pub(super) fn decide(&self, proven: Proven) -> Decision {
        let Proven { client_id, account: id, by, named_device: named, origin, .. } = proven;
        let account = self.directory.account(id);
        let policy = &self.policy;

        // 1. Risk counts only where threat protection is enforced, and not for custom challenges: AWS has a
        // setting of its own for these. It refuses a sign-in before the device is considered.
        let assessed = by != ProvenBy::CustomAfterPassword;
        if assessed && self.is_blocked(&client_id, origin) {
            return Decision::Refuse(ApiError::address_blocked());
        }
        let assessed = assessed && policy.risk.mode == RiskMode::Enforced;
        let level = self.risk_level(&client_id, account, named.as_ref(), origin).filter(|_| assessed);
        let risk = level.map(|level| (level, self.risk_policy(&client_id).action(level)));
        if matches!(risk, Some((_, RiskAction::Block))) {
            return Decision::Refuse(ApiError::blocked_by_risk());
        }

        // 2. The device, if the pool tracks devices.
        let mut trusted = None;
        if let (true, Some(key)) = (policy.remember.tracks(), &named) {
            match account.confirmed(key).map(|device| (device.status(), device.mfa_bound)) {
                None => return Decision::UnknownDevice,
                Some((Some(DeviceStatus::Remembered), bound)) => trusted = Some((key.clone(), bound)),
                Some(_) => {}
            }
        }

        // 3. Whether the pool or the risk level requires an MFA. For risk a registered factor is enough; the
        // pool asks only for active ones.
        let registered = !account.registered_factors(policy.factor_types).is_empty();
        let usable_factor = registered && policy.mfa != MfaMode::Off;
        let risk_action = match risk {
            Some((level, action)) if !self.risk_note_applies(level, trusted.is_some()) => action,
            _ => RiskAction::NoAction,
        };
        // Contradictory documentation: the switch `risk_mfa_setup` lets such a user set up an app.
        let sets_up = policy.switches.risk_mfa_setup
            && risk_action == RiskAction::MfaIfConfigured
            && policy.mfa != MfaMode::Off
            && policy.factor_types.totp
            && !registered;
        let due_by_risk = match risk_action {
            RiskAction::MfaIfConfigured => usable_factor || sets_up,
            RiskAction::MfaRequired => true,
            RiskAction::NoAction | RiskAction::Block => false,
        };

        // 4. A trusted device waives the MFA that the pool requires, but not the one that the risk level
        // requires.
        let due_by_pool = self.pool_asks_for_mfa(account, trusted.as_ref().map(|(_, bound)| *bound));

        // 6. The risk level requires an MFA that the user cannot complete.
        if due_by_risk && !usable_factor && !sets_up {
            return Decision::Refuse(ApiError::blocked_by_risk());
        }
        let trusted_device = trusted.map(|(key, _)| key);
        let sign_in = SignInState {
            client_id,
            account: id,
            credentials: account.credential_version,
            proven_by: by,
            named_device: named,
            trusted_device,
            mfa_done: false,
            address: origin.address,
            answered_session: None,
            answered_by_alias: false,
            risk_mfa: due_by_risk,
            event_id: None,
        };
        Decision::Proceed { sign_in, mfa: due_by_risk || due_by_pool }
    }

    /// Returns whether the pool's current settings require an MFA from this user. A trusted device may waive
    /// it; only whether the device has completed an MFA matters.
    pub(super) fn pool_asks_for_mfa(&self, account: &Account, trusted: Option<bool>) -> bool {
        let policy = &self.policy;
        let due = match policy.mfa {
            MfaMode::Off => false,
            MfaMode::Optional => !account.active_factors(policy.factor_types).is_empty(),
            MfaMode::On => !account.first_sign_in_pending,
        };
        let waived = trusted
            .is_some_and(|bound| policy.suppress_mfa && (bound || !policy.switches.strict_mfa_binding));
        due && !(waived && (policy.switches.email_mfa_suppressed || !self.asks_by_email(account)))
    }

    /// Returns whether the MFA that the pool requires of this user is a code by e-mail.
    fn asks_by_email(&self, account: &Account) -> bool {
        let active = account.active_factors(self.policy.factor_types);
        let email = ChallengeName::EmailOtp;
        active.contains(&email) && (active.len() == 1 || account.preferred == Some(email))
    }

    /// 5. The Note: whether the MFA settings of this risk level are ignored.
    fn risk_note_applies(&self, level: RiskLevel, trusted: bool) -> bool {
        let pool = self.policy.remember == RememberMode::Always
            && self.policy.suppress_mfa
            && self.policy.mfa != MfaMode::Off;
        let covered = match self.policy.switches.risk_note {
            RiskNote::Pool => true,
            RiskNote::Device => trusted,
            RiskNote::Off => false,
        };
        pool && covered && level >= RiskLevel::Medium
    }
}
