//! The administrator's operations on users' devices. They include all confirmed devices, remembered or not.

use super::Pool;
use super::account::AccountId;
use super::device_list::Page;
use poolproof_cognito::ids::DeviceKey;
use poolproof_cognito::protocol::{
    AdminDeviceCall, AdminListDevices, AdminUpdateDeviceStatus, ApiError, ErrorKind, Reply, Response,
};
use poolproof_cognito::time::Timestamp;

impl Pool {
    /// `AdminGetDevice`.
    pub(super) fn admin_get_device(&self, request: &AdminDeviceCall) -> Reply {
        let id = self.find_administered_user(&request.user_pool_id, &request.username)?;
        self.check_tracking()?;
        let key = DeviceKey::new(&request.device_key);
        let device = self.directory.account(id).confirmed(&key).ok_or_else(ApiError::device_not_found)?;
        Ok(Response::Device(self.describe(id, &key, device, true)))
    }

    /// `AdminListDevices`.
    pub(super) fn admin_list_devices(&self, request: &AdminListDevices) -> Reply {
        let id = self.find_administered_user(&request.user_pool_id, &request.username)?;
        let page = Page { limit: request.limit, after: request.pagination_token.as_deref(), all: true };
        self.page_of_devices(id, &page)
    }

    /// `AdminUpdateDeviceStatus`.
    pub(super) fn admin_update_device_status(
        &mut self,
        now: Timestamp,
        request: &AdminUpdateDeviceStatus,
    ) -> Reply {
        let id = self.find_administered_user(&request.user_pool_id, &request.username)?;
        self.set_status(now, id, &request.device_key, request.status.as_deref())
    }

    /// `AdminForgetDevice`.
    pub(super) fn admin_forget_device(&mut self, request: &AdminDeviceCall) -> Reply {
        let id = self.find_administered_user(&request.user_pool_id, &request.username)?;
        self.remove_device(id, &request.device_key)
    }

    /// Returns the user that an administrator names. Administrators always get an error if the user does not
    /// exist.
    pub(super) fn find_administered_user(
        &self,
        user_pool_id: &str,
        username: &str,
    ) -> Result<AccountId, ApiError> {
        self.check_pool(user_pool_id)?;
        self.directory.find(username).ok_or_else(ApiError::user_not_found)
    }

    /// Checks that this is the requested pool.
    pub(super) fn check_pool(&self, user_pool_id: &str) -> Result<(), ApiError> {
        if user_pool_id == self.identity.pool_id.as_str() {
            return Ok(());
        }
        let message = format!("User pool {user_pool_id} does not exist.");
        Err(ApiError::new(ErrorKind::ResourceNotFound, message))
    }
}
