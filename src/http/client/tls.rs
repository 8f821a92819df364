//! TLS: which certificates the client trusts.

use std::env;
use std::io;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

/// The variable that names a file of trusted certificates instead of the system's.
const CERTIFICATE_FILE: &str = "SSL_CERT_FILE";

/// Returns the configuration of a client that trusts the system's certificates, or those that `SSL_CERT_FILE`
/// names.
///
/// # Errors
///
/// A certificate cannot be read, or there is none.
pub(super) fn config() -> io::Result<ClientConfig> {
    let loaded = rustls_native_certs::load_native_certs();
    let file = env::var_os(CERTIFICATE_FILE);
    if let (Some(file), Some(error)) = (&file, loaded.errors.first()) {
        return Err(io::Error::other(format!(
            "cannot read the certificates in {CERTIFICATE_FILE} ({}): {error}",
            file.display()
        )));
    }
    let mut roots = RootCertStore::empty();
    let (valid, _) = roots.add_parsable_certificates(loaded.certs.iter().cloned());
    if valid == 0 {
        return Err(io::Error::other(match &file {
            Some(file) => format!(
                "{CERTIFICATE_FILE} ({}) contains no certificate; expected PEM, which starts with \
                    -----BEGIN CERTIFICATE-----",
                file.display()
            ),
            None => {
                format!("the system has no trusted certificates; name a file of some in {CERTIFICATE_FILE}")
            }
        }));
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let webpki = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .build()
        .map_err(io::Error::other)?;
    let listed = if file.is_some() { loaded.certs } else { Vec::new() };
    let verifier = Verifier { webpki, listed, provider: Arc::clone(&provider) };
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = versions.map_err(io::Error::other)?.dangerous();
    Ok(builder.with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

/// Verifies certificates as usual. It also accepts a server's own certificate with CA:TRUE, as OpenSSL makes
/// them by default, if the file of trusted certificates contains this very certificate.
#[derive(Debug)]
struct Verifier {
    webpki: Arc<WebPkiServerVerifier>,
    listed: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified =
            self.webpki.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verified {
            // webpki checks the dates before it finds this.
            Err(rustls::Error::InvalidCertificate(CertificateError::Other(error)))
                if error.to_string().contains("CaUsedAsEndEntity") && self.listed.contains(end_entity) =>
            {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.webpki.supported_verify_schemes()
    }
}
