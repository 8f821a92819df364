//! The stored format of records: one byte for the format version, then JSON.
//!
//! Each record is described once for both directions, by its field names. A field without a value is left
//! out. A missing or unknown field makes the whole record unreadable, so no record is read in part.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use serde_json::{Map, Value};

use poolproof_cognito::addresses::{AddressRange, RiskExceptions};
use poolproof_cognito::ids::{ClientId, DeviceGroupKey, DeviceKey, PoolId, Sub, Username};
use poolproof_cognito::policy::{
    CompromisedAction, Lockout, MfaMode, PasswordPolicy, PoolPolicy, Quotas, RememberMode, RiskAction,
    RiskMode, RiskNote, RiskPolicy, RiskSource, Switches,
};
use poolproof_cognito::protocol::{
    AccountTakeover, ChallengeName, CompromisedActions, CompromisedCredentials, DeviceStatus, EmailConfig,
    MfaConfig, NotifyConfiguration, NotifyEmail, RiskConfiguration, RiskExceptionLists, SmsConfig, SmsSender,
    SoftwareTokenConfig, TakeoverAction, TakeoverActions, ValiditySpec, ValidityUnits,
};
use poolproof_cognito::time::Timestamp;
use poolproof_pool::provider::{ClientRecord, PoolRecord};
use poolproof_pool::{
    AccountRecord, AppClient, ConfirmationRecord, DeviceRecord, DeviceStateRecord, FailuresRecord,
    PasswordFlow, UserStatus, Validity,
};

/// The format version of new records. Newer programs can recognize older records by this byte.
const FORM: u8 = 1;

/// Encodes a record as bytes.
pub fn encode(record: &impl Written) -> Vec<u8> {
    let mut bytes = vec![FORM];
    bytes.extend_from_slice(record.write().to_string().as_bytes());
    bytes
}

/// Decodes a record from bytes. Returns `None` if they do not have this format.
pub fn decode<T: Written>(bytes: &[u8]) -> Option<T> {
    let (form, text) = bytes.split_first()?;
    if *form != FORM {
        return None;
    }
    T::read(serde_json::from_slice(text).ok()?)
}

/// A type that can be stored and read back.
pub trait Written: Sized {
    /// Returns the value as JSON; null means no value.
    fn write(&self) -> Value;
    /// Reads a value that [`Self::write`] returned.
    fn read(value: Value) -> Option<Self>;
}

macro_rules! plain {
    ($($name:ty)*) => {$(
        impl Written for $name {
            fn write(&self) -> Value {
                serde_json::to_value(self).unwrap_or_default()
            }

            fn read(value: Value) -> Option<Self> {
                serde_json::from_value(value).ok()
            }
        }
    )*};
}

plain! {
    String bool u8 u32 u64 IpAddr Duration
    RememberMode MfaMode RiskMode RiskSource CompromisedAction RiskAction Lockout RiskNote
}

impl<T: Written> Written for Option<T> {
    fn write(&self) -> Value {
        self.as_ref().map_or(Value::Null, Written::write)
    }

    fn read(value: Value) -> Option<Self> {
        if value.is_null() { Some(None) } else { T::read(value).map(Some) }
    }
}

impl<T: Written> Written for Box<T> {
    fn write(&self) -> Value {
        (**self).write()
    }

    fn read(value: Value) -> Option<Self> {
        T::read(value).map(Self::new)
    }
}

impl<T: Written> Written for Vec<T> {
    fn write(&self) -> Value {
        self.iter().map(Written::write).collect()
    }

    fn read(value: Value) -> Option<Self> {
        let Value::Array(values) = value else { return None };
        values.into_iter().map(T::read).collect()
    }
}

impl<K: Written + Ord, T: Written> Written for BTreeMap<K, T> {
    fn write(&self) -> Value {
        let fields = self.iter().map(|(key, value)| match key.write() {
            Value::String(key) => (key, value.write()),
            key => (key.to_string(), value.write()),
        });
        Value::Object(fields.collect())
    }

    fn read(value: Value) -> Option<Self> {
        let Value::Object(map) = value else { return None };
        let fields =
            map.into_iter().map(|(key, value)| Some((K::read(Value::String(key))?, T::read(value)?)));
        fields.collect()
    }
}

impl Written for [u8; 32] {
    fn write(&self) -> Value {
        hex::encode(self).into()
    }

    fn read(value: Value) -> Option<Self> {
        hex::decode(value.as_str()?).ok()?.try_into().ok()
    }
}

impl Written for Timestamp {
    fn write(&self) -> Value {
        self.as_us().into()
    }

    fn read(value: Value) -> Option<Self> {
        value.as_u64().map(Self::from_us)
    }
}

impl Written for AddressRange {
    fn write(&self) -> Value {
        self.to_string().into()
    }

    fn read(value: Value) -> Option<Self> {
        value.as_str()?.parse().ok()
    }
}

