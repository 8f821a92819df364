//! `run --target https://…`: certificates of their own authority, files that cannot be read, and proxies.

use std::fs;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use rustls::pki_types::PrivateKeyDer;

use crate::cli::output;
use crate::fault_proxy::message;
use crate::server_process::ServerProcess;
use crate::target_cli::{passed_or_saturated, report, run, scenario, tls_proxy};

/// Starts a TLS proxy whose own certificate is that of an authority, as `openssl req -x509` makes it. Writes
/// the certificate to `file` and returns the port.
fn authority(served: &ServerProcess, names: &[&str], file: &Path) -> u16 {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut parameters = rcgen::CertificateParams::new(names).unwrap();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = parameters.self_signed(&key).unwrap();
    fs::write(file, certificate.pem()).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    tls_proxy(&served.address, certificate.der().clone(), key)
}

#[test]
fn a_certificate_of_an_authority_is_trusted_if_the_file_contains_it() {
    let served = ServerProcess::start(&[]);
    let file = scenario("authority", 4, "for: 1s, rate: 5/s");
    let (own, other) = (file.with_file_name("own.pem"), file.with_file_name("other.pem"));
    let port = authority(&served, &["localhost"], &own);
    authority(&served, &["localhost"], &other);
    let played = |host: &str, trusted: &Path| {
        let url = format!("https://{host}:{port}");
        output(run(&file, &["--target", &url]).env("SSL_CERT_FILE", trusted))
    };
    let (code, out, err) = played("localhost", &own);
    assert!(passed_or_saturated(code), "{out}{err}");
    assert_eq!(report(&file).decisions.mismatched, 0);
    let (code, _, err) = played("localhost", &other);
    assert_eq!(code, 107, "{err}");
    assert!(err.contains("(CA:TRUE); name it in SSL_CERT_FILE, or make one with `openssl req"), "{err}");
    let (code, _, err) = played("127.0.0.1", &own);
    assert_eq!(code, 107, "the certificate has another name: {err}");
    assert!(err.contains("not valid for name"), "{err}");
}

#[test]
fn a_file_of_certificates_that_cannot_be_read_is_an_error() {
    let file = scenario("no-certificates", 4, "for: 1s, rate: 5/s");
    let empty = file.with_file_name("empty.pem");
    fs::write(&empty, "no certificate\n").unwrap();
    let played = |trusted: &Path| {
        let (code, out, err) =
            output(run(&file, &["--target", "https://localhost:9"]).env("SSL_CERT_FILE", trusted));
        assert_eq!((code, out.as_str()), (107, ""), "{err}");
        err
    };
    let err = played(&file.with_file_name("absent.pem"));
    assert!(
        err.contains("cannot read the certificates in SSL_CERT_FILE (") && err.contains("absent.pem"),
        "{err}"
    );
    let err = played(&empty);
    assert!(err.contains("contains no certificate; expected PEM"), "{err}");
}

/// Starts a proxy that connects every tunnel to this port. Returns its address and the heads of the requests.
fn tunnel(port: u16) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&heads);
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let Some(head) = message(&mut client) else { continue };
            seen.lock().unwrap().push(String::from_utf8(head).unwrap());
            let mut server = TcpStream::connect(("127.0.0.1", port)).unwrap();
            client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
            let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || drop(std::io::copy(&mut from_client, &mut to_server)));
            std::thread::spawn(move || drop(std::io::copy(&mut server, &mut client)));
        }
    });
    (address, heads)
}

#[test]
fn the_usual_proxy_variables_are_used_or_refused_by_name() {
    let served = ServerProcess::start(&["--allow-host", "pool.test"]);
    let file = scenario("proxy", 2, "for: 1s, rate: 4/s");
    let own = file.with_file_name("own.pem");
    let port = authority(&served, &["pool.test", "localhost"], &own);
    let (proxy, heads) = tunnel(port);
    let played = |url: &str, variables: &[(&str, &str)]| {
        let mut command = run(&file, &["--target", url, "--allow-remote", "--max-rate", "1000"]);
        command.env("SSL_CERT_FILE", &own).envs(variables.iter().copied());
        output(command.env("AWS_ACCESS_KEY_ID", "key").env("AWS_SECRET_ACCESS_KEY", "secret"))
    };
    let with_password = format!("http://user:word@{proxy}");
    let (code, out, err) = played("https://pool.test", &[("HTTPS_PROXY", &with_password)]);
    assert!(passed_or_saturated(code), "{out}{err}");
    assert!(report(&file).sign_ins.completed > 0, "{out}");
    let first = heads.lock().unwrap()[0].to_ascii_lowercase();
    assert!(first.starts_with("connect pool.test:443 http/1.1\r\n"), "{first}");
    assert!(first.contains("proxy-authorization: basic dxnlcjp3b3jk"), "{first}");

    let (code, out, err) = played("http://pool.test", &[("HTTP_PROXY", &with_password)]);
    assert_eq!((code, out.as_str()), (107, ""), "{err}");
    assert!(
        err.contains("HTTP_PROXY names the proxy http://") && err.contains(" to NO_PROXY, or unset"),
        "{err}"
    );
    assert!(!err.contains("word"), "a message shows no password: {err}");

    // A target on this machine needs no proxy.
    let seen = heads.lock().unwrap().len();
    let (code, out, err) = played(&format!("https://localhost:{port}"), &[("HTTPS_PROXY", &with_password)]);
    assert!(passed_or_saturated(code), "{out}{err}");
    assert_eq!(heads.lock().unwrap().len(), seen);
}
