//! The password: `InitiateAuth` and the SRP claim.

use std::sync::Arc;

use data_encoding::BASE64;
use rand::Rng as _;

use super::decide::Proven;
use super::session_store::{Exchange, LookupKey, Owner, PasswordChallenge, Proof, ProvenBy};
use super::{AppClient, Pending, PendingWork, Pool, SERVER_EPHEMERAL_BITS, Step, refuse, reply};
use poolproof_cognito::ids::{ClientId, DeviceKey, SecretBlock};
use poolproof_cognito::policy::ClaimReuse;
use poolproof_cognito::protocol::{
    ApiError, AuthOutcome, Challenge, ChallengeName, InitiateAuth, Origin, Parameters, Reply,
    RespondToAuthChallenge, Response, keys,
};
use poolproof_cognito::time::Timestamp;
use poolproof_srp::{
    BadPublicValue, BadSignature, ClaimTimestamp, Ephemeral, Identity, Job, PublicA, PublicB, Salt,
    SessionKey, Signature,
};

/// `InitiateAuth` waits for `B`.
#[derive(Debug)]
pub(super) struct PendingChallenge {
    client_id: ClientId,
    owner: Owner,
    username: String,
    /// The salt and the version of the credentials that `B` belongs to.
    salt: Salt,
    credentials: u64,
    public_a: PublicA,
    device_key: Option<DeviceKey>,
    custom: bool,
}

/// The password's claim waits for the session key.
#[derive(Debug)]
pub(super) struct PendingClaim {
    pub(super) challenge: PasswordChallenge,
    username: String,
    pub(super) claim: Claim,
    pub(super) named_device: Option<DeviceKey>,
    /// Whether `InitiateAuth` had the device key and the claim had none.
    device_from_start: bool,
    pub(super) origin: Origin,
    metadata: Parameters,
}

/// A claim: the same three values for a password and for a device.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) timestamp: ClaimTimestamp,
    /// `None` if its length is wrong; then the claim is invalid.
    pub(super) signature: Option<Signature>,
    pub(super) block: SecretBlock,
}

impl Claim {
    /// Reads a claim from the challenge responses, checked in the order that AWS uses.
    pub(super) fn read(answers: &Parameters) -> Result<Self, ApiError> {
        let timestamp = required(answers, keys::TIMESTAMP)?;
        let signature = required(answers, keys::PASSWORD_CLAIM_SIGNATURE)?;
        let block = required(answers, keys::PASSWORD_CLAIM_SECRET_BLOCK)?;
        let timestamp = ClaimTimestamp::parse(timestamp).ok_or_else(|| {
            ApiError::invalid_parameter("TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english.")
        })?;
        let signature = match Signature::from_base64(signature) {
            Ok(signature) => Some(signature),
            Err(BadSignature::Length(_)) => None,
            Err(BadSignature::NotBase64) => {
                let message = "Invalid PASSWORD_CLAIM_SIGNATURE format. Must be a Base64 string.";
                return Err(ApiError::invalid_parameter(message));
            }
        };
        Ok(Self { timestamp, signature, block: SecretBlock::new(block) })
    }

    /// Returns the signature that proves knowledge of `key`; `None` if the secret block is not Base64.
    pub(super) fn expected_signature(&self, key: &SessionKey, identity: &Identity) -> Option<Signature> {
        let block = BASE64.decode(self.block.as_str().as_bytes()).ok()?;
        Some(key.sign(identity, &block, self.timestamp.canonical()))
    }

    /// Identifies the claim, so that one that is sent again is recognized.
    fn lookup_key(&self) -> LookupKey {
        let signature = self.signature.as_ref().map(Signature::to_base64).unwrap_or_default();
        LookupKey::from_text(&format!("{signature} {}", self.timestamp.canonical()))
    }

    /// Returns whether this claim proves knowledge of `key`.
    pub(super) fn is_valid(&self, key: &SessionKey, identity: &Identity) -> bool {
        let expected = self.expected_signature(key, identity);
        expected.zip(self.signature.as_ref()).is_some_and(|(expected, signature)| expected.verify(signature))
    }
}

