//! A pool with a planted [`Defect`]: what each defect changes around one input.

use super::account::AccountId;
use super::lockout::Failures;
use super::password::{FIRST_LOCKING_FAILURE, PendingPlainPassword};
use super::session_store::{Owner, PasswordChallenge, ProvenBy, SignInState};
use super::sign_in::PendingClaim;
use super::{Defect, Input, Pending, PendingWork, Pool, Step};
use poolproof_cognito::ids::{DeviceKey, SecretBlock};
use poolproof_cognito::policy::{
    CompromisedAction, FactorTypes, MfaMode, PoolPolicy, RememberMode, RiskAction, RiskNote,
};
use poolproof_cognito::protocol::{
    AccountRequest, AuthOutcome, AuthenticationResult, InitiateAuth, Origin, Request, RespondToAuthChallenge,
    Response, keys,
};
use poolproof_cognito::time::Timestamp;
use poolproof_srp::{Identity, JobResult, SessionKey};

/// The change that a defect makes after the pool has processed the input.
enum Repair {
    Nothing,
    /// Makes the claim on this challenge answerable again, if it was accepted.
    Challenge(Box<(SecretBlock, PasswordChallenge)>),
    /// Counts a new failure of this user as if one more failure were needed to lock.
    Failures(AccountId, Failures),
    /// Forgets that the sign-in with this `origin_jti` was revoked.
    Revocation(AccountId, String),
    /// Restores the user's token generation.
    Generation(AccountId, u64),
}

impl Defect {
    /// Passes an input to the pool with this defect.
    pub(super) fn step(self, pool: &mut Pool, now: Timestamp, mut input: Input) -> Step {
        let settings = (pool.policy, pool.exceptions.clone());
        self.change_settings(pool, &input);
        self.rewrite(pool, &mut input);
        let repair = self.repair(pool, now, &input);
        let mut step = pool.process(now, input);
        self.apply(pool, now, repair, &mut step);
        (pool.policy, pool.exceptions) = settings;
        step
    }

    fn change_settings(self, pool: &mut Pool, input: &Input) {
        let names_own_device = names_own_device_to_custom_challenge(pool, input);
        let policy = &mut pool.policy;
        match self {
            // With `suppress_mfa`, the Note would apply as well.
            Self::SuppressesAlways if !policy.suppress_mfa => {
                policy.suppress_mfa = true;
                policy.switches.risk_note = RiskNote::Off;
            }
            Self::OptInRemembersAtOnce if policy.remember == RememberMode::OptIn => {
                policy.remember = RememberMode::Always;
                policy.switches.risk_note = RiskNote::Off;
            }
            Self::BlockIgnored => ignore_block(policy),
            Self::NoteUnknown => policy.switches.risk_note = RiskNote::Off,
            Self::BlockedAddressIgnored => pool.exceptions.blocked.clear(),
            Self::AllowedAddressIgnored => pool.exceptions.skipped.clear(),
            Self::CompromisedIgnored => policy.risk.compromised = CompromisedAction::NoAction,
            Self::AppSetupUncounted => {
                if let Input::Request(
                    _,
                    Request::AssociateSoftwareToken(_) | Request::VerifySoftwareToken(_),
                ) = input
                {
                    policy.quotas.user_resource_update = None;
                }
            }
            Self::CustomDeviceProofSkipped if names_own_device => policy.remember = RememberMode::No,
            Self::CodeOfferedBeforeMfa if is_choice(input) => policy.mfa = MfaMode::Off,
            Self::ForgottenDeviceRefreshes => {
                let Input::Request(_, request) = input else { return };
                let Some((token, device_key)) = refresh_token(request) else { return };
                let bound = pool.signer.read(token).and_then(|(_, claims)| claims.device_key);
                if bound.as_ref().map(DeviceKey::as_str) == device_key {
                    pool.policy.remember = RememberMode::No;
                }
            }
            _ => {}
        }
    }

