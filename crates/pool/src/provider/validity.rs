//! How long a client's sessions and tokens are valid.

use std::time::Duration;

use super::word;
use crate::Validity;
use poolproof_cognito::protocol::{ApiError, ValiditySpec, ValidityUnits};

const SECOND: u64 = 1;
const MINUTE: u64 = 60;
const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

const UNITS: [(&str, u64); 4] = [("seconds", SECOND), ("minutes", MINUTE), ("hours", HOUR), ("days", DAY)];

/// Access and id tokens: 5 minutes to 1 day (API reference of CreateUserPoolClient).
const ACCESS_TOKEN_RANGE: (u64, u64) = (5 * MINUTE, DAY);
/// Refresh tokens: 1 hour to 10 years (API reference of CreateUserPoolClient).
const REFRESH_TOKEN_RANGE: (u64, u64) = (HOUR, 3650 * DAY);

/// Parses and checks the requested validities.
pub(super) fn parse(spec: &ValiditySpec) -> Result<Validity, ApiError> {
    let ValidityUnits { access, id, refresh } = spec.units.clone().unwrap_or_default();
    let default = Validity::DEFAULT;
    Ok(Validity {
        session: spec.session.map(|minutes| Duration::from_secs(u64::from(minutes) * MINUTE)),
        access: time(spec.access, access.as_deref(), ("accessToken", HOUR), ACCESS_TOKEN_RANGE)?
            .unwrap_or(default.access),
        id: time(spec.id, id.as_deref(), ("idToken", HOUR), ACCESS_TOKEN_RANGE)?.unwrap_or(default.id),
        // Zero means the default, as in the older API, where every client had a number.
        refresh: time(
            spec.refresh.filter(|days| *days > 0),
            refresh.as_deref(),
            ("refreshToken", DAY),
            REFRESH_TOKEN_RANGE,
        )?
        .unwrap_or(default.refresh),
    })
}

/// Converts `number` of these units, if the result is within the bounds.
fn time(
    number: Option<u32>,
    unit: Option<&str>,
    (key, usual): (&str, u64),
    (least, most): (u64, u64),
) -> Result<Option<Duration>, ApiError> {
    let key = format!("tokenValidityUnits.{key}");
    let unit = unit.map_or(Ok(usual), |unit| word(&UNITS, &key, unit))?;
    let Some(seconds) = number.map(|number| u64::from(number).saturating_mul(unit)) else { return Ok(None) };
    if (least..=most).contains(&seconds) {
        return Ok(Some(Duration::from_secs(seconds)));
    }
    Err(ApiError::invalid_parameter("Invalid range for token validity."))
}

/// Returns the validities that Cognito reports for a client: the requested ones, and defaults for the session
/// and the refresh token.
pub(super) fn described(spec: &ValiditySpec) -> ValiditySpec {
    ValiditySpec {
        session: spec.session.or(Some(3)),
        refresh: spec.refresh.filter(|days| *days > 0).or(Some(30)),
        ..spec.clone()
    }
}
