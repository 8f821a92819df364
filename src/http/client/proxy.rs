//! The usual proxy variables: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`.

use std::io;

use hyper::Uri;
use hyper::http::HeaderValue;
use hyper_util::client::proxy::matcher::Matcher;

use super::EndpointUrl;

/// A proxy that tunnels TLS connections.
#[derive(Clone, Debug)]
pub(super) struct Proxy {
    pub(super) address: Uri,
    pub(super) authorization: Option<HeaderValue>,
}

/// Returns the proxy that the environment names for this endpoint. Endpoints on this machine need none.
///
/// # Errors
///
/// The proxy is of a kind that poolproof does not use.
pub(super) fn proxy(endpoint: &EndpointUrl) -> io::Result<Option<Proxy>> {
    if endpoint.is_loopback() {
        return Ok(None);
    }
    of_matcher(endpoint, &Matcher::from_env())
}

fn of_matcher(endpoint: &EndpointUrl, matcher: &Matcher) -> io::Result<Option<Proxy>> {
    let Some(proxy) = matcher.intercept(endpoint.uri()) else { return Ok(None) };
    let refusal = |variable: &str, why: &str| {
        io::Error::other(format!(
            "{variable} names the proxy {}, and {why}; add the host of {endpoint} to NO_PROXY, or unset \
                {variable} and ALL_PROXY",
            proxy.uri()
        ))
    };
    if !endpoint.is_tls() {
        return Err(refusal("HTTP_PROXY", "poolproof uses proxies for https targets only"));
    }
    if proxy.uri().scheme_str() != Some("http") {
        return Err(refusal("HTTPS_PROXY", "poolproof uses proxies with http:// only"));
    }
    Ok(Some(Proxy { address: proxy.uri().clone(), authorization: proxy.basic_auth().cloned() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(endpoint: &str, proxy: &str, no_proxy: &str) -> Result<Option<String>, String> {
        let matcher = Matcher::builder().all(proxy).no(no_proxy).build();
        let endpoint = EndpointUrl::parse(endpoint).unwrap();
        let proxy = of_matcher(&endpoint, &matcher).map_err(|error| error.to_string())?;
        Ok(proxy.map(|proxy| proxy.address.to_string()))
    }

    #[test]
    fn proxies_of_other_kinds_are_refused_by_name() {
        let https = "https://cognito-idp.us-east-1.amazonaws.com";
        let plain = "http://proxy.example:3128";
        assert_eq!(found(https, plain, ""), Ok(Some("http://proxy.example:3128/".to_owned())));
        assert_eq!(found(https, plain, ".amazonaws.com"), Ok(None));
        assert_eq!(found("http://pool.example", plain, "pool.example"), Ok(None));
        let message = found("http://pool.example", plain, "").unwrap_err();
        assert!(
            message.starts_with("HTTP_PROXY names the proxy http://proxy.example:3128/, and "),
            "{message}"
        );
        let message = found(https, "socks5://proxy.example:1080", "").unwrap_err();
        assert!(message.contains("proxies with http:// only; add the host of https://cog"), "{message}");
    }

    #[test]
    fn an_endpoint_on_this_machine_needs_no_proxy() {
        let here = EndpointUrl::parse("http://127.0.0.1:9229").unwrap();
        assert!(proxy(&here).unwrap().is_none());
    }
}
