//! AWS documents as pool settings.

use serde_json::{Map, Value};

use super::document::{AwsDocument, Content, LevelAction, PoolContent, RiskContent};
use super::unknown::unknown_keys;
use super::{MAX_BYTES, PoolSettings, SourceKind, Unsimulated};
use crate::scenario::Diagnostic;
use poolproof_cognito::addresses::{AddressRange, RiskExceptions};
use poolproof_cognito::model;
use poolproof_cognito::policy::{
    CompromisedAction, FactorTypes, FirstFactors, FirstFactorsError, MfaMode, PoolPolicy, Quotas,
    RememberMode, RiskAction, RiskMode, RiskPolicy,
};
use poolproof_cognito::protocol::{DeviceConfiguration, RiskExceptionLists};
use poolproof_pool::provider::Description;

/// Top key of `describe-user-pool`.
const POOL: &str = "UserPool";
/// Top key of `describe-risk-configuration`.
const RISK: &str = "RiskConfiguration";
/// Top keys of `get-user-pool-mfa-config`.
const MFA: [&str; 5] = [
    "MfaConfiguration",
    "SmsMfaConfiguration",
    "SoftwareTokenMfaConfiguration",
    "EmailMfaConfiguration",
    "WebAuthnConfiguration",
];

const MFA_WORDS: [(&str, MfaMode); 3] =
    [("OFF", MfaMode::Off), ("ON", MfaMode::On), ("OPTIONAL", MfaMode::Optional)];
const MODE_WORDS: [(&str, RiskMode); 3] =
    [("OFF", RiskMode::Off), ("AUDIT", RiskMode::Audit), ("ENFORCED", RiskMode::Enforced)];
const ACTION_WORDS: [(&str, RiskAction); 4] = [
    ("BLOCK", RiskAction::Block),
    ("MFA_IF_CONFIGURED", RiskAction::MfaIfConfigured),
    ("MFA_REQUIRED", RiskAction::MfaRequired),
    ("NO_ACTION", RiskAction::NoAction),
];
/// Events for which compromised passwords are checked (`EventFilterType`).
const EVENT_WORDS: [&str; 3] = ["SIGN_IN", "PASSWORD_CHANGE", "SIGN_UP"];
const IGNORE_UNSIMULATED: &str = "--ignore-unsimulated accepts and lists such settings";
const COMPROMISED_WORDS: [(&str, bool); 2] = [("BLOCK", true), ("NO_ACTION", false)];

/// Top key of `describe-user-pool-client`.
const CLIENT: &str = "UserPoolClient";

const NO_MFA: &str = "get-user-pool-mfa-config is missing, so the available second factors are unknown: all \
    are assumed to be possible.";
const NO_RISK: &str = "describe-risk-configuration is missing: Cognito's default is assumed, which blocks \
    at every level.";
const NO_ACTIONS: &str = "The risk configuration is empty: Cognito's default is assumed, which blocks at every \
    level.";
const SOME_ACTIONS: &str =
    "Risk levels that the risk configuration does not name are assumed to have no action.";
const ONE_CLIENT: &str =
    "The risk configuration belongs to one app client; other clients may behave differently.";
const EXCEPTIONS: &str =
    "Addresses that are always allowed or always blocked are not covered; the cells are for all others.";
const QUOTAS: &str = "Quotas belong to the account and are in none of the documents: Cognito's defaults are \
    assumed.";
const EMPTY_DEVICES: &str = "DeviceConfiguration is present but empty: it is treated as absent.";
const NO_KNOWN_DEVICE_SETTING: &str =
    "DeviceConfiguration has no setting that AWS documents: it is treated as absent.";
const NO_MODE: &str = "MfaConfiguration is missing: Cognito's default, OFF, is assumed.";

/// Parses one document.
pub(super) fn parse_document(file: &str, bytes: &[u8]) -> Result<AwsDocument, Diagnostic> {
    let whole = |message: &str, help: Option<&str>| {
        Err(Diagnostic::from_parts(file, "", None, message, help.map(str::to_owned)))
    };
    if bytes.len() > MAX_BYTES {
        return whole("larger than 1 MiB, so it does not describe a pool", None);
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return whole(
            "UTF-16, expected UTF-8",
            Some("in PowerShell, write it with `| Out-File -Encoding utf8`"),
        );
    }
    if let Some(refusal) = detect_other_output(file, bytes) {
        return Err(refusal);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return whole("not UTF-8", None) };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return whole("empty", Some("did the command that wrote it fail?"));
    }
    let document = AwsDocument::read(file, text)?;
    check_document_kind(&document)?;
    Ok(document)
}

