//! Plays cells of the matrix in the embedded pool: sets up a user and a device, then signs in.
//!
//! The setup uses only API operations. A sign-in without confirmation issues a device key, and an
//! administrator forgets a device. The pool has lenient settings during the setup and gets the settings of
//! the cell afterwards.

use std::fmt;

use super::cell::Cell;
use super::row::Matrix;
use super::sign_in::Authenticators;
use crate::actors::{self, ProvisionConfig, provision};
use crate::scenario::SignInName;
use crate::text::group_digits;
use crate::workload::UserSpec;
use poolproof_client::{SignIn, SignInFlow, SignInOptions};
use poolproof_cognito::ids::{ClientId, DeviceKey, Password, PoolId, Username};
use poolproof_cognito::policy::{MfaMode, PoolPolicy, Quotas, RememberMode, RiskPolicy, RiskSource};
use poolproof_cognito::protocol::{AdminDeviceCall, Request};
use poolproof_cognito::seed::Seed;
use poolproof_oracle::{Decision, Device, Outcome, RuleId};
use poolproof_pool::{Defect, Harness, Pool, PoolIdentity};
use poolproof_srp::Group;

/// The pool of every cell.
const POOL_ID: &str = "us-east-1_matrix";
/// The app client of the pool.
const CLIENT_ID: &str = "matrix";
/// Bits of the clients' secret exponents: few, since only the decisions matter.
const EPHEMERAL_BITS: u32 = 256;
/// The seed of all random values: every play of a matrix is the same.
const SEED: Seed = Seed::new(1);

/// A cell in which the pool did not decide as the rules require.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// The cell.
    pub cell: Cell,
    /// The rule that applies.
    pub rule: RuleId,
    /// The decision that the rule requires.
    pub expected: Decision,
    /// The decision of the pool.
    pub seen: Decision,
}

/// The result of playing a matrix.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MatrixResult {
    /// The number of cells played.
    pub cells: usize,
    /// The cells in which the pool decided differently, in order.
    pub differences: Vec<Difference>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.cell)?;
        writeln!(f, "  expected  {}", self.expected)?;
        writeln!(f, "  seen      {}", self.seen)?;
        let RuleId { id, source, confidence } = self.rule;
        writeln!(f, "  rule      {id} ({source}, {})", confidence.as_str())
    }
}

impl MatrixResult {
    /// Returns for example `7,020 of 7,020 cells agree`.
    pub fn summary(&self) -> String {
        let counts = [self.cells - self.differences.len(), self.cells];
        let [agree, all] = counts.map(|count| group_digits(count as u64));
        format!("{agree} of {all} cells agree")
    }
}

/// Plays every cell, and calls `on_progress` after each with the number of cells done. Tests plant a
/// `defect`.
pub fn play_all(matrix: &Matrix, defect: Option<Defect>, on_progress: &dyn Fn(usize)) -> MatrixResult {
    let mut differences = Vec::new();
    for (row, done) in matrix.rows().iter().zip(1..) {
        let seen = play(&matrix.policy(&row.cell), &row.cell, defect);
        if seen != row.decision {
            let (cell, rule, expected) = (row.cell, row.rule, row.decision.clone());
            differences.push(Difference { cell, rule, expected, seen });
        }
        on_progress(done);
    }
    MatrixResult { cells: matrix.rows().len(), differences }
}

/// Plays one cell in a pool with these settings, and returns the decision that the client saw.
pub fn play(policy: &PoolPolicy, cell: &Cell, defect: Option<Defect>) -> Decision {
    // The cell gives the risk level.
    let risk = RiskPolicy { levels: RiskSource::Given, ..policy.risk };
    let policy = PoolPolicy { quotas: Quotas::NONE, risk, ..*policy };
    let Some(mut player) = CellPlayer::new(cell, defect) else { return unplayable() };
    let Some(device) = player.prepare(cell.device) else { return unplayable() };
    player.harness.pool.set_policy(policy);
    player.harness.origin.risk = cell.risk.map(|(level, _)| level);
    let sign_in = player.sign_in(device);
    sign_in.attempts().first().and_then(actors::seen).unwrap_or_else(unplayable)
}

