//! The matrix under the switches about MFA: the pool decides as the oracle expects.

use poolproof::matrix::{self, Matrix};
use poolproof_cognito::policy::{
    MfaMode, PoolPolicy, ProofAfterMfa, RememberMode, RiskAction, RiskMode, RiskNote, RiskPolicy, Switches,
};

/// Plays the switches about MFA, each alone and all together.
#[test]
fn the_pool_agrees_under_the_switches_about_mfa() {
    use RiskAction::{MfaIfConfigured, MfaRequired, NoAction};
    let default = Switches::DEFAULT;
    let (email, proof) = (false, ProofAfterMfa::Confirmed);
    let mut decided = 0;
    for switches in [
        Switches { email_mfa_suppressed: email, ..default },
        Switches { proof_after_mfa: proof, ..default },
        Switches { risk_mfa_setup: true, ..default },
        Switches { email_mfa_suppressed: email, proof_after_mfa: proof, risk_mfa_setup: true, ..default },
    ] {
        for risk_note in [RiskNote::Pool, RiskNote::Off] {
            for (remember, mfa) in
                RememberMode::ALL.into_iter().flat_map(|remember| MfaMode::ALL.map(|mfa| (remember, mfa)))
            {
                let [low, medium, high] = [NoAction, MfaIfConfigured, MfaRequired];
                let risk = RiskPolicy { mode: RiskMode::Enforced, low, medium, high, ..RiskPolicy::OFF };
                let suppress_mfa = true;
                let base = PoolPolicy { remember, suppress_mfa, mfa, risk, ..PoolPolicy::DEFAULT };
                let policy = PoolPolicy { switches: Switches { risk_note, ..switches }, ..base };
                let matrix = Matrix::of_pool(policy);
                let result = matrix::play_all(&matrix, None, &|_| {});
                assert_eq!(result.differences, [], "{policy:?}");
                let of_switches = ["email-mfa-kept", "proof-after-mfa", "risk-mfa-setup"];
                decided += matrix.rows().iter().filter(|row| of_switches.contains(&row.rule.id)).count();
            }
        }
    }
    assert!(decided > 50, "{decided} cells");
}
