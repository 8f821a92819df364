//! The shapes of operations on users.

use super::form::{Form, Outcome, Shape};
use poolproof_cognito::protocol::{
    AdminCreateUser, AdminInitiateAuth, AdminRespondToAuthChallenge, AdminSetUserMfaPreference,
    AdminSetUserPassword, AdminUserCall, BearerCall, ChangePassword, ConfirmSignUp, ListUsers, MfaPreference,
    MfaPreferences, SetUserMfaPreference, SignUp, VerifyOwnSoftwareToken,
};

impl Shape for AdminCreateUser {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("UserPoolId", &mut self.user_pool_id)?;
        form.text("Username", &mut self.username)?;
        form.attributes("UserAttributes", &mut self.attributes)?;
        form.maybe_text("TemporaryPassword", &mut self.temporary_password)?;
        form.maybe_text("MessageAction", &mut self.message_action)
    }
}

impl Shape for AdminSetUserPassword {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("UserPoolId", &mut self.user_pool_id)?;
        form.text("Username", &mut self.username)?;
        form.text("Password", &mut self.password)?;
        form.maybe_flag("Permanent", &mut self.permanent)
    }
}

impl Shape for AdminUserCall {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("UserPoolId", &mut self.user_pool_id)?;
        form.text("Username", &mut self.username)
    }
}

impl Shape for BearerCall {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("AccessToken", &mut self.access_token)
    }
}

impl Shape for MfaPreference {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.maybe_flag("Enabled", &mut self.enabled)?;
        form.maybe_flag("PreferredMfa", &mut self.preferred)
    }
}

/// The request has the three keys at its top level.
fn preferences(preferences: &mut MfaPreferences, form: &mut impl Form) -> Outcome {
    form.maybe("SMSMfaSettings", &mut preferences.sms)?;
    form.maybe("SoftwareTokenMfaSettings", &mut preferences.software_token)?;
    form.maybe("EmailMfaSettings", &mut preferences.email)
}

impl Shape for AdminSetUserMfaPreference {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("UserPoolId", &mut self.user_pool_id)?;
        form.text("Username", &mut self.username)?;
        preferences(&mut self.preferences, form)
    }
}

impl Shape for SetUserMfaPreference {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("AccessToken", &mut self.access_token)?;
        preferences(&mut self.preferences, form)
    }
}

impl Shape for SignUp {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("ClientId", &mut self.client_id)?;
        form.maybe_text("SecretHash", &mut self.secret_hash)?;
        form.text("Username", &mut self.username)?;
        form.maybe_text("Password", &mut self.password)?;
        form.attributes("UserAttributes", &mut self.attributes)
    }
}

impl Shape for ConfirmSignUp {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("ClientId", &mut self.client_id)?;
        form.maybe_text("SecretHash", &mut self.secret_hash)?;
        form.text("Username", &mut self.username)?;
        form.text("ConfirmationCode", &mut self.confirmation_code)
    }
}

impl Shape for ChangePassword {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("AccessToken", &mut self.access_token)?;
        form.maybe_text("PreviousPassword", &mut self.previous_password)?;
        form.text("ProposedPassword", &mut self.proposed_password)
    }
}

impl Shape for ListUsers {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("UserPoolId", &mut self.user_pool_id)?;
        form.maybe_whole("Limit", &mut self.limit)?;
        form.maybe_text("PaginationToken", &mut self.pagination_token)?;
        form.maybe_text("Filter", &mut self.filter)?;
        form.texts("AttributesToGet", &mut self.attributes_to_get)
    }
}

impl Shape for AdminInitiateAuth {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("UserPoolId", &mut self.user_pool_id)?;
        form.text("ClientId", &mut self.client_id)?;
        form.text("AuthFlow", &mut self.auth_flow)?;
        form.parameters("AuthParameters", &mut self.auth_parameters)
    }
}

impl Shape for AdminRespondToAuthChallenge {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("UserPoolId", &mut self.user_pool_id)?;
        form.text("ClientId", &mut self.client_id)?;
        form.text("ChallengeName", &mut self.challenge_name)?;
        form.maybe_text("Session", &mut self.session)?;
        form.parameters("ChallengeResponses", &mut self.challenge_responses)
    }
}

impl Shape for VerifyOwnSoftwareToken {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("AccessToken", &mut self.access_token)?;
        form.text("UserCode", &mut self.user_code)
    }
}
