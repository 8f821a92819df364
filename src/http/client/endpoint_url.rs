//! The address of an endpoint.

use std::fmt;
use std::net::IpAddr;

use hyper::Uri;

/// The address of an endpoint: scheme, host and port, and an optional path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EndpointUrl(Uri);

impl EndpointUrl {
    /// Parses an address such as `http://127.0.0.1:9229` or `https://cognito-idp.us-east-1.amazonaws.com`.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let uri: Uri = text.parse().map_err(|_| format!("`{text}` is not a URL"))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            // `localhost:9229` is parsed as a host with a port.
            let host =
                uri.authority().filter(|authority| uri.scheme().is_none() && authority.port().is_some());
            let help = host.map_or_else(String::new, |host| format!("; write http://{host}"));
            return Err(format!("`{text}` does not start with http:// or https://{help}"));
        }
        let Some(authority) = uri.authority().filter(|authority| !authority.as_str().contains('@')) else {
            return Err(format!("`{text}` must name a host and no user"));
        };
        // The parser ignores an invalid port and would use the scheme's default.
        let port = authority.as_str().strip_prefix(authority.host()).and_then(|rest| rest.strip_prefix(':'));
        if let Some(port) = port.filter(|port| !is_port(port)) {
            return Err(format!("`{text}` has the port `{port}`; expected a number from 1 to 65535"));
        }
        if uri.query().is_some() {
            return Err(format!("`{text}` must not contain a query"));
        }
        Ok(Self(uri))
    }

    /// Returns whether the address is on this machine, without asking a name server.
    pub fn is_loopback(&self) -> bool {
        let host = self.host();
        let ip: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
        ip.map_or_else(|| host.eq_ignore_ascii_case("localhost"), |ip| ip.to_canonical().is_loopback())
    }

    /// Returns the region of an AWS endpoint.
    pub fn region(&self) -> Option<&str> {
        let rest = self.host().strip_prefix("cognito-idp")?.strip_prefix(['.', '-'])?;
        let rest = rest.strip_prefix("fips.").unwrap_or(rest);
        rest.split_once(".amazonaws.com").map(|(region, _)| region)
    }

    pub(crate) fn is_tls(&self) -> bool {
        self.0.scheme_str() == Some("https")
    }

    /// Returns the URI for operations.
    pub(crate) const fn uri(&self) -> &Uri {
        &self.0
    }

    /// Returns host and port as in a Host header: without the scheme's default port, both when signing and
    /// when sending.
    pub(super) fn host_header(&self) -> String {
        let default_port = if self.is_tls() { 443 } else { 80 };
        let port = self.0.port_u16().filter(|port| *port != default_port);
        port.map_or_else(|| self.host().to_owned(), |port| format!("{}:{port}", self.host()))
    }

    /// Returns host and port, also the scheme's default port.
    pub(crate) fn host_and_port(&self) -> String {
        let default_port = if self.is_tls() { 443 } else { 80 };
        format!("{}:{}", self.host(), self.0.port_u16().unwrap_or(default_port))
    }

    /// Returns the address of another path of the same server.
    pub(super) fn with_path(&self, path: &str) -> String {
        format!("{}://{}{path}", self.0.scheme_str().unwrap_or("http"), self.host_header())
    }

    fn host(&self) -> &str {
        self.0.host().unwrap_or_default()
    }
}

impl fmt::Display for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_string().trim_end_matches('/'))
    }
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|digit| digit.is_ascii_digit()) && text.parse().is_ok_and(|port: u16| port > 0)
}

/// Encodes text for a query.
pub(super) fn percent_encoded(text: &str) -> String {
    let mut percent_encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                percent_encoded.push(char::from(byte));
            }
            _ => percent_encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    percent_encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_addresses_are_local() {
        let is_local = |text: &str| EndpointUrl::parse(text).unwrap().is_loopback();
        for text in ["http://127.0.0.1:9229", "http://localhost", "http://[::1]:80/", "http://127.9.8.7"] {
            assert!(is_local(text), "{text}");
        }
        for text in
            ["http://10.0.0.1", "http://localhost.example.com", "http://0.0.0.0", "https://127.0.0.1.nip.io"]
        {
            assert!(!is_local(text), "{text}");
        }
    }

    #[test]
    fn an_invalid_address_is_explained() {
        let why = |text: &str| EndpointUrl::parse(text).unwrap_err();
        for text in ["127.0.0.1:9229", "localhost:9229"] {
            let message = format!("`{text}` does not start with http:// or https://; write http://{text}");
            assert_eq!(why(text), message);
        }
        assert_eq!(why("ftp://x"), "`ftp://x` does not start with http:// or https://");
        assert_eq!(why("http://u:p@x"), "`http://u:p@x` must name a host and no user");
        assert_eq!(why("http://x/?a=b"), "`http://x/?a=b` must not contain a query");
        assert_eq!(why(""), "`` is not a URL");
    }

    #[test]
    fn an_invalid_port_is_refused() {
        for port in ["92290", "65536", "0", "-1", "+80", "80x", "", "8 0", "99999999999999999999"] {
            for host in ["h", "127.0.0.1", "[::1]"] {
                let text = format!("http://{host}:{port}/x");
                let why = EndpointUrl::parse(&text).unwrap_err();
                let known = [
                    format!("`{text}` has the port `{port}`; expected a number from 1 to 65535"),
                    format!("`{text}` is not a URL"),
                ];
                assert!(known.contains(&why), "{why}");
            }
        }
        let message = EndpointUrl::parse("http://h:92290").unwrap_err();
        assert_eq!(message, "`http://h:92290` has the port `92290`; expected a number from 1 to 65535");
        assert!(EndpointUrl::parse("http://h:").unwrap_err().contains("has the port ``"));
        for good in ["http://h:1", "http://h:65535/", "http://[::1]:08080", "http://[::1]", "https://h/a:b"] {
            assert!(EndpointUrl::parse(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn the_region_is_read_from_the_host_name() {
        let region = |text: &str| EndpointUrl::parse(text).unwrap().region().map(str::to_owned);
        assert_eq!(region("https://cognito-idp.eu-central-1.amazonaws.com").as_deref(), Some("eu-central-1"));
        assert_eq!(region("https://cognito-idp-fips.us-east-1.amazonaws.com/").as_deref(), Some("us-east-1"));
        assert_eq!(region("http://127.0.0.1:9229"), None);
    }

    #[test]
    fn the_default_port_is_omitted() {
        for (text, host) in [
            ("http://127.0.0.1:80/", "127.0.0.1"),
            ("https://x.example:443", "x.example"),
            ("https://x.example:80", "x.example:80"),
            ("http://[::1]:443", "[::1]:443"),
            ("http://localhost", "localhost"),
        ] {
            assert_eq!(EndpointUrl::parse(text).unwrap().host_header(), host, "{text}");
        }
    }

    #[test]
    fn names_are_percent_encoded_in_queries() {
        assert_eq!(percent_encoded("a b&ü"), "a%20b%26%C3%BC");
    }
}
