use super::*;
use poolproof_cognito::seed::Seed;
use poolproof_srp::{Group, Job, JobResult, Verifier};

fn second(seconds: u64) -> Timestamp {
    Timestamp::from_us(seconds * 1_000_000)
}

/// Returns a challenge that expires at second 10.
fn challenge() -> PasswordChallenge {
    let (group, mut rng) = (Group::toy(), Seed::new(1).rng("pool", 0));
    let (a, b) = (Ephemeral::draw(256, &mut rng), Ephemeral::draw(256, &mut rng));
    let verifier = Verifier::draw(group, &mut rng);
    let JobResult::PublicA { public_a, .. } = (Job::ClientPublic { group, a }).run() else { panic!("no A") };
    let public = Job::ServerPublic { group, b: b.clone(), verifier };
    let JobResult::PublicB { public_b, .. } = public.run() else { panic!("no B") };
    PasswordChallenge {
        client_id: ClientId::new("client"),
        owner: Owner::UnknownUser(Sub::new("unknown")),
        proof: Proof::Exchange(Exchange { public_a, public_b, b }),
        credentials: 0,
        device_key: None,
        custom: false,
        failed_claims: Vec::new(),
        expires: second(10),
    }
}

#[test]
fn an_expired_challenge_is_not_restored() {
    // A challenge may be restored after its expiry; nothing would remove it then.
    let block = SecretBlock::new("block");
    for (back_at, kept) in [(9, true), (10, false), (11, false)] {
        let mut session_store = SessionStore::default();
        session_store.insert_password_challenge(second(0), &block, challenge());
        let taken = session_store.owned_password_challenge(second(5), &block, |_| true).unwrap().clone();
        session_store.remove_expired(second(back_at));
        session_store.restore_password_challenge(second(back_at), &block, taken);
        assert_eq!(session_store.password_challenge(&block).is_some(), kept, "restored at second {back_at}");
        session_store.remove_expired(second(10));
        assert!(
            session_store.password_challenges.len() == 0 && session_store.len() == 0,
            "expired challenges are removed"
        );
    }
}

#[test]
fn a_locked_unknown_name_is_not_evicted_by_many_others() {
    let mut session_store = SessionStore::default();
    let mut rng = Seed::new(1).rng("pool", 0);
    // The keys are distributed evenly, as the pool's keyed hash distributes them.
    let mut names = Seed::new(2).rng("names", 0);
    let mut failure_key = || {
        let mut failure_key = [0; 16];
        names.fill_bytes(&mut failure_key);
        FailureKey(failure_key)
    };
    let victim = failure_key();
    for _ in 0..5 {
        session_store.unknown_user(victim, &mut rng).failures.record_failure(second(1), 5);
    }
    for _ in 0..5 * MAX_UNKNOWN_USERS {
        session_store.unknown_user(failure_key(), &mut rng).failures.record_failure(second(1), 5);
        assert!(session_store.unknown_users.len() <= MAX_UNKNOWN_USERS);
    }
    assert!(session_store.unknown_user(victim, &mut rng).failures.is_locked(second(1)), "still locked out");
}
