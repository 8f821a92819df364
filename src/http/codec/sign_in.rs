//! The shapes of sign-in, devices and tokens.

use super::form::{Form, Outcome, Shape};
use poolproof_cognito::protocol::{
    AdminDeviceCall, AdminListDevices, AdminUpdateDeviceStatus, AssociateSoftwareToken, ConfirmDevice,
    DeviceCall, GetTokensFromRefreshToken, GlobalSignOut, InitiateAuth, ListDevices, RespondToAuthChallenge,
    RevokeToken, SecretVerifierConfig, UpdateDeviceStatus, VerifySoftwareToken,
};

impl Shape for InitiateAuth {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("ClientId", &mut self.client_id)?;
        form.text("AuthFlow", &mut self.auth_flow)?;
        form.parameters("AuthParameters", &mut self.auth_parameters)
    }
}

impl Shape for RespondToAuthChallenge {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("ClientId", &mut self.client_id)?;
        form.text("ChallengeName", &mut self.challenge_name)?;
        form.maybe_text("Session", &mut self.session)?;
        form.parameters("ChallengeResponses", &mut self.challenge_responses)
    }
}

impl Shape for AssociateSoftwareToken {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.maybe_text("Session", &mut self.session)
    }
}

impl Shape for VerifySoftwareToken {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.maybe_text("Session", &mut self.session)?;
        form.text("UserCode", &mut self.user_code)
    }
}

impl Shape for ConfirmDevice {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("AccessToken", &mut self.access_token)?;
        form.text("DeviceKey", &mut self.device_key)?;
        form.maybe_text("DeviceName", &mut self.device_name)?;
        form.maybe("DeviceSecretVerifierConfig", &mut self.secret_verifier)
    }
}

impl Shape for SecretVerifierConfig {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text_or_empty("PasswordVerifier", &mut self.password_verifier)?;
        form.text_or_empty("Salt", &mut self.salt)
    }
}

impl Shape for UpdateDeviceStatus {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("AccessToken", &mut self.access_token)?;
        form.text("DeviceKey", &mut self.device_key)?;
        form.maybe_text("DeviceRememberedStatus", &mut self.status)
    }
}

impl Shape for DeviceCall {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text_or_empty("AccessToken", &mut self.access_token)?;
        form.text("DeviceKey", &mut self.device_key)
    }
}

impl Shape for ListDevices {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("AccessToken", &mut self.access_token)?;
        form.maybe_whole("Limit", &mut self.limit)?;
        form.maybe_text("PaginationToken", &mut self.pagination_token)
    }
}

impl Shape for AdminDeviceCall {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("UserPoolId", &mut self.user_pool_id)?;
        form.text("Username", &mut self.username)?;
        form.text("DeviceKey", &mut self.device_key)
    }
}

impl Shape for AdminListDevices {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("UserPoolId", &mut self.user_pool_id)?;
        form.text("Username", &mut self.username)?;
        form.maybe_whole("Limit", &mut self.limit)?;
        form.maybe_text("PaginationToken", &mut self.pagination_token)
    }
}

impl Shape for AdminUpdateDeviceStatus {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("UserPoolId", &mut self.user_pool_id)?;
        form.text("Username", &mut self.username)?;
        form.text("DeviceKey", &mut self.device_key)?;
        form.maybe_text("DeviceRememberedStatus", &mut self.status)
    }
}

impl Shape for GetTokensFromRefreshToken {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("RefreshToken", &mut self.refresh_token)?;
        form.text("ClientId", &mut self.client_id)?;
        form.maybe_text("ClientSecret", &mut self.client_secret)?;
        form.maybe_text("DeviceKey", &mut self.device_key)
    }
}

impl Shape for RevokeToken {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("Token", &mut self.token)?;
        form.text("ClientId", &mut self.client_id)?;
        form.maybe_text("ClientSecret", &mut self.client_secret)
    }
}

impl Shape for GlobalSignOut {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("AccessToken", &mut self.access_token)
    }
}
