//! The end of a sign-in: tokens, and a key for an unknown device.

use rand::{Rng as _, RngExt as _};

use super::Pool;
use super::account::{Device, DeviceState};
use super::event_record::EventResult;
use super::session_store::{ProvenBy, SignInState};
use super::token::{Claims, TokenUse};
use poolproof_cognito::ids::{DeviceGroupKey, DeviceKey};
use poolproof_cognito::policy::CustomAuthDevices;
use poolproof_cognito::protocol::{
    AuthOutcome, AuthenticationResult, DeviceStatus, NewDeviceMetadata, Response,
};
use poolproof_cognito::time::Timestamp;

/// Most unconfirmed device keys of one user; the oldest is dropped first.
const MAX_ISSUED_DEVICES: usize = 100;

impl Pool {
    /// Completes the sign-in.
    pub(super) fn finish(&mut self, now: Timestamp, sign_in: &SignInState) -> Response {
        let origin_id = self.new_uuid();
        let tracks = self.policy.remember.tracks();
        let unnamed = sign_in.named_device.is_none();
        let keys = self.policy.switches.custom_auth_devices;
        let enrolls = match sign_in.proven_by {
            ProvenBy::Custom => keys == CustomAuthDevices::Always,
            ProvenBy::CustomAfterPassword => keys != CustomAuthDevices::Never,
            ProvenBy::Srp | ProvenBy::PlainPassword | ProvenBy::Code => true,
        };
        let new_device =
            (tracks && unnamed && enrolls).then(|| self.issue_device(now, sign_in, origin_id.clone()));
        let device_key = match &new_device {
            Some(metadata) => Some(metadata.device_key.clone()),
            None => sign_in.named_device.clone().filter(|_| tracks),
        };
        let expires = now.plus(self.validity(&sign_in.client_id).refresh);
        let account = self.directory.account_mut(sign_in.account);
        account.failures.reset();
        account.first_sign_in_pending = false;
        account.sign_in_history.record_success(sign_in.address);
        if let Some(device) = device_key.as_ref().and_then(|key| account.devices.get_mut(key)) {
            device.authenticated = now;
            device.address = sign_in.address;
            // The device was remembered when the MFA answer named it, and its proof has followed.
            let remembered = device.status() == Some(DeviceStatus::Remembered);
            device.mfa_bound |= sign_in.mfa_done && sign_in.trusted_device.is_some() && remembered;
        }
        let generation = account.generation;
        let username = account.username.clone();
        self.record_end(sign_in.account, sign_in.event_id.as_deref(), EventResult::Pass);
        let event_id = match &sign_in.event_id {
            Some(event_id) => event_id.clone(),
            None => self.signer.event_id(self.rng.next_u64().to_be_bytes(), generation),
        };
        let claims = Claims {
            token_id: origin_id.clone(),
            client_id: sign_in.client_id.clone(),
            signed_in: now,
            username,
            origin_id,
            device_key,
            generation,
            event_id,
            expires,
        };
        let tokens = self.tokens(now, &claims, new_device);
        let refresh_token = Some(self.signer.token(TokenUse::Refresh, &claims));
        Response::Auth(AuthOutcome::Tokens(AuthenticationResult { refresh_token, ..tokens }))
    }

    /// Returns access and id tokens with these claims and the client's validity.
    pub(super) fn tokens(
        &mut self,
        now: Timestamp,
        claims: &Claims,
        new_device: Option<NewDeviceMetadata>,
    ) -> AuthenticationResult {
        let validity = self.validity(&claims.client_id);
        let id_claims =
            Claims { token_id: self.new_uuid(), expires: now.plus(validity.id), ..claims.clone() };
        let mut random = [0; 8];
        self.rng.fill_bytes(&mut random);
        let revocations = self.directory.find(claims.username.as_str());
        let revocations = revocations.map_or(0, |id| self.directory.account(id).access_revocations);
        let token_id = self.signer.access_id(random, revocations);
        let claims = Claims { token_id, expires: now.plus(validity.access), ..claims.clone() };
        let (access_token, id_token) = self
            .unsigned_tokens(now, &claims, &id_claims)
            .unwrap_or_else(|| (self.signer.access(&claims), self.signer.token(TokenUse::Id, &id_claims)));
        AuthenticationResult {
            access_token,
            id_token,
            refresh_token: None,
            expires_in_s: u32::try_from(validity.access.as_secs()).unwrap_or(u32::MAX),
            new_device,
        }
    }

    /// Issues the key of a new device. Keys that were not confirmed while their token was valid are removed.
    pub(super) fn issue_device(
        &mut self,
        now: Timestamp,
        sign_in: &SignInState,
        origin_id: String,
    ) -> NewDeviceMetadata {
        let region = self.identity.pool_id.region().to_owned();
        let device_key = DeviceKey::new(format!("{region}_{}", self.new_uuid()));
        let group: String = (0..8).map(|_| char::from(self.rng.sample(rand::distr::Alphanumeric))).collect();
        let device_group_key = DeviceGroupKey::new(format!("-{group}"));
        let device = Device {
            group_key: device_group_key.clone(),
            name: None,
            address: sign_in.address,
            state: DeviceState::Issued {
                origin_id: if sign_in.answered_by_alias { String::new() } else { origin_id },
            },
            mfa_bound: sign_in.mfa_done,
            created: now,
            modified: now,
            authenticated: now,
        };
        let longest = self.clients.values().map(|client| client.validity.access).max().unwrap_or_default();
        let devices = &mut self.directory.account_mut(sign_in.account).devices;
        let issued = |device: &Device| matches!(device.state, DeviceState::Issued { .. });
        devices.retain(|_, device| !issued(device) || now.since(device.created) < longest);
        let waiting = devices.iter().filter(|(_, device)| issued(device));
        if waiting.clone().count() >= MAX_ISSUED_DEVICES {
            let oldest = waiting.min_by_key(|(_, device)| device.created).map(|(key, _)| key.clone());
            oldest.map(|key| devices.remove(&key));
        }
        devices.insert(device_key.clone(), device);
        NewDeviceMetadata { device_key, device_group_key }
    }

    pub(super) fn new_uuid(&mut self) -> String {
        let mut bytes = [0; 16];
        self.rng.fill_bytes(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }
}
