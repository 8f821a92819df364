//! The shapes of responses. Responses about pools and clients are written from descriptions, and read back as
//! far as they have the data.

use super::form::{Form, Outcome, Shape};
use super::manage::mfa_settings;
use poolproof_cognito::ids::Session;
use poolproof_cognito::protocol::{
    AddOns, AuthenticationResult, ChallengeName, ClientDescription, CodeDelivery, DeviceConfiguration,
    DeviceDescription, MfaConfig, NewDeviceMetadata, Parameters, Policies, RiskConfiguration,
    UserDescription,
};
use poolproof_cognito::time::Timestamp;

/// The response of `InitiateAuth` and of the later steps of a sign-in.
#[derive(Default)]
pub(super) struct Auth {
    pub(super) challenge: Option<String>,
    pub(super) session: Option<Session>,
    pub(super) parameters: Parameters,
    pub(super) result: Option<AuthenticationResult>,
}

impl Shape for Auth {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.maybe_text("ChallengeName", &mut self.challenge)?;
        form.maybe_name("Session", &mut self.session)?;
        form.all_parameters("ChallengeParameters", &mut self.parameters)?;
        form.maybe("AuthenticationResult", &mut self.result)
    }
}

impl Shape for AuthenticationResult {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.name("AccessToken", &mut self.access_token)?;
        form.text_or_empty("IdToken", &mut self.id_token)?;
        form.maybe_text("RefreshToken", &mut self.refresh_token)?;
        form.whole("ExpiresIn", &mut self.expires_in_s)?;
        form.word("TokenType", &["Bearer"], &mut "Bearer")?;
        form.maybe("NewDeviceMetadata", &mut self.new_device)
    }
}

impl Shape for NewDeviceMetadata {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.name("DeviceKey", &mut self.device_key)?;
        form.name("DeviceGroupKey", &mut self.device_group_key)
    }
}

/// The response of `AssociateSoftwareToken`, inside or outside a sign-in.
#[derive(Default)]
pub(super) struct SecretCode {
    pub(super) secret_code: String,
    pub(super) session: Option<Session>,
}

impl Shape for SecretCode {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("SecretCode", &mut self.secret_code)?;
        form.maybe_name("Session", &mut self.session)
    }
}

/// The response of `VerifySoftwareToken`, inside or outside a sign-in.
#[derive(Default)]
pub(super) struct Verified {
    pub(super) status: String,
    pub(super) session: Option<Session>,
}

impl Shape for Verified {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("Status", &mut self.status)?;
        form.maybe_name("Session", &mut self.session)
    }
}

/// The response of `ConfirmDevice`.
#[derive(Default)]
pub(super) struct Confirmed(pub(super) bool);

impl Shape for Confirmed {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.flag("UserConfirmationNecessary", &mut self.0)
    }
}

/// Declares a response that consists of one structure under a key.
macro_rules! wrapped {
    ($($name:ident($inner:ty) = $key:literal;)*) => {$(
        #[derive(Default)]
        pub(super) struct $name(pub(super) Option<$inner>);

        impl Shape for $name {
            fn fields(&mut self, form: &mut impl Form) -> Outcome {
                form.maybe($key, &mut self.0)
            }
        }
    )*};
}

wrapped! {
    OneDevice(DeviceDescription) = "Device";
    OneUser(Listed) = "User";
    OnePool(Pool) = "UserPool";
    OneClient(ClientDescription) = "UserPoolClient";
    Risk(RiskConfiguration) = "RiskConfiguration";
}

/// Declares a page of a list.
macro_rules! paged {
    ($($name:ident($inner:ty) = $key:literal, $token:literal;)*) => {$(
        #[derive(Default)]
        pub(super) struct $name {
            pub(super) list: Vec<$inner>,
            pub(super) token: Option<String>,
        }

        impl Shape for $name {
            fn fields(&mut self, form: &mut impl Form) -> Outcome {
                form.list($key, &mut self.list)?;
                form.maybe_text($token, &mut self.token)
            }
        }
    )*};
}

paged! {
    Devices(DeviceDescription) = "Devices", "PaginationToken";
    Users(Listed) = "Users", "PaginationToken";
    Pools(ListedPool) = "UserPools", "NextToken";
    Clients(ListedClient) = "UserPoolClients", "NextToken";
}

/// Names of device attributes. Attributes with other names are ignored on reading.
const DEVICE_ATTRIBUTES: [&str; 6] = [
    "device_status",
    "device_name",
    "last_ip_used",
    "dev:device_arn",
    "dev:device_owner",
    "dev:device_remembered_status",
];

impl Shape for DeviceDescription {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.name("DeviceKey", &mut self.device_key)?;
        let told = self.attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let mut told: Vec<(String, String)> = told.collect();
        form.all_attributes("DeviceAttributes", &mut told)?;
        let known = |name: &str| DEVICE_ATTRIBUTES.into_iter().find(|known| *known == name);
        self.attributes = told.into_iter().filter_map(|(name, value)| Some((known(&name)?, value))).collect();
        form.date("DeviceCreateDate", &mut self.created)?;
        form.date("DeviceLastModifiedDate", &mut self.modified)?;
        form.date("DeviceLastAuthenticatedDate", &mut self.authenticated)
    }
}

/// The values of `UserStatus`; unknown values are read as the last one.
const STATUSES: [&str; 7] = [
    "CONFIRMED",
    "UNCONFIRMED",
    "FORCE_CHANGE_PASSWORD",
    "RESET_REQUIRED",
    "ARCHIVED",
    "EXTERNAL_PROVIDER",
    "UNKNOWN",
];

