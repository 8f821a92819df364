//! Idle users. A user does one thing at a time, and a TOTP code can be used once. An arrival whose user is
//! busy or has used up the code takes the next user of the same kind.

use poolproof_cognito::time::Timestamp;
use poolproof_cognito::totp::{STEP_S, step_at};

/// The kind of a user, by the user's device and app at the start of the run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct UserKind {
    /// Whether the user had a device.
    pub(super) has_device: bool,
    /// Whether the user had an authenticator app. A substitute is equal in this, so that the share of
    /// sign-ins with a TOTP code stays that of the scenario.
    pub(super) has_app: bool,
}

/// The properties that the user of an arrival must have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct NeededUser {
    needs_device: bool,
    has_app: bool,
}

/// Why no user can sign in now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unavailable {
    /// All users of the kind are busy.
    Busy,
    /// Some are idle, but have used the TOTP code of the current time step.
    CodesUsed,
}

/// The set of idle users.
#[derive(Debug)]
pub(super) struct IdleUsers {
    /// The users in order of their numbers in the population.
    users: Vec<UserStatus>,
    free: usize,
}

#[derive(Clone, Copy, Debug)]
struct UserStatus {
    /// Index in the population; a shard has only some of its users.
    number: u32,
    kind: UserKind,
    busy: bool,
    /// From then on the user has a code that was not used.
    ready_at: Timestamp,
}

impl IdleUsers {
    /// All users are idle. Each has a number in the population, a kind, and the time step of the TOTP code
    /// that was used last.
    pub(super) fn new(users: impl IntoIterator<Item = (u32, UserKind, Option<u64>)>) -> Self {
        let status =
            |(number, kind, step)| UserStatus { number, kind, busy: false, ready_at: ready_at(step) };
        let users: Vec<UserStatus> = users.into_iter().map(status).collect();
        Self { free: users.len(), users }
    }

    /// Returns what an arrival of the user `wanted` needs.
    pub(super) fn needed(&self, wanted: u32, needs_device: bool) -> NeededUser {
        let has_app = self.users.get(self.place(wanted)).is_some_and(|user| user.kind.has_app);
        NeededUser { needs_device, has_app }
    }

    /// Returns the place of the user with this number in the population, or of a substitute.
    pub(super) fn place(&self, wanted: u32) -> usize {
        let place = usize::try_from(wanted).unwrap_or(0);
        match self.users.get(place) {
            Some(user) if user.number == wanted => place,
            _ => self
                .users
                .binary_search_by_key(&wanted, |user| user.number)
                .unwrap_or_else(|_| place % self.users.len().max(1)),
        }
    }

    /// Returns the number of a user in the population.
    pub(super) fn number(&self, place: usize) -> Option<u32> {
        self.users.get(place).map(|user| user.number)
    }

    /// Takes the user `wanted`, or the first one after them who is idle and ready and meets the needs.
    pub(super) fn take(
        &mut self,
        wanted: u32,
        needs_device: bool,
        now: Timestamp,
    ) -> Result<usize, Unavailable> {
        if self.free == 0 {
            return Err(Unavailable::Busy);
        }
        let (first, needed) = (self.place(wanted), self.needed(wanted, needs_device));
        let mut unavailable = Unavailable::Busy;
        for at in (first..self.users.len()).chain(0..first) {
            let user = self.users[at];
            if user.busy || !needed.is_met_by(user.kind) {
                continue;
            }
            if user.ready_at <= now {
                self.take_user(at);
                return Ok(at);
            }
            unavailable = Unavailable::CodesUsed;
        }
        Err(unavailable)
    }

    /// Returns whether the user signs in at the moment.
    pub(super) fn is_busy(&self, user: usize) -> bool {
        self.users.get(user).is_some_and(|user| user.busy)
    }

    /// Takes this user, who is idle.
    pub(super) fn take_user(&mut self, user: usize) {
        if !std::mem::replace(&mut self.users[user].busy, true) {
            self.free -= 1;
        }
    }

    /// Returns whether the user meets the needs.
    pub(super) fn meets(&self, user: usize, needed: NeededUser) -> bool {
        needed.is_met_by(self.users[user].kind)
    }

    /// Makes a user idle again, and returns whether they can sign in now. `step_used` is the time step of the
    /// last TOTP code.
    pub(super) fn release(&mut self, user: usize, step_used: Option<u64>, now: Timestamp) -> bool {
        let status = &mut self.users[user];
        status.ready_at = ready_at(step_used);
        if std::mem::replace(&mut status.busy, false) {
            self.free += 1;
        }
        status.ready_at <= now
    }
}

impl NeededUser {
    const fn is_met_by(self, kind: UserKind) -> bool {
        self.has_app == kind.has_app && (!self.needs_device || kind.has_device)
    }
}

/// Returns the start of the time step after `step_used`.
fn ready_at(step_used: Option<u64>) -> Timestamp {
    let start = |step: u64| Timestamp::from_us((step + 1) * STEP_S * 1_000_000);
    step_used.map_or_else(Timestamp::default, start)
}

/// Returns when authenticator apps show the next code.
pub(super) fn next_code_at(now: Timestamp) -> Timestamp {
    ready_at(Some(step_at(now)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_us(45_000_000);

    fn idle_users(kinds: &[(bool, bool)]) -> IdleUsers {
        let user = |(number, &(has_device, has_app))| (number, UserKind { has_device, has_app }, None);
        IdleUsers::new((0..).zip(kinds).map(user))
    }

    #[test]
    fn a_busy_user_is_replaced_by_the_next_of_the_same_kind() {
        let mut idle = idle_users(&[(true, false), (false, false), (true, false)]);
        assert_eq!(idle.take(0, true, NOW), Ok(0));
        assert_eq!(idle.take(0, true, NOW), Ok(2));
        assert_eq!(idle.take(2, true, NOW), Err(Unavailable::Busy), "no other user has a device");
        assert_eq!(idle.take(2, false, NOW), Ok(1));
        assert_eq!(idle.take(2, false, NOW), Err(Unavailable::Busy));
        idle.release(2, None, NOW);
        idle.release(2, None, NOW);
        assert_eq!(idle.take(1, false, NOW), Ok(2));
        assert_eq!(idle.take(1, false, NOW), Err(Unavailable::Busy));
    }

    #[test]
    fn a_user_whose_code_is_used_up_is_replaced_by_another_with_an_app() {
        let mut idle = idle_users(&[(true, true), (true, false), (true, true)]);
        let step = step_at(NOW);
        assert_eq!(idle.take(0, false, NOW), Ok(0));
        assert!(!idle.release(0, Some(step), NOW), "the next code comes later");
        assert_eq!(idle.take(0, false, NOW), Ok(2), "the user without an app has no code either");
        assert!(!idle.release(2, Some(step), NOW));
        assert_eq!(idle.take(0, false, NOW), Err(Unavailable::CodesUsed));
        assert_eq!(idle.take(1, false, NOW), Ok(1));
        let later = next_code_at(NOW);
        assert_eq!(later, Timestamp::from_us(60_000_000));
        assert_eq!(idle.take(0, false, later), Ok(0));
        assert!(idle.release(0, Some(step), later), "the code of an earlier step was used");
    }
}
