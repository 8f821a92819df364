//! The names under which the server can be reached, and the web pages that can use it.
//!
//! Every page that a browser shows can send requests to this machine. Two headers that a page cannot set say
//! whose request it is: `Origin` names the page, and `Host` the name that leads here. A page can change where
//! its own name leads (DNS rebinding), so an unknown name is refused.

use std::net::IpAddr;

use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::http::uri::Authority;
use hyper::{Method, Uri};

use super::call::target;
use super::service::Request;
use poolproof_cognito::protocol::{ApiError, ErrorKind};

/// Operations that need no AWS credentials: those of users, as pages call them. The API model marks them with
/// `authtype: none`; `tests/interop/model.py` compares.
const PUBLIC_OPERATIONS: [&str; 34] = [
    "AssociateSoftwareToken",
    "ChangePassword",
    "CompleteWebAuthnRegistration",
    "ConfirmDevice",
    "ConfirmForgotPassword",
    "ConfirmSignUp",
    "DeleteUser",
    "DeleteUserAttributes",
    "DeleteWebAuthnCredential",
    "ForgetDevice",
    "ForgotPassword",
    "GetDevice",
    "GetTokensFromRefreshToken",
    "GetUser",
    "GetUserAttributeVerificationCode",
    "GetUserAuthFactors",
    "GlobalSignOut",
    "InitiateAuth",
    "ListDevices",
    "ListUserSessions",
    "ListWebAuthnCredentials",
    "ResendConfirmationCode",
    "RespondToAuthChallenge",
    "RevokeToken",
    "RevokeUserSession",
    "SetUserMFAPreference",
    "SetUserSettings",
    "SignUp",
    "StartWebAuthnRegistration",
    "UpdateAuthEventFeedback",
    "UpdateDeviceStatus",
    "UpdateUserAttributes",
    "VerifySoftwareToken",
    "VerifyUserAttribute",
];

/// Longest part of a header in a message, in characters.
const MAX_SHOWN: usize = 128;

/// Names and origins that are allowed besides those of this machine.
#[derive(Clone, Debug, Default)]
pub struct WebAccess {
    /// Names and addresses in the `Host` header, as [`Self::parse_host`] returns them.
    pub hosts: Vec<String>,
    /// Origins of pages, as [`Self::parse_origin`] returns them.
    pub origins: Vec<String>,
}

impl WebAccess {
    /// The names and the pages of this machine only.
    pub const LOOPBACK: Self = Self { hosts: Vec::new(), origins: Vec::new() };

    /// Parses a name or an address without a port.
    ///
    /// # Errors
    ///
    /// A sentence that says what is expected.
    pub fn parse_host(text: &str) -> Result<String, String> {
        let ip: Option<IpAddr> = text.trim_matches(['[', ']']).parse().ok();
        let name = ip.map_or_else(|| text.to_owned(), host_of_ip);
        let authority = name.parse::<Authority>().ok();
        match authority.filter(|authority| authority.host() == name).and_then(|found| host(found.as_str())) {
            Some(host) if !name.contains('*') => Ok(host),
            _ => Err("expected a name or an IP address without a port, such as poolproof".to_owned()),
        }
    }

    /// Parses the origin of a page.
    ///
    /// # Errors
    ///
    /// A sentence that says what is expected.
    pub fn parse_origin(text: &str) -> Result<String, String> {
        let uri: Option<Uri> = text.strip_suffix('/').unwrap_or(text).parse().ok();
        let origin = uri.and_then(|uri| {
            let (scheme, authority) = (uri.scheme_str()?, uri.authority()?.as_str());
            let is_origin =
                uri.path_and_query().is_none_or(|path| path == "/") && !authority.contains(['@', '*']);
            let default_port = match scheme {
                "http" => ":80",
                "https" => ":443",
                _ => "",
            };
            let authority = authority.strip_suffix(default_port).unwrap_or(authority);
            is_origin.then(|| format!("{scheme}://{authority}").to_ascii_lowercase())
        });
        origin.ok_or_else(|| {
            "expected the origin of a page without a path, such as https://app.example.com:3000".to_owned()
        })
    }

