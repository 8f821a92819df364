//! A run at an endpoint: our people move in, the run is played, and what was made is removed again.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use futures_util::stream;
use futures_util::{Stream as _, StreamExt as _};

use super::{Event, RunError, Stage, course};
use crate::actors::{Administrator, Finished, Guests, Left, Ports, Premises, Resident, Unwelcome};
use crate::clock::ClockKind;
use crate::http::client::{Address, Credentials, HttpTarget, Limits};
use crate::scenario::{GroupName, Scenario};
use crate::target::{Endpoint as _, Target, Unreachable};
use crate::workload::{Owners, Person, population};
use poolproof_cognito::ids::{ClientId, Password, PoolId, Username};
use poolproof_cognito::policy::{CompromisedAction, Factors, Lockout, PoolPolicy, RiskLevels, RiskPolicy};
use poolproof_cognito::totp::TotpSecret;

/// People who move in at the same time.
const AT_ONCE: usize = 16;

/// An endpoint, and what of it is used.
#[derive(Clone, Debug)]
pub struct AnEndpoint {
    /// Where it is.
    pub address: Address,
    /// What administrators' requests are signed with.
    pub credentials: Option<Credentials>,
    /// How it is spoken to.
    pub limits: Limits,
    /// Which pool, and who lives there.
    pub lodging: Lodging,
    /// What the command line said of all this besides the address, word by word: for playing a run again.
    pub options: Vec<String>,
}

/// Which pool of an endpoint is used, and by whom.
#[derive(Clone, Debug)]
pub enum Lodging {
    /// One that is made for the run and removed after it, with the scenario's people.
    New,
    /// One that is there and is as the scenario says.
    Existing {
        /// The pool.
        pool_id: PoolId,
        /// Its app client, which has no secret.
        client_id: ClientId,
        /// Users who live there; without them the scenario's people move in, and out again.
        tenants: Option<Vec<Tenant>>,
    },
}

/// A user who lives in a pool already.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tenant {
    /// Their name.
    pub username: Username,
    /// Their password.
    pub password: Password,
    /// The secret of their authenticator app, if that is their second factor.
    pub totp: Option<TotpSecret>,
}

/// Refuses what no endpoint can be told.
pub(super) fn check(scenario: &Scenario) -> Result<(), RunError> {
    let risk = scenario.pool.risk;
    let flaw = if scenario.clock == ClockKind::Virtual {
        "a target lives in real time: say `clock: wall` or --clock wall"
    } else if scenario.group == GroupName::Toy {
        "`group: toy` proves nothing to a target, which computes in the group of Cognito"
    } else if risk.levels == RiskLevels::Estimated {
        "`levels: estimated` is poolproof's own rule, which a target does not have"
    } else if risk.compromised == CompromisedAction::Block {
        "`compromised: block` cannot be tried at a target, which does not know whose passwords are compromised"
    } else if scenario.exceptions != poolproof_cognito::addresses::RiskExceptions::default() {
        "lists of addresses cannot be tried at a target: everybody comes from this machine"
    } else {
        return Ok(());
    };
    Err(RunError::Unfit(flaw.to_owned()))
}

/// What the judge is to expect of a target: it locks out as Cognito does.
fn expected(scenario: &Scenario, takes_risk: bool) -> PoolPolicy {
    let policy = PoolPolicy { lockout: Lockout::Cognito, ..scenario.pool };
    // Where nobody can say how risky a sign-in looks, none looks risky.
    if takes_risk { policy } else { PoolPolicy { risk: RiskPolicy::OFF, ..policy } }
}

/// A stay at an endpoint that is over: the run, and what of ours could not be removed afterwards.
pub(super) struct Stay {
    pub(super) finished: Finished,
    pub(super) left: Option<Left>,
}

