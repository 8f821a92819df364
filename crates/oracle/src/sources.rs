//! The public texts that rules and switches rest on.
//!
//! The date is the day on which a text was written. Pages of AWS change without a date: for these it is the
//! day on which they were read.

/// A public text that a rule or a switch rests on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Source {
    /// Its title.
    pub title: &'static str,
    /// Its address.
    pub address: &'static str,
    /// The day on which it was written, or read if it is a page that changes, as in `2026-11-30`.
    pub date: &'static str,
}

macro_rules! sources {
    ($($name:ident: $title:literal, $address:expr, $date:literal;)*) => {$(
        pub(super) const $name: Source = Source { title: $title, address: $address, date: $date };
    )*};
}

macro_rules! guide {
    ($page:literal) => {
        concat!("https://docs.aws.amazon.com/cognito/latest/developerguide/", $page)
    };
}

macro_rules! api {
    ($page:literal) => {
        concat!(
            "https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_",
            $page,
            ".html"
        )
    };
}

macro_rules! archive {
    ($page:literal) => {
        concat!(
            "https://github.com/awsdocs/amazon-cognito-developer-guide/blob/85b058f5b3d0454507340693252862e857575cc2/\
             doc_source/",
            $page
        )
    };
}

macro_rules! github {
    ($thread:literal) => {
        concat!("https://github.com/", $thread)
    };
}

// Today's pages of AWS.
sources! {
    DEVICES: "Working with user devices in your user pool (Cognito developer guide)",
        guide!("amazon-cognito-user-pools-device-tracking.html"), "2026-11-30";
    MFA: "Adding MFA to a user pool (Cognito developer guide)",
        guide!("user-pool-settings-mfa.html"), "2026-11-30";
    ADAPTIVE: "Working with adaptive authentication (Cognito developer guide)",
        guide!("cognito-user-pool-settings-adaptive-authentication.html"), "2026-11-30";
    COMPROMISED: "Working with compromised-credentials detection (Cognito developer guide)",
        guide!("cognito-user-pool-settings-compromised-credentials.html"), "2026-11-30";
    LOCKOUT: "Lockout behavior for failed sign-in attempts (Cognito developer guide)",
        guide!("authentication.html#authentication-flow-lockout-behavior"), "2026-11-30";
    REVOCATION: "Ending user sessions with token revocation (Cognito developer guide)",
        guide!("token-revocation.html"), "2026-11-30";
    REFRESH_TOKENS: "Refresh tokens (Cognito developer guide)",
        guide!("amazon-cognito-user-pools-using-the-refresh-token.html"), "2026-11-30";
    API_TAKEOVER_ACTION: "AccountTakeoverActionType (Cognito user pools API reference)",
        api!("AccountTakeoverActionType"), "2026-11-30";
    API_EMAIL_MFA: "EmailMfaSettingsType (Cognito user pools API reference)",
        api!("EmailMfaSettingsType"), "2026-11-30";
    API_RISK_EXCEPTION: "RiskExceptionConfigurationType (Cognito user pools API reference)",
        api!("RiskExceptionConfigurationType"), "2026-11-30";
    API_REVOKE_TOKEN: "RevokeToken (Cognito user pools API reference)",
        api!("RevokeToken"), "2026-11-30";
    API_GLOBAL_SIGN_OUT: "GlobalSignOut (Cognito user pools API reference)",
        api!("GlobalSignOut"), "2026-11-30";
    API_REFRESH: "GetTokensFromRefreshToken (Cognito user pools API reference)",
        api!("GetTokensFromRefreshToken"), "2026-11-30";
    CUSTOM_AUTH: "Custom authentication challenge Lambda triggers (Cognito developer guide)",
        guide!("user-pool-lambda-challenge.html"), "2026-11-30";
    API_SIGN_IN_POLICY: "SignInPolicyType (Cognito user pools API reference)",
        api!("SignInPolicyType"), "2026-11-30";
    API_INITIATE_AUTH: "InitiateAuth (Cognito user pools API reference)",
        api!("InitiateAuth"), "2026-11-30";
    AMPLIFY_DEVICES: "Device features (Amplify documentation)",
        "https://docs.amplify.aws/gen1/swift/sdk/auth/device-features", "2026-11-30";
    BLOG: "Tracking and Remembering Devices Using Amazon Cognito Your User Pools (AWS blog)",
        "https://aws.amazon.com/blogs/mobile/tracking-and-remembering-devices-using-amazon-cognito-your-user-pools/",
        "2026-11-30";
}

// Pages of AWS in the archive of the developer guide, whose texts AWS has replaced since.
sources! {
    ARCHIVED_DEVICES: "Specifying user pool device tracking settings (archived developer guide)",
        archive!("amazon-cognito-user-pools-device-tracking.md"), "2023-06-15";
    ARCHIVED_SECURITY: "Adding advanced security to a user pool (archived developer guide)",
        archive!("cognito-user-pool-settings-advanced-security.md"), "2023-06-15";
}

