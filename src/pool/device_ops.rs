//! The operations on devices. Users see only remembered devices; opting in and out works on all confirmed ones
//! (SEMANTICS a.5).

use super::Pool;
use super::account::{Account, AccountId, Device, DeviceState};
use super::defect::Defect;
use super::sign_in::invalid;
use crate::clock::Timestamp;
use crate::ids::DeviceKey;
use crate::policy::RememberMode;
use crate::protocol::{
    AdminForgetDevice, ApiError, ConfirmDevice, DeviceCall, DeviceDescription, DeviceStatus, ErrorKind,
    ListDevices, Reply, Response, SecretVerifierConfig, UpdateDeviceStatus,
};
use crate::srp::{Salt, Verifier};

/// Devices on a page of `ListDevices`, and the most that `Limit` may ask for.
const PAGE: usize = 60;

impl Pool {
    pub(super) fn confirm_device(&mut self, now: Timestamp, request: &ConfirmDevice) -> Reply {
        let (id, token_id) = self.bearer(&request.access_token, now)?;
        if !self.policy.remember.tracks() {
            let message = "Device tracking is not enabled for this user pool.";
            return Err(ApiError::new(ErrorKind::InvalidUserPoolConfiguration, message));
        }
        let name = request.device_name.as_deref();
        if name.is_some_and(|name| name.is_empty() || name.chars().count() > 1024) {
            return Err(invalid("Invalid device name: 1 to 1024 characters are allowed."));
        }
        let config = request.secret_verifier.as_ref();
        let config =
            config.ok_or_else(|| invalid("Missing required parameter DeviceSecretVerifierConfig"))?;
        let (salt, verifier) = self.read_verifier(config)?;
        let opt_in = self.policy.remember == RememberMode::OptIn && !self.has(Defect::OptInRemembersAtOnce);

        let key = DeviceKey::new(&request.device_key);
        let device = self.directory.account_mut(id).devices.get_mut(&key);
        let device = device.ok_or_else(|| invalid("Invalid device key given."))?;
        match &device.state {
            DeviceState::Issued { token_id: issued_with } if *issued_with == token_id => {}
            DeviceState::Issued { .. } => return Err(invalid("Invalid device key given.")),
            DeviceState::Confirmed { .. } => {
                return Err(ApiError::new(ErrorKind::DeviceKeyExists, "Device already exists."));
            }
        }
        let status = if opt_in { DeviceStatus::NotRemembered } else { DeviceStatus::Remembered };
        device.state = DeviceState::Confirmed { salt, verifier, status };
        device.name = name.map(str::to_owned);
        device.modified = now;
        Ok(Response::DeviceConfirmed { user_confirmation_necessary: opt_in })
    }

    fn read_verifier(&self, config: &SecretVerifierConfig) -> Result<(Salt, Verifier), ApiError> {
        let salt = Salt::from_base64(&config.salt).map_err(|_| invalid("Invalid Salt."))?;
        let verifier = Verifier::from_base64(self.identity.group, &config.password_verifier);
        Ok((salt, verifier.map_err(|_| invalid("Invalid PasswordVerifier."))?))
    }

    pub(super) fn update_device_status(&mut self, now: Timestamp, request: &UpdateDeviceStatus) -> Reply {
        let (id, _) = self.bearer(&request.access_token, now)?;
        let status: Option<DeviceStatus> = match request.status.as_deref().map(str::parse) {
            None => None,
            Some(Ok(status)) => Some(status),
            Some(Err(())) => {
                return Err(invalid("Invalid DeviceRememberedStatus: remembered or not_remembered."));
            }
        };
        let devices = &mut self.directory.account_mut(id).devices;
        let device = devices.get_mut(&DeviceKey::new(&request.device_key));
        let device = device.ok_or_else(ApiError::device_not_found)?;
        let DeviceState::Confirmed { status: kept, .. } = &mut device.state else {
            return Err(ApiError::device_not_found());
        };
        if let Some(status) = status {
            *kept = status;
            device.modified = now;
        }
        Ok(Response::Empty)
    }

    pub(super) fn get_device(&self, now: Timestamp, request: &DeviceCall) -> Reply {
        let (id, _) = self.bearer(&request.access_token, now)?;
        let account = self.directory.account(id);
        let key = DeviceKey::new(&request.device_key);
        let found = remembered(account).find(|(found, _)| **found == key);
        found.map(|found| Response::Device(describe(found))).ok_or_else(ApiError::device_not_found)
    }

    pub(super) fn list_devices(&self, now: Timestamp, request: &ListDevices) -> Reply {
        let (id, _) = self.bearer(&request.access_token, now)?;
        let limit = match request.limit {
            None | Some(0) => PAGE,
            Some(limit) => usize::try_from(limit).unwrap_or(usize::MAX),
        };
        if limit > PAGE {
            return Err(invalid(format!("Invalid Limit: at most {PAGE} devices are listed at once.")));
        }
        // The token is the last key of the page before.
        let after = request.pagination_token.as_deref().unwrap_or_default();
        let mut rest = remembered(self.directory.account(id)).filter(|(key, _)| key.as_str() > after);
        let devices: Vec<_> = rest.by_ref().take(limit).map(describe).collect();
        let more = rest.next().is_some();
        let last = devices.last().map(|device| device.device_key.as_str().to_owned());
        Ok(Response::Devices { pagination_token: last.filter(|_| more), devices })
    }

    pub(super) fn forget_device(&mut self, now: Timestamp, request: &DeviceCall) -> Reply {
        let (id, _) = self.bearer(&request.access_token, now)?;
        self.remove_device(id, &request.device_key)
    }

    pub(super) fn admin_forget_device(&mut self, request: &AdminForgetDevice) -> Reply {
        if request.user_pool_id != self.identity.pool_id.as_str() {
            let message = format!("User pool {} does not exist.", request.user_pool_id);
            return Err(ApiError::new(ErrorKind::ResourceNotFound, message));
        }
        let id = self.directory.find(&request.username);
        let id = id.ok_or_else(|| ApiError::new(ErrorKind::UserNotFound, "User does not exist."))?;
        self.remove_device(id, &request.device_key)
    }

    fn remove_device(&mut self, id: AccountId, key: &str) -> Reply {
        let key = DeviceKey::new(key);
        let account = self.directory.account_mut(id);
        if account.confirmed(&key).is_none() {
            return Err(ApiError::device_not_found());
        }
        account.devices.remove(&key);
        Ok(Response::Empty)
    }

    /// Whose access token this is, and its id.
    fn bearer(&self, access_token: &str, now: Timestamp) -> Result<(AccountId, String), ApiError> {
        let claims = self.signer.read_access(access_token, now)?;
        let id = self.directory.find(claims.username.as_str());
        let id = id.ok_or_else(|| ApiError::new(ErrorKind::UserNotFound, "User does not exist."))?;
        Ok((id, claims.token_id))
    }
}

/// The devices that the user's own operations see, in the order of their keys.
fn remembered(account: &Account) -> impl Iterator<Item = (&DeviceKey, &Device)> {
    account.devices.iter().filter(|(_, device)| device.status() == Some(DeviceStatus::Remembered))
}

fn describe((key, device): (&DeviceKey, &Device)) -> DeviceDescription {
    DeviceDescription {
        device_key: key.clone(),
        name: device.name.clone(),
        status: device.status().unwrap_or(DeviceStatus::NotRemembered),
        created: device.created,
        modified: device.modified,
        authenticated: device.authenticated,
    }
}