/// Recognizes AWS tool output that is not JSON: error messages and other output formats.
pub(super) fn detect_other_output(file: &str, bytes: &[u8]) -> Option<Diagnostic> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let first = text.lines().next().unwrap_or_default().trim_end();
    if first.starts_with(['{', '#']) {
        return None;
    }
    if first.contains("An error occurred (") {
        let message = format!("not a pool but an error from AWS: {first}");
        return Some(Diagnostic::from_parts(file, "", None, message, None));
    }
    let key = first.split([':', '\t', ' ']).next().unwrap_or_default();
    let ours = [POOL, RISK, CLIENT].contains(&key) || MFA.contains(&key);
    if ours || key.eq_ignore_ascii_case("USERPOOL") || first.starts_with("-----") {
        let help = Some("run the command again with `--output json`".to_owned());
        return Some(Diagnostic::from_parts(file, "", None, "AWS's output, but not as JSON", help));
    }
    None
}

/// Refuses an object that is none of the documents.
fn check_document_kind(document: &AwsDocument) -> Result<(), Diagnostic> {
    let has = |key: &str| document.get(key).is_some();
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let error = document.get("Error").filter(|error| error.is_object());
    if error.is_some() || has("__type") || has("Code") {
        let field = |key: &str| text(error.map_or_else(|| document.get(key), |error| error.get(key)));
        let code = [field("Code"), field("__type")].concat();
        let said = [field("Message"), field("message")].concat();
        let message = format!("not a pool but an error from AWS: {code}: {said}");
        return Err(document.error_at(&[], &message, None));
    }
    if has("Id") && !has(POOL) {
        let help = "leave out `--query UserPool`, or wrap it as `{\"UserPool\": …}`";
        return Err(document.error_at(&[], "the value of `UserPool` alone", Some(help.to_owned())));
    }
    if has(POOL) || has(RISK) || has(CLIENT) || MFA.iter().any(|key| has(key)) {
        return Ok(());
    }
    let help = if has("UserPools") {
        "list-user-pools contains too little: run `aws cognito-idp describe-user-pool --user-pool-id ID`"
    } else if has("UserPoolClients") {
        "list-user-pool-clients contains too little: run `aws cognito-idp describe-user-pool-client \
            --user-pool-id ID --client-id ID`"
    } else if has("version") && has("pool") {
        "if it is a scenario, name it `*.yaml`"
    } else {
        "expected describe-user-pool (`UserPool`), get-user-pool-mfa-config (`MfaConfiguration`) and \
            describe-risk-configuration (`RiskConfiguration`)"
    };
    Err(document.error_at(&[], "none of the documents that describe a pool", Some(help.to_owned())))
}

/// A document and a part of its values.
type Document<'d, T> = (&'d AwsDocument, &'d T);

/// Returns the names of the settings that are not simulated, if they are ignored.
fn check_unsimulated(documents: &[AwsDocument], unsimulated: Unsimulated) -> Result<Vec<String>, Diagnostic> {
    let mut ignored = Vec::new();
    for document in documents {
        for key in [Some(POOL), Some(RISK), Some(CLIENT), None] {
            let Some(object) = document.object(key) else { continue };
            let object = Value::Object(object.clone());
            for name in model::unsimulated_in_document(key.unwrap_or("UserPoolMfaConfig"), &object) {
                if unsimulated == Unsimulated::Refuse {
                    let (place, _) = name.split_once('=').unwrap_or((&name, ""));
                    let path: Vec<&str> = key.into_iter().chain(place.split('.')).collect();
                    let message = format!("poolproof does not simulate {name}");
                    return Err(document.error_at(&path, &message, Some(IGNORE_UNSIMULATED.to_owned())));
                }
                ignored.push(name);
            }
        }
    }
    ignored.sort();
    ignored.dedup();
    Ok(ignored)
}

/// Returns the app clients of the pool with this id.
fn clients(documents: &[AwsDocument], pool_id: Option<&str>) -> Result<Vec<Map<String, Value>>, Diagnostic> {
    let mut clients = Vec::new();
    for document in documents {
        let Some(client) = document.object(Some(CLIENT)) else { continue };
        let home = client.get("UserPoolId").and_then(Value::as_str);
        if let (Some(home), Some(pool_id)) = (home, pool_id)
            && home != pool_id
        {
            let message = format!("`{home}`, but the pool is `{pool_id}`");
            let help = "give the documents of one pool".to_owned();
            return Err(document.error_at(&[CLIENT, "UserPoolId"], &message, Some(help)));
        }
        clients.push(client.clone());
    }
    Ok(clients)
}