    fn rewrite(self, pool: &mut Pool, input: &mut Input) {
        match (self, input) {
            (Self::RefreshUnbound, Input::Request(_, request)) => name_bound_device(pool, request),
            (Self::UsedTokenRefreshes, Input::Request(_, request)) => extend_grace_period(pool, request),
            (Self::ForgottenDeviceAccepted, Input::Result(Pending { work, .. }, _)) => {
                let Some((id, named, _)) = attempt(work) else { return };
                let account = pool.directory.account(id);
                if named.as_ref().is_some_and(|key| account.confirmed(key).is_none()) {
                    *named = None;
                }
            }
            (Self::EstimateWithoutAddress, Input::Result(Pending { work, .. }, _)) => {
                let Some((id, _, Origin { address: Some(address), .. })) = attempt(work) else { return };
                let history = &mut pool.directory.account_mut(id).sign_in_history;
                if !history.knows_address(address) {
                    history.addresses.push(address.to_canonical());
                }
            }
            (Self::DeviceClaimUnchecked, Input::Result(pending, JobResult::SessionKey(key))) => {
                let PendingWork::DeviceClaim(pending) = &mut pending.work else { return };
                let devices = &pool.directory.account(pending.account).devices;
                let Some(device) = devices.get(&pending.key) else { return };
                let identity = Identity::device(device.group_key.as_str(), pending.key.as_str());
                pending.claim.signature = pending.claim.expected_signature(key, &identity);
            }
            (Self::PasswordClaimUnchecked, Input::Result(pending, JobResult::SessionKey(key))) => {
                let PendingWork::PasswordClaim(pending) = &mut pending.work else { return };
                let identity = pool.srp_identity(&pending.challenge.owner);
                pending.claim.signature = pending.claim.expected_signature(key, &identity);
            }
            (Self::CompromisedSeenInSrp, Input::Result(pending, done)) => see_password(pool, pending, done),
            (Self::PasswordStepKeyCounts, Input::Request(_, Request::RespondToAuthChallenge(request))) => {
                name_only_device(pool, request);
            }
            (Self::RiskNeedsActiveFactor, Input::Result(Pending { work, .. }, _)) => {
                let Some((id, ..)) = attempt(work) else { return };
                let account = pool.directory.account(id);
                let FactorTypes { sms, totp, email } = pool.policy.factor_types;
                pool.policy.factor_types = FactorTypes {
                    sms: sms && account.sms_mfa,
                    totp: totp && account.totp_mfa,
                    email: email && account.email_mfa,
                };
            }
            _ => {}
        }
    }

    fn repair(self, pool: &mut Pool, now: Timestamp, input: &Input) -> Repair {
        let repair = match (self, input) {
            (
                Self::ClaimReusable,
                Input::Result(Pending { work: PendingWork::PasswordClaim(pending), .. }, _),
            ) => Some(Repair::Challenge(Box::new((pending.claim.block.clone(), pending.challenge.clone())))),
            (Self::LockoutOffByOne, input) => attempted_account(pool, input)
                .map(|id| Repair::Failures(id, *pool.directory.failures_mut(id))),
            (Self::RevokeIgnored, Input::Request(_, Request::RevokeToken(request))) => {
                let claims = pool.signer.read(&request.token).map(|(_, claims)| claims);
                claims.and_then(|claims| {
                    let id = pool.directory.find(claims.username.as_str())?;
                    Some(Repair::Revocation(id, claims.origin_id))
                })
            }
            (Self::SignOutIgnored, input) => {
                let id = match input {
                    Input::Request(_, Request::GlobalSignOut(request)) => {
                        pool.bearer(&request.access_token, now).ok().map(|(id, _)| id)
                    }
                    Input::Account(_, AccountRequest::AdminUserGlobalSignOut(request)) => {
                        pool.directory.find(&request.username)
                    }
                    _ => None,
                };
                id.map(|id| Repair::Generation(id, pool.directory.account(id).generation))
            }
            _ => None,
        };
        repair.unwrap_or(Repair::Nothing)
    }

    fn apply(self, pool: &mut Pool, now: Timestamp, repair: Repair, step: &mut Step) {
        match repair {
            Repair::Nothing => {}
            Repair::Challenge(answered) => {
                let (block, challenge) = *answered;
                if !matches!(step, Step::Reply(Err(_))) {
                    let challenge = PasswordChallenge { device_key: None, ..challenge };
                    pool.session_store.restore_password_challenge(now, &block, challenge);
                }
            }
            Repair::Failures(id, before) => {
                let failures = pool.directory.failures_mut(id);
                if failures.count > before.count {
                    *failures = Failures { last_attempt: failures.last_attempt, ..before };
                    failures.record_failure(now, FIRST_LOCKING_FAILURE + 1);
                }
            }
            Repair::Revocation(id, origin_id) => {
                pool.directory.account_mut(id).revoked.remove(&origin_id);
            }
            Repair::Generation(id, before) => pool.directory.account_mut(id).generation = before,
        }
        if self == Self::NewDeviceAlways
            && let Some(tokens) = signed_in(step)
        {
            issue_another_device(pool, now, tokens);
        }
        if self == Self::SubForSrp {
            send_sub_for_srp(pool, step);
        }
    }
}