macro_rules! names {
    ($($name:ident)*) => {$(
        impl Written for $name {
            fn write(&self) -> Value {
                self.as_str().into()
            }

            fn read(value: Value) -> Option<Self> {
                String::read(value).map(Self::new)
            }
        }
    )*};
}

names! { PoolId ClientId Username Sub DeviceKey DeviceGroupKey }

macro_rules! protocol_words {
    ($($name:ident)*) => {$(
        impl Written for $name {
            fn write(&self) -> Value {
                self.as_str().into()
            }

            fn read(value: Value) -> Option<Self> {
                value.as_str()?.parse().ok()
            }
        }
    )*};
}

protocol_words! { ChallengeName DeviceStatus }

macro_rules! words {
    ($($name:ident { $($variant:ident = $word:literal,)* })*) => {$(
        impl Written for $name {
            fn write(&self) -> Value {
                match self { $(Self::$variant => $word.into(),)* }
            }

            fn read(value: Value) -> Option<Self> {
                match value.as_str()? {
                    $($word => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    )*};
}

words! {
    UserStatus {
        Confirmed = "confirmed",
        Unconfirmed = "unconfirmed",
        ForceChangePassword = "force_change_password",
        ResetRequired = "reset_required",
    }
    PasswordFlow { Off = "off", WithDevices = "with_devices", WithoutDevices = "without_devices", }
}

macro_rules! records {
    ($($name:ident { $($field:ident)* })*) => {$(
        impl Written for $name {
            fn write(&self) -> Value {
                let Self { $($field,)* } = self;
                let fields = [$((stored_key(stringify!($field)), $field.write()),)*];
                let given = fields.into_iter().filter(|(_, value)| !value.is_null());
                Value::Object(given.map(|(key, value)| (key.to_owned(), value)).collect())
            }

            fn read(value: Value) -> Option<Self> {
                let Value::Object(mut map) = value else { return None };
                let record = Self { $($field: Written::read(taken(&mut map, stored_key(stringify!($field))))?,)* };
                map.is_empty().then_some(record)
            }
        }
    )*};
}

/// Returns the key of a field in the file. Fields that were renamed keep their first key.
fn stored_key(field: &str) -> &str {
    match field {
        "user_status" => "standing",
        "prevents_user_existence_errors" => "hides_users",
        field => field,
    }
}

fn taken(map: &mut Map<String, Value>, key: &str) -> Value {
    map.remove(key).unwrap_or_default()
}

records! {
    AccountRecord {
        serial username sub salt verifier user_status disabled phone sms_mfa email email_mfa totp preferred
        totp_step_used failures addresses failures_since compromised generation revoked devices attributes
        created modified confirmation app_to_verify app_to_enable
    }
    FailuresRecord { count locked_until last_attempt }
    ConfirmationRecord { code expires failures }
    DeviceRecord { group_key name address state mfa_bound created modified authenticated }
    PoolRecord { id name created modified seed first_generation policy exceptions passwords mfa risk }
    PasswordPolicy { minimum_length uppercase lowercase numbers symbols temporary_days }
    PoolPolicy { remember suppress_mfa mfa risk lockout quotas switches session_validity }
    RiskPolicy { mode levels compromised low medium high }
    Quotas { user_authentication user_resource_read user_resource_update }
    Switches { risk_note strict_mfa_binding }
    RiskExceptions { blocked skipped }
    MfaConfig { user_pool_id mfa software_token sms email }
    SoftwareTokenConfig { enabled }
    SmsConfig { message sender }
    SmsSender { sns_caller_arn }
    EmailConfig { message subject }
    RiskConfiguration { user_pool_id client_id compromised account_takeover exceptions }
    CompromisedCredentials { event_filter actions }
    CompromisedActions { event_action }
    RiskExceptionLists { blocked skipped }
    AccountTakeover { notify actions }
    NotifyConfiguration { from reply_to source_arn block no_action mfa }
    NotifyEmail { subject html text }
    TakeoverActions { low medium high }
    TakeoverAction { event_action notify }
    ClientRecord { client name flows created modified validity }
    ValiditySpec { session access id refresh units }
    ValidityUnits { access id refresh }
    Validity { session access id refresh }
    AppClient { id secret prevents_user_existence_errors password_flow srp_flow admin_flow validity }
}

impl Written for DeviceStateRecord {
    fn write(&self) -> Value {
        match self {
            Self::Issued { origin_id } => serde_json::json!({ "origin_id": origin_id }),
            Self::Confirmed { salt, verifier, status } => {
                serde_json::json!({ "salt": salt, "verifier": verifier, "status": status.as_str() })
            }
        }
    }

    fn read(value: Value) -> Option<Self> {
        let Value::Object(mut map) = value else { return None };
        let state = if let Some(origin_id) = map.remove("origin_id") {
            Self::Issued { origin_id: Written::read(origin_id)? }
        } else {
            Self::Confirmed {
                salt: Written::read(taken(&mut map, "salt"))?,
                verifier: Written::read(taken(&mut map, "verifier"))?,
                status: Written::read(taken(&mut map, "status"))?,
            }
        };
        map.is_empty().then_some(state)
    }
}