/// A user in the lists of administrators.
#[derive(Default)]
pub(super) struct Listed(pub(super) UserDescription);

impl Shape for Listed {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.name("Username", &mut self.0.username)?;
        form.all_attributes("Attributes", &mut self.0.attributes)?;
        standing(&mut self.0, form)
    }
}

/// A user in the response of `AdminGetUser`.
#[derive(Default)]
pub(super) struct User(pub(super) UserDescription);

impl Shape for User {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        Profile::shown(&mut self.0, form)?;
        standing(&mut self.0, form)
    }
}

/// A user in the response of `GetUser`, which has fewer fields.
#[derive(Default)]
pub(super) struct Profile(pub(super) UserDescription);

impl Profile {
    fn shown(user: &mut UserDescription, form: &mut impl Form) -> Outcome {
        form.name("Username", &mut user.username)?;
        form.all_attributes("UserAttributes", &mut user.attributes)?;
        let mut factors: Vec<String> = user.factors.iter().map(ToString::to_string).collect();
        form.texts("UserMFASettingList", &mut factors)?;
        user.factors = factors.iter().filter_map(|factor| factor.parse().ok()).collect();
        let mut preferred = user.preferred.map(|factor: ChallengeName| factor.to_string());
        form.maybe_text("PreferredMfaSetting", &mut preferred)?;
        user.preferred = preferred.and_then(|factor| factor.parse().ok());
        Ok(())
    }
}

impl Shape for Profile {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        Self::shown(&mut self.0, form)
    }
}

fn standing(user: &mut UserDescription, form: &mut impl Form) -> Outcome {
    form.date("UserCreateDate", &mut user.created)?;
    form.date("UserLastModifiedDate", &mut user.modified)?;
    form.flag("Enabled", &mut user.enabled)?;
    form.word("UserStatus", &STATUSES, &mut user.status)
}

/// The response of `SignUp`.
#[derive(Default)]
pub(super) struct SignedUp {
    pub(super) confirmed: bool,
    pub(super) sub: poolproof_cognito::ids::Sub,
    pub(super) delivery: Option<CodeDelivery>,
}

impl Shape for SignedUp {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.flag("UserConfirmed", &mut self.confirmed)?;
        form.name("UserSub", &mut self.sub)?;
        form.maybe("CodeDeliveryDetails", &mut self.delivery)
    }
}

impl Shape for CodeDelivery {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text_or_empty("Destination", &mut self.destination)?;
        form.word("DeliveryMedium", &["SMS", "EMAIL", "UNKNOWN"], &mut self.medium)?;
        form.word("AttributeName", &["phone_number", "email", "unknown"], &mut self.attribute)
    }
}

/// `UserPoolType`.
#[derive(Default)]
pub(super) struct Pool {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) created: Timestamp,
    pub(super) modified: Timestamp,
    pub(super) users: u32,
    pub(super) mfa: Option<String>,
    pub(super) devices: Option<DeviceConfiguration>,
    pub(super) add_ons: Option<AddOns>,
    pub(super) policies: Option<Policies>,
}

impl Shape for Pool {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("Id", &mut self.id)?;
        form.text_or_empty("Name", &mut self.name)?;
        form.text_or_empty("Arn", &mut self.arn)?;
        form.date("CreationDate", &mut self.created)?;
        form.date("LastModifiedDate", &mut self.modified)?;
        form.whole("EstimatedNumberOfUsers", &mut self.users)?;
        form.maybe_text("MfaConfiguration", &mut self.mfa)?;
        form.maybe("DeviceConfiguration", &mut self.devices)?;
        form.maybe("UserPoolAddOns", &mut self.add_ons)?;
        form.maybe("Policies", &mut self.policies)
    }
}

/// `UserPoolDescriptionType`.
#[derive(Default)]
pub(super) struct ListedPool {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) created: Timestamp,
    pub(super) modified: Timestamp,
}

impl Shape for ListedPool {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text("Id", &mut self.id)?;
        form.text_or_empty("Name", &mut self.name)?;
        form.date("CreationDate", &mut self.created)?;
        form.date("LastModifiedDate", &mut self.modified)
    }
}

/// The response of `SetUserPoolMfaConfig` and `GetUserPoolMfaConfig`.
#[derive(Default)]
pub(super) struct Mfa(pub(super) MfaConfig);

impl Shape for Mfa {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        mfa_settings(&mut self.0, form)
    }
}

impl Shape for ClientDescription {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text_or_empty("UserPoolId", &mut self.user_pool_id)?;
        form.text("ClientId", &mut self.client_id)?;
        form.text_or_empty("ClientName", &mut self.name)?;
        form.maybe_text("ClientSecret", &mut self.secret)?;
        form.all_texts("ExplicitAuthFlows", &mut self.auth_flows)?;
        let mut hides = if self.prevents_user_existence_errors { "ENABLED" } else { "LEGACY" };
        form.word("PreventUserExistenceErrors", &["ENABLED", "LEGACY"], &mut hides)?;
        self.prevents_user_existence_errors = hides == "ENABLED";
        form.flag("EnableTokenRevocation", &mut true)?;
        self.validity.fields(form)?;
        form.date("CreationDate", &mut self.created)?;
        form.date("LastModifiedDate", &mut self.modified)
    }
}

/// `UserPoolClientDescription`.
#[derive(Default)]
pub(super) struct ListedClient(pub(super) ClientDescription);

impl Shape for ListedClient {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        form.text_or_empty("UserPoolId", &mut self.0.user_pool_id)?;
        form.text("ClientId", &mut self.0.client_id)?;
        form.text_or_empty("ClientName", &mut self.0.name)
    }
}
