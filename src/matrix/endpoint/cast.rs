//! Whoever plays a trial: a user who is brought into its situation, and signs in.

use super::Outcome;
use super::trial::Trial;
use crate::actors::{self, Administrator, Guests, Ports, Resident, Visit};
use crate::workload::Person;
use poolproof_client::{End, SignIn};
use poolproof_cognito::ids::Username;
use poolproof_cognito::protocol::{AdminDeviceCall, Operation, Request};
use poolproof_cognito::seed::Seed;
use poolproof_oracle::{Claim, Decision, Device, Outcome as Ending};

/// The seed of everybody.
const SEED: Seed = Seed::new(1);

/// A user in the situation of a trial, and the place of the device that they will name.
pub(super) struct Player {
    trial: Trial,
    resident: Resident,
    device: Option<usize>,
}

impl Player {
    /// Brings a user into the situation while the pool is friendly; why not, otherwise.
    pub(super) async fn prepare(
        trial: Trial,
        number: u32,
        admin: &Administrator<'_>,
        ports: &Ports,
        guests: &Guests,
    ) -> Result<Self, String> {
        let has_device =
            matches!(trial.cell.device, Device::Remembered | Device::NotRemembered | Device::Forgotten);
        let person = Person {
            number,
            username: Username::new(format!("user-{number}")),
            factors: trial.cell.factor,
            devices: u32::from(has_device),
            remembers: vec![trial.cell.device != Device::NotRemembered],
            opts_in: false,
            compromised: false,
        };
        let mut resident = Resident::newcomer(SEED, person);
        let told = |error: actors::Unwelcome| error.to_string();
        resident.register(admin, ports, guests).await.map_err(told)?;
        resident.gather_devices(ports).await.map_err(told)?;
        let device = match trial.cell.device {
            Device::None => None,
            Device::Issued => {
                let sign_in = resident.sign_in(ports, Visit::default()).await;
                let place = resident.take_up(ports, &sign_in);
                Some(place.ok_or("no key for a new device came with the tokens")?)
            }
            _ => Some(0),
        };
        if has_device && !resident.has_device() {
            return Err("no key for a new device came, or it could not be confirmed".to_owned());
        }
        if trial.cell.device == Device::Forgotten {
            forget(&resident, admin, ports).await?;
        }
        resident.set_factors(admin, ports).await.map_err(told)?;
        Ok(Self { trial, resident, device })
    }

    /// Signs in, and tells what was decided.
    pub(super) async fn play(mut self, ports: &Ports, expected: &Decision) -> Outcome {
        let visit = Visit {
            device: self.device,
            risk: self.trial.cell.risk.map(|(level, _)| level),
            wrong_password: self.trial.claim == Claim::Wrong,
            device_damaged: !self.trial.secret_right,
            replay: self.trial.claim == Claim::Replayed,
            ..Visit::default()
        };
        let sign_in = self.resident.sign_in(ports, visit).await;
        let of_replay = self.trial.claim == Claim::Replayed;
        let attempt = sign_in.attempts().iter().find(|attempt| attempt.replayed == of_replay);
        let Some(attempt) = attempt else { return ended_early(&sign_in) };
        match actors::seen_by_then(attempt, expected) {
            Some(seen) => {
                let said = said(&sign_in).filter(|_| seen.outcome == Ending::Other);
                Outcome::Seen(seen, said)
            }
            None => ended_early(&sign_in),
        }
    }
}

async fn forget(resident: &Resident, admin: &Administrator<'_>, ports: &Ports) -> Result<(), String> {
    let Some(key) = resident.device_keys().next() else { return Err("no device to forget".to_owned()) };
    let request = Request::AdminForgetDevice(AdminDeviceCall {
        user_pool_id: ports.pool_id.as_str().to_owned(),
        username: resident.person().username.as_str().to_owned(),
        device_key: key.as_str().to_owned(),
    });
    let forgotten = admin.ask("AdminForgetDevice", Operation::Pool(request)).await;
    forgotten.map(drop).map_err(|error| error.to_string())
}

/// How a sign-in ended, where that is more than a decision tells.
fn said(sign_in: &SignIn) -> Option<String> {
    Some(match &sign_in.ended()?.1 {
        End::SignedIn => return None,
        End::Refused(error) => error.to_string(),
        End::GaveUp => "a challenge that could not be answered".to_owned(),
        End::Misbehaved(why) | End::NoAnswer(why) => why.clone(),
    })
}

/// A sign-in that ended before anything was decided.
fn ended_early(sign_in: &SignIn) -> Outcome {
    let nothing = Decision { challenges: Vec::new(), outcome: Ending::Other, new_device: false };
    match sign_in.ended().map(|(_, end)| end) {
        // Refused before the password was asked for, or in words that make no sense: that is decided, and wrongly.
        Some(End::Refused(_) | End::Misbehaved(_)) => Outcome::Seen(nothing, said(sign_in)),
        _ => Outcome::Untried(said(sign_in).unwrap_or_else(|| "nothing was decided".to_owned())),
    }
}
