//! Device authentication: the device's public value and its claim. It follows the password and any MFA and
//! never replaces them.

use super::account::DeviceState;
use super::session_store::{
    Exchange, ExpectedAnswer, LookupKey, OpenSession, ProvenBy, SessionHandle, SignInState,
};
use super::sign_in::{Claim, required};
use super::{Pending, PendingWork, Pool, SERVER_EPHEMERAL_BITS, Step, refuse};
use poolproof_cognito::ids::{DeviceGroupKey, DeviceKey, Session};
use poolproof_cognito::protocol::{
    ApiError, AuthOutcome, Challenge, ChallengeName, DeviceStatus, ErrorKind, Origin, Parameters, Reply,
    RespondToAuthChallenge, Response, keys,
};
use poolproof_cognito::time::Timestamp;
use poolproof_srp::{Ephemeral, Identity, Job, PublicA, PublicB, Salt, SessionKey, Verifier};

/// `DEVICE_SRP_AUTH` waits for `B`.
#[derive(Debug)]
pub(super) struct PendingChallenge {
    session: Session,
    open: OpenSession,
    key: DeviceKey,
    public_a: PublicA,
}

/// The device's claim waits for the session key.
#[derive(Debug)]
pub(super) struct PendingClaim {
    session: Session,
    pub(super) open: OpenSession,
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
        match self.parse_device_start(now, origin, request) {
            Err(error) => refuse(error),
            Ok((challenge, verifier)) => {
                let b = Ephemeral::draw(SERVER_EPHEMERAL_BITS, &mut self.rng);
                let job = Job::ServerPublic { group: self.identity.group, b, verifier };
                let client_id = challenge.open.sign_in.client_id.clone();
                Step::Compute(job, Pending::new(&client_id, PendingWork::DeviceChallenge(challenge)))
            }
        }
    }

    fn parse_device_start(
        &mut self,
        now: Timestamp,
        origin: Origin,
        request: &RespondToAuthChallenge,
    ) -> Result<(PendingChallenge, Verifier), ApiError> {
        let key = DeviceKey::new(required(&request.challenge_responses, keys::DEVICE_KEY)?);
        let public_a = self.read_public_a(required(&request.challenge_responses, keys::SRP_A)?)?;
        let (session, open) = self.take_device_session(now, origin, request, &key)?;
        if open.sign_in.trusted_device.as_ref() != Some(&key) {
            self.session_store.restore_session(&session, open);
            return Err(ApiError::incorrect_credentials());
        }
        match self.trusted(&open.sign_in, &key) {
            Ok(device) => Ok((PendingChallenge { session, open, key, public_a }, device.verifier)),
            Err(error) => {
                self.session_store.restore_session(&session, open);
                Err(error)
            }
        }
    }

    /// Takes the session that waits for the device. Some clients send no session, and others the one that
    /// they answered before (docs/semantics.md, what a client can still do). Both are accepted, but only for
    /// the one sign-in that waits for this device.
    ///
    /// Without a session, the pool takes the user's last sign-in that waits for this device and started from
    /// the same address. A client at that address that has the device's secret can take over another client's
    /// sign-in. The requests of such clients do not contain anything to distinguish them.
    fn take_device_session(
        &mut self,
        now: Timestamp,
        origin: Origin,
        request: &RespondToAuthChallenge,
        key: &DeviceKey,
    ) -> Result<(Session, OpenSession), ApiError> {
        let username = required(&request.challenge_responses, keys::USERNAME)?;
        let turn = match request.session.as_deref() {
            Some(session) => {
                let session = LookupKey::from_text(session);
                Some(self.session_store.next_device_session(session).unwrap_or(session))
            }
            None => {
                let here = |open: &OpenSession| {
                    open.sign_in.address == origin.address
                        && open.sign_in.client_id.as_str() == request.client_id
                };
                let waiting =
                    |id| self.session_store.find(now, &SessionHandle::Device(id, key.clone()), here);
                self.directory.find(username).and_then(waiting)
            }
        };
        self.take_named_session(now, request, turn, ChallengeName::DeviceSrpAuth)
    }

    /// Continues `DEVICE_SRP_AUTH`: returns the challenge.
    pub(super) fn challenge_device(
        &mut self,
        now: Timestamp,
        pending_work: PendingChallenge,
        b: Ephemeral,
        public_b: PublicB,
    ) -> Reply {
        let PendingChallenge { session, open, key, public_a } = pending_work;
        let device = match self.trusted(&open.sign_in, &key) {
            Ok(device) => device,
            Err(error) => return Err(self.keep_if_forgotten(&session, open, error)),
        };
        let sign_in = open.sign_in;
        let secret_block = self.new_secret_block();
        let parameters = Parameters::new()
            .with(keys::USERNAME, self.directory.account(sign_in.account).username.as_str())
            .with(keys::DEVICE_KEY, key.as_str())
            .with(keys::SALT, device.salt.to_verbatim_hex())
            .with(keys::SRP_B, public_b.to_hex())
            .with(keys::SECRET_BLOCK, secret_block.as_str());
        let exchange = Exchange { public_a, public_b, b };
        let expected_answer = ExpectedAnswer::DeviceClaim { exchange, secret_block };
        let session = Some(self.open_session(now, sign_in, expected_answer));
        let (name, available) = (ChallengeName::DevicePasswordVerifier, Vec::new());
        Ok(Response::Auth(AuthOutcome::Challenge(Challenge { name, session, parameters, available })))
    }

    /// `DEVICE_PASSWORD_VERIFIER`.
    pub(super) fn claim_device(&mut self, now: Timestamp, request: &RespondToAuthChallenge) -> Step {
        match self.read_claim(now, request) {
            Err(error) => refuse(error),
            Ok((job, claim)) => {
                let client_id = claim.open.sign_in.client_id.clone();
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
        let (session, open) =
            self.take_named_session(now, request, session, ChallengeName::DevicePasswordVerifier)?;
        let ExpectedAnswer::DeviceClaim { exchange, secret_block } = &open.expected_answer else {
            return Err(ApiError::internal("the session expects another challenge"));
        };
        if open.sign_in.trusted_device.as_ref() != Some(&key) || claim.block != *secret_block {
            return Err(ApiError::incorrect_credentials());
        }
        let Exchange { public_a, public_b, b } = exchange.clone();
        let verifier = match self.trusted(&open.sign_in, &key) {
            Ok(device) => device.verifier,
            Err(error) => return Err(self.keep_if_forgotten(&session, open, error)),
        };
        let job = Job::ServerKey { group: self.identity.group, b, verifier, public_a, public_b };
        Ok((job, PendingClaim { session, open, key, claim }))
    }

    /// Continues with the device's claim: checks it and completes the sign-in.
    pub(super) fn verify_device_claim(
        &mut self,
        now: Timestamp,
        pending_work: PendingClaim,
        session_key: &SessionKey,
    ) -> Reply {
        let PendingClaim { session, open, key, claim } = pending_work;
        let device = match self.trusted(&open.sign_in, &key) {
            Ok(device) => device,
            Err(error) => return Err(self.keep_if_forgotten(&session, open, error)),
        };
        let identity = Identity::device(device.group_key.as_str(), key.as_str());
        if !claim.is_valid(session_key, &identity) {
            return Err(ApiError::incorrect_credentials());
        }
        Ok(self.finish(now, &open.sign_in))
    }

    /// Restores a session whose device was forgotten meanwhile: the challenge stays.
    fn keep_if_forgotten(&mut self, session: &Session, open: OpenSession, error: ApiError) -> ApiError {
        if error.kind == ErrorKind::ResourceNotFound {
            self.session_store.restore_session(session, open);
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
        match &device.state {
            DeviceState::Confirmed { salt, verifier, status: DeviceStatus::Remembered } => {
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
