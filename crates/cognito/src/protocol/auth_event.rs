//! The events of threat protection.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// `AdminListUserAuthEvents`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListUserAuthEvents {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `Username`.
    pub username: String,
    /// `MaxResults`, 0 to 60; absent or 0 means the default page size.
    pub max_results: Option<u32>,
    /// `NextToken` of the previous page.
    pub next_token: Option<String>,
}

/// `AdminUpdateAuthEventFeedback`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateAuthEventFeedback {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `Username`.
    pub username: String,
    /// `EventId`.
    pub event_id: String,
    /// `FeedbackValue`: `Valid` or `Invalid`.
    pub feedback_value: String,
}

/// `AuthEventType`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AuthEvent {
    /// `EventId`; the claim `event_id` of the sign-in's tokens.
    pub event_id: String,
    /// `EventType`: `SignIn`.
    #[serde(default)]
    pub event_type: String,
    /// `CreationDate`.
    #[serde(rename = "CreationDate", default, with = "crate::time::seconds")]
    pub created: Timestamp,
    /// `EventResponse`: `Pass`, `Fail` or `InProgress`.
    #[serde(default)]
    pub event_response: String,
    /// `EventRisk`.
    pub event_risk: Option<EventRisk>,
    /// `ChallengeResponses`.
    #[serde(default)]
    pub challenge_responses: Vec<ChallengeResponse>,
    /// `EventContextData`.
    pub event_context_data: Option<EventContextData>,
    /// `EventFeedback`.
    pub event_feedback: Option<EventFeedback>,
}

/// `EventRiskType`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct EventRisk {
    /// `RiskDecision`: `NoRisk`, `AccountTakeover` or `Block`.
    pub risk_decision: Option<String>,
    /// `RiskLevel`: `Low`, `Medium` or `High`.
    pub risk_level: Option<String>,
    /// `CompromisedCredentialsDetected`.
    pub compromised_credentials_detected: Option<bool>,
}

/// `ChallengeResponseType`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ChallengeResponse {
    /// `ChallengeName`: `Password` or `Mfa`.
    #[serde(default)]
    pub challenge_name: String,
    /// `ChallengeResponse`: `Success` or `Failure`.
    #[serde(default)]
    pub challenge_response: String,
}

/// `EventContextDataType`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct EventContextData {
    /// `IpAddress`.
    pub ip_address: Option<String>,
}

/// `EventFeedbackType`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct EventFeedback {
    /// `FeedbackValue`: `Valid` or `Invalid`.
    pub feedback_value: String,
    /// `Provider`: who gave the feedback.
    #[serde(default)]
    pub provider: String,
    /// `FeedbackDate`.
    #[serde(rename = "FeedbackDate", default, with = "crate::time::seconds")]
    pub at: Timestamp,
}