/// Returns the settings in these documents of one pool.
pub(super) fn settings(
    documents: &[AwsDocument],
    unsimulated: Unsimulated,
) -> Result<PoolSettings, Diagnostic> {
    let pool = one(documents, &[POOL])?;
    let mfa = one(documents, &MFA)?;
    let risk = one(documents, &[RISK])?;
    let Some(pool) = pool else {
        let first = documents.first().map_or("(no file)", |document| &document.file);
        let help = "run `aws cognito-idp describe-user-pool --user-pool-id ID` and add its output";
        let message = "no document contains the pool itself (`UserPool`)";
        return Err(Diagnostic::from_parts(first, "", None, message, Some(help.to_owned())));
    };
    let Some(content) = pool.content()?.user_pool else {
        return Err(pool.error_at(&[POOL], "null, expected an object", None));
    };
    let pool = (pool, &content);
    let mfa_content = mfa.map(AwsDocument::content).transpose()?;
    let mfa = mfa.zip(mfa_content.as_ref());
    let risk_content = risk
        .map(AwsDocument::content)
        .transpose()?
        .map(|content| content.risk_configuration.unwrap_or_default());
    let risk = risk.zip(risk_content.as_ref());
    let mut notes = Vec::new();
    let (remember, suppress_mfa) = devices(pool, &mut notes);
    let mode = mfa_mode(pool, mfa, &mut notes)?;
    let factors = factors(mfa.map(|(_, content)| content), &mut notes);
    same_pool(pool, risk)?;
    let (risk_policy, risk_known) = risk_policy(pool, risk, &mut notes)?;
    let exceptions = risk.map_or_else(|| Ok(RiskExceptions::default()), exceptions)?;
    let blocks_compromised = risk.map_or(Ok(false), blocks_compromised)?;
    let compromised = if blocks_compromised { CompromisedAction::Block } else { CompromisedAction::NoAction };
    let first_factors = first_factors(pool)?;
    let ignored = check_unsimulated(documents, unsimulated)?;
    let mut notes: Vec<String> = notes.into_iter().map(str::to_owned).collect();
    if !ignored.is_empty() {
        notes.push(format!("Not simulated and ignored: {}.", ignored.join(", ")));
    }
    let mfa_object = mfa.and_then(|(document, _)| document.object(None));
    let description = Description {
        pool: pool.0.object(Some(POOL)).cloned().unwrap_or_default(),
        mfa: mfa_object.map(|object| model::known_members("UserPoolMfaConfig", object)),
        clients: clients(documents, content.id.as_deref())?,
    };
    let PoolContent { id, name, .. } = content;
    Ok(PoolSettings {
        name: name.or_else(|| id.clone()).unwrap_or_else(|| "unnamed pool".to_owned()),
        pool_id: id,
        source: SourceKind::Aws,
        policy: PoolPolicy {
            remember,
            suppress_mfa,
            mfa: mode,
            factor_types: factors,
            first_factors,
            risk: RiskPolicy { compromised, ..risk_policy },
            quotas: Quotas::COGNITO,
            ..PoolPolicy::DEFAULT
        },
        factors,
        risk_known,
        blocks_compromised,
        exceptions,
        description: Some(description),
        ignored,
        unknown: unknown_keys(documents),
        custom_auth: Vec::new(),
        notes,
        quota_note: Some(QUOTAS.to_owned()),
    })
}

/// Returns the first factors besides the password.
fn first_factors((pool, content): Document<'_, PoolContent>) -> Result<FirstFactors, Diagnostic> {
    let policy = content.policies.as_ref().and_then(|policies| policies.sign_in_policy.as_ref());
    let Some(policy) = policy else { return Ok(FirstFactors::PASSWORD) };
    let allowed = &policy.allowed_first_auth_factors;
    let path = [POOL, "Policies", "SignInPolicy", "AllowedFirstAuthFactors"];
    FirstFactors::parse(allowed).map_err(|error| match error {
        FirstFactorsError::Unknown(at) => {
            let all = FirstFactors::WORDS.map(|word| format!("`{word}`")).join(", ");
            let message = format!("unknown value `{}`, expected one of {all}", allowed[at]);
            pool.error_at_index(&path, at, &message)
        }
        FirstFactorsError::NoPassword => {
            pool.error_at(&path, "the list lacks `PASSWORD`, which Cognito requires", None)
        }
    })
}

