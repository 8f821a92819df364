//! The users' operations on their devices. They list only remembered devices; opt-in and opt-out work on all
//! confirmed ones (docs/semantics.md, operations on devices).

use super::Pool;
use super::account::{AccountId, DeviceState};
use super::device_list::Page;
use poolproof_cognito::ids::DeviceKey;
use poolproof_cognito::policy::RememberMode;
use poolproof_cognito::protocol::{
    ApiError, ConfirmDevice, DeviceCall, DeviceStatus, ErrorKind, ListDevices, Reply, Response,
    SecretVerifierConfig, UpdateDeviceStatus,
};
use poolproof_cognito::time::Timestamp;
use poolproof_srp::{Salt, Verifier};

/// Most confirmed devices of one user. AWS documents no such limit; it bounds the memory.
const MAX_DEVICES: usize = 1000;

impl Pool {
    /// `ConfirmDevice`.
    pub(super) fn confirm_device(&mut self, now: Timestamp, request: &ConfirmDevice) -> Reply {
        let (id, claims) = self.bearer(&request.access_token, now)?;
        self.check_tracking()?;
        let config = request.secret_verifier.as_ref();
        let config = config.ok_or_else(|| {
            ApiError::invalid_parameter("Missing required parameter DeviceSecretVerifierConfig")
        })?;
        let (salt, verifier) = self.read_verifier(config)?;
        let opt_in = self.policy.remember == RememberMode::OptIn;

        let key = DeviceKey::new(&request.device_key);
        let devices = &mut self.directory.account_mut(id).devices;
        let many = devices.values().filter(|device| device.status().is_some()).count() >= MAX_DEVICES;
        let device = devices.get_mut(&key);
        let device = device.ok_or_else(|| ApiError::invalid_parameter("Invalid device key given."))?;
        match &device.state {
            // Tokens of clients without revocation have no `origin_jti`, but all name the device.
            DeviceState::Issued { origin_id }
                if !origin_id.is_empty()
                    && (*origin_id == claims.origin_id || claims.device_key.as_ref() == Some(&key)) => {}
            DeviceState::Issued { .. } => {
                return Err(ApiError::invalid_parameter("Invalid device key given."));
            }
            DeviceState::Confirmed { .. } => {
                return Err(ApiError::new(ErrorKind::DeviceKeyExists, "Device already exists."));
            }
        }
        if many {
            let message = "User has too many devices; forget one first.";
            return Err(ApiError::new(ErrorKind::LimitExceeded, message));
        }
        let status = if opt_in { DeviceStatus::NotRemembered } else { DeviceStatus::Remembered };
        device.state = DeviceState::Confirmed { salt, verifier, status };
        device.name.clone_from(&request.device_name);
        device.modified = now;
        Ok(Response::DeviceConfirmed { user_confirmation_necessary: opt_in })
    }

    fn read_verifier(&self, config: &SecretVerifierConfig) -> Result<(Salt, Verifier), ApiError> {
        let salt =
            Salt::from_base64(&config.salt).map_err(|_| ApiError::invalid_parameter("Invalid Salt."))?;
        let verifier = Verifier::from_base64(self.identity.group, &config.password_verifier);
        Ok((salt, verifier.map_err(|_| ApiError::invalid_parameter("Invalid PasswordVerifier."))?))
    }

    /// `UpdateDeviceStatus`.
    pub(super) fn update_device_status(&mut self, now: Timestamp, request: &UpdateDeviceStatus) -> Reply {
        let (id, _) = self.bearer(&request.access_token, now)?;
        self.set_status(now, id, &request.device_key, request.status.as_deref())
    }

    /// Remembers a confirmed device or stops remembering it; without a status nothing changes.
    pub(super) fn set_status(
        &mut self,
        now: Timestamp,
        id: AccountId,
        key: &str,
        status: Option<&str>,
    ) -> Reply {
        self.check_tracking()?;
        let status: Option<DeviceStatus> = status
            .map(str::parse)
            .transpose()
            .map_err(|()| ApiError::invalid_parameter("Unknown value of DeviceRememberedStatus."))?;
        let devices = &mut self.directory.account_mut(id).devices;
        let device = devices.get_mut(&DeviceKey::new(key)).ok_or_else(ApiError::device_not_found)?;
        let DeviceState::Confirmed { status: kept, .. } = &mut device.state else {
            return Err(ApiError::device_not_found());
        };
        if let Some(status) = status {
            *kept = status;
            device.modified = now;
        }
        Ok(Response::Empty)
    }

    /// `GetDevice`.
    pub(super) fn get_device(&self, now: Timestamp, request: &DeviceCall) -> Reply {
        let (id, _) = self.bearer(&request.access_token, now)?;
        self.check_tracking()?;
        let device = self.directory.account(id).confirmed(&DeviceKey::new(&request.device_key));
        let device = device.filter(|device| device.status() == Some(DeviceStatus::Remembered));
        let device = device.ok_or_else(ApiError::device_not_found)?;
        Ok(Response::Device(self.describe(id, &DeviceKey::new(&request.device_key), device, false)))
    }

    /// `ListDevices`.
    pub(super) fn list_devices(&self, now: Timestamp, request: &ListDevices) -> Reply {
        let (id, _) = self.bearer(&request.access_token, now)?;
        let page = Page { limit: request.limit, after: request.pagination_token.as_deref(), all: false };
        self.page_of_devices(id, &page)
    }

    /// `ForgetDevice`.
    pub(super) fn forget_device(&mut self, now: Timestamp, request: &DeviceCall) -> Reply {
        let (id, _) = self.bearer(&request.access_token, now)?;
        self.remove_device(id, &request.device_key)
    }

    /// Removes a confirmed device. From then on its key is unknown and the refresh tokens bound to it are
    /// invalid.
    pub(super) fn remove_device(&mut self, id: AccountId, key: &str) -> Reply {
        self.check_tracking()?;
        let key = DeviceKey::new(key);
        if self.directory.account(id).confirmed(&key).is_none() {
            return Err(ApiError::device_not_found());
        }
        self.directory.account_mut(id).devices.remove(&key);
        Ok(Response::Empty)
    }

    /// Refuses device operations in a pool that does not track devices (docs/semantics.md, SEMANTICS d;
    /// inferred).
    pub(super) fn check_tracking(&self) -> Result<(), ApiError> {
        if self.policy.remember.tracks() {
            return Ok(());
        }
        let message = "Device tracking is not enabled for this user pool.";
        Err(ApiError::new(ErrorKind::InvalidUserPoolConfiguration, message))
    }
}