fn ignore_block(policy: &mut PoolPolicy) {
    for action in [&mut policy.risk.low, &mut policy.risk.medium, &mut policy.risk.high] {
        if *action == RiskAction::Block {
            *action = RiskAction::NoAction;
        }
    }
}

/// Whether this input is the answer to a custom challenge with the key of a device that the user has
/// confirmed.
fn names_own_device_to_custom_challenge(pool: &Pool, input: &Input) -> bool {
    let Input::Request(_, Request::RespondToAuthChallenge(request)) = input else { return false };
    let answers = &request.challenge_responses;
    let account = answers.value(keys::USERNAME).and_then(|name| pool.directory.find(name));
    let key = answers.value(keys::DEVICE_KEY).map(DeviceKey::new);
    let confirmed =
        account.zip(key).is_some_and(|(id, key)| pool.directory.account(id).confirmed(&key).is_some());
    request.challenge_name == "CUSTOM_CHALLENGE" && confirmed
}

/// Whether this input offers first factors or chooses one of them.
fn is_choice(input: &Input) -> bool {
    match input {
        Input::Request(_, Request::InitiateAuth(request)) => request.auth_flow == "USER_AUTH",
        Input::Request(_, Request::RespondToAuthChallenge(request)) => {
            request.challenge_name == "SELECT_CHALLENGE"
        }
        _ => false,
    }
}

/// The user, the named device and the origin of a password that is about to be judged.
fn attempt(work: &mut PendingWork) -> Option<(AccountId, &mut Option<DeviceKey>, Origin)> {
    match work {
        PendingWork::PasswordClaim(pending) => {
            Some((Pool::account_of(&pending.challenge.owner)?, &mut pending.named_device, pending.origin))
        }
        PendingWork::PlainPassword(pending) => {
            Some((Pool::account_of(&pending.owner)?, &mut pending.named_device, pending.origin))
        }
        PendingWork::NewPassword(pending) => {
            Some((pending.sign_in.account, &mut pending.sign_in.named_device, pending.origin))
        }
        _ => None,
    }
}

/// The user whose failed attempt this input may be.
fn attempted_account(pool: &Pool, input: &Input) -> Option<AccountId> {
    match input {
        Input::Request(_, Request::RespondToAuthChallenge(request)) => {
            pool.directory.find(request.challenge_responses.value(keys::USERNAME)?)
        }
        Input::Result(Pending { work: PendingWork::PasswordClaim(pending), .. }, _) => {
            Pool::account_of(&pending.challenge.owner)
        }
        Input::Result(Pending { work: PendingWork::PlainPassword(pending), .. }, _) => {
            Pool::account_of(&pending.owner)
        }
        _ => None,
    }
}

/// The refresh token of a request and the device key beside it.
fn refresh_token(request: &Request) -> Option<(&str, Option<&str>)> {
    match request {
        Request::InitiateAuth(InitiateAuth { auth_parameters, .. }) => {
            Some((auth_parameters.value(keys::REFRESH_TOKEN)?, auth_parameters.value(keys::DEVICE_KEY)))
        }
        Request::GetTokensFromRefreshToken(request) => {
            Some((&request.refresh_token, request.device_key.as_deref()))
        }
        _ => None,
    }
}

/// Adds the user's device to an MFA answer that names none, if the user has exactly one.
fn name_only_device(pool: &Pool, request: &mut RespondToAuthChallenge) {
    let answers = &mut request.challenge_responses;
    let mfa = matches!(request.challenge_name.as_str(), "SMS_MFA" | "SOFTWARE_TOKEN_MFA" | "EMAIL_OTP");
    if !mfa || answers.value(keys::DEVICE_KEY).is_some() {
        return;
    }
    let account = answers.value(keys::USERNAME).and_then(|name| pool.directory.find(name));
    let Some(account) = account.map(|id| pool.directory.account(id)) else { return };
    if let [(key, _)] = account.devices.iter().collect::<Vec<_>>()[..] {
        *answers = std::mem::take(answers).with(keys::DEVICE_KEY, key.as_str());
    }
}

