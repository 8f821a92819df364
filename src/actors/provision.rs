//! Creates the population: accounts of the pool, and users with their devices.
//!
//! Every verifier is a power of g, and there may be many thousands. They are computed on all cores before the
//! run starts. Each user has random streams of their own, so the order does not matter.

use std::collections::VecDeque;
use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use actix::prelude::*;
use rand::{Rng as _, RngExt as _};

use super::context::UserContext;
use super::device::DeviceActor;
use super::user::{StartedUser, User};
use super::user_state::{OwnedDevice, UserState};
use crate::scenario::SignInName;
use crate::workload::{UserSpec, home_address};
use poolproof_client::{Device, DeviceAnswer, DeviceRequest, DeviceStep};
use poolproof_cognito::ids::{DeviceGroupKey, DeviceKey, Password, PoolId, Sub, Username};
use poolproof_cognito::policy::PoolPolicy;
use poolproof_cognito::protocol::{DeviceStatus, NewDeviceMetadata};
use poolproof_cognito::seed::{Rng, Seed};
use poolproof_cognito::time::Timestamp;
use poolproof_cognito::totp::TotpSecret;
use poolproof_oracle;
use poolproof_pool::{NewAccount, NewDevice};
use poolproof_srp::{Group, Identity, Job, JobResult, Salt, Verifier};

/// A provisioned user without an actor.
#[derive(Debug)]
pub struct NewUser {
    user_spec: UserSpec,
    password: Password,
    totp: Option<TotpSecret>,
    devices: Vec<(NewDeviceMetadata, Device)>,
}

/// The credentials of a provisioned user, for sign-ins without actors.
#[derive(Debug)]
pub struct UserCredentials {
    /// The password.
    pub password: Password,
    /// The TOTP secret, if there is one.
    pub totp: Option<TotpSecret>,
    /// The devices with their keys.
    pub devices: Vec<(DeviceKey, Device)>,
}

/// A user with running devices.
#[derive(Debug)]
pub struct TestUser {
    pub(super) user_spec: UserSpec,
    pub(super) password: Password,
    pub(super) totp: Option<TotpSecret>,
    /// The time step of the last TOTP code that was used.
    pub(super) totp_step_used: Option<u64>,
    /// Devices in the order of their indices.
    pub(super) devices: Vec<(DeviceKey, Addr<DeviceActor>)>,
    /// Whether the devices have completed an MFA.
    pub(super) mfa_bound: bool,
}

impl TestUser {
    /// Returns whether the user has a device.
    pub fn has_device(&self) -> bool {
        !self.devices.is_empty()
    }

    /// Returns how many devices the user has.
    pub fn device_count(&self) -> u32 {
        u32::try_from(self.devices.len()).unwrap_or(u32::MAX)
    }

    /// Starts the user's actor.
    pub fn start(self, context: &UserContext, policy: PoolPolicy) -> StartedUser {
        let (count, has_app) = (self.device_count(), self.totp.is_some());
        let Self { user_spec, password, totp, totp_step_used, devices, mfa_bound } = self;
        let number = user_spec.number;
        let owned = devices.into_iter().zip(0..).map(|((key, device), nth)| OwnedDevice {
            key,
            device,
            status: match remembers(&user_spec, nth) {
                true => poolproof_oracle::Device::Remembered,
                false => poolproof_oracle::Device::NotRemembered,
            },
            mfa_bound,
        });
        let user = User {
            password,
            opts_in: user_spec.opts_in,
            totp,
            totp_step_used,
            user_state: UserState::new(policy, &context.exceptions, &user_spec, owned.collect()),
            held: VecDeque::new(),
            rng: context.seed.rng("user", user_spec.number.into()),
            context: context.clone(),
            typed_name: user_spec.typed_name(),
            username: user_spec.username,
        };
        StartedUser { number, actor: user.start(), devices: count, has_app, totp_step_used }
    }
}

/// Options of provisioning.
#[derive(Clone, Debug)]
pub struct ProvisionConfig {
    /// The seed of all random numbers.
    pub seed: Seed,
    /// The pool's id.
    pub pool_id: PoolId,
    /// The group of its SRP.
    pub group: Group,
    /// Bits of the clients' secret exponents.
    pub ephemeral_bits: u32,
}

