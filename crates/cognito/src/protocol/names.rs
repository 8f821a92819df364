//! The words of the protocol: challenges, parameter keys, statuses and sign-in steps.

use serde::{Deserialize, Serialize};

use crate::policy::string_enums;

/// Keys of `AuthParameters`, `ChallengeParameters` and `ChallengeResponses`.
#[allow(missing_docs, reason = "the name of each constant is its key")]
pub mod keys {
    pub const USERNAME: &str = "USERNAME";
    pub const SRP_A: &str = "SRP_A";
    pub const SRP_B: &str = "SRP_B";
    pub const SALT: &str = "SALT";
    pub const SECRET_BLOCK: &str = "SECRET_BLOCK";
    pub const USER_ID_FOR_SRP: &str = "USER_ID_FOR_SRP";
    pub const DEVICE_KEY: &str = "DEVICE_KEY";
    pub const PASSWORD_CLAIM_SECRET_BLOCK: &str = "PASSWORD_CLAIM_SECRET_BLOCK";
    pub const PASSWORD_CLAIM_SIGNATURE: &str = "PASSWORD_CLAIM_SIGNATURE";
    pub const TIMESTAMP: &str = "TIMESTAMP";
    pub const SMS_MFA_CODE: &str = "SMS_MFA_CODE";
    pub const SOFTWARE_TOKEN_MFA_CODE: &str = "SOFTWARE_TOKEN_MFA_CODE";
    pub const EMAIL_OTP_CODE: &str = "EMAIL_OTP_CODE";
    pub const SMS_OTP_CODE: &str = "SMS_OTP_CODE";
    pub const PREFERRED_CHALLENGE: &str = "PREFERRED_CHALLENGE";
    pub const CHALLENGE_NAME: &str = "CHALLENGE_NAME";
    pub const PASSWORD: &str = "PASSWORD";
    pub const NEW_PASSWORD: &str = "NEW_PASSWORD";
    pub const SECRET_HASH: &str = "SECRET_HASH";
    pub const REFRESH_TOKEN: &str = "REFRESH_TOKEN";
    pub const ANSWER: &str = "ANSWER";
    pub const MFAS_CAN_CHOOSE: &str = "MFAS_CAN_CHOOSE";
    pub const MFAS_CAN_SETUP: &str = "MFAS_CAN_SETUP";
    pub const CODE_DELIVERY_DELIVERY_MEDIUM: &str = "CODE_DELIVERY_DELIVERY_MEDIUM";
    pub const CODE_DELIVERY_DESTINATION: &str = "CODE_DELIVERY_DESTINATION";
    pub const FRIENDLY_DEVICE_NAME: &str = "FRIENDLY_DEVICE_NAME";
}

/// Declares an enumeration and the text of each variant.
macro_rules! string_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        pub enum $name { $($(#[$variant_doc])* #[serde(rename = $text)] $variant,)* }

        impl $name {
            /// All variants, in declaration order.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];
        }

        string_enums! { $name { $($variant = $text,)* } }
    };
}

string_enum! {
    /// The challenges of a pool (`ChallengeNameType`).
    ChallengeName {
        /// Prove the password by SRP.
        PasswordVerifier = "PASSWORD_VERIFIER",
        /// Enter the code sent to the phone.
        SmsMfa = "SMS_MFA",
        /// Enter the code from the authenticator app.
        SoftwareTokenMfa = "SOFTWARE_TOKEN_MFA",
        /// Enter the code sent by e-mail.
        EmailOtp = "EMAIL_OTP",
        /// Choose one of several second factors.
        SelectMfaType = "SELECT_MFA_TYPE",
        /// Set up a second factor.
        MfaSetup = "MFA_SETUP",
        /// Replace the temporary password.
        NewPasswordRequired = "NEW_PASSWORD_REQUIRED",
        /// Start the device proof: send `SRP_A`.
        DeviceSrpAuth = "DEVICE_SRP_AUTH",
        /// Prove the device secret by SRP.
        DevicePasswordVerifier = "DEVICE_PASSWORD_VERIFIER",
        /// Choose the first factor (`USER_AUTH`).
        SelectChallenge = "SELECT_CHALLENGE",
        /// Send the password (`USER_AUTH`).
        Password = "PASSWORD",
        /// Start the proof of the password: send `SRP_A` (`USER_AUTH`).
        PasswordSrp = "PASSWORD_SRP",
        /// Enter the code sent to the phone as the first factor (`USER_AUTH`).
        SmsOtp = "SMS_OTP",
        /// Use a passkey (`USER_AUTH`). Not simulated.
        WebAuthn = "WEB_AUTHN",
        /// Answer a challenge of the pool's triggers (`CUSTOM_AUTH`).
        CustomChallenge = "CUSTOM_CHALLENGE",
    }
}

string_enum! {
    /// Whether a device replaces the second factor (`DeviceRememberedStatusType`).
    DeviceStatus {
        /// The device is trusted.
        Remembered = "remembered",
        /// The device is known but not trusted.
        NotRemembered = "not_remembered",
    }
}

string_enum! {
    /// The steps of a sign-in and of later requests, by which latency is reported.
    SignInStep {
        /// `InitiateAuth`.
        InitiateAuth = "INITIATE_AUTH",
        /// The choice of the first factor (`USER_AUTH`).
        SelectChallenge = "SELECT_CHALLENGE",
        /// The password claim.
        PasswordVerifier = "PASSWORD_VERIFIER",
        /// The answer to a custom challenge (`CUSTOM_AUTH`).
        CustomChallenge = "CUSTOM_CHALLENGE",
        /// Selection, setup and response of a second factor, and a code as the first factor, without the
        /// user's input time.
        Mfa = "MFA",
        /// The device's public value.
        DeviceSrpAuth = "DEVICE_SRP_AUTH",
        /// The device claim.
        DevicePasswordVerifier = "DEVICE_PASSWORD_VERIFIER",
        /// `ConfirmDevice`.
        ConfirmDevice = "CONFIRM_DEVICE",
        /// `UpdateDeviceStatus` and its administrator variant.
        UpdateDeviceStatus = "UPDATE_DEVICE_STATUS",
        /// `GetDevice`, `ListDevices` and their administrator variants.
        ReadDevices = "READ_DEVICES",
        /// `ForgetDevice` and `AdminForgetDevice`.
        ForgetDevice = "FORGET_DEVICE",
        /// Exchange of a refresh token for new tokens.
        RefreshTokens = "REFRESH_TOKENS",
        /// `RevokeToken` and `GlobalSignOut`.
        SignOut = "SIGN_OUT",
    }
}
