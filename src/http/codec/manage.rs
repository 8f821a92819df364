//! The shapes of operations on pools and app clients.

use super::form::{Form, Outcome, Shape};
use poolproof_cognito::protocol::{
    AccountTakeover, AddOns, ClientCall, ClientSpec, CompromisedActions, CompromisedCredentials,
    DeviceConfiguration, EmailConfig, ListUserPoolClients, ListUserPools, MfaConfig, NotifyConfiguration,
    NotifyEmail, PasswordPolicySpec, Policies, PoolCall, PoolSpec, RiskConfiguration, RiskExceptionLists,
    SmsConfig, SmsSender, SoftwareTokenConfig, TakeoverAction, TakeoverActions, ValiditySpec, ValidityUnits,
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
        form.maybe("UserPoolAddOns", &mut self.add_ons)?;
        form.maybe("Policies", &mut self.policies)
    }
}

impl Shape for Policies {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.maybe("PasswordPolicy", &mut self.password)
    }
}

impl Shape for PasswordPolicySpec {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.maybe_whole("MinimumLength", &mut self.minimum_length)?;
        form.maybe_flag("RequireUppercase", &mut self.uppercase)?;
        form.maybe_flag("RequireLowercase", &mut self.lowercase)?;
        form.maybe_flag("RequireNumbers", &mut self.numbers)?;
        form.maybe_flag("RequireSymbols", &mut self.symbols)?;
        form.maybe_whole("TemporaryPasswordValidityDays", &mut self.temporary_days)
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

/// Handles the fields that requests and responses share, without the pool ID.
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
        form.maybe("CompromisedCredentialsRiskConfiguration", &mut self.compromised)?;
        form.maybe("AccountTakeoverRiskConfiguration", &mut self.account_takeover)?;
        form.maybe("RiskExceptionConfiguration", &mut self.exceptions)
    }
}

impl Shape for CompromisedCredentials {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.texts("EventFilter", &mut self.event_filter)?;
        form.maybe("Actions", &mut self.actions)
    }
}

impl Shape for CompromisedActions {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("EventAction", &mut self.event_action)
    }
}

impl Shape for RiskExceptionLists {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.texts("BlockedIPRangeList", &mut self.blocked)?;
        form.texts("SkippedIPRangeList", &mut self.skipped)
    }
}

impl Shape for AccountTakeover {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.maybe("NotifyConfiguration", &mut self.notify)?;
        form.maybe("Actions", &mut self.actions)
    }
}

impl Shape for NotifyConfiguration {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.maybe_text("From", &mut self.from)?;
        form.maybe_text("ReplyTo", &mut self.reply_to)?;
        form.text("SourceArn", &mut self.source_arn)?;
        form.maybe("BlockEmail", &mut self.block)?;
        form.maybe("NoActionEmail", &mut self.no_action)?;
        form.maybe("MfaEmail", &mut self.mfa)
    }
}

impl Shape for NotifyEmail {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("Subject", &mut self.subject)?;
        form.maybe_text("HtmlBody", &mut self.html)?;
        form.maybe_text("TextBody", &mut self.text)
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
        form.maybe_text("PreventUserExistenceErrors", &mut self.prevent_user_existence_errors)?;
        self.validity.fields(form)
    }
}

impl Shape for ValiditySpec {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.maybe_whole("AuthSessionValidity", &mut self.session)?;
        form.maybe_whole("AccessTokenValidity", &mut self.access)?;
        form.maybe_whole("IdTokenValidity", &mut self.id)?;
        form.maybe_whole("RefreshTokenValidity", &mut self.refresh)?;
        form.maybe("TokenValidityUnits", &mut self.units)
    }
}

impl Shape for ValidityUnits {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.maybe_text("AccessToken", &mut self.access)?;
        form.maybe_text("IdToken", &mut self.id)?;
        form.maybe_text("RefreshToken", &mut self.refresh)
    }
}