impl Pool {
    /// `InitiateAuth`, for every flow.
    pub(super) fn initiate_auth(&mut self, now: Timestamp, origin: Origin, request: &InitiateAuth) -> Step {
        let client = match self.client(&request.client_id) {
            Ok(client) => client,
            Err(error) => return refuse(error),
        };
        match request.auth_flow.as_str() {
            "USER_SRP_AUTH" if client.srp_flow => self.start_srp(&client, &request.auth_parameters),
            "USER_PASSWORD_AUTH" => {
                self.start_password(now, origin, &client, &request.auth_parameters, client.password_flow)
            }
            "USER_AUTH" if client.choice_flow => {
                self.start_choice(now, origin, &client, &request.auth_parameters)
            }
            "CUSTOM_AUTH" if client.custom_flow => {
                self.start_custom(now, origin, &client, &request.auth_parameters)
            }
            "REFRESH_TOKEN_AUTH" | "REFRESH_TOKEN" if client.refresh_flow && client.rotation.is_none() => {
                reply(self.refresh_auth(now, &client, &request.auth_parameters))
            }
            "ADMIN_NO_SRP_AUTH" | "ADMIN_USER_PASSWORD_AUTH" => {
                refuse(ApiError::invalid_parameter("Initiate Auth method not supported."))
            }
            other => refuse(ApiError::invalid_parameter(format!("{other} is not enabled for the client."))),
        }
    }

    fn start_srp(&mut self, client: &AppClient, parameters: &Parameters) -> Step {
        match self.parse_srp_start(client, parameters) {
            Err(error) => refuse(error),
            Ok((owner, public_a)) => self.begin_srp(client, owner, public_a, named_device(parameters), false),
        }
    }

    /// Begins the proof of the password by SRP. With `custom`, custom challenges follow it.
    pub(super) fn begin_srp(
        &mut self,
        client: &AppClient,
        owner: Owner,
        public_a: PublicA,
        device_key: Option<DeviceKey>,
        custom: bool,
    ) -> Step {
        let b = Ephemeral::draw(SERVER_EPHEMERAL_BITS, &mut self.rng);
        let verifier = self.verifier_of(&owner);
        let job = Job::ServerPublic { group: self.identity.group, b, verifier };
        let client_id = client.id.clone();
        let (username, salt) = (self.name_of(&owner).to_owned(), self.salt_of(&owner));
        let credentials = self.credentials_of(&owner);
        let challenge =
            PendingChallenge { client_id, owner, username, salt, credentials, public_a, device_key, custom };
        Step::Compute(job, Pending::new(&client.id, PendingWork::PasswordChallenge(challenge)))
    }

    fn parse_srp_start(
        &self,
        client: &AppClient,
        parameters: &Parameters,
    ) -> Result<(Owner, PublicA), ApiError> {
        let username = required(parameters, keys::USERNAME)?;
        let public_a = required(parameters, keys::SRP_A)?;
        client.check_hash_at_start(parameters)?;
        Ok((self.owner(client, username)?, self.read_public_a(public_a)?))
    }

    /// Reads `SRP_A`. Values of order 1 and 2 are refused too, since no client draws them.
    pub(super) fn read_public_a(&self, text: &str) -> Result<PublicA, ApiError> {
        let public_a = PublicA::parse_hex(self.identity.group, text).map_err(|bad| match bad {
            BadPublicValue::NotHex | BadPublicValue::Empty => {
                let shown: String = text.chars().take(64).collect();
                ApiError::invalid_parameter(format!(
                    "1 validation error detected: Value '{shown}' at 'sRPA' failed to satisfy constraint: Member must \
                     satisfy regular expression pattern: ^[0-9a-fA-F]+$"
                ))
            }
            _ => ApiError::invalid_parameter("Invalid SRP_A: it must be a number A with 1 < A < N - 1."),
        })?;
        if public_a.is_small_order() {
            return Err(ApiError::invalid_parameter(
                "Invalid SRP_A: it must be a number A with 1 < A < N - 1.",
            ));
        }
        Ok(public_a)
    }

    /// Returns the identity that the SRP of this user hashes.
    pub(super) fn srp_identity(&self, owner: &Owner) -> Identity {
        Identity::user(self.identity.pool_id.name(), self.name_of(owner))
    }

    fn verifier_of(&self, owner: &Owner) -> poolproof_srp::Verifier {
        match owner {
            Owner::Account(id) => self.directory.account(*id).verifier.clone(),
            Owner::UnknownUser(_) => self.simulated_users.verifier.clone(),
        }
    }

    /// Continues `InitiateAuth`: returns the challenge.
    pub(super) fn challenge_password(
        &mut self,
        now: Timestamp,
        pending_work: PendingChallenge,
        b: Ephemeral,
        public_b: PublicB,
    ) -> Reply {
        let client = self.client(pending_work.client_id.as_str())?;
        let block = self.new_secret_block();
        let username = pending_work.username.as_str();
        let parameters = Parameters::new()
            .with(keys::USERNAME, username)
            .with(keys::USER_ID_FOR_SRP, username)
            .with(keys::SALT, pending_work.salt.to_hex())
            .with(keys::SRP_B, public_b.to_hex())
            .with(keys::SECRET_BLOCK, block.as_str());
        let challenge = PasswordChallenge {
            client_id: pending_work.client_id,
            owner: pending_work.owner,
            proof: Proof::Exchange(Exchange { public_a: pending_work.public_a, public_b, b }),
            credentials: pending_work.credentials,
            device_key: pending_work.device_key,
            custom: pending_work.custom,
            failed_claims: Vec::new(),
            expires: now.plus(self.session_validity(&client.id)),
        };
        self.session_store.insert_password_challenge(now, &block, challenge);
        let name = ChallengeName::PasswordVerifier;
        let available = Vec::new();
        Ok(Response::Auth(AuthOutcome::Challenge(Challenge { name, session: None, parameters, available })))
    }

