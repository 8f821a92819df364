//! The AWS SDK for Rust and aws-cognito-srp sign in to a pool that poolproof serves, with remembered devices.
//!
//! Usage: poolproof-rust-client ENDPOINT HANDSHAKES

use std::collections::HashMap;
use std::error::Error;

use aws_cognito_srp::{SrpClient, TrackedDevice, UntrackedDevice, User};
use aws_sdk_cognitoidentityprovider::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_cognitoidentityprovider::operation::respond_to_auth_challenge::RespondToAuthChallengeOutput;
use aws_sdk_cognitoidentityprovider::types::{
    AuthFlowType, AuthenticationResultType, ChallengeNameType, DeviceConfigurationType,
    DeviceSecretVerifierConfigType,
};
use aws_sdk_cognitoidentityprovider::{Client, Config};

type Result<T> = std::result::Result<T, Box<dyn Error>>;
/// The name and value pairs of a request or a response.
type Parameters = HashMap<String, String>;

const USERNAME: &str = "ron";
const PASSWORD: &str = "Correct-Horse-1";

/// A pool that remembers all devices, and its client.
struct Pool {
    sdk: Client,
    pool_id: String,
    client_id: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(endpoint), Some(handshakes)) = (arguments.next(), arguments.next()) else {
        return Err("usage: poolproof-rust-client ENDPOINT HANDSHAKES".into());
    };
    let handshakes: u32 = handshakes.parse()?;
    let pool = Pool::create(&endpoint).await?;
    for _ in 0..handshakes {
        // Every handshake has a new device, so that salt, verifier and password differ too.
        let signed_in = pool.sign_in(None).await?;
        let device = pool.confirm_device(&signed_in).await?;
        let again = pool.sign_in(Some(&device)).await?;
        if again.new_device_metadata().is_some() {
            return Err("a known device got a new key".into());
        }
        let request = pool.sdk.forget_device().device_key(&device.key);
        request.access_token(text(again.access_token())?).send().await?;
    }
    println!("{handshakes} device handshakes");
    Ok(())
}

/// A confirmed device.
struct Device {
    key: String,
    credentials: TrackedDevice,
}