    /// Checks who sends a request to the server that listens on this address. Returns the origin of a page
    /// that may read the answer, and why the request is refused, if it is.
    pub(super) fn check(&self, request: &Request, listen: IpAddr) -> (Option<HeaderValue>, Option<ApiError>) {
        let refused = |message| Some(ApiError::new(ErrorKind::NotAuthorized, message));
        let headers = request.headers();
        // A request without the header is from no browser.
        for given in headers.get_all(header::HOST) {
            if !given.to_str().ok().and_then(host).is_some_and(|host| self.allows_host(&host, listen)) {
                let given = shown(given);
                let message = format!(
                    "The server is not reachable as {given}. Use its address, or allow the name with \
                     --allow-host."
                );
                return (None, refused(message));
            }
        }
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let Some(origin) = origins.next() else { return (None, None) };
        if origins.next().is_some() || !origin.to_str().is_ok_and(|origin| self.allows_origin(origin)) {
            let origin = shown(origin);
            let message = format!(
                "Pages of the origin {origin} cannot use this server. Allow the origin with --allow-origin."
            );
            return (None, refused(message));
        }
        let refusal = closed_to_pages(request).and_then(|what| {
            refused(format!("{what} is closed to web pages, whatever their origin. Use it from a program."))
        });
        (Some(origin.clone()), refusal)
    }

    fn allows_host(&self, host: &str, listen: IpAddr) -> bool {
        let ip: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
        // Pages cannot redirect an address as they can a name, so every address is allowed here.
        let is_own =
            ip.is_some_and(|ip| listen.is_unspecified() || ip.to_canonical() == listen.to_canonical());
        is_own || is_loopback(host) || self.hosts.iter().any(|allowed| allowed == host)
    }

    fn allows_origin(&self, origin: &str) -> bool {
        let is_local_page = || {
            let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
            authority.and_then(host).is_some_and(|host| is_loopback(&host))
        };
        is_local_page() || self.origins.iter().any(|allowed| allowed == origin)
    }
}

/// Returns why a request to a server of pages is refused, if it is: it uses a name that can lead elsewhere,
/// or is from a page of another origin.
pub(super) fn foreign_sender(request: &Request, listen: IpAddr) -> Option<String> {
    let headers = request.headers();
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_ascii_lowercase();
    let hosts: Vec<String> = headers.get_all(header::HOST).iter().map(text).collect();
    let is_own =
        |given: &String| host(given).is_some_and(|host| WebAccess::LOOPBACK.allows_host(&host, listen));
    if let Some(given) = hosts.iter().find(|given| !is_own(given)) {
        return Some(format!("The server is not reachable as {}. Use its address.\n", shown_text(given)));
    }
    let is_from_here =
        |origin: &HeaderValue| hosts.first().is_some_and(|host| text(origin) == format!("http://{host}"));
    let foreign = headers.get_all(header::ORIGIN).iter().find(|origin| !is_from_here(origin))?;
    Some(format!("Pages of the origin {} cannot use this server.\n", shown(foreign)))
}

/// Allows a page of this origin to read a response.
pub(super) fn allow_origin(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
    let exposed = "x-amzn-RequestId, x-amzn-ErrorType, x-amzn-ErrorMessage, Date";
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(exposed));
}

/// Returns what a request asks for if no page may have it: an operation with AWS credentials, codes, metrics.
fn closed_to_pages(request: &Request) -> Option<String> {
    let path = request.uri().path();
    let is_page = path == "/health" || path.contains("/.well-known/");
    let is_open = match *request.method() {
        // The browser asks before it sends an operation, whose name is not known yet, or unusual headers.
        Method::OPTIONS => path == "/" || is_page,
        Method::POST if path == "/" => {
            let target = target(request.headers()).unwrap_or_default();
            return (!PUBLIC_OPERATIONS.contains(&target.as_str())).then(|| shown_text(&target));
        }
        _ => is_page,
    };
    (!is_open).then(|| shown_text(path))
}

/// Returns the host of `host:port` in lower case, without the dot that ends a complete name.
fn host(text: &str) -> Option<String> {
    let authority: Authority = text.parse().ok()?;
    let host = authority.host().to_ascii_lowercase();
    let host = host.strip_suffix('.').unwrap_or(&host);
    (!text.contains('@') && !host.is_empty()).then(|| host.to_owned())
}

/// Returns an address as it is in a URL.
fn host_of_ip(ip: IpAddr) -> String {
    if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() }
}

/// Returns whether a host is this machine, whatever a name server says: names below `localhost` are reserved
/// (RFC 6761, section 6.3).
fn is_loopback(host: &str) -> bool {
    let ip: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    let is_name = || host == "localhost" || host.ends_with(".localhost");
    ip.map_or_else(is_name, |ip| ip.to_canonical().is_loopback())
}

