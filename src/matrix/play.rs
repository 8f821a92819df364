//! A cell played: a real pool, a real user and a real device are brought into its situation and sign in.
//!
//! Nothing is set that could not come about: a device is issued by a sign-in whose app does not confirm it, and forgotten
//! by an administrator. For that the pool is friendly at first and gets the cell's settings afterwards, as pools do.

use std::fmt;

use super::baseline::group_digits;
use super::cell::Cell;
use super::row::Matrix;
use crate::actors::{self, ProvisionConfig, provision};
use crate::harness::{Authenticators, Harness};
use crate::workload::UserSpec;
use poolproof_client::{SignIn, SignInOptions};
use poolproof_cognito::ids::{ClientId, DeviceKey, Password, PoolId, Username};
use poolproof_cognito::policy::{MfaMode, PoolPolicy, Quotas, RememberMode, RiskPolicy, RiskSource};
use poolproof_cognito::protocol::{AdminDeviceCall, Request};
use poolproof_cognito::seed::Seed;
use poolproof_oracle::{Decision, Device, Outcome, RuleId};
use poolproof_pool::{Defect, Pool, PoolIdentity};
use poolproof_srp::Group;

/// The pool of every cell.
const POOL_ID: &str = "us-east-1_matrix";
/// Its one app client.
const CLIENT_ID: &str = "matrix";
/// Bits of the secret exponents of clients: this is about decisions.
const EPHEMERAL_BITS: u32 = 256;
/// The seed of everything: a matrix is played the same way every time.
const SEED: Seed = Seed::new(1);

/// A cell in which the pool decided otherwise than expected.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// The cell.
    pub cell: Cell,
    /// The rule that should have decided.
    pub rule: RuleId,
    /// What it asks for.
    pub expected: Decision,
    /// What the pool did.
    pub seen: Decision,
}

/// What came of playing a matrix.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MatrixResult {
    /// How many cells were played.
    pub cells: usize,
    /// Where the pool decided otherwise, in the order of the cells.
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
    /// `4 680 of 4 680 cells agree`
    pub fn summary(&self) -> String {
        let agree = self.cells - self.differences.len();
        format!("{} of {} cells agree", group_digits(agree), group_digits(self.cells))
    }
}

/// Plays every cell. `on_progress` hears after each how many are done; `defect` is a fault to plant (tests only).
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

/// Plays one cell through a pool with these settings, and tells what was seen of its decision.
pub fn play(policy: &PoolPolicy, cell: &Cell, defect: Option<Defect>) -> Decision {
    // A cell says how risky its sign-in is.
    let risk = RiskPolicy { levels: RiskSource::Given, ..policy.risk };
    let policy = PoolPolicy { quotas: Quotas::NONE, risk, ..*policy };
    let Some(mut player) = CellPlayer::new(cell, defect) else { return unplayable() };
    let Some(device) = player.prepare(cell.device) else { return unplayable() };
    player.harness.pool.set_policy(policy);
    player.harness.origin.risk = cell.risk.map(|(level, _)| level);
    let sign_in = player.sign_in(device);
    sign_in.attempts().first().and_then(actors::seen).unwrap_or_else(unplayable)
}

/// What is seen of a pool that cannot even be brought into the situation, or never decides: nothing that is expected.
const fn unplayable() -> Decision {
    Decision { challenges: Vec::new(), outcome: Outcome::Other, new_device: false }
}

/// A pool with one user, who has had one device before.
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
            factors: cell.factor,
            devices: 1,
            remembers: vec![cell.device != Device::NotRemembered],
            opts_in: false,
            compromised: false,
        };
        let identity = PoolIdentity { pool_id, client_id: ClientId::new(CLIENT_ID), group: Group::toy() };
        let mut pool = Pool::new(identity, setup_policy(), SEED.rng("pool", 0)).planted(defect);
        let (account, new_user) = provision(&config, vec![user_spec], &|_| true).pop()?;
        pool.add_account(account).ok()?;
        let credentials = new_user.into_credentials();
        let (known, device) = credentials.devices.into_iter().next()?;
        let authenticators =
            Authenticators { device: Some(device), totp: credentials.totp, totp_step_used: None };
        let password = credentials.password;
        Some(Self { harness: Harness::new(pool), authenticators, username, password, known, sign_ins: 0 })
    }

    /// Brings the device into its standing, and gives the key that is to be named. Nothing if the pool does not let it.
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

    /// Signs in with an app that confirms no devices.
    fn sign_in(&mut self, device: Option<DeviceKey>) -> SignIn {
        let options = SignInOptions {
            pool_id: PoolId::new(POOL_ID),
            client_id: ClientId::new(CLIENT_ID),
            group: Group::toy(),
            ephemeral_bits: EPHEMERAL_BITS,
            username: self.username.clone(),
            password: self.password.clone(),
            sends_password: false,
            device,
            device_secret_damaged: false,
            confirms_device: false,
            opts_in: false,
            replay: false,
            device_to_forget: None,
        };
        self.sign_ins += 1;
        self.harness.sign_in(options, &mut self.authenticators, &SEED.rng("sign-in", self.sign_ins))
    }
}

/// A pool that hands out keys to whoever has the password.
const fn setup_policy() -> PoolPolicy {
    PoolPolicy {
        remember: RememberMode::Always,
        mfa: MfaMode::Off,
        risk: RiskPolicy::OFF,
        ..PoolPolicy::DEFAULT
    }
}
