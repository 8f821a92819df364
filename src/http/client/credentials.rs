//! Credentials for administrators' requests, from the places where AWS tools look for them.

use std::fmt;
use std::path::PathBuf;

/// An access key. Debug output does not contain it.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// `AWS_ACCESS_KEY_ID`.
    pub key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret: String,
    /// `AWS_SESSION_TOKEN`.
    pub token: Option<String>,
    /// `AWS_REGION` or `AWS_DEFAULT_REGION`; the address of an AWS endpoint contains the region itself.
    pub region: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// The credentials file is invalid.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{file}: {what}")]
pub struct CredentialsError {
    /// The file.
    pub file: String,
    /// What is invalid.
    pub what: String,
}

impl Credentials {
    /// Reads the environment, then the profile in the shared file; `None` if neither has credentials.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or its profile has an access key ID without a secret, or the reverse.
    pub fn from_chain(variable: &dyn Fn(&str) -> Option<String>) -> Result<Option<Self>, CredentialsError> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let region = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
        if let (Some(key_id), Some(secret)) =
            (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"))
        {
            return Ok(Some(Self { key_id, secret, token: variable("AWS_SESSION_TOKEN"), region }));
        }
        let home = || variable("HOME").map(|home| PathBuf::from(home).join(".aws/credentials"));
        let Some(path) = variable("AWS_SHARED_CREDENTIALS_FILE").map(PathBuf::from).or_else(home) else {
            return Ok(None);
        };
        let profile = variable("AWS_PROFILE").unwrap_or_else(|| "default".to_owned());
        let credentials_error = |what: String| CredentialsError { file: path.display().to_string(), what };
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::from_profile(&text, &profile, region).map_err(credentials_error),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(credentials_error(error.to_string())),
        }
    }

    /// Placeholder credentials for an endpoint on this machine that requires a signature and does not check
    /// it.
    pub fn dummy() -> Self {
        let placeholder = || "poolproof".to_owned();
        Self { key_id: placeholder(), secret: placeholder(), token: None, region: None }
    }

    fn from_profile(text: &str, profile: &str, region: Option<String>) -> Result<Option<Self>, String> {
        let mut in_profile = false;
        let (mut key_id, mut secret, mut token) = (None, None, None);
        for line in text.lines().map(str::trim) {
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                in_profile = name.trim() == profile;
            } else if let (true, Some((key, value))) =
                (in_profile && !line.starts_with(['#', ';']), line.split_once('='))
            {
                let value = Some(value.trim().to_owned()).filter(|value| !value.is_empty());
                match key.trim() {
                    "aws_access_key_id" => key_id = value,
                    "aws_secret_access_key" => secret = value,
                    "aws_session_token" => token = value,
                    _ => {}
                }
            }
        }
        match (key_id, secret) {
            (Some(key_id), Some(secret)) => Ok(Some(Self { key_id, secret, token, region })),
            (None, None) => Ok(None),
            _ => Err(format!("profile {profile} contains only half of an access key")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "; two people\n[default]\naws_access_key_id = A\naws_secret_access_key=b=c\n\n[half]\naws_access_key_id=X\n\
                        [other]\n# aws_access_key_id = no\naws_access_key_id = O\naws_secret_access_key = s\naws_session_token = t\n";

    #[test]
    fn a_profile_has_its_own_lines() {
        let of = |profile: &str| Credentials::from_profile(FILE, profile, None);
        let expected = |key_id: &str, secret: &str, token: Option<&str>| {
            let token = token.map(str::to_owned);
            Ok(Some(Credentials {
                key_id: key_id.to_owned(),
                secret: secret.to_owned(),
                token,
                region: None,
            }))
        };
        assert_eq!(of("default"), expected("A", "b=c", None));
        assert_eq!(of("other"), expected("O", "s", Some("t")));
        assert_eq!(of("missing"), Ok(None));
        assert_eq!(of("half"), Err("profile half contains only half of an access key".to_owned()));
    }

    #[test]
    fn the_environment_comes_before_the_file() {
        let file = std::env::temp_dir().join(format!("poolproof-credentials-{}", std::process::id()));
        std::fs::write(&file, FILE).unwrap();
        let from = |extra: &[(&str, &str)]| {
            let set: Vec<(String, String)> =
                extra.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            let path = file.display().to_string();
            Credentials::from_chain(&move |name: &str| {
                let own = set.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
                own.or_else(|| (name == "AWS_SHARED_CREDENTIALS_FILE").then(|| path.clone()))
            })
        };
        let key = |extra: &[(&str, &str)]| from(extra).unwrap().unwrap().key_id;
        assert_eq!(key(&[]), "A");
        assert_eq!(key(&[("AWS_PROFILE", "other")]), "O");
        assert_eq!(key(&[("AWS_ACCESS_KEY_ID", "E"), ("AWS_SECRET_ACCESS_KEY", "s")]), "E");
        assert_eq!(key(&[("AWS_ACCESS_KEY_ID", "E")]), "A", "half of a key is none");
        let region = from(&[("AWS_DEFAULT_REGION", "eu-west-3")]).unwrap().unwrap().region;
        assert_eq!(region.as_deref(), Some("eu-west-3"));
        assert!(
            from(&[("AWS_PROFILE", "half")])
                .unwrap_err()
                .to_string()
                .ends_with("contains only half of an access key")
        );
        std::fs::remove_file(&file).unwrap();
        assert_eq!(from(&[]), Ok(None));
        assert_eq!(format!("{:?}", Credentials::dummy()), "Credentials(…)");
    }
}