/// Returns whether sign-ins with compromised passwords are blocked.
fn blocks_compromised((risk, content): Document<'_, RiskContent>) -> Result<bool, Diagnostic> {
    let Some(compromised) = &content.compromised else { return Ok(false) };
    let actions = compromised.actions.as_ref();
    let path = [RISK, "CompromisedCredentialsRiskConfiguration", "Actions", "EventAction"];
    let action =
        risk.word(&path, actions.and_then(|actions| actions.event_action.as_ref()), &COMPROMISED_WORDS)?;
    let events = &compromised.event_filter;
    if let Some(at) = events.iter().position(|event| !EVENT_WORDS.contains(&event.as_str())) {
        let all: Vec<String> = EVENT_WORDS.iter().map(|word| format!("`{word}`")).collect();
        let message = format!("unknown value `{}`, expected one of {}", events[at], all.join(", "));
        let path = [RISK, "CompromisedCredentialsRiskConfiguration", "EventFilter"];
        return Err(risk.error_at_index(&path, at, &message));
    }
    // Without a filter all events are checked.
    Ok(action == Some(true) && (events.is_empty() || events.iter().any(|event| event == "SIGN_IN")))
}

/// Returns the lists of addresses that are always blocked or skipped.
fn exceptions((risk, content): Document<'_, RiskContent>) -> Result<RiskExceptions, Diagnostic> {
    let Some(lists) = &content.exceptions else { return Ok(RiskExceptions::default()) };
    let ranges = |list: &str, texts: &[String]| {
        let path = [RISK, "RiskExceptionConfiguration", list];
        if texts.len() > RiskExceptions::MAX_RANGES {
            let message =
                format!("{} ranges; AWS accepts at most {}", texts.len(), RiskExceptions::MAX_RANGES);
            return Err(risk.error_at(&path, &message, None));
        }
        let range = |(at, text): (usize, &String)| {
            let message = format!("`{text}` is not an address range such as `192.0.2.0/24`");
            text.parse().map_err(|()| risk.error_at_index(&path, at, &message))
        };
        texts.iter().enumerate().map(range).collect::<Result<Vec<AddressRange>, Diagnostic>>()
    };
    Ok(RiskExceptions {
        blocked: ranges("BlockedIPRangeList", &lists.blocked)?,
        skipped: ranges("SkippedIPRangeList", &lists.skipped)?,
    })
}

/// Returns the document with any of these top keys.
fn one<'s>(documents: &'s [AwsDocument], keys: &[&str]) -> Result<Option<&'s AwsDocument>, Diagnostic> {
    let key_of = |document: &AwsDocument| keys.iter().find(|key| document.get(key).is_some()).copied();
    let mut having = documents.iter().filter_map(|document| key_of(document).map(|key| (document, key)));
    let first = having.next();
    if let (Some((first, _)), Some((second, key))) = (first, having.next()) {
        let message = format!("already given in {}", first.file);
        return Err(second.error_at(&[key], &message, Some("give each document of a pool once".to_owned())));
    }
    Ok(first.map(|(document, _)| document))
}

/// Any property of `DeviceConfiguration`, even if all are false, turns tracking on (docs/semantics.md, c.1).
fn devices(
    (document, pool): Document<'_, PoolContent>,
    notes: &mut Vec<&'static str>,
) -> (RememberMode, bool) {
    let devices = pool.device_configuration.unwrap_or_default();
    if devices == DeviceConfiguration::default() {
        if pool.device_configuration.is_some() {
            let given = document.object(Some(POOL)).and_then(|pool| pool.get("DeviceConfiguration"));
            let has_keys = given.and_then(Value::as_object).is_some_and(|keys| !keys.is_empty());
            notes.push(if has_keys { NO_KNOWN_DEVICE_SETTING } else { EMPTY_DEVICES });
        }
        return (RememberMode::No, false);
    }
    let opt_in = devices.device_only_remembered_on_user_prompt == Some(true);
    let remember = if opt_in { RememberMode::OptIn } else { RememberMode::Always };
    (remember, devices.challenge_required_on_new_device == Some(true))
}

