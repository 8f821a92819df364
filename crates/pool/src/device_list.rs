//! Lists and describes devices. Administrators see more attributes than users (docs/semantics.md, operations
//! on devices).

use super::Pool;
use super::account::{AccountId, Device};
use poolproof_cognito::ids::DeviceKey;
use poolproof_cognito::protocol::{ApiError, DeviceDescription, DeviceStatus, Reply, Response};
use poolproof_cognito::time::Timestamp;

/// Default page size and maximum of `Limit`.
const MAX_PAGE_SIZE: usize = 60;
/// The account that the pools belong to; it does not exist on AWS.
const AWS_ACCOUNT: &str = "000000000000";

/// A page of a list.
pub(super) struct Page<'a> {
    /// `Limit`; absent or 0 requests the maximum.
    pub(super) limit: Option<u32>,
    /// `PaginationToken`: the last key of the previous page.
    pub(super) after: Option<&'a str>,
    /// Whether the page includes devices that are not remembered and all attributes, for administrators.
    pub(super) all: bool,
}

impl Pool {
    /// Returns a page of a user's devices, ordered by key.
    pub(super) fn page_of_devices(&self, id: AccountId, page: &Page<'_>) -> Reply {
        self.check_tracking()?;
        let limit = page.limit.filter(|limit| *limit > 0).and_then(|limit| usize::try_from(limit).ok());
        let limit = limit.unwrap_or(MAX_PAGE_SIZE).min(MAX_PAGE_SIZE);
        // A token is a device key; the device may be removed meanwhile.
        if page.after.is_some_and(|token| !token.contains('_') || token.chars().any(char::is_whitespace)) {
            return Err(ApiError::invalid_parameter("Invalid pagination token."));
        }
        let after = page.after.unwrap_or_default();
        let shown = |device: &Device| match device.status() {
            None => false,
            Some(status) => page.all || status == DeviceStatus::Remembered,
        };
        let devices = self.directory.account(id).devices.iter();
        let mut rest = devices.filter(|(key, device)| key.as_str() > after && shown(device));
        let descriptions =
            rest.by_ref().take(limit).map(|(key, device)| self.describe(id, key, device, page.all));
        let devices: Vec<_> = descriptions.collect();
        let more = rest.next().is_some();
        let last = devices.last().map(|device| device.device_key.as_str().to_owned());
        Ok(Response::Devices { pagination_token: last.filter(|_| more), devices })
    }

    /// Describes a device with all its attributes (`all`) or with those that users see.
    pub(super) fn describe(
        &self,
        id: AccountId,
        key: &DeviceKey,
        device: &Device,
        all: bool,
    ) -> DeviceDescription {
        let mut attributes = vec![("device_status", "valid".to_owned())];
        attributes.extend(device.name.clone().map(|name| ("device_name", name)));
        attributes.extend(device.address.map(|address| ("last_ip_used", address.to_string())));
        if all {
            let pool_id = &self.identity.pool_id;
            let owner = format!("{}.{pool_id}", self.directory.account(id).username);
            let region = pool_id.region();
            let arn = format!("arn:aws:cognito-idp:{region}:{AWS_ACCOUNT}:owner/{owner}/device/{key}");
            let status = device.status().unwrap_or(DeviceStatus::NotRemembered);
            attributes.push(("dev:device_arn", arn));
            attributes.push(("dev:device_owner", owner));
            attributes.push(("dev:device_remembered_status", status.to_string()));
            attributes.push(("dev:device_sdk", "aws-sdk".to_owned()));
        }
        DeviceDescription {
            device_key: key.clone(),
            attributes,
            created: device.created,
            modified: device.modified,
            // AWS returns whole seconds here.
            authenticated: Timestamp::from_us(device.authenticated.as_secs() * 1_000_000),
        }
    }
}