/// Returns a decision that no rule requires, for a pool that fails during the setup or makes no decision.
const fn unplayable() -> Decision {
    Decision { challenges: Vec::new(), outcome: Outcome::Other, new_device: false }
}

/// A pool with one user, who has one device.
struct CellPlayer {
    harness: Harness,
    authenticators: Authenticators,
    username: Username,
    password: Password,
    known: DeviceKey,
    sign_ins: u64,
}

impl CellPlayer {
    fn new(cell: &Cell, defect: Option<Defect>) -> Option<Self> {
        let pool_id = PoolId::new(POOL_ID);
        let username = Username::new("user");
        let config = ProvisionConfig {
            seed: SEED,
            pool_id: pool_id.clone(),
            group: Group::toy(),
            ephemeral_bits: EPHEMERAL_BITS,
        };
        let user_spec = UserSpec {
            number: 0,
            username: username.clone(),
            sign_in_by: SignInName::Username,
            factors: cell.factor,
            devices: 1,
            remembers: vec![cell.device != Device::NotRemembered],
            opts_in: false,
            compromised: false,
        };
        let identity = PoolIdentity { pool_id, client_id: ClientId::new(CLIENT_ID), group: Group::toy() };
        let mut pool = Pool::new(identity, setup_policy(), SEED.rng("pool", 0)).with_defect(defect);
        let (mut account, new_user) = provision(&config, vec![user_spec], &|_| true).pop()?;
        account.devices.iter_mut().for_each(|device| device.mfa_bound = true);
        pool.add_account(account).ok()?;
        let credentials = new_user.into_credentials();
        let (known, device) = credentials.devices.into_iter().next()?;
        let authenticators =
            Authenticators { device: Some(device), totp: credentials.totp, totp_step_used: None };
        let password = credentials.password;
        Some(Self { harness: Harness::new(pool), authenticators, username, password, known, sign_ins: 0 })
    }

    /// Sets up the device, and returns the key to send. Returns `None` if the pool refuses the setup.
    fn prepare(&mut self, device: Device) -> Option<Option<DeviceKey>> {
        match device {
            Device::None => Some(None),
            Device::Remembered | Device::NotRemembered => Some(Some(self.known.clone())),
            Device::Issued => {
                let first = self.sign_in(None);
                let issued = first.enrollment().filter(|enrollment| !enrollment.confirmed)?;
                Some(Some(issued.metadata.device_key.clone()))
            }
            Device::Forgotten => {
                let request = AdminDeviceCall {
                    user_pool_id: POOL_ID.to_owned(),
                    username: self.username.as_str().to_owned(),
                    device_key: self.known.as_str().to_owned(),
                };
                self.harness.ask(Request::AdminForgetDevice(request)).ok()?;
                Some(Some(self.known.clone()))
            }
        }
    }

    /// Signs in with a client that does not confirm devices.
    fn sign_in(&mut self, device: Option<DeviceKey>) -> SignIn {
        let options = SignInOptions {
            pool_id: PoolId::new(POOL_ID),
            client_id: ClientId::new(CLIENT_ID),
            group: Group::toy(),
            ephemeral_bits: EPHEMERAL_BITS,
            username: self.username.clone(),
            password: self.password.clone(),
            flow: SignInFlow::Srp,
            device,
            device_secret_damaged: false,
            omits_key_after_mfa: false,
            confirms_device: false,
            opts_in: false,
            replay: false,
            device_to_forget: None,
        };
        self.sign_ins += 1;
        let rng = SEED.rng("sign-in", self.sign_ins);
        self.authenticators.sign_in(&mut self.harness, options, &rng)
    }
}

/// Returns the settings during the setup: the password is enough, and every sign-in issues a device key.
const fn setup_policy() -> PoolPolicy {
    PoolPolicy {
        remember: RememberMode::Always,
        mfa: MfaMode::Off,
        risk: RiskPolicy::OFF,
        ..PoolPolicy::DEFAULT
    }
}
