//! A device that keeps a secret and proves it by SRP.

use data_encoding::BASE64;

use poolproof_cognito::ids::{DeviceGroupKey, DeviceKey};
use poolproof_cognito::protocol::{NewDeviceMetadata, Parameters, SecretVerifierConfig, keys};
use poolproof_cognito::seed::Rng;
use poolproof_cognito::time::Timestamp;
use poolproof_srp::{
    ClaimTimestamp, DeviceSecret, Ephemeral, Group, Identity, Job, JobResult, PublicA, PublicB, Salt,
};

/// A request of the app to the device.
#[derive(Clone, Debug)]
pub enum DeviceRequest {
    /// Use this key from now on, and compute the verifier of the device secret.
    Enroll(NewDeviceMetadata),
    /// Start a proof: compute `SRP_A`.
    PublicValue,
    /// Finish the proof: answer this `DEVICE_PASSWORD_VERIFIER` challenge.
    Claim {
        /// The challenge's parameters.
        challenge: Parameters,
        /// Whether the stored secret is damaged.
        damaged: bool,
    },
}

/// The device's answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DeviceAnswer {
    /// Salt and verifier for `ConfirmDevice`.
    Enrolled(SecretVerifierConfig),
    /// `SRP_A`.
    PublicValue(String),
    /// The claim: signature, secret block and timestamp.
    Claim(Parameters),
    /// The challenge is invalid, for this reason.
    Unanswerable(String),
}

/// An answer, or a job that the caller must run first.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a step is passed on once and never stored")]
pub enum DeviceStep {
    /// The answer.
    Answer(DeviceAnswer),
    /// The job; its result is the argument of [`Device::resume`].
    Compute(Job),
}

/// A device with its secret.
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
    /// Creates a device with this key and a new random secret.
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

    /// Handles a request.
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
            (DeviceRequest::Claim { .. }, _) => unanswerable("the challenge belongs to no proof in progress"),
        }
    }

    /// Continues with the result of a job.
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
                    return unanswerable("SECRET_BLOCK is not base64");
                };
                let signature = key.sign(&self.identity(), &bytes, &timestamp);
                let claim = Parameters::new()
                    .with(keys::PASSWORD_CLAIM_SIGNATURE, signature.to_base64())
                    .with(keys::PASSWORD_CLAIM_SECRET_BLOCK, block)
                    .with(keys::TIMESTAMP, timestamp);
                DeviceStep::Answer(DeviceAnswer::Claim(claim))
            }
            (_, JobResult::Failed(error)) => unanswerable(error.to_string()),
            _ => unanswerable("the job result does not belong to a job of this device"),
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
            return unanswerable("DEVICE_PASSWORD_VERIFIER lacks SALT, SRP_B or SECRET_BLOCK");
        };
        let Ok(salt) = Salt::from_hex(salt) else { return unanswerable("SALT is not hexadecimal") };
        let Ok(public_b) = PublicB::parse_hex(self.group, b) else {
            return unanswerable("SRP_B is outside 0 < B < N");
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
