//! What is asked after a right password: the pool's own reading of DESIGN section 5, step by step.

use super::Pool;
use super::account::{Account, AccountId};
use super::defect::Defect;
use super::session_store::SignInState;
use poolproof_cognito::ids::DeviceKey;
use poolproof_cognito::policy::{MfaMode, RememberMode, RiskAction, RiskLevel, RiskNote};
use poolproof_cognito::protocol::{ApiError, DeviceStatus, Origin};

/// What a right password leads to.
pub(super) enum Decision {
    /// A refusal for good.
    Refuse(ApiError),
    /// The device is not known. The claim may be sent again without its key.
    UnknownDevice,
    /// On with the sign-in, through an MFA or not.
    Proceed { sign_in: SignInState, mfa: bool },
}

impl Pool {
    /// Decides about a sign-in whose password was right.
    pub(super) fn decide(&self, id: AccountId, named: Option<DeviceKey>, origin: Origin) -> Decision {
        let account = self.directory.account(id);
        let policy = &self.policy;
        let factor = !account.factors().is_empty();

        // 1. Risk counts only where it is enforced, and refuses before anything is said about devices.
        if self.is_blocked(origin) {
            return Decision::Refuse(ApiError::address_blocked());
        }
        let level = self.risk_level(account, named.as_ref(), origin);
        let risk = level.map(|level| (level, policy.risk.action(level)));
        if matches!(risk, Some((_, RiskAction::Block))) && !self.has_defect(Defect::BlockIgnored) {
            return Decision::Refuse(ApiError::blocked_by_risk());
        }

        // 2. The device, if the pool tracks any.
        let mut trusted = None;
        if let (true, Some(key)) = (policy.remember.tracks(), &named) {
            match account.confirmed(key).map(|device| (device.status(), device.mfa_bound)) {
                None if self.has_defect(Defect::ForgottenDeviceAccepted) => {}
                None => return Decision::UnknownDevice,
                Some((Some(DeviceStatus::Remembered), bound)) => trusted = Some((key.clone(), bound)),
                Some(_) => {}
            }
        }

        // 3. Who wants an MFA: the pool, or the risk.
        let usable_factor = factor && policy.mfa != MfaMode::Off;
        let risk_action = match risk {
            Some((level, action)) if !self.risk_note_applies(level, trusted.is_some()) => action,
            _ => RiskAction::NoAction,
        };
        let due_by_risk = match risk_action {
            RiskAction::MfaIfConfigured => usable_factor,
            RiskAction::MfaRequired => true,
            RiskAction::NoAction | RiskAction::Block => false,
        };

        // 4. A trusted device waives the pool's MFA, and not the risk's.
        let due_by_pool = self.pool_asks_for_mfa(account, trusted.as_ref().map(|(_, bound)| *bound));

        // 6. Risk insists on an MFA that the user cannot do.
        if due_by_risk && !usable_factor {
            return Decision::Refuse(ApiError::blocked_by_risk());
        }
        let trusted_device = trusted.map(|(key, _)| key);
        let sign_in = SignInState {
            client_id: self.client.id.clone(),
            account: id,
            named_device: named,
            trusted_device,
            mfa_done: false,
            address: origin.address,
            answered_session: None,
        };
        Decision::Proceed { sign_in, mfa: due_by_risk || due_by_pool }
    }

    /// Whether the pool, as it is set now, asks this user for an MFA, which a trusted device may waive; of
    /// the device only this counts, whether it has been through one.
    pub(super) fn pool_asks_for_mfa(&self, account: &Account, trusted: Option<bool>) -> bool {
        let policy = &self.policy;
        let due = match policy.mfa {
            MfaMode::Off => false,
            MfaMode::Optional => !account.factors().is_empty(),
            MfaMode::On => true,
        };
        let waived = trusted.is_some_and(|bound| {
            let may = bound || !policy.switches.strict_mfa_binding;
            (policy.suppress_mfa || self.has_defect(Defect::SuppressesAlways)) && may
        });
        due && !waived
    }

    /// 5. The Note: whether the MFA settings of this level of risk are ignored.
    fn risk_note_applies(&self, level: RiskLevel, trusted: bool) -> bool {
        let pool = self.policy.remember == RememberMode::Always
            && self.policy.suppress_mfa
            && self.policy.mfa != MfaMode::Off
            && !self.has_defect(Defect::NoteUnknown);
        let covered = match self.policy.switches.risk_note {
            RiskNote::Pool => true,
            RiskNote::Device => trusted,
            RiskNote::Off => false,
        };
        pool && covered && level >= RiskLevel::Medium
    }
}
