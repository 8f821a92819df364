//! Device authentication: the device's public value and its claim. It follows the password and any MFA and
//! never replaces them.

use std::net::IpAddr;

use super::account::{AccountId, DeviceState};
use super::answer::SessionAnswer;
use super::session_store::{
    Exchange, ExpectedAnswer, LookupKey, OpenSession, ProvenBy, SessionHandle, SignInState,
};
use super::sign_in::{Claim, required};
use super::{Pending, PendingWork, Pool, SERVER_EPHEMERAL_BITS, Step, refuse};
use poolproof_cognito::ids::{ClientId, DeviceGroupKey, DeviceKey};
use poolproof_cognito::policy::ProofAfterMfa;
use poolproof_cognito::protocol::{
    ApiError, AuthOutcome, Challenge, ChallengeName, DeviceStatus, ErrorKind, Origin, Parameters, Reply,
    RespondToAuthChallenge, Response, keys,
};
use poolproof_cognito::time::Timestamp;
use poolproof_srp::{Ephemeral, Identity, Job, PublicA, PublicB, Salt, SessionKey, Verifier};

/// `DEVICE_SRP_AUTH` waits for `B`.
#[derive(Debug)]
pub(super) struct PendingChallenge {
    answer: SessionAnswer,
    /// If the request named no session: the account and the client's address.
    unnamed: Option<(AccountId, Option<IpAddr>)>,
    key: DeviceKey,
    public_a: PublicA,
}

/// The device's claim waits for the session key.
#[derive(Debug)]
pub(super) struct PendingClaim {
    answer: SessionAnswer,
    #[cfg(feature = "defects")]
    pub(super) account: AccountId,
    pub(super) key: DeviceKey,
    pub(super) claim: Claim,
}

/// The data of a trusted device that authentication needs.
struct TrustedDevice {
    group_key: DeviceGroupKey,
    salt: Salt,
    verifier: Verifier,
}

impl Pool {
    /// Continues after the factor, if one was required: with device authentication or with tokens.
    pub(super) fn after_factor(&mut self, now: Timestamp, sign_in: SignInState) -> Response {
        let proves = sign_in.proven_by != ProvenBy::Code || self.policy.switches.passwordless_device_proof;
        // If the pool has stopped tracking devices meanwhile, it asks for none.
        match sign_in.trusted_device.clone().filter(|_| proves && self.policy.remember.tracks()) {
            None => self.finish(now, &sign_in),
            Some(key) => self.challenge(
                now,
                sign_in,
                ExpectedAnswer::DevicePublic,
                &[(keys::DEVICE_KEY, key.as_str())],
            ),
        }
    }

    /// `DEVICE_SRP_AUTH`.
    pub(super) fn start_device(
        &mut self,
        now: Timestamp,
        origin: Origin,
        request: &RespondToAuthChallenge,
    ) -> Step {
        match self.read_device_start(now, origin, request) {
            Err(error) => refuse(error),
            Ok((challenge, verifier)) => {
                let b = Ephemeral::draw(SERVER_EPHEMERAL_BITS, &mut self.rng);
                let job = Job::ServerPublic { group: self.identity.group, b, verifier };
                let client_id = ClientId::new(&request.client_id);
                Step::Compute(job, Pending::new(&client_id, PendingWork::DeviceChallenge(challenge)))
            }
        }
    }

    fn read_device_start(
        &self,
        now: Timestamp,
        origin: Origin,
        request: &RespondToAuthChallenge,
    ) -> Result<(PendingChallenge, Verifier), ApiError> {
        let key = DeviceKey::new(required(&request.challenge_responses, keys::DEVICE_KEY)?);
        let public_a = self.read_public_a(required(&request.challenge_responses, keys::SRP_A)?)?;
        let username = required(&request.challenge_responses, keys::USERNAME)?;
        let session = request.session.as_deref().map(|session| {
            let session = LookupKey::from_text(session);
            self.session_store.next_device_session(session).unwrap_or(session)
        });
        let account = self.directory.find(username).filter(|_| session.is_none());
        let unnamed = account.map(|id| (id, origin.address));
        let answer = SessionAnswer::with_session(request, session, ChallengeName::DeviceSrpAuth)?;
        let challenge = PendingChallenge { answer, unnamed, key, public_a };
        let (_, device) = self.check_turn(now, &challenge)?;
        Ok((challenge, device.verifier))
    }

