//! The end of a sign-in: tokens, and a key for a device that the pool does not know yet.

use rand::{Rng as _, RngExt as _};

use super::Pool;
use super::account::{Device, DeviceState};
use super::books::SignIn;
use super::defect::Defect;
use super::token::{ACCESS_TOKEN_VALIDITY, AccessClaims};
use crate::clock::Timestamp;
use crate::ids::{DeviceGroupKey, DeviceKey};
use crate::protocol::{AuthOutcome, Authentication, NewDeviceMetadata, Response};

impl Pool {
    /// Signs in.
    pub(super) fn finish(&mut self, now: Timestamp, sign_in: &SignIn) -> Response {
        self.directory.account_mut(sign_in.account).failures.forget();
        let token_id = self.new_uuid();
        let unnamed = sign_in.named_device.is_none() || self.has(Defect::NewDeviceAlways);
        let new_device = (self.policy.remember.tracks() && unnamed)
            .then(|| self.issue_device(now, sign_in, token_id.clone()));
        let device_key = match &new_device {
            Some(metadata) => Some(metadata.device_key.clone()),
            None => sign_in.named_device.clone().filter(|_| self.policy.remember.tracks()),
        };
        let username = self.directory.account(sign_in.account).username.clone();
        let expires = now.plus(ACCESS_TOKEN_VALIDITY);
        let claims = AccessClaims { username, token_id, device_key, expires };
        Response::Auth(AuthOutcome::Tokens(Authentication {
            access_token: self.signer.access(&claims),
            id_token: self.signer.other("id", &claims),
            refresh_token: self.signer.other("refresh", &claims),
            expires_in_s: u32::try_from(ACCESS_TOKEN_VALIDITY.as_secs()).unwrap_or(u32::MAX),
            new_device,
        }))
    }

    /// Hands out the key of a new device. Keys that nobody confirmed while their token was good are forgotten.
    fn issue_device(&mut self, now: Timestamp, sign_in: &SignIn, token_id: String) -> NewDeviceMetadata {
        let region = self.identity.pool_id.region().to_owned();
        let device_key = DeviceKey::new(format!("{region}_{}", self.new_uuid()));
        let group: String =
            (0..8).map(|_| char::from(self.chance.sample(rand::distr::Alphanumeric))).collect();
        let device_group_key = DeviceGroupKey::new(format!("-{group}"));
        let device = Device {
            group_key: device_group_key.clone(),
            name: None,
            state: DeviceState::Issued { token_id },
            mfa_bound: sign_in.mfa_done,
            created: now,
            modified: now,
            authenticated: now,
        };
        let devices = &mut self.directory.account_mut(sign_in.account).devices;
        devices.retain(|_, device| {
            let issued = matches!(device.state, DeviceState::Issued { .. });
            !issued || now.since(device.created) < ACCESS_TOKEN_VALIDITY
        });
        devices.insert(device_key.clone(), device);
        NewDeviceMetadata { device_key, device_group_key }
    }

    fn new_uuid(&mut self) -> String {
        let mut bytes = [0; 16];
        self.chance.fill_bytes(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }
}
