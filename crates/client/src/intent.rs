//! The kinds of sign-ins in a workload.

/// The kind of a sign-in: a key of a scenario's `mix`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Intent {
    /// Sign in with a device that the user already has.
    KnownDevice,
    /// Sign in from a new device, confirm it, and opt in if the pool lets the user choose.
    NewDevice,
    /// Sign in with a wrong password.
    WrongPassword,
    /// Sign in with a device that an administrator has removed.
    ForgottenDevice,
    /// Sign in with a known device whose stored secret is damaged.
    WrongDeviceSecret,
    /// Sign in with a known device whose key the client leaves out of the MFA answer.
    KeyOmittedAfterMfa,
    /// Sign in, then send the password claim once more.
    ReplayedClaim,
    /// Sign in with a known device and `USER_PASSWORD_AUTH`, which sends the password itself.
    PlainPassword,
    /// Sign in with a known device and wrong answers to custom challenges.
    WrongCustomAnswer,
    /// Sign in with a known device, then refresh with its refresh token and with the user's oldest one.
    Refresh,
    /// Sign in with a known device, refresh, then use the same refresh token again, and the used one of the
    /// oldest sign-in.
    RefreshReuse,
    /// Sign in with a known device, then refresh without the device key.
    RefreshWithoutDevice,
    /// Sign in with a known device, forget the device, then refresh with its token.
    RefreshAfterForget,
    /// Sign in with a known device, revoke its refresh token, then refresh with it and with the oldest one.
    RefreshAfterRevoke,
    /// Sign in with a known device, sign out everywhere, then refresh with its token and with the oldest one.
    RefreshAfterSignOut,
}

impl Intent {
    /// All intents.
    pub const ALL: [Self; 15] = [
        Self::KnownDevice,
        Self::NewDevice,
        Self::WrongPassword,
        Self::ForgottenDevice,
        Self::WrongDeviceSecret,
        Self::KeyOmittedAfterMfa,
        Self::ReplayedClaim,
        Self::PlainPassword,
        Self::WrongCustomAnswer,
        Self::Refresh,
        Self::RefreshReuse,
        Self::RefreshWithoutDevice,
        Self::RefreshAfterForget,
        Self::RefreshAfterRevoke,
        Self::RefreshAfterSignOut,
    ];

    /// Returns its key in a scenario's `mix`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KnownDevice => "known_device",
            Self::NewDevice => "new_device",
            Self::WrongPassword => "wrong_password",
            Self::ForgottenDevice => "forgotten_device",
            Self::WrongDeviceSecret => "wrong_device_secret",
            Self::KeyOmittedAfterMfa => "key_omitted_after_mfa",
            Self::ReplayedClaim => "replayed_claim",
            Self::PlainPassword => "plain_password",
            Self::WrongCustomAnswer => "wrong_custom_answer",
            Self::Refresh => "refresh",
            Self::RefreshReuse => "refresh_reuse",
            Self::RefreshWithoutDevice => "refresh_without_device",
            Self::RefreshAfterForget => "refresh_after_forget",
            Self::RefreshAfterRevoke => "refresh_after_revoke",
            Self::RefreshAfterSignOut => "refresh_after_sign_out",
        }
    }

    /// Returns whether it needs a device that the user already has.
    pub const fn needs_device(self) -> bool {
        !matches!(self, Self::NewDevice | Self::WrongPassword | Self::ReplayedClaim)
    }

    /// Returns whether it uses the tokens after the sign-in.
    pub const fn uses_tokens(self) -> bool {
        matches!(
            self,
            Self::Refresh
                | Self::RefreshReuse
                | Self::RefreshWithoutDevice
                | Self::RefreshAfterForget
                | Self::RefreshAfterRevoke
                | Self::RefreshAfterSignOut
        )
    }
}