/// Provisions users in order: an account and a user each. `on_progress` receives the number done and returns
/// whether to continue; on cancel the users so far are returned.
pub fn provision(
    config: &ProvisionConfig,
    people: Vec<UserSpec>,
    on_progress: &(dyn Fn(u64) -> bool + Sync),
) -> Vec<(NewAccount, NewUser)> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let share = people.len().div_ceil(threads).max(1);
    let done = AtomicU64::new(0);
    let mut shares: Vec<Vec<UserSpec>> = Vec::new();
    let mut people = people.into_iter().peekable();
    while people.peek().is_some() {
        shares.push(people.by_ref().take(share).collect());
    }
    let work = |share: Vec<UserSpec>| {
        let mut provisioned = Vec::with_capacity(share.len());
        for user_spec in share {
            provisioned.push(provision_one(config, user_spec));
            if !on_progress(done.fetch_add(1, Ordering::Relaxed) + 1) {
                break;
            }
        }
        provisioned
    };
    thread::scope(|scope| {
        let running: Vec<_> = shares.into_iter().map(|share| scope.spawn(|| work(share))).collect();
        let joined = running.into_iter().flat_map(|thread| match thread.join() {
            Ok(provisioned) => provisioned,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        joined.collect()
    })
}

fn provision_one(config: &ProvisionConfig, mut user_spec: UserSpec) -> (NewAccount, NewUser) {
    let mut rng = config.seed.rng("account", user_spec.number.into());
    let sub = Sub::new(uuid(&mut rng));
    if user_spec.sign_in_by == SignInName::Email {
        user_spec.username = Username::new(sub.as_str());
    }
    let password: String = (0..16).map(|_| char::from(rng.sample(rand::distr::Alphanumeric))).collect();
    let salt = Salt::draw(&mut rng);
    let totp = TotpSecret::draw(&mut rng);
    let totp = user_spec.factors.has_totp().then_some(totp);
    let phone = user_spec.factors.has_phone().then(|| format!("+1555{:07}", user_spec.number));
    let identity = Identity::user(config.pool_id.name(), user_spec.username.as_str());
    let verifier = verifier(config.group, &salt, identity, &password);
    let mut devices = Vec::new();
    let mut known = Vec::new();
    for number in 0..user_spec.devices {
        let (mine, pools) = known_device(config, &user_spec, number);
        devices.push(mine);
        known.push(pools);
    }
    let account = NewAccount {
        sms_mfa: user_spec.factors.has_sms(),
        phone,
        email_mfa: user_spec.factors.has_email(),
        attributes: user_spec
            .email()
            .map(|_| ("email_verified".to_owned(), "true".to_owned()))
            .into_iter()
            .collect(),
        email: user_spec.email(),
        totp: totp.clone(),
        devices: known,
        addresses: vec![home_address(user_spec.number)],
        compromised: user_spec.compromised,
        ..NewAccount::new(user_spec.username.clone(), sub, salt, verifier)
    };
    (account, NewUser { user_spec, password: Password::new(password), totp, devices })
}

/// Creates a device that a user already has, and the pool's record of it.
fn known_device(
    config: &ProvisionConfig,
    user_spec: &UserSpec,
    number: u32,
) -> ((NewDeviceMetadata, Device), NewDevice) {
    let index = u64::from(user_spec.number) << 8 | u64::from(number);
    let mut rng = config.seed.rng("known device", index);
    let region = config.pool_id.region();
    let metadata = NewDeviceMetadata {
        device_key: DeviceKey::new(format!("{region}_{}", uuid(&mut rng))),
        device_group_key: DeviceGroupKey::new(format!("-{:08x}", rng.next_u32())),
    };
    let mut device = Device::new(config.group, config.ephemeral_bits, &metadata, rng);
    let (salt, verifier) = enroll(config.group, &mut device, metadata.clone());
    let status =
        if remembers(user_spec, number) { DeviceStatus::Remembered } else { DeviceStatus::NotRemembered };
    let pools = NewDevice {
        device_key: metadata.device_key.clone(),
        device_group_key: metadata.device_group_key.clone(),
        salt,
        verifier,
        status,
        mfa_bound: user_spec.factors.is_active(),
    };
    ((metadata, device), pools)
}

pub(super) fn remembers(user_spec: &UserSpec, device: u32) -> bool {
    usize::try_from(device).ok().and_then(|device| user_spec.remembers.get(device)).copied().unwrap_or(false)
}

/// Makes a device compute its verifier, as `ConfirmDevice` needs it.
fn enroll(group: Group, device: &mut Device, metadata: NewDeviceMetadata) -> (Salt, Verifier) {
    let mut step = device.ask(Timestamp::default(), DeviceRequest::Enroll(metadata));
    loop {
        match step {
            DeviceStep::Compute(job) => step = device.resume(job.run()),
            DeviceStep::Answer(DeviceAnswer::Enrolled(config)) => {
                match (
                    Salt::from_base64(&config.salt),
                    Verifier::from_base64(group, &config.password_verifier),
                ) {
                    (Ok(salt), Ok(verifier)) => return (salt, verifier),
                    _ => unreachable!("a device's values have a form that the pool accepts"),
                }
            }
            DeviceStep::Answer(_) => unreachable!("a device returns its enrollment data"),
        }
    }
}

fn verifier(group: Group, salt: &Salt, identity: Identity, password: &str) -> Verifier {
    let job = Job::Verifier { group, salt: salt.clone(), identity, password: password.to_owned() };
    match job.run() {
        JobResult::Verifier(verifier) => verifier,
        _ => unreachable!("a verifier job returns a verifier"),
    }
}

fn uuid(rng: &mut Rng) -> String {
    let mut bytes = [0; 16];
    rng.fill_bytes(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

impl NewUser {
    /// Returns what the user has.
    pub fn into_credentials(self) -> UserCredentials {
        let devices = self.devices.into_iter().map(|(metadata, device)| (metadata.device_key, device));
        UserCredentials { password: self.password, totp: self.totp, devices: devices.collect() }
    }

    /// Starts the actors of the user and the devices.
    pub fn start(self, context: &UserContext, policy: PoolPolicy) -> StartedUser {
        let Self { user_spec, password, totp, devices } = self;
        let devices = devices.into_iter().map(|(metadata, device)| {
            let actor = DeviceActor::new(device, context.clock, context.compute.clone()).start();
            (metadata.device_key, actor)
        });
        let devices = devices.collect();
        let mfa_bound = user_spec.factors.is_active();
        TestUser { user_spec, password, totp, totp_step_used: None, devices, mfa_bound }
            .start(context, policy)
    }
}