    /// `RespondToAuthChallenge`, for every challenge.
    pub(super) fn respond(
        &mut self,
        now: Timestamp,
        origin: Origin,
        request: &RespondToAuthChallenge,
    ) -> Step {
        let client = match self.check_answer(request) {
            Ok(client) => client,
            Err(error) => return refuse(error),
        };
        let Ok(name) = request.challenge_name.parse() else {
            return refuse(ApiError::invalid_parameter(format!(
                "Unsupported challenge name: {}",
                request.challenge_name
            )));
        };
        match name {
            ChallengeName::PasswordVerifier => self.claim_password(now, origin, &client, request),
            ChallengeName::NewPasswordRequired => self.change_password(now, request),
            ChallengeName::DeviceSrpAuth => self.start_device(now, origin, request),
            ChallengeName::DevicePasswordVerifier => self.claim_device(now, request),
            ChallengeName::SelectMfaType => reply(self.choose_factor(now, request)),
            ChallengeName::SelectChallenge | ChallengeName::Password | ChallengeName::PasswordSrp => {
                self.answer_choice(now, origin, &client, name, request)
            }
            ChallengeName::SmsOtp => self.answer_first_code(now, origin, name, request),
            ChallengeName::EmailOtp if self.asks_for_first_code(request) => {
                self.answer_first_code(now, origin, name, request)
            }
            ChallengeName::WebAuthn => refuse(ApiError::not_simulated("WEB_AUTHN")),
            ChallengeName::CustomChallenge => self.answer_custom(now, origin, request),
            ChallengeName::SmsMfa | ChallengeName::EmailOtp => reply(self.answer_code(now, name, request)),
            ChallengeName::SoftwareTokenMfa => reply(self.answer_totp(now, request)),
            ChallengeName::MfaSetup => reply(self.finish_setup(now, request)),
        }
    }

    fn check_answer(&self, request: &RespondToAuthChallenge) -> Result<Arc<AppClient>, ApiError> {
        let client = self.client(&request.client_id)?;
        let answers = &request.challenge_responses;
        if answers.is_empty() {
            return Err(ApiError::invalid_parameter("Missing required parameter challenge responses."));
        }
        let username = required(answers, keys::USERNAME)?;
        client.check_hash(answers, username)?;
        Ok(client)
    }

    fn claim_password(
        &mut self,
        now: Timestamp,
        origin: Origin,
        client: &AppClient,
        request: &RespondToAuthChallenge,
    ) -> Step {
        let answers = &request.challenge_responses;
        let read = required(answers, keys::USERNAME).and_then(|name| Ok((name, Claim::read(answers)?)));
        let (username, claim) = match read {
            Ok(read) => read,
            Err(error) => return refuse(error),
        };
        let challenge = match self.find_password_challenge(now, client, username, &claim.block) {
            Ok(challenge) => challenge,
            Err(error) => return refuse(error),
        };
        let named_device = named_device(answers);
        let device_from_start = named_device.is_none();
        let named_device = named_device.or_else(|| challenge.device_key.clone());
        let (proof, username) = (challenge.proof.clone(), username.to_owned());
        let metadata = request.client_metadata.clone();
        let pending_work =
            PendingClaim { challenge, username, claim, named_device, device_from_start, origin, metadata };
        match proof {
            Proof::Used => refuse(ApiError::incorrect_credentials()),
            Proof::Key(key) => self.judge_password_claim(now, pending_work, &key),
            Proof::Exchange(Exchange { public_a, public_b, b }) => {
                let verifier = self.verifier_of(&pending_work.challenge.owner);
                let job = Job::ServerKey { group: self.identity.group, b, verifier, public_a, public_b };
                Step::Compute(job, Pending::new(&client.id, PendingWork::PasswordClaim(pending_work)))
            }
        }
    }