// Reports of others who use Cognito, and the code of clients.
sources! {
    AMPLIFY_932: "amplify-js #932: Setting device as remembered does not suppress MFA challenge",
        github!("aws-amplify/amplify-js/issues/932"), "2018-05-28";
    AMPLIFY_2705: "amplify-js #2705: \"Invalid device key given\" for CUSTOM_AUTH flow",
        github!("aws-amplify/amplify-js/issues/2705"), "2019-02-14";
    AMPLIFY_3876: "amplify-js #3876: \"Define auth challenge\" is not invoked for users with enabled MFA",
        github!("aws-amplify/amplify-js/issues/3876"), "2019-08-20";
    AMPLIFY_14909: "amplify-js #14909: NewDeviceMetadata not returned when using a CUSTOM_AUTH flow",
        github!("aws-amplify/amplify-js/issues/14909"), "2026-08-20";
    FLUTTER_3541: "amplify-flutter #3541: crash if challengeName is DEVICE_PASSWORD_VERIFIER in custom auth",
        github!("aws-amplify/amplify-flutter/issues/3541"), "2023-08-10";
    AMPLIFY_2962: "amplify-js #2962: Bug in amazon-cognito-identify-js",
        github!("aws-amplify/amplify-js/issues/2962"), "2019-04-19";
    AMPLIFY_4174: "amplify-js #4174: Enabling MFA in code and then remembering the device does not suppress MFA",
        github!("aws-amplify/amplify-js/issues/4174"), "2019-10-12";
    AMPLIFY_4890: "amplify-js #4890: PasswordResetRequiredException not handled in the authenticator",
        github!("aws-amplify/amplify-js/issues/4890"), "2020-02-11";
    AMPLIFY_8977: "amplify-js #8977: Setting device as remembered does not suppress MFA challenge",
        github!("aws-amplify/amplify-js/issues/8977"), "2021-10-01";
    AMPLIFY_14622: "amplify-js #14622: Device not being tracked",
        github!("aws-amplify/amplify-js/issues/14622"), "2025-11-10";
    AMPLIFY_14349: "amplify-js #14349: Unable to suppress MFA for remembered devices (the date is that of reading)",
        github!("aws-amplify/amplify-js/issues/14349"), "2026-11-30";
    AMPLIFY_14626: "amplify-js pull request 14626: device tracking for MFA",
        github!("aws-amplify/amplify-js/pull/14626"), "2025-11-14";
    AMPLIFY_DOCS_2093: "Amplify docs #2093: TOTP Setup doesn't work if Cognito Pool has remember devices",
        github!("aws-amplify/docs/issues/2093"), "2020-07-10";
    ANDROID_2506: "amplify-android #2506: \"Invalid Refresh Token\" while device tracking is on",
        github!("aws-amplify/amplify-android/issues/2506"), "2023-07-21";
    ANDROID_2603: "amplify-android #2603: forgetDevice(id) on remembered device locks that device from signing in",
        github!("aws-amplify/amplify-android/issues/2603"), "2023-10-06";
    ANDROID_3289: "amplify-android pull request 3289: send DEVICE_KEY for MFA challenges",
        github!("aws-amplify/amplify-android/pull/3289"), "2026-04-17";
    ANDROID_3394: "amplify-android #3394: Signed out after app upgrade",
        github!("aws-amplify/amplify-android/issues/3394"), "2026-08-24";
    SWIFT_4207: "amplify-swift #4207: SDK returns \"Invalid Refresh Token\" error after ID Token expiration",
        github!("aws-amplify/amplify-swift/issues/4207"), "2026-05-05";
    CPP_851: "aws-sdk-cpp #851: with device tracking ON, session refresh fails with \"Invalid Refresh Token\"",
        github!("aws/aws-sdk-cpp/issues/851"), "2018-04-24";
    JAVA_2841: "aws-sdk-java #2841: with device tracking ON, session refresh fails with \"Invalid Refresh Token\"",
        github!("aws/aws-sdk-java/issues/2841"), "2022-09-08";
    NET_10: "aws-sdk-net-extensions-cognito #10: How to add device to cognito user?",
        github!("aws/aws-sdk-net-extensions-cognito/issues/10"), "2018-08-31";
    NET_73: "aws-sdk-net-extensions-cognito #73: DEVICE_PASSWORD_VERIFIER - Incorrect username or password",
        github!("aws/aws-sdk-net-extensions-cognito/issues/73"), "2025-05-23";
    DART_62: "amazon-cognito-identity-dart pull request 62: DEVICE_PASSWORD_VERIFIER for remembered device fails",
        github!("jonsaw/amazon-cognito-identity-dart/pull/62"), "2019-10-25";
    IDENTITY_200: "amazon-cognito-identity-js #200: Cannot authenticate user when device has been forgotten",
        github!("amazon-archives/amazon-cognito-identity-js/issues/200"), "2016-11-04";
    IDENTITY_206: "amazon-cognito-identity-js pull request 206: Retry PASSWORD_VERIFIER if device has been forgotten",
        github!("amazon-archives/amazon-cognito-identity-js/pull/206"), "2016-11-07";
    IDENTITY_506: "amazon-cognito-identity-js #506: Account lock out functionality",
        github!("amazon-archives/amazon-cognito-identity-js/issues/506"), "2017-08-21";
    MINISTACK_1758: "MiniStack pull request 1758, with a table measured on a real user pool",
        github!("ministackorg/ministack/pull/1758"), "2026-09-16";
    MINISTACK: "MiniStack 1.5.33, services/cognito.py, whose comments name what was measured on AWS",
        "https://pypi.org/project/ministack/1.5.33/", "2026-10-26";
}