    /// Returns the session that waits for the device, and the device. Some clients send no session, and
    /// others the one that they answered before (docs/semantics.md, what a client can still do). Both are
    /// accepted, but only for the one sign-in that waits for this device.
    ///
    /// Without a session, the pool takes the user's last sign-in that waits for this device and started from
    /// the same address. Such a request proves nothing. So the session that waits stays open until the
    /// device has proven its secret.
    fn check_turn(
        &self,
        now: Timestamp,
        pending: &PendingChallenge,
    ) -> Result<(SessionAnswer, TrustedDevice), ApiError> {
        let PendingChallenge { answer, unnamed, key, .. } = pending;
        let mut answer = answer.clone();
        if let Some((id, address)) = unnamed {
            answer.session = self.find_turn(now, (*id, key), answer.client_id(), *address);
        }
        let open = self.check_session(now, &answer)?;
        if open.sign_in.trusted_device.as_ref() != Some(key) {
            return Err(ApiError::incorrect_credentials());
        }
        let device = self.trusted(&open.sign_in, key)?;
        Ok((answer, device))
    }

    /// Returns the session of the user's last sign-in that waits for this device and started with this client
    /// from this address; if none waits, of the last that did.
    fn find_turn(
        &self,
        now: Timestamp,
        (account, key): (AccountId, &DeviceKey),
        client_id: &str,
        address: Option<IpAddr>,
    ) -> Option<LookupKey> {
        let here = |open: &OpenSession| {
            open.sign_in.address == address && open.sign_in.client_id.as_str() == client_id
        };
        self.session_store.find(now, &SessionHandle::Device(account, key.clone()), here)
    }

    /// Continues `DEVICE_SRP_AUTH`: returns the challenge.
    pub(super) fn challenge_device(
        &mut self,
        now: Timestamp,
        pending_work: PendingChallenge,
        b: Ephemeral,
        public_b: PublicB,
    ) -> Reply {
        let (answer, device) = self.check_turn(now, &pending_work)?;
        let PendingChallenge { unnamed, key, public_a, .. } = pending_work;
        let (sign_in, turn) = match unnamed {
            None => (self.take_answered(now, &answer)?.1.sign_in, None),
            Some(_) => {
                let open = self.check_session(now, &answer)?;
                (SignInState { answered_session: None, ..open.sign_in.clone() }, answer.session)
            }
        };
        let secret_block = self.new_secret_block();
        let parameters = Parameters::new()
            .with(keys::USERNAME, self.directory.account(sign_in.account).username.as_str())
            .with(keys::DEVICE_KEY, key.as_str())
            .with(keys::SALT, device.salt.to_verbatim_hex())
            .with(keys::SRP_B, public_b.to_hex())
            .with(keys::SECRET_BLOCK, secret_block.as_str());
        let exchange = Exchange { public_a, public_b, b };
        let expected_answer = ExpectedAnswer::DeviceClaim { exchange, secret_block, turn };
        let session = Some(self.open_session(now, sign_in, expected_answer));
        let (name, available) = (ChallengeName::DevicePasswordVerifier, Vec::new());
        Ok(Response::Auth(AuthOutcome::Challenge(Challenge { name, session, parameters, available })))
    }

    /// `DEVICE_PASSWORD_VERIFIER`.
    pub(super) fn claim_device(&mut self, now: Timestamp, request: &RespondToAuthChallenge) -> Step {
        match self.read_claim(now, request) {
            Err(error) => refuse(error),
            Ok((job, claim)) => {
                let client_id = ClientId::new(&request.client_id);
                Step::Compute(job, Pending::new(&client_id, PendingWork::DeviceClaim(claim)))
            }
        }
    }

    fn read_claim(
        &mut self,
        now: Timestamp,
        request: &RespondToAuthChallenge,
    ) -> Result<(Job, PendingClaim), ApiError> {
        let claim = Claim::read(&request.challenge_responses)?;
        let key = DeviceKey::new(required(&request.challenge_responses, keys::DEVICE_KEY)?);
        let found = self.session_store.find(now, &SessionHandle::Block(claim.block.clone()), |_| true);
        let session = request.session.as_deref().map(LookupKey::from_text).or(found);
        let answer = SessionAnswer::with_session(request, session, ChallengeName::DevicePasswordVerifier)?;
        let open = self.check_session(now, &answer)?;
        let ExpectedAnswer::DeviceClaim { exchange, secret_block, .. } = &open.expected_answer else {
            return Err(ApiError::internal("the session expects another challenge"));
        };
        #[cfg(feature = "defects")]
        let account = open.sign_in.account;
        let matches = open.sign_in.trusted_device.as_ref() == Some(&key) && claim.block == *secret_block;
        let device = match self.trusted(&open.sign_in, &key) {
            _ if !matches => Err(ApiError::incorrect_credentials()),
            device => device,
        };
        match device {
            Ok(TrustedDevice { verifier, .. }) => {
                let Exchange { public_a, public_b, b } = exchange.clone();
                let job = Job::ServerKey { group: self.identity.group, b, verifier, public_a, public_b };
                let claim = PendingClaim {
                    answer,
                    #[cfg(feature = "defects")]
                    account,
                    key,
                    claim,
                };
                Ok((job, claim))
            }
            Err(error) => Err(self.end_unless_forgotten(now, &answer, error)),
        }
    }

