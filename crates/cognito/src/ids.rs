//! Identifiers and secrets, each with its own type, so that they cannot be confused.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! text {
    ($name:ident) => {
        impl $name {
            /// Creates a value from any text. The pool checks whether it knows the value.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
        pub struct $name(String);

        text!($name);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

macro_rules! secrets {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// The owner can act in the user's name, so the `Debug` output hides the value.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        pub struct $name(String);

        text!($name);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )*};
}

names! {
    /// A user pool ID, `<region>_<name>`.
    PoolId;
    /// An app client ID.
    ClientId;
    /// The name that a user signs in with.
    Username;
    /// A user's immutable ID, a UUID. It is the user name only in a pool that names users by an address.
    Sub;
    /// A device key, `<region>_<uuid>`.
    DeviceKey;
    /// The value that replaces the pool name in device SRP; opaque to clients.
    DeviceGroupKey;
    /// A value that a client sends back with its claim, in standard base64. It ties the claim to the
    /// challenge.
    SecretBlock;
}

secrets! {
    /// A user's password, right or wrong.
    Password;
    /// An identifier that ties a challenge to its sign-in.
    Session;
    /// The token that a completed sign-in returns and that device operations require.
    AccessToken;
}

impl ClientId {
    /// An empty ID, which no client has.
    pub const EMPTY: Self = Self(String::new());
}

impl PoolId {
    /// Returns the ID of the pool that an ARN names.
    pub fn in_arn(arn: &str) -> Option<&str> {
        let resource = arn.strip_prefix("arn:aws:cognito-idp:")?;
        resource.split_once(":userpool/").map(|(_, id)| id)
    }

    /// Returns the text after the first `_`, or the whole ID if there is none. User SRP hashes it
    /// (docs/semantics.md, SRP).
    pub fn name(&self) -> &str {
        self.0.split_once('_').map_or(self.as_str(), |(_, name)| name)
    }

    /// Returns the text before the first `_`, which is the prefix of device keys. It is empty if there is no
    /// `_`.
    pub fn region(&self) -> &str {
        self.0.split_once('_').map_or("", |(region, _)| region)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pool_ids_have_a_region_and_a_name() {
        let id = PoolId::new("us-east-1_AbC_1");
        assert_eq!((id.region(), id.name()), ("us-east-1", "AbC_1"));
        assert_eq!(PoolId::new("odd").name(), "odd");
        assert_eq!(PoolId::in_arn("arn:aws:cognito-idp:r:1:userpool/r_A"), Some("r_A"));
        assert_eq!(PoolId::in_arn("arn:aws:cognito-idp:r:1:identitypool/r_A"), None);
    }

    #[test]
    fn secrets_are_not_printed() {
        let printed = format!("{:?} {:?}", Password::new("hunter2"), AccessToken::new("hunter2"));
        assert_eq!(printed, "Password(…) AccessToken(…)");
    }
}
