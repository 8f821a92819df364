//! The encoding of records: a version byte, then JSON.
//!
//! A field without a value is left out. A record with a missing or unknown field is refused.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use poolproof_cognito::wire::to_value;

/// The version of the encoding.
const FORM: u8 = 1;

/// Fields of records that contain a request of the API.
const REQUESTS: [&str; 3] = ["mfa", "risk", "validity"];

/// The keys of these requests: in the API, and in the file.
const REQUEST_KEYS: &str = "\
    UserPoolId user_pool_id ClientId client_id \
    MfaConfiguration mfa SoftwareTokenMfaConfiguration software_token Enabled enabled \
    SmsMfaConfiguration sms SmsAuthenticationMessage message SmsConfiguration sender SnsCallerArn sns_caller_arn \
    EmailMfaConfiguration email Message message Subject subject \
    CompromisedCredentialsRiskConfiguration compromised EventFilter event_filter Actions actions \
    EventAction event_action RiskExceptionConfiguration exceptions BlockedIPRangeList blocked \
    SkippedIPRangeList skipped AccountTakeoverRiskConfiguration account_takeover NotifyConfiguration notify \
    From from ReplyTo reply_to SourceArn source_arn BlockEmail block NoActionEmail no_action MfaEmail mfa \
    HtmlBody html TextBody text LowAction low MediumAction medium HighAction high Notify notify \
    AuthSessionValidity session AccessTokenValidity access IdTokenValidity id RefreshTokenValidity refresh \
    TokenValidityUnits units AccessToken access IdToken id RefreshToken refresh";

/// Encodes a record.
pub fn encode(record: &impl Serialize) -> Vec<u8> {
    let mut record = to_value(record);
    rename_requests(&mut record, Direction::ToFile);
    let mut bytes = vec![FORM];
    bytes.extend_from_slice(record.to_string().as_bytes());
    bytes
}

/// Decodes a record; `None` if the bytes are not a record of this version.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let (form, text) = bytes.split_first()?;
    let mut record: Value = serde_json::from_slice(text).ok().filter(|_| *form == FORM)?;
    if !rename_requests(&mut record, Direction::ToApi) {
        return None;
    }
    serde_json::from_value(record).ok()
}

/// Where keys are renamed to: the index of the other name in [`REQUEST_KEYS`].
#[derive(Clone, Copy)]
enum Direction {
    ToFile = 0,
    ToApi = 1,
}

/// Renames the keys of the requests in a record. Returns whether all keys are known.
fn rename_requests(record: &mut Value, direction: Direction) -> bool {
    let requests = REQUESTS.iter().filter(|field| record.get(field).is_some()).collect::<Vec<_>>();
    requests.into_iter().all(|field| rename_keys(&mut record[field], direction))
}

fn rename_keys(value: &mut Value, direction: Direction) -> bool {
    let Value::Object(map) = value else { return true };
    let names: Vec<&str> = REQUEST_KEYS.split_whitespace().collect();
    let (from, to) = (direction as usize, 1 - direction as usize);
    let mut renamed = Map::new();
    for (key, mut value) in std::mem::take(map) {
        // Some keys of the file belong to two of the API. A structure has one of them and ignores the other.
        let keys: Vec<&str> =
            names.chunks_exact(2).filter(|pair| pair[from] == key).map(|pair| pair[to]).collect();
        if keys.is_empty() || !rename_keys(&mut value, direction) {
            return false;
        }
        renamed.extend(keys.into_iter().map(|key| (key.to_owned(), value.clone())));
    }
    *map = renamed;
    true
}
