//! Idle users. A user does one thing at a time; an arrival whose user is busy takes the next idle one.

/// The set of idle users.
#[derive(Debug)]
pub(super) struct IdleUsers {
    busy: Vec<bool>,
    /// Users who started with a device.
    owners: Vec<bool>,
    free: usize,
}

impl IdleUsers {
    /// All users are idle. `owners` says who started with a device.
    pub(super) fn new(owners: Vec<bool>) -> Self {
        Self { busy: vec![false; owners.len()], free: owners.len(), owners }
    }

    /// Takes the user `wanted`, or the first idle one of the same kind after them; `None` if all are busy.
    pub(super) fn take(&mut self, wanted: u32, needs_device: bool) -> Option<usize> {
        if self.free == 0 {
            return None;
        }
        let count = self.busy.len();
        let first = usize::try_from(wanted).unwrap_or(0) % count;
        let fits = |at: &usize| !self.busy[*at] && (!needs_device || self.owners[*at]);
        let found = (first..count).chain(0..first).find(fits)?;
        self.busy[found] = true;
        self.free -= 1;
        Some(found)
    }

    /// Takes this user, who is idle.
    pub(super) fn take_user(&mut self, user: usize) {
        if !std::mem::replace(&mut self.busy[user], true) {
            self.free -= 1;
        }
    }

    /// Returns whether the user started with a device.
    pub(super) fn is_owner(&self, user: usize) -> bool {
        self.owners[user]
    }

    /// Makes a user idle again.
    pub(super) fn release(&mut self, user: usize) {
        if std::mem::replace(&mut self.busy[user], false) {
            self.free += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_user_is_stood_in_for_by_the_next_of_their_kind() {
        let mut idle = IdleUsers::new(vec![true, false, true]);
        assert_eq!(idle.take(0, true), Some(0));
        assert_eq!(idle.take(0, true), Some(2));
        assert_eq!(idle.take(2, true), None, "no other user has a device");
        assert_eq!(idle.take(2, false), Some(1));
        assert_eq!(idle.take(2, false), None);
        idle.release(2);
        idle.release(2);
        assert_eq!(idle.take(1, false), Some(2));
        assert_eq!(idle.take(1, false), None);
    }
}