    /// Continues with the device's claim: checks it and completes the sign-in.
    pub(super) fn verify_device_claim(
        &mut self,
        now: Timestamp,
        pending_work: PendingClaim,
        session_key: &SessionKey,
    ) -> Reply {
        let PendingClaim { answer, key, claim, .. } = pending_work;
        let open = self.check_session(now, &answer)?;
        let device = match self.trusted(&open.sign_in, &key) {
            Ok(device) => device,
            Err(error) => return Err(self.end_unless_forgotten(now, &answer, error)),
        };
        let (_, open) = self.take_answered(now, &answer)?;
        let identity = Identity::device(device.group_key.as_str(), key.as_str());
        if !claim.is_valid(session_key, &identity) {
            return Err(ApiError::incorrect_credentials());
        }
        let sign_in = match open.expected_answer {
            ExpectedAnswer::DeviceClaim { turn: Some(turn), .. } => {
                self.take_turn(now, turn, &open.sign_in, &key)?
            }
            _ => open.sign_in,
        };
        Ok(self.finish(now, &sign_in))
    }

    /// Ends the session that waited for the device when the device sent its public value. If another claim
    /// has ended it since, the claim counts for another sign-in that waits for the device.
    fn take_turn(
        &mut self,
        now: Timestamp,
        turn: LookupKey,
        sign_in: &SignInState,
        key: &DeviceKey,
    ) -> Result<SignInState, ApiError> {
        // The session may have expired since, but not the device's challenge.
        if let Ok((_, open)) = self.session_store.take(Timestamp::default(), Some(turn)) {
            return Ok(open.sign_in);
        }
        let SignInState { account, client_id, address, .. } = sign_in;
        let turn = self.find_turn(now, (*account, key), client_id.as_str(), *address);
        let open = self.session_store.check(now, turn, |_| true)?;
        self.trusted(&open.sign_in, key)?;
        self.session_store.take(now, turn).map(|(_, open)| open.sign_in)
    }

    /// Ends the session of a refused claim, unless the device was forgotten meanwhile: then the challenge
    /// stays.
    fn end_unless_forgotten(&mut self, now: Timestamp, answer: &SessionAnswer, error: ApiError) -> ApiError {
        if error.kind != ErrorKind::ResourceNotFound {
            self.take_answered(now, answer).ok();
        }
        error
    }

    /// Returns the device, if the pool still trusts it. Every use checks again: the device may be removed,
    /// its user disabled or the settings changed.
    fn trusted(&self, sign_in: &SignInState, key: &DeviceKey) -> Result<TrustedDevice, ApiError> {
        self.check_sign_in(sign_in)?;
        let account = self.directory.account(sign_in.account);
        let device = account.devices.get(key).ok_or_else(ApiError::device_not_found)?;
        // The device replaced an MFA that the pool requires now. Only a new sign-in can ask for it.
        // Custom challenges without a password never lead to an MFA.
        let must_ask = !sign_in.mfa_done
            && sign_in.proven_by != ProvenBy::Custom
            && self.pool_asks_for_mfa(account, Some(device.mfa_bound));
        if must_ask || !self.policy.remember.tracks() {
            return Err(ApiError::incorrect_credentials());
        }
        let any = sign_in.mfa_done && self.policy.switches.proof_after_mfa == ProofAfterMfa::Confirmed;
        match &device.state {
            DeviceState::Confirmed { salt, verifier, status }
                if any || *status == DeviceStatus::Remembered =>
            {
                Ok(TrustedDevice {
                    group_key: device.group_key.clone(),
                    salt: salt.clone(),
                    verifier: verifier.clone(),
                })
            }
            DeviceState::Confirmed { .. } => Err(ApiError::incorrect_credentials()),
            DeviceState::Issued { .. } => Err(ApiError::device_not_found()),
        }
    }
}
