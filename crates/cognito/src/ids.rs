//! Names that the pool hands out or is told: one type each, so that none can stand in another's place.

use std::fmt;

macro_rules! text {
    ($name:ident) => {
        impl $name {
            /// This text. Any is taken: whether the pool knows it is another matter.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
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
        /// Whoever has it can act in the user's name, so it is not printed for debugging.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
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
    /// A user pool's id, `<region>_<name>`.
    PoolId;
    /// An app client's id.
    ClientId;
    /// The name that a user signs in with.
    Username;
    /// A user's immutable id, a UUID; what Cognito hands out as `USER_ID_FOR_SRP`.
    Sub;
    /// A device's key, `<region>_<uuid>`.
    DeviceKey;
    /// The name that takes the pool's place in a device's SRP arithmetic; clients treat it as opaque.
    DeviceGroupKey;
    /// What a client echoes with its claim: it ties the claim to the challenge. Standard base64.
    SecretBlock;
}

secrets! {
    /// A user's password, right or wrong.
    Password;
    /// Ties a challenge to the sign-in that it belongs to.
    Session;
    /// What a completed sign-in gets and the device operations ask for.
    AccessToken;
}

impl ClientId {
    /// The id of no client.
    pub const EMPTY: Self = Self(String::new());
}

impl PoolId {
    /// The text after the first `_`, which user SRP hashes (SEMANTICS b); the whole id when there is none.
    pub fn name(&self) -> &str {
        self.0.split_once('_').map_or(self.as_str(), |(_, name)| name)
    }

    /// The text before the first `_`, with which device keys begin; empty when there is none.
    pub fn region(&self) -> &str {
        self.0.split_once('_').map_or("", |(region, _)| region)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_id_is_a_region_and_a_name() {
        let id = PoolId::new("us-east-1_AbC_1");
        assert_eq!((id.region(), id.name()), ("us-east-1", "AbC_1"));
        assert_eq!(PoolId::new("odd").name(), "odd");
    }

    #[test]
    fn secrets_are_not_printed() {
        let printed = format!("{:?} {:?}", Password::new("hunter2"), AccessToken::new("hunter2"));
        assert_eq!(printed, "Password(…) AccessToken(…)");
    }
}