/// Lets the grace period of a refresh token that was used go on.
fn extend_grace_period(pool: &mut Pool, request: &Request) {
    let claims = refresh_token(request).and_then(|(token, _)| pool.signer.read(token));
    let Some((_, claims)) = claims else { return };
    let Some(id) = pool.directory.find(claims.username.as_str()) else { return };
    if let Some(rotated) = pool.directory.account_mut(id).rotated.get_mut(&claims.origin_id) {
        rotated.previous.insert(claims.token_id, claims.expires);
    }
}

/// Adds the device key that a refresh token is bound to.
fn name_bound_device(pool: &Pool, request: &mut Request) {
    let Some((token, None)) = refresh_token(request) else { return };
    let Some(bound) = pool.signer.read(token).and_then(|(_, claims)| claims.device_key) else { return };
    match request {
        Request::InitiateAuth(InitiateAuth { auth_parameters, .. }) => {
            *auth_parameters = std::mem::take(auth_parameters).with(keys::DEVICE_KEY, bound.as_str());
        }
        Request::GetTokensFromRefreshToken(request) => request.device_key = Some(bound.as_str().to_owned()),
        _ => {}
    }
}

/// Handles a valid SRP claim for a compromised password as if the client had sent the password in plain text.
fn see_password(pool: &Pool, pending: &mut Pending, done: &mut JobResult) {
    let (PendingWork::PasswordClaim(claim), JobResult::SessionKey(key)) = (&pending.work, &*done) else {
        return;
    };
    let Some(plain) = compromised_password(pool, claim, key) else { return };
    let Owner::Account(id) = plain.owner else { return };
    *done = JobResult::Verifier(pool.directory.account(id).verifier.clone());
    pending.work = PendingWork::PlainPassword(plain);
}

fn compromised_password(
    pool: &Pool,
    pending: &PendingClaim,
    key: &SessionKey,
) -> Option<PendingPlainPassword> {
    let PendingClaim { challenge, claim, named_device, origin, .. } = pending;
    let id = Pool::account_of(&challenge.owner)?;
    let proven = claim.is_valid(key, &pool.srp_identity(&challenge.owner));
    (proven && pool.refuses_compromised(&challenge.client_id, id, *origin)).then(|| PendingPlainPassword {
        client_id: challenge.client_id.clone(),
        owner: challenge.owner.clone(),
        named_device: named_device.clone(),
        device_from_start: false,
        origin: *origin,
        username: pool.name_of(&challenge.owner).to_owned(),
        password: String::new(),
        salt: pool.salt_of(&challenge.owner),
        answer: None,
    })
}

/// Replaces the user name of a challenge by the user's sub.
fn send_sub_for_srp(pool: &Pool, step: &mut Step) {
    let Step::Reply(Ok(Response::Auth(AuthOutcome::Challenge(challenge)))) = step else { return };
    let parameters = &mut challenge.parameters;
    let account = parameters.value(keys::USER_ID_FOR_SRP).and_then(|name| pool.directory.find(name));
    if let Some(account) = account.map(|id| pool.directory.account(id)) {
        *parameters = std::mem::take(parameters).with(keys::USER_ID_FOR_SRP, account.sub.as_str());
    }
}

/// The tokens of a completed sign-in.
fn signed_in(step: &mut Step) -> Option<&mut AuthenticationResult> {
    let tokens = match step {
        Step::Reply(Ok(Response::Auth(AuthOutcome::Tokens(tokens)))) => tokens,
        Step::Sign(job) => &mut job.tokens,
        _ => return None,
    };
    tokens.refresh_token.is_some().then_some(tokens)
}

fn issue_another_device(pool: &mut Pool, now: Timestamp, tokens: &mut AuthenticationResult) {
    if tokens.new_device.is_some() || !pool.policy.remember.tracks() {
        return;
    }
    let claims = tokens.refresh_token.as_deref().and_then(|token| pool.signer.read(token));
    let Some((_, claims)) = claims else { return };
    let Some(account) = pool.directory.find(claims.username.as_str()) else { return };
    let sign_in = SignInState {
        client_id: claims.client_id,
        account,
        credentials: pool.directory.account(account).credential_version,
        proven_by: ProvenBy::Srp,
        named_device: None,
        trusted_device: None,
        mfa_done: false,
        address: None,
        answered_session: None,
        answered_by_alias: false,
        risk_mfa: false,
        event_id: None,
    };
    tokens.new_device = Some(pool.issue_device(now, &sign_in, claims.origin_id));
}
