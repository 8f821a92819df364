//! The shapes of operations on pools and app clients.

use super::form::{Form, Outcome, Shape};
use crate::protocol::{
    AccountTakeover, AddOns, ClientCall, ClientSpec, DeviceConfiguration, EmailConfig, ListUserPoolClients,
    ListUserPools, MfaConfig, PoolCall, PoolSpec, RiskConfiguration, SmsConfig, SmsSender,
    SoftwareTokenConfig, TakeoverAction, TakeoverActions,
};

impl Shape for PoolCall {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("UserPoolId", &mut self.user_pool_id)
    }
}

impl Shape for ClientCall {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("UserPoolId", &mut self.user_pool_id)?;
        form.maybe_text("ClientId", &mut self.client_id)
    }
}

impl Shape for PoolSpec {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.maybe_text("UserPoolId", &mut self.user_pool_id)?;
        form.maybe_text("PoolName", &mut self.name)?;
        form.maybe("DeviceConfiguration", &mut self.devices)?;
        form.maybe_text("MfaConfiguration", &mut self.mfa)?;
        form.maybe("UserPoolAddOns", &mut self.add_ons)
    }
}

impl Shape for DeviceConfiguration {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.maybe_flag("ChallengeRequiredOnNewDevice", &mut self.challenge_required_on_new_device)?;
        form.maybe_flag("DeviceOnlyRememberedOnUserPrompt", &mut self.device_only_remembered_on_user_prompt)
    }
}

impl Shape for AddOns {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("AdvancedSecurityMode", &mut self.advanced_security_mode)
    }
}

impl Shape for ListUserPools {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.maybe_whole("MaxResults", &mut self.max_results)?;
        form.maybe_text("NextToken", &mut self.next_token)
    }
}

impl Shape for ListUserPoolClients {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("UserPoolId", &mut self.user_pool_id)?;
        form.maybe_whole("MaxResults", &mut self.max_results)?;
        form.maybe_text("NextToken", &mut self.next_token)
    }
}

impl Shape for MfaConfig {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("UserPoolId", &mut self.user_pool_id)?;
        mfa_settings(self, form)
    }
}

/// What an answer has too, which does not name the pool.
pub(super) fn mfa_settings(config: &mut MfaConfig, form: &mut impl Form) -> Outcome {
    form.maybe_text("MfaConfiguration", &mut config.mfa)?;
    form.maybe("SoftwareTokenMfaConfiguration", &mut config.software_token)?;
    form.maybe("SmsMfaConfiguration", &mut config.sms)?;
    form.maybe("EmailMfaConfiguration", &mut config.email)
}

impl Shape for SoftwareTokenConfig {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.maybe_flag("Enabled", &mut self.enabled)
    }
}

impl Shape for SmsConfig {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.maybe_text("SmsAuthenticationMessage", &mut self.message)?;
        form.maybe("SmsConfiguration", &mut self.sender)
    }
}

impl Shape for SmsSender {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("SnsCallerArn", &mut self.sns_caller_arn)
    }
}

impl Shape for EmailConfig {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.maybe_text("Message", &mut self.message)?;
        form.maybe_text("Subject", &mut self.subject)
    }
}

impl Shape for RiskConfiguration {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("UserPoolId", &mut self.user_pool_id)?;
        form.maybe_text("ClientId", &mut self.client_id)?;
        form.maybe("AccountTakeoverRiskConfiguration", &mut self.account_takeover)
    }
}

impl Shape for AccountTakeover {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.maybe("Actions", &mut self.actions)
    }
}

impl Shape for TakeoverActions {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.maybe("LowAction", &mut self.low)?;
        form.maybe("MediumAction", &mut self.medium)?;
        form.maybe("HighAction", &mut self.high)
    }
}

impl Shape for TakeoverAction {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("EventAction", &mut self.event_action)?;
        form.maybe_flag("Notify", &mut self.notify)
    }
}

impl Shape for ClientSpec {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("UserPoolId", &mut self.user_pool_id)?;
        form.maybe_text("ClientId", &mut self.client_id)?;
        form.maybe_text("ClientName", &mut self.name)?;
        form.maybe_flag("GenerateSecret", &mut self.generate_secret)?;
        form.texts("ExplicitAuthFlows", &mut self.auth_flows)?;
        form.maybe_text("PreventUserExistenceErrors", &mut self.prevent_user_existence_errors)
    }
}