impl Pool {
    /// Creates the pool with one user.
    async fn create(endpoint: &str) -> Result<Self> {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(endpoint)
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("x", "x", None, None, "test"))
            .build();
        let sdk = Client::from_conf(config);
        let devices = DeviceConfigurationType::builder().device_only_remembered_on_user_prompt(false);
        let created =
            sdk.create_user_pool().pool_name("rust").device_configuration(devices.build()).send().await?;
        let pool_id = text(created.user_pool().and_then(|pool| pool.id()))?;
        let created = sdk.create_user_pool_client().user_pool_id(&pool_id).client_name("app").send().await?;
        let client_id = text(created.user_pool_client().and_then(|client| client.client_id()))?;
        sdk.admin_create_user().user_pool_id(&pool_id).username(USERNAME).send().await?;
        let request = sdk.admin_set_user_password().user_pool_id(&pool_id).username(USERNAME);
        request.password(PASSWORD).permanent(true).send().await?;
        Ok(Self { sdk, pool_id, client_id })
    }

    /// Signs in with the password and, if there is one, the device.
    async fn sign_in(&self, device: Option<&Device>) -> Result<AuthenticationResultType> {
        let user = SrpClient::new(User::new(&self.pool_id, USERNAME, PASSWORD), &self.client_id, None);
        let started = user.get_auth_parameters();
        let initiated = self
            .sdk
            .initiate_auth()
            .auth_flow(AuthFlowType::UserSrpAuth)
            .client_id(&self.client_id)
            .auth_parameters("USERNAME", started.username)
            .auth_parameters("SRP_A", started.a)
            .send()
            .await?;
        expect(initiated.challenge_name(), &ChallengeNameType::PasswordVerifier)?;
        let asked = initiated.challenge_parameters().cloned().unwrap_or_default();
        let proof = user.verify(
            of(&asked, "SECRET_BLOCK")?,
            of(&asked, "USER_ID_FOR_SRP")?,
            of(&asked, "SALT")?,
            of(&asked, "SRP_B")?,
        )?;
        let claim = [
            ("PASSWORD_CLAIM_SECRET_BLOCK", proof.password_claim_secret_block),
            ("PASSWORD_CLAIM_SIGNATURE", proof.password_claim_signature),
            ("TIMESTAMP", proof.timestamp),
        ];
        let answer = (initiated.session(), ChallengeNameType::PasswordVerifier, claim.to_vec());
        let verified = self.respond(answer, device).await?;
        match device {
            Some(device) => self.prove_device(verified, device).await,
            None => verified.authentication_result().cloned().ok_or_else(|| "no tokens".into()),
        }
    }

    /// Answers the two challenges of a device.
    async fn prove_device(
        &self,
        verified: RespondToAuthChallengeOutput,
        device: &Device,
    ) -> Result<AuthenticationResultType> {
        expect(verified.challenge_name(), &ChallengeNameType::DeviceSrpAuth)?;
        let client = SrpClient::new(device.credentials.clone(), &self.client_id, None);
        let started = vec![("SRP_A", client.get_auth_parameters().a)];
        let answer = (verified.session(), ChallengeNameType::DeviceSrpAuth, started);
        let response = self.respond(answer, Some(device)).await?;
        expect(response.challenge_name(), &ChallengeNameType::DevicePasswordVerifier)?;
        let asked = response.challenge_parameters().cloned().unwrap_or_default();
        let proof = client.verify(of(&asked, "SECRET_BLOCK")?, of(&asked, "SALT")?, of(&asked, "SRP_B")?)?;
        let claim = vec![
            ("PASSWORD_CLAIM_SECRET_BLOCK", proof.password_claim_secret_block),
            ("PASSWORD_CLAIM_SIGNATURE", proof.password_claim_signature),
            ("TIMESTAMP", proof.timestamp),
        ];
        let answer = (response.session(), ChallengeNameType::DevicePasswordVerifier, claim);
        let proved = self.respond(answer, Some(device)).await?;
        proved.authentication_result().cloned().ok_or_else(|| "no tokens".into())
    }

    /// Answers a challenge: its session, its name and the answers.
    async fn respond(
        &self,
        (session, challenge, answers): (Option<&str>, ChallengeNameType, Vec<(&str, String)>),
        device: Option<&Device>,
    ) -> Result<RespondToAuthChallengeOutput> {
        let mut request = self.sdk.respond_to_auth_challenge().client_id(&self.client_id);
        request = request.challenge_name(challenge).set_session(session.map(str::to_owned));
        request = request.challenge_responses("USERNAME", USERNAME);
        if let Some(device) = device {
            request = request.challenge_responses("DEVICE_KEY", &device.key);
        }
        for (name, value) in answers {
            request = request.challenge_responses(name, value);
        }
        Ok(request.send().await?)
    }

    /// Confirms the new device of a sign-in.
    async fn confirm_device(&self, signed_in: &AuthenticationResultType) -> Result<Device> {
        let metadata = signed_in.new_device_metadata().ok_or("no key for a new device")?;
        let (key, group) = (text(metadata.device_key())?, text(metadata.device_group_key())?);
        let new = UntrackedDevice::new(&self.pool_id, &group, &key);
        let client = SrpClient::new(new, &self.client_id, None);
        let made = client.get_password_verifier();
        let verifier =
            DeviceSecretVerifierConfigType::builder().password_verifier(made.verifier).salt(made.salt);
        let request = self.sdk.confirm_device().access_token(text(signed_in.access_token())?);
        request.device_key(&key).device_secret_verifier_config(verifier.build()).send().await?;
        Ok(Device { key, credentials: client.take_credentials().into_tracked(&made.password) })
    }
}

fn expect(actual: Option<&ChallengeNameType>, expected: &ChallengeNameType) -> Result<()> {
    if actual == Some(expected) {
        return Ok(());
    }
    Err(format!("the challenge is {actual:?}, expected {expected:?}").into())
}

fn of<'p>(parameters: &'p Parameters, name: &str) -> Result<&'p str> {
    Ok(parameters.get(name).ok_or_else(|| format!("the challenge has no {name}"))?)
}

fn text(value: Option<&str>) -> Result<String> {
    Ok(value.ok_or("a field of the response is missing")?.to_owned())
}