fn shown(value: &HeaderValue) -> String {
    shown_text(value.to_str().unwrap_or("?"))
}

fn shown_text(text: &str) -> String {
    format!("'{}'", text.chars().take(MAX_SHOWN).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn allows(access: &WebAccess, text: &str, listen: IpAddr) -> bool {
        host(text).is_some_and(|host| access.allows_host(&host, listen))
    }

    #[test]
    fn hosts_are_this_machine_the_listen_address_and_allowed_names() {
        let access = WebAccess { hosts: vec!["poolproof".to_owned()], ..WebAccess::LOOPBACK };
        for (text, allowed) in [
            ("localhost", true),
            ("LocalHost:9229", true),
            ("localhost.:80", true),
            ("app.localhost:9229", true),
            ("127.0.0.1:9229", true),
            ("127.8.9.1", true),
            ("[::1]:9229", true),
            ("[::ffff:127.0.0.1]", true),
            ("poolproof:9230", true),
            ("POOLPROOF", true),
            ("", false),
            (":9229", false),
            ("x", false),
            ("127.0.0.1.attacker.test", false),
            ("localhost.attacker.test", false),
            ("notlocalhost", false),
            ("a@localhost", false),
            ("localhost@attacker.test", false),
            ("10.0.0.1:9229", false),
            ("0.0.0.0", false),
            ("localhost/x", false),
        ] {
            assert_eq!(allows(&access, text, LOOPBACK), allowed, "{text}");
        }
        let local: IpAddr = "10.0.0.1".parse().unwrap();
        assert!(allows(&access, "10.0.0.1:1", local) && !allows(&access, "10.0.0.2:1", local));
        for every in ["0.0.0.0", "::"].map(|ip| ip.parse().unwrap()) {
            assert!(allows(&access, "10.0.0.2:1", every) && allows(&access, "[fd00::1]", every));
            assert!(!allows(&access, "attacker.test", every), "a name can lead anywhere");
        }
    }

    #[test]
    fn origins_are_local_pages_and_allowed_ones() {
        let allowed = ["https://app.example.com", "tauri://localhost"].map(str::to_owned).to_vec();
        let access = WebAccess { origins: allowed, ..WebAccess::LOOPBACK };
        for (origin, allowed) in [
            ("http://localhost:3000", true),
            ("https://localhost", true),
            ("http://127.0.0.1:5173", true),
            ("http://[::1]:5173", true),
            ("http://app.localhost", true),
            ("https://app.example.com", true),
            ("tauri://localhost", true),
            ("null", false),
            ("", false),
            ("*", false),
            ("file://", false),
            ("ftp://localhost", false),
            ("http://app.example.com", false),
            ("https://app.example.com:8443", false),
            ("https://app.example.com.attacker.test", false),
            ("http://localhost.attacker.test", false),
            ("http://localhost:3000@attacker.test", false),
            ("http://attacker.test", false),
        ] {
            assert_eq!(access.allows_origin(origin), allowed, "{origin}");
        }
    }

    #[test]
    fn allowed_names_are_parsed() {
        let host = |text| WebAccess::parse_host(text).ok();
        assert_eq!(host("PoolProof").as_deref(), Some("poolproof"));
        assert_eq!(host("192.168.1.2").as_deref(), Some("192.168.1.2"));
        assert_eq!(host("fd00::1").as_deref(), Some("[fd00::1]"));
        for text in ["", "*", "*.example.com", "poolproof:9229", "http://poolproof", "a b", "a@b"] {
            assert_eq!(host(text), None, "{text}");
        }
        let origin = |text| WebAccess::parse_origin(text).ok();
        assert_eq!(origin("https://App.example.com/").as_deref(), Some("https://app.example.com"));
        assert_eq!(origin("https://app.example.com:443").as_deref(), Some("https://app.example.com"));
        assert_eq!(origin("http://app.test:8080").as_deref(), Some("http://app.test:8080"));
        assert_eq!(origin("capacitor://localhost").as_deref(), Some("capacitor://localhost"));
        for text in
            ["", "*", "null", "app.example.com", "https://*.example.com", "https://a/b", "https://a?b"]
        {
            assert_eq!(origin(text), None, "{text}");
        }
    }
}