    /// Returns the challenge that a claim answers, and counts the attempt. The challenge determines the owner
    /// of the attempt; without one it is the named user, and the attempt has failed.
    fn find_password_challenge(
        &mut self,
        now: Timestamp,
        client: &AppClient,
        username: &str,
        block: &SecretBlock,
    ) -> Result<PasswordChallenge, ApiError> {
        let pool = &*self;
        let mine = |challenge: &&PasswordChallenge| {
            challenge.client_id == client.id && pool.owner_matches(&challenge.owner, username)
        };
        let challenge = pool.session_store.password_challenge(block).filter(mine);
        let owner = challenge.map(|challenge| challenge.owner.clone());
        let owner = owner.map_or_else(|| self.owner(client, username), Ok);
        let owner = owner.map_err(|_| ApiError::incorrect_credentials())?;
        self.admit_attempt(now, client, &owner)?;
        let owned = |found: &PasswordChallenge| found.owner == owner && found.client_id == client.id;
        let challenge = self.session_store.owned_password_challenge(now, block, owned).cloned();
        match challenge {
            // The claim is not judged. So it does not count, and copies of a correct one lock no user out.
            Some(PasswordChallenge { proof: Proof::Used, .. }) => Err(ApiError::incorrect_credentials()),
            Some(challenge) => Ok(challenge),
            None => {
                self.count_failure(now, &owner);
                Err(ApiError::incorrect_credentials())
            }
        }
    }

    /// Continues with the password's claim: checks it again and judges it. So parallel claims allow no more
    /// guesses than sequential ones.
    pub(super) fn verify_password_claim(
        &mut self,
        now: Timestamp,
        pending_work: PendingClaim,
        key: &SessionKey,
    ) -> Step {
        let client = self.client(pending_work.challenge.client_id.as_str());
        let PendingClaim { username, claim, .. } = &pending_work;
        match client.and_then(|client| self.find_password_challenge(now, &client, username, &claim.block)) {
            Ok(challenge) => {
                let forgotten = pending_work.device_from_start && challenge.device_key.is_none();
                let named_device = pending_work.named_device.filter(|_| !forgotten);
                let pending_work = PendingClaim { challenge, named_device, ..pending_work };
                self.judge_password_claim(now, pending_work, key)
            }
            Err(error) => refuse(error),
        }
    }

    fn judge_password_claim(&mut self, now: Timestamp, pending_work: PendingClaim, key: &SessionKey) -> Step {
        let PendingClaim { challenge, claim, named_device, origin, metadata, .. } = pending_work;
        self.session_store.keep_session_key(&claim.block, key);
        let identity = self.srp_identity(&challenge.owner);
        let proven = self.is_current(&challenge) && claim.is_valid(key, &identity);
        let once = self.policy.switches.claims == ClaimReuse::Once;
        let (Some(id), true) = (Self::account_of(&challenge.owner), proven) else {
            if self.session_store.record_failed_claim(&claim.block, claim.lookup_key()) {
                self.count_failure(now, &challenge.owner);
                self.record_wrong_password(now, &challenge.owner, origin);
            }
            if once {
                self.session_store.end_password_challenge(&claim.block);
            }
            return refuse(ApiError::incorrect_credentials());
        };
        let by = if challenge.custom { ProvenBy::CustomAfterPassword } else { ProvenBy::Srp };
        let client_id = challenge.client_id;
        let proven = Proven { client_id, account: id, by, named_device, origin, metadata };
        let step = self.after_first_factor(now, proven);
        if step.refuses_unknown_device() {
            // Clients send the same claim again without the device key. Then the key from the start does not
            // count either.
            self.session_store.forget_device_key(&claim.block);
        } else if once {
            self.session_store.end_password_challenge(&claim.block);
        }
        step
    }

    /// Returns whether the user still has the password that the challenge is about, and has not signed out
    /// globally since.
    fn is_current(&self, challenge: &PasswordChallenge) -> bool {
        let account = Self::account_of(&challenge.owner).map(|id| self.directory.account(id));
        account.is_none_or(|account| account.credential_version == challenge.credentials)
    }

    pub(super) fn new_secret_block(&mut self) -> SecretBlock {
        let mut bytes = [0; 48];
        self.rng.fill_bytes(&mut bytes);
        SecretBlock::new(BASE64.encode(&bytes))
    }
}

/// Returns the device that a request names. A key has at most 55 characters (API model), so a longer text
/// names no device, and only its start is kept.
pub(super) fn named_device(parameters: &Parameters) -> Option<DeviceKey> {
    let key = parameters.value(keys::DEVICE_KEY)?;
    Some(DeviceKey::new(key.chars().take(56).collect::<String>()))
}

/// Returns the value of a required key.
pub(super) fn required<'a>(parameters: &'a Parameters, key: &str) -> Result<&'a str, ApiError> {
    parameters.value(key).ok_or_else(|| ApiError::missing_parameter(key))
}
