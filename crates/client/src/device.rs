//! A device: it keeps a secret that nobody else ever sees, and proves that it has it.

use data_encoding::BASE64;

use poolproof_cognito::ids::{DeviceGroupKey, DeviceKey};
use poolproof_cognito::protocol::{NewDeviceMetadata, Parameters, SecretVerifierConfig, keys};
use poolproof_cognito::seed::Rng;
use poolproof_cognito::time::Timestamp;
use poolproof_srp::{
    ClaimTimestamp, DeviceSecret, Ephemeral, Group, Identity, Job, JobResult, PublicA, PublicB, Salt,
};

/// What a user asks of their device.
#[derive(Clone, Debug)]
pub enum DeviceRequest {
    /// Make a secret for this key, and tell the verifier.
    Enroll(NewDeviceMetadata),
    /// Start a proof.
    PublicValue,
    /// Finish it: answer this `DEVICE_PASSWORD_VERIFIER` challenge.
    Claim {
        /// The challenge's parameters.
        challenge: Parameters,
        /// Whether the stored secret turns out to be damaged.
        damaged: bool,
    },
}

/// What the device says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DeviceAnswer {
    /// For `ConfirmDevice`.
    Enrolled(SecretVerifierConfig),
    /// `SRP_A`.
    PublicValue(String),
    /// The claim: signature, secret block and timestamp, by their keys.
    Claim(Parameters),
    /// The challenge made no sense.
    Unanswerable(String),
}

/// An answer, or arithmetic to be done first; its result goes to [`Device::resume`].
#[derive(Debug)]
pub enum DeviceStep {
    /// The answer.
    Answer(DeviceAnswer),
    /// The arithmetic.
    Compute(Job),
}

/// A device.
#[derive(Debug)]
pub struct Device {
    group: Group,
    ephemeral_bits: u32,
    key: DeviceKey,
    group_key: DeviceGroupKey,
    secret: DeviceSecret,
    rng: Rng,
    waiting: Waiting,
}

#[derive(Debug)]
enum Waiting {
    Nothing,
    Verifier { salt: Salt },
    PublicA,
    Challenge { a: Ephemeral, public_a: PublicA },
    SessionKey { block: String, timestamp: String },
}

impl Device {
    /// A device that has been given this key, with a new secret.
    pub fn new(group: Group, ephemeral_bits: u32, metadata: &NewDeviceMetadata, mut rng: Rng) -> Self {
        Self {
            group,
            ephemeral_bits,
            key: metadata.device_key.clone(),
            group_key: metadata.device_group_key.clone(),
            secret: DeviceSecret::draw(&mut rng),
            rng,
            waiting: Waiting::Nothing,
        }
    }

    /// Takes a wish of the user's.
    pub fn ask(&mut self, now: Timestamp, ask: DeviceRequest) -> DeviceStep {
        match (ask, std::mem::replace(&mut self.waiting, Waiting::Nothing)) {
            (DeviceRequest::Enroll(metadata), _) => self.enroll(metadata),
            (DeviceRequest::PublicValue, _) => {
                let a = Ephemeral::draw(self.ephemeral_bits, &mut self.rng);
                self.waiting = Waiting::PublicA;
                DeviceStep::Compute(Job::ClientPublic { group: self.group, a })
            }
            (DeviceRequest::Claim { challenge, damaged }, Waiting::Challenge { a, public_a }) => {
                self.claim(now, &challenge, damaged, a, public_a)
            }
            (DeviceRequest::Claim { .. }, _) => unanswerable("a challenge that does not follow"),
        }
    }

    /// Goes on when the arithmetic is done.
    pub fn resume(&mut self, done: JobResult) -> DeviceStep {
        match (std::mem::replace(&mut self.waiting, Waiting::Nothing), done) {
            (Waiting::Verifier { salt }, JobResult::Verifier(verifier)) => {
                let config =
                    SecretVerifierConfig { password_verifier: verifier.to_base64(), salt: salt.to_base64() };
                DeviceStep::Answer(DeviceAnswer::Enrolled(config))
            }
            (Waiting::PublicA, JobResult::PublicA { a, public_a }) => {
                let text = public_a.to_hex();
                self.waiting = Waiting::Challenge { a, public_a };
                DeviceStep::Answer(DeviceAnswer::PublicValue(text))
            }
            (Waiting::SessionKey { block, timestamp }, JobResult::SessionKey(key)) => {
                let Ok(bytes) = BASE64.decode(block.as_bytes()) else {
                    return unanswerable("a SECRET_BLOCK that is not base64");
                };
                let signature = key.sign(&self.identity(), &bytes, &timestamp);
                let claim = Parameters::new()
                    .with(keys::PASSWORD_CLAIM_SIGNATURE, signature.to_base64())
                    .with(keys::PASSWORD_CLAIM_SECRET_BLOCK, block)
                    .with(keys::TIMESTAMP, timestamp);
                DeviceStep::Answer(DeviceAnswer::Claim(claim))
            }
            (_, JobResult::Failed(error)) => unanswerable(error.to_string()),
            _ => unanswerable("a result of a job that was not requested"),
        }
    }

    fn enroll(&mut self, metadata: NewDeviceMetadata) -> DeviceStep {
        self.key = metadata.device_key;
        self.group_key = metadata.device_group_key;
        let salt = Salt::draw(&mut self.rng);
        self.waiting = Waiting::Verifier { salt: salt.clone() };
        DeviceStep::Compute(Job::Verifier {
            group: self.group,
            salt,
            identity: self.identity(),
            password: self.secret.as_str().to_owned(),
        })
    }

    fn claim(
        &mut self,
        now: Timestamp,
        challenge: &Parameters,
        damaged: bool,
        a: Ephemeral,
        public_a: PublicA,
    ) -> DeviceStep {
        let (Some(salt), Some(b), Some(block)) =
            (challenge.value(keys::SALT), challenge.value(keys::SRP_B), challenge.value(keys::SECRET_BLOCK))
        else {
            return unanswerable("a DEVICE_PASSWORD_VERIFIER without SALT, SRP_B or SECRET_BLOCK");
        };
        let Ok(salt) = Salt::from_hex(salt) else { return unanswerable("a SALT that is not hexadecimal") };
        let Ok(public_b) = PublicB::parse_hex(self.group, b) else {
            return unanswerable("an SRP_B outside 0 < B < N");
        };
        let mut password = self.secret.as_str().to_owned();
        if damaged {
            password.push('~');
        }
        self.waiting =
            Waiting::SessionKey { block: block.to_owned(), timestamp: ClaimTimestamp::format(now.as_secs()) };
        let identity = self.identity();
        DeviceStep::Compute(Job::ClientKey {
            group: self.group,
            a,
            public_a,
            public_b,
            salt,
            identity,
            password,
        })
    }

    fn identity(&self) -> Identity {
        Identity::device(self.group_key.as_str(), self.key.as_str())
    }
}

fn unanswerable(why: impl Into<String>) -> DeviceStep {
    DeviceStep::Answer(DeviceAnswer::Unanswerable(why.into()))
}
