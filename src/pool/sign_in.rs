//! The password: `InitiateAuth` and the claim.

use data_encoding::BASE64;
use rand::Rng as _;

use super::account::AccountId;
use super::books::{Exchange, PasswordChallenge};
use super::decide::Ruling;
use super::defect::Defect;
use super::{Pending, Pool, SERVER_EPHEMERAL_BITS, Step, Waiting, refuse, reply};
use crate::clock::Timestamp;
use crate::ids::{DeviceKey, SecretBlock};
use crate::protocol::{
    ApiError, AuthOutcome, Challenge, ChallengeName, ErrorKind, InitiateAuth, Origin, Parameters, Reply,
    RespondToAuthChallenge, Response, keys,
};
use crate::srp::{
    BadSignature, ClaimTimestamp, Ephemeral, Identity, Job, PublicA, PublicB, SessionKey, Signature,
};

/// The failure from which on a user is locked out.
const FIRST_LOCKING_FAILURE: u32 = 5;

/// `InitiateAuth` waits for `B`.
#[derive(Debug)]
pub(super) struct ChallengeWait {
    account: AccountId,
    public_a: PublicA,
    b: Ephemeral,
    device_key: Option<DeviceKey>,
}

/// The password's claim waits for the session key.
#[derive(Debug)]
pub(super) struct ClaimWait {
    block: SecretBlock,
    challenge: PasswordChallenge,
    claim: Claim,
    named_device: Option<DeviceKey>,
    origin: Origin,
}

/// What a client claims: the same three values for a password and for a device.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) timestamp: ClaimTimestamp,
    /// `None` if it has not the length of one: then it proves nothing.
    pub(super) signature: Option<Signature>,
    pub(super) block: SecretBlock,
}

impl Claim {
    /// Reads a claim from the answers to a challenge, which are looked at in AWS's order.
    pub(super) fn read(answers: &Parameters) -> Result<Self, ApiError> {
        let timestamp = required(answers, keys::TIMESTAMP)?;
        let signature = required(answers, keys::PASSWORD_CLAIM_SIGNATURE)?;
        let block = required(answers, keys::PASSWORD_CLAIM_SECRET_BLOCK)?;
        let timestamp = ClaimTimestamp::parse(timestamp)
            .ok_or_else(|| invalid("TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english."))?;
        let signature = match Signature::from_base64(signature) {
            Ok(signature) => Some(signature),
            Err(BadSignature::Length(_)) => None,
            Err(BadSignature::NotBase64) => {
                return Err(invalid("Invalid PASSWORD_CLAIM_SIGNATURE format. Must be a Base64 string."));
            }
        };
        Ok(Self { timestamp, signature, block: SecretBlock::new(block) })
    }

    /// Whether whoever made this claim knows `key`.
    pub(super) fn proves(&self, key: &SessionKey, identity: &Identity) -> bool {
        let block = BASE64.decode(self.block.as_str().as_bytes());
        let (Ok(block), Some(signature)) = (block, &self.signature) else { return false };
        key.sign(identity, &block, self.timestamp.canonical()).verify(signature)
    }
}

impl Pool {
    pub(super) fn initiate_auth(&mut self, request: &InitiateAuth) -> Step {
        match self.read_initiate_auth(request) {
            Err(error) => refuse(error),
            Ok((account, public_a)) => {
                let b = Ephemeral::draw(SERVER_EPHEMERAL_BITS, &mut self.chance);
                let verifier = self.directory.account(account).verifier.clone();
                let job = Job::ServerPublic { group: self.identity.group, b: b.clone(), verifier };
                let device_key = request.auth_parameters.value(keys::DEVICE_KEY).map(DeviceKey::new);
                let wait = ChallengeWait { account, public_a, b, device_key };
                Step::Compute(job, Pending(Waiting::PasswordChallenge(wait)))
            }
        }
    }

    fn read_initiate_auth(&self, request: &InitiateAuth) -> Result<(AccountId, PublicA), ApiError> {
        self.check_client(&request.client_id)?;
        if request.auth_flow != "USER_SRP_AUTH" {
            return Err(invalid(format!("{} is not enabled for the client.", request.auth_flow)));
        }
        let username = required(&request.auth_parameters, keys::USERNAME)?;
        let public_a = required(&request.auth_parameters, keys::SRP_A)?;
        let account = self.directory.find(username);
        let account =
            account.ok_or_else(|| ApiError::new(ErrorKind::UserNotFound, "User does not exist."))?;
        Ok((account, self.read_public_a(public_a)?))
    }

    /// Reads `SRP_A`. Values of order 1 and 2 are refused too: no client draws them, and they tell a guess.
    pub(super) fn read_public_a(&self, text: &str) -> Result<PublicA, ApiError> {
        PublicA::parse_hex(self.identity.group, text)
            .ok()
            .filter(|public_a| !public_a.is_small_order())
            .ok_or_else(|| invalid("Invalid SRP_A: it must be a hexadecimal number A with 1 < A < N - 1."))
    }

