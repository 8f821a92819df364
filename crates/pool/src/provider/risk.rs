//! `SetRiskConfiguration` and `DescribeRiskConfiguration`.

use super::{ClientRecord, HostedPool, Provider, word};
use crate::{AppClient, ClientRisk};
use poolproof_cognito::addresses::{AddressRange, RiskExceptions};
use poolproof_cognito::ids::{ClientId, PoolId};
use poolproof_cognito::policy::{CompromisedAction, PoolPolicy, RiskAction, RiskMode, RiskPolicy};
use poolproof_cognito::protocol::{
    AccountTakeover, ApiError, ClientCall, CompromisedActions, CompromisedCredentials, ErrorKind,
    ManagementResponse, RiskConfiguration, RiskExceptionLists, TakeoverAction, TakeoverActions,
};
use poolproof_cognito::time::Timestamp;

const RISK_ACTION_VALUES: [(&str, RiskAction); 4] = [
    ("NO_ACTION", RiskAction::NoAction),
    ("MFA_IF_CONFIGURED", RiskAction::MfaIfConfigured),
    ("MFA_REQUIRED", RiskAction::MfaRequired),
    ("BLOCK", RiskAction::Block),
];
const COMPROMISED_ACTION_VALUES: [(&str, CompromisedAction); 2] =
    [("BLOCK", CompromisedAction::Block), ("NO_ACTION", CompromisedAction::NoAction)];
/// The events that check for compromised passwords; these pools check sign-ins.
const EVENT_VALUES: [(&str, bool); 3] = [("SIGN_IN", true), ("PASSWORD_CHANGE", false), ("SIGN_UP", false)];

impl Provider {
    pub(super) fn set_risk(
        &mut self,
        now: Timestamp,
        config: RiskConfiguration,
    ) -> Result<ManagementResponse, ApiError> {
        let client_id = single_client(config.client_id.as_deref());
        if let Some(client_id) = client_id {
            self.client_record(&config.user_pool_id, Some(client_id))?;
        }
        let hosted = self.hosted_mut(&config.user_pool_id)?;
        let policy = *hosted.pool.policy();
        if policy.risk.mode == RiskMode::Off {
            let message = "User pool add-on is not enabled: set UserPoolAddOns first.";
            return Err(ApiError::new(ErrorKind::UserPoolAddOnNotEnabled, message));
        }
        // Without any configuration Cognito's defaults apply again, or the pool's configuration to a client.
        let reset =
            config.account_takeover.is_none() && config.compromised.is_none() && config.exceptions.is_none();
        let risk = parse(&config, if reset { RiskAction::Block } else { RiskAction::NoAction })?;
        let id = PoolId::new(&config.user_pool_id);
        if let Some(client_id) = client_id.map(ClientId::new) {
            if let Some(record) = hosted.clients.get(&client_id).cloned() {
                let client = AppClient { risk: (!reset).then(|| Box::new(risk)), ..record.client };
                let risk = (!reset).then_some(config);
                hosted.put_client(ClientRecord { client, risk, modified: now, ..record });
            }
            self.mark_client_changed(&id, &client_id);
            return Ok(self.hosted(id.as_str())?.risk_description(Some(&client_id)));
        }
        let ClientRisk { low, medium, high, compromised, exceptions } = risk;
        let risk = RiskPolicy { low, medium, high, compromised, ..policy.risk };
        hosted.pool.set_policy(PoolPolicy { risk, ..policy });
        hosted.pool.set_exceptions(exceptions);
        hosted.risk = config;
        hosted.modified = now;
        let described = hosted.risk_description(None);
        self.mark_pool_changed(&id);
        Ok(described)
    }

    /// A client without a configuration of its own has the pool's.
    pub(super) fn describe_risk(&self, call: &ClientCall) -> Result<ManagementResponse, ApiError> {
        let client_id = single_client(call.client_id.as_deref());
        if let Some(client_id) = client_id {
            self.client_record(&call.user_pool_id, Some(client_id))?;
        }
        Ok(self.hosted(&call.user_pool_id)?.risk_description(client_id.map(ClientId::new).as_ref()))
    }
}

/// Returns the client that a request names; `ALL` is the pool.
fn single_client(client_id: Option<&str>) -> Option<&str> {
    client_id.filter(|id| *id != "ALL")
}

