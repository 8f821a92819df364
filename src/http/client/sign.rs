//! AWS Signature Version 4 for administrators' requests.

use std::time::SystemTime;

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;

use super::{Credentials, EndpointUrl};
use crate::failure::FailureCause;
use crate::http::codec::{CONTENT_TYPE, TARGET_PREFIX};
use crate::target::TransportError;
use poolproof_cognito::time::Timestamp;

/// Signs requests to one endpoint.
pub(super) struct Signer {
    identity: Option<aws_credential_types::Credentials>,
    region: String,
    host: String,
    uri: String,
}

impl Signer {
    pub(super) fn new(credentials: Option<Credentials>, address: &EndpointUrl) -> Self {
        let region = credentials.as_ref().and_then(|credentials| credentials.region.clone());
        let identity = credentials.map(|one| {
            aws_credential_types::Credentials::new(one.key_id, one.secret, one.token, None, "poolproof")
        });
        Self {
            identity,
            region: address.region().map(str::to_owned).or(region).unwrap_or_else(|| "us-east-1".to_owned()),
            host: address.host_header(),
            uri: address.uri().to_string(),
        }
    }

    /// Returns the headers that sign a request for this operation.
    pub(super) fn sign(
        &self,
        now: Timestamp,
        operation: &str,
        body: &[u8],
    ) -> Result<Vec<(&'static str, String)>, TransportError> {
        let Some(credentials) = &self.identity else {
            return Err(unsigned(format!("{operation} must be signed, and no AWS credentials were found")));
        };
        let target = format!("{TARGET_PREFIX}{operation}");
        let time: SystemTime = now.as_system_time();
        let identity = credentials.clone().into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("cognito-idp")
            .time(time)
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| unsigned(error.to_string()))?
            .into();
        let headers =
            [("host", self.host.as_str()), ("content-type", CONTENT_TYPE), ("x-amz-target", target.as_str())];
        let request = SignableRequest::new("POST", &self.uri, headers.into_iter(), SignableBody::Bytes(body));
        let signed = request.and_then(|request| sign(request, &params));
        let (instructions, _) = signed.map_err(|error| unsigned(error.to_string()))?.into_parts();
        let (headers, _) = instructions.into_parts();
        Ok(headers.into_iter().map(|header| (header.name(), header.value().to_owned())).collect())
    }
}

/// Returns the error of a request that cannot be signed, so that it is not sent.
fn unsigned(why: String) -> TransportError {
    TransportError::new(FailureCause::Unreachable, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_signed_for_its_host_and_target_and_time() {
        let address = EndpointUrl::parse("https://cognito-idp.eu-west-1.amazonaws.com").unwrap();
        let signer = |secret: &str| {
            let credentials = Credentials {
                key_id: "AKIDEXAMPLE".to_owned(),
                secret: secret.to_owned(),
                token: Some("a-token".to_owned()),
                region: None,
            };
            Signer::new(Some(credentials), &address)
        };
        let signed = |secret: &str, operation: &str, body: &[u8]| {
            signer(secret).sign(Timestamp::VIRTUAL_START, operation, body).unwrap()
        };
        let headers = signed("secret", "ListUsers", b"{}");
        let header =
            |name: &str| headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str());
        assert_eq!(header("x-amz-date"), Some("20260101T000000Z"));
        assert_eq!(header("x-amz-security-token"), Some("a-token"));
        let authorization = header("authorization").unwrap();
        let scope = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/eu-west-1/cognito-idp/aws4_request, \
                     SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature=";
        assert!(authorization.starts_with(scope), "{authorization}");
        for (secret, operation, body) in
            [("other", "ListUsers", "{}"), ("secret", "AdminGetUser", "{}"), ("secret", "ListUsers", "{ }")]
        {
            assert_ne!(signed(secret, operation, body.as_bytes()), headers);
        }
        let explicit_port = EndpointUrl::parse("https://cognito-idp.eu-west-1.amazonaws.com:443/").unwrap();
        let explicit_port = Signer {
            host: explicit_port.host_header(),
            uri: explicit_port.uri().to_string(),
            ..signer("secret")
        };
        assert_eq!(
            explicit_port.sign(Timestamp::VIRTUAL_START, "ListUsers", b"{}").unwrap(),
            headers,
            "a port that goes without saying"
        );
        let unsigned = Signer::new(None, &address).sign(Timestamp::VIRTUAL_START, "ListUsers", b"{}");
        let TransportError { why, .. } = unsigned.unwrap_err();
        assert_eq!(why, "ListUsers must be signed, and no AWS credentials were found");
    }
}