fn mfa_mode(
    (pool, content): Document<'_, PoolContent>,
    mfa: Option<Document<'_, Content>>,
    notes: &mut Vec<&'static str>,
) -> Result<MfaMode, Diagnostic> {
    let of_pool = pool.word(&[POOL, "MfaConfiguration"], content.mfa_configuration.as_ref(), &MFA_WORDS)?;
    let of_mfa = match mfa {
        Some((mfa, content)) => {
            let mode = mfa.word(&["MfaConfiguration"], content.mfa_configuration.as_ref(), &MFA_WORDS)?;
            mode.map(|mode| (mfa, mode))
        }
        None => None,
    };
    if let (Some(one), Some((mfa, other))) = (of_pool, of_mfa)
        && one != other
    {
        let name = |mode| MFA_WORDS.iter().find(|(_, m)| *m == mode).map_or("", |(word, _)| word);
        let message = format!("{}, but {} says {}", name(other), pool.file, name(one));
        let help = "check that the documents belong to one pool and were read at one time".to_owned();
        return Err(mfa.error_at(&["MfaConfiguration"], &message, Some(help)));
    }
    Ok(of_pool.or_else(|| of_mfa.map(|(_, mode)| mode)).unwrap_or_else(|| {
        notes.push(NO_MODE);
        MfaMode::Off
    }))
}

fn factors(mfa: Option<&Content>, notes: &mut Vec<&'static str>) -> FactorTypes {
    let Some(mfa) = mfa else {
        notes.push(NO_MFA);
        return FactorTypes::ALL;
    };
    FactorTypes {
        sms: mfa.sms_mfa_configuration.as_ref().is_some_and(|sms| sms.sms_configuration.is_some()),
        totp: mfa.software_token_mfa_configuration.as_ref().is_some_and(|app| app.enabled == Some(true)),
        email: mfa.email_mfa_configuration.is_some(),
    }
}

fn same_pool(
    (pool, content): Document<'_, PoolContent>,
    risk: Option<Document<'_, RiskContent>>,
) -> Result<(), Diagnostic> {
    let Some((risk, risk_content)) = risk else { return Ok(()) };
    match (&content.id, &risk_content.user_pool_id) {
        (Some(id), Some(other)) if other != id => {
            let message = format!("`{other}`, but {} describes the pool `{id}`", pool.file);
            let help = "give the documents of one pool".to_owned();
            Err(risk.error_at(&[RISK, "UserPoolId"], &message, Some(help)))
        }
        _ => Ok(()),
    }
}

/// Returns the risk policy, and whether the documents contain it.
fn risk_policy(
    (pool, content): Document<'_, PoolContent>,
    risk: Option<Document<'_, RiskContent>>,
    notes: &mut Vec<&'static str>,
) -> Result<(RiskPolicy, bool), Diagnostic> {
    let mode = content.add_ons.as_ref().and_then(|add_ons| add_ons.advanced_security_mode.as_ref());
    let mode = pool.word(&[POOL, "UserPoolAddOns", "AdvancedSecurityMode"], mode, &MODE_WORDS)?;
    let mode = mode.unwrap_or_default();
    let mut given = [None; 3];
    if let Some((risk, content)) = risk {
        if let Some(actions) = content.takeover.as_ref().and_then(|takeover| takeover.actions.as_ref()) {
            let levels = [
                ("LowAction", &actions.low_action),
                ("MediumAction", &actions.medium_action),
                ("HighAction", &actions.high_action),
            ];
            for (slot, (level, action)) in given.iter_mut().zip(levels) {
                let path = [RISK, "AccountTakeoverRiskConfiguration", "Actions", level, "EventAction"];
                let word = action.as_ref().map(|LevelAction { event_action }| event_action);
                *slot = risk.word(&path, word, &ACTION_WORDS)?;
            }
        }
        if content.client_id.is_some() {
            notes.push(ONE_CLIENT);
        }
        if content.exceptions.as_ref().is_some_and(|lists| *lists != RiskExceptionLists::default()) {
            notes.push(EXCEPTIONS);
        }
    }
    // As in SetRiskConfiguration: the default applies only if nothing is configured.
    let configured = risk.is_some_and(|(_, content)| {
        content.takeover.is_some() || content.compromised.is_some() || content.exceptions.is_some()
    });
    let default_action = match (configured, mode) {
        (false, RiskMode::Enforced) => {
            notes.push(if risk.is_some() { NO_ACTIONS } else { NO_RISK });
            RiskAction::Block
        }
        _ => {
            if configured && given.iter().any(Option::is_none) {
                notes.push(SOME_ACTIONS);
            }
            RiskAction::NoAction
        }
    };
    let [low, medium, high] = given.map(|action| action.unwrap_or(default_action));
    Ok((RiskPolicy { mode, low, medium, high, ..RiskPolicy::OFF }, risk.is_some()))
}