    /// Goes on with `InitiateAuth`: hands out the challenge.
    pub(super) fn challenge_password(
        &mut self,
        now: Timestamp,
        wait: ChallengeWait,
        public_b: &PublicB,
    ) -> Reply {
        let block = self.new_secret_block();
        let account = self.directory.account(wait.account);
        let parameters = Parameters::new()
            .with(keys::USERNAME, account.username.as_str())
            .with(keys::USER_ID_FOR_SRP, account.sub.as_str())
            .with(keys::SALT, account.salt.to_hex())
            .with(keys::SRP_B, public_b.to_hex())
            .with(keys::SECRET_BLOCK, block.as_str());
        let challenge = PasswordChallenge {
            account: wait.account,
            exchange: Exchange { public_a: wait.public_a, public_b: public_b.clone(), b: wait.b },
            device_key: wait.device_key,
            expires: now.plus(self.policy.session_validity),
        };
        self.books.open_password(now, &block, challenge);
        let name = ChallengeName::PasswordVerifier;
        Ok(Response::Auth(AuthOutcome::Challenge(Challenge { name, session: None, parameters })))
    }

    /// `RespondToAuthChallenge`, for every challenge.
    pub(super) fn respond(
        &mut self,
        now: Timestamp,
        origin: Origin,
        request: &RespondToAuthChallenge,
    ) -> Step {
        if let Err(error) = self.check_client(&request.client_id) {
            return refuse(error);
        }
        if request.challenge_responses.is_empty() {
            return refuse(invalid("Missing required parameter challenge responses."));
        }
        let Ok(name) = request.challenge_name.parse() else {
            return refuse(invalid(format!("Unsupported challenge name: {}", request.challenge_name)));
        };
        match name {
            ChallengeName::PasswordVerifier => self.claim_password(now, origin, &request.challenge_responses),
            ChallengeName::DeviceSrpAuth => self.start_device(now, request),
            ChallengeName::DevicePasswordVerifier => self.claim_device(now, request),
            ChallengeName::SelectMfaType => reply(self.choose_factor(now, request)),
            ChallengeName::SmsMfa => reply(self.answer_sms(now, request)),
            ChallengeName::SoftwareTokenMfa => reply(self.answer_totp(now, request)),
            ChallengeName::MfaSetup => reply(self.finish_setup(now, request)),
        }
    }

    fn claim_password(&mut self, now: Timestamp, origin: Origin, answers: &Parameters) -> Step {
        let read = required(answers, keys::USERNAME).and_then(|name| Ok((name, Claim::read(answers)?)));
        let (username, claim) = match read {
            Ok(read) => read,
            Err(error) => return refuse(error),
        };
        let Some(id) = self.directory.find(username) else { return refuse(ApiError::incorrect()) };
        if !self.directory.account_mut(id).failures.attempt(now) {
            return refuse(ApiError::attempts_exceeded());
        }
        let Some(challenge) = self.books.take_password(now, &claim.block, id) else {
            self.count_failure(now, id);
            return refuse(ApiError::incorrect());
        };
        let Exchange { public_a, public_b, b } = challenge.exchange.clone();
        let verifier = self.directory.account(id).verifier.clone();
        let job = Job::ServerKey { group: self.identity.group, b, verifier, public_a, public_b };
        let named =
            answers.value(keys::DEVICE_KEY).map(DeviceKey::new).or_else(|| challenge.device_key.clone());
        let wait = ClaimWait { block: claim.block.clone(), challenge, claim, named_device: named, origin };
        Step::Compute(job, Pending(Waiting::PasswordClaim(wait)))
    }

    /// Goes on with the password's claim: checks it, and decides.
    pub(super) fn judge_password(&mut self, now: Timestamp, wait: ClaimWait, key: &SessionKey) -> Reply {
        let id = wait.challenge.account;
        let identity = Identity::user(&self.identity.pool_id, self.directory.account(id).sub.as_str());
        if !wait.claim.proves(key, &identity) && !self.has(Defect::PasswordClaimUnchecked) {
            self.count_failure(now, id);
            return Err(ApiError::incorrect());
        }
        let ruling = self.decide(id, wait.named_device, wait.origin);
        if matches!(ruling, Ruling::UnknownDevice) || self.has(Defect::ClaimReusable) {
            // Clients send the same claim again, without the device's key.
            self.books.put_back_password(&wait.block, wait.challenge);
        }
        match ruling {
            Ruling::Refuse(error) => Err(error),
            Ruling::UnknownDevice => Err(ApiError::device_not_found()),
            Ruling::GoOn { sign_in, mfa: true } => Ok(self.ask_for_factor(now, sign_in)),
            Ruling::GoOn { sign_in, mfa: false } => Ok(self.after_factor(now, sign_in)),
        }
    }

    /// Counts a failed attempt of this user.
    pub(super) fn count_failure(&mut self, now: Timestamp, id: AccountId) {
        if self.policy.lockout == crate::policy::Lockout::Cognito {
            let late = u32::from(self.has(Defect::LockoutOffByOne));
            self.directory.account_mut(id).failures.failed(now, FIRST_LOCKING_FAILURE + late);
        }
    }

    pub(super) fn new_secret_block(&mut self) -> SecretBlock {
        let mut bytes = [0; 48];
        self.chance.fill_bytes(&mut bytes);
        SecretBlock::new(BASE64.encode(&bytes))
    }

    fn check_client(&self, client_id: &str) -> Result<(), ApiError> {
        if client_id == self.identity.client_id.as_str() {
            return Ok(());
        }
        let message = format!("User pool client {client_id} does not exist.");
        Err(ApiError::new(ErrorKind::ResourceNotFound, message))
    }
}

/// The value of a key that must be there.
pub(super) fn required<'a>(parameters: &'a Parameters, key: &str) -> Result<&'a str, ApiError> {
    parameters.value(key).ok_or_else(|| ApiError::missing(key))
}

pub(super) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorKind::InvalidParameter, message)
}