impl Stage<'_> {
    pub(super) async fn play_over_http(&self, at: &AnEndpoint) -> Result<Stay, RunError> {
        let unusable = |error: String| RunError::Target(format!("{}: {error}", at.address));
        let target = HttpTarget::new(at.address.clone(), at.credentials.clone(), self.clock, at.limits);
        let mut target = target.map_err(|error| unusable(error.to_string()))?;
        target.look().await.map_err(|Unreachable(why)| unusable(why))?;
        let policy = expected(self.scenario, target.takes_risk());
        let (premises, pool_id, client_id) = match &at.lodging {
            Lodging::New => {
                let name = format!("poolproof-{}", self.scenario.name);
                let admin = Administrator::new(&target, self.clock, self.scenario.seed);
                let made =
                    Premises::make(&admin, &name).await.map_err(|error| unusable(error.to_string()))?;
                let (pool_id, client_id) = (made.pool_id.clone(), made.client_id.clone());
                (Some(made), pool_id, client_id)
            }
            Lodging::Existing { pool_id, client_id, .. } => (None, pool_id.clone(), client_id.clone()),
        };
        let target = Rc::new(target.for_pool(pool_id.clone()));
        let ports = self.ports(Rc::clone(&target) as Rc<dyn Target>, pool_id, client_id);
        let admin = Administrator::new(&*target, self.clock, self.scenario.seed);
        let newcomers = self.newcomers(at);
        let tenants = matches!(&at.lodging, Lodging::Existing { tenants: Some(_), .. });
        let guests = (!tenants).then(|| Guests::from_now(self.clock.now()));
        let settled =
            self.settle(&admin, &ports, newcomers, guests.as_ref(), premises.as_ref(), &policy).await;
        let finished = match settled {
            Ok(residents) => Ok(self.play_residents(residents, &ports, policy).await),
            Err(error) => Err(error),
        };
        // Whatever became of the run, nothing of ours is left behind.
        let cleared = match (&premises, &guests) {
            (Some(premises), _) => premises.remove(&admin).await,
            (None, Some(guests)) => guests.leave(&admin, &ports.pool_id).await,
            (None, None) => Ok(()),
        };
        let left = cleared.err();
        match finished {
            Ok(finished) => Ok(Stay { finished, left }),
            Err(error) => {
                Err(unusable(Unwelcome { left: left.map(Box::new).or(error.left), ..error }.to_string()))
            }
        }
    }

    /// Those who are to sign in, before they have anything.
    fn newcomers(&self, at: &AnEndpoint) -> Vec<Resident> {
        let people = population(self.scenario);
        if let Lodging::Existing { tenants: Some(tenants), .. } = &at.lodging {
            let pair = tenants.iter().zip(people);
            return pair
                .map(|(tenant, person)| {
                    let factors = if tenant.totp.is_some() { Factors::Totp } else { Factors::None };
                    let person = Person { username: tenant.username.clone(), factors, ..person };
                    Resident::of(person, tenant.password.clone(), tenant.totp.clone())
                })
                .collect();
        }
        let seed = self.scenario.seed;
        people.map(|person| Resident::newcomer(seed, person)).collect()
    }

    /// Has everybody move in, and gives the pool its settings. Without `guests` people live there already.
    async fn settle(
        &self,
        admin: &Administrator<'_>,
        ports: &Ports,
        newcomers: Vec<Resident>,
        guests: Option<&Guests>,
        premises: Option<&Premises>,
        policy: &PoolPolicy,
    ) -> Result<Vec<Resident>, Unwelcome> {
        let users = u64::from(self.scenario.population.users);
        let (mut residents, mut done) = (Vec::with_capacity(newcomers.len()), 0);
        let closed = Cell::new(false);
        let moving = newcomers.into_iter().take_while(|_| !closed.get()).map(|mut resident| async move {
            match guests {
                Some(guests) => resident.move_in(admin, ports, guests).await?,
                None => drop(resident.gather_devices(ports).await?),
            }
            Ok(resident)
        });
        let mut moving = pin!(stream::iter(moving).buffered(AT_ONCE));
        let mut flaw = None;
        while let Some(moved) = moving.next().await {
            match moved {
                Ok(resident) => residents.push(resident),
                Err(error) => flaw = Some(error),
            }
            done += 1;
            (self.settings.observer)(Event::Provisioned { done, users });
            if flaw.is_some() || self.stop.is_pulled() {
                break;
            }
        }
        closed.set(true);
        // Whoever is being made just now is waited for, or they would come when all others have gone.
        poll_fn(|cx| {
            while guests.is_some_and(Guests::any_under_way) {
                match moving.as_mut().poll_next(cx) {
                    Poll::Ready(Some(_)) => {}
                    Poll::Ready(None) => return Poll::Ready(()),
                    Poll::Pending if guests.is_some_and(Guests::any_under_way) => return Poll::Pending,
                    Poll::Pending => {}
                }
            }
            Poll::Ready(())
        })
        .await;
        if let Some(error) = flaw {
            return Err(error);
        }
        if let Some(premises) = premises {
            premises.settle(admin, policy).await?;
        }
        Ok(residents)
    }

    async fn play_residents(&self, residents: Vec<Resident>, ports: &Ports, policy: PoolPolicy) -> Finished {
        if residents.is_empty() || self.stop.is_pulled() {
            return Finished { interrupted: true, ..Finished::default() };
        }
        let owners: Vec<bool> = residents.iter().map(Resident::has_device).collect();
        let owning: Owners =
            owners.iter().zip(0..).filter_map(|(owns, number)| owns.then_some(number)).collect();
        let users = residents.into_iter().map(|resident| resident.start(ports, policy)).collect();
        self.conduct(users, owners, course(self.scenario, &owning)).await
    }
}