/// Returns the requested settings; `default` is the action of levels that are absent.
fn parse(config: &RiskConfiguration, default: RiskAction) -> Result<ClientRisk, ApiError> {
    let requested = config.account_takeover.as_ref().and_then(|takeover| takeover.actions.clone());
    let requested = requested.unwrap_or_default();
    let action = |action: &Option<TakeoverAction>| {
        let requested = action.as_ref().map(|action| action.event_action.as_str());
        requested.map_or(Ok(default), |requested| word(&RISK_ACTION_VALUES, "eventAction", requested))
    };
    let (low, medium, high) = (action(&requested.low)?, action(&requested.medium)?, action(&requested.high)?);
    if low > medium || medium > high {
        let message = "A higher level of risk can not have a less restrictive action than a lower one.";
        return Err(ApiError::invalid_parameter(message));
    }
    let compromised = compromised(config.compromised.as_ref())?;
    let exceptions = exceptions(config.exceptions.as_ref())?;
    Ok(ClientRisk { low, medium, high, compromised, exceptions })
}

/// Returns the effect of a compromised password on a sign-in under this configuration.
fn compromised(requested: Option<&CompromisedCredentials>) -> Result<CompromisedAction, ApiError> {
    let Some(CompromisedCredentials { event_filter, actions }) = requested else {
        return Ok(CompromisedAction::NoAction);
    };
    let event = |event: &String| word(&EVENT_VALUES, "eventFilter", event);
    let events: Vec<bool> = event_filter.iter().map(event).collect::<Result<_, _>>()?;
    let action = actions.as_ref().map(|actions| actions.event_action.as_str());
    let action = action.map_or(Ok(CompromisedAction::NoAction), |action| {
        word(
            &COMPROMISED_ACTION_VALUES,
            "compromisedCredentialsRiskConfiguration.actions.eventAction",
            action,
        )
    })?;
    let in_sign_ins = events.is_empty() || events.contains(&true);
    Ok(if in_sign_ins { action } else { CompromisedAction::NoAction })
}

fn exceptions(requested: Option<&RiskExceptionLists>) -> Result<RiskExceptions, ApiError> {
    let Some(RiskExceptionLists { blocked, skipped }) = requested else {
        return Ok(RiskExceptions::default());
    };
    Ok(RiskExceptions {
        blocked: ranges("blockedIPRangeList", blocked)?,
        skipped: ranges("skippedIPRangeList", skipped)?,
    })
}

fn ranges(key: &str, texts: &[String]) -> Result<Vec<AddressRange>, ApiError> {
    let range = |text: &String| {
        let shown: String = text.chars().take(64).collect();
        text.parse()
            .map_err(|()| ApiError::invalid_parameter(format!("Invalid CIDR range in {key}: {shown}")))
    };
    texts.iter().map(range).collect()
}

impl HostedPool {
    /// Returns the current risk configuration of the pool or of a client that has its own, with the requested
    /// notifications and events.
    fn risk_description(&self, client_id: Option<&ClientId>) -> ManagementResponse {
        let own = client_id.and_then(|id| {
            let record = self.clients.get(id)?;
            Some((id, record.client.risk.as_deref()?, record.risk.as_ref()?))
        });
        let pool = self.pool.policy().risk;
        let (risk, exceptions, requested) = match own {
            Some((_, own, requested)) => {
                let ClientRisk { low, medium, high, compromised, .. } = *own;
                (RiskPolicy { low, medium, high, compromised, ..pool }, &own.exceptions, requested)
            }
            None => (pool, self.pool.exceptions(), &self.risk),
        };
        let takeover = requested.account_takeover.clone().unwrap_or_default();
        let levels = takeover.actions.unwrap_or_default();
        let described = |action: RiskAction, requested: &Option<TakeoverAction>| {
            let word = RISK_ACTION_VALUES.iter().find(|(_, one)| *one == action).map_or("", |(word, _)| word);
            let notify = requested.as_ref().and_then(|requested| requested.notify).or(Some(false));
            Some(TakeoverAction { event_action: word.to_owned(), notify })
        };
        let actions = TakeoverActions {
            low: described(risk.low, &levels.low),
            medium: described(risk.medium, &levels.medium),
            high: described(risk.high, &levels.high),
        };
        let blocks = CompromisedCredentials {
            event_filter: Vec::new(),
            actions: Some(CompromisedActions { event_action: "BLOCK".to_owned() }),
        };
        // Settings from a file have no request to return.
        let compromised = requested
            .compromised
            .clone()
            .or_else(|| (risk.compromised == CompromisedAction::Block).then_some(blocks));
        let RiskExceptions { blocked, skipped } = exceptions;
        let texts = |ranges: &[AddressRange]| ranges.iter().map(ToString::to_string).collect::<Vec<_>>();
        let lists = RiskExceptionLists { blocked: texts(blocked), skipped: texts(skipped) };
        ManagementResponse::Risk(RiskConfiguration {
            user_pool_id: self.pool.identity().pool_id.as_str().to_owned(),
            client_id: own.map(|(id, ..)| id.as_str().to_owned()),
            compromised,
            account_takeover: Some(AccountTakeover { notify: takeover.notify, actions: Some(actions) }),
            exceptions: Some(lists).filter(|lists| *lists != RiskExceptionLists::default()),
        })
    }
}
