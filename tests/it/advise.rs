//! The advice on a pool's settings: conditions, counted cells, texts, output formats.

use std::collections::BTreeSet;

use poolproof::advise::{self, Advice, Severity, advise as advice_on, catalog};
use poolproof::settings::{self, PoolSettings, SourceKind, Unsimulated};
use poolproof_cognito::addresses::{AddressRange, RiskExceptions};
use poolproof_cognito::policy::{
    FactorTypes, Factors, MfaMode, PoolPolicy, Quotas, RememberMode, RiskAction, RiskMode, RiskNote,
    RiskPolicy,
};
use proptest::prelude::*;
use serde_json::Value;

use crate::cli::{output, poolproof};
use crate::scenario_files::{assert_same_as_file, path};

use MfaMode::{Off, On, Optional};
use RememberMode::{Always, No, OptIn};
use RiskAction::{Block, MfaIfConfigured, MfaRequired, NoAction};

fn pool(remember: RememberMode, suppress_mfa: bool, mfa: MfaMode) -> PoolSettings {
    PoolSettings {
        exceptions: RiskExceptions::default(),
        custom_auth: Vec::new(),
        name: "a pool".to_owned(),
        pool_id: None,
        source: SourceKind::Aws,
        policy: PoolPolicy { remember, suppress_mfa, mfa, quotas: Quotas::COGNITO, ..PoolPolicy::DEFAULT },
        factors: FactorTypes::ALL,
        risk_known: true,
        blocks_compromised: false,
        description: None,
        ignored: Vec::new(),
        unknown: Vec::new(),
        notes: Vec::new(),
        quota_note: None,
    }
}

fn risky(settings: PoolSettings, mode: RiskMode, [low, medium, high]: [RiskAction; 3]) -> PoolSettings {
    let risk = RiskPolicy { mode, low, medium, high, ..RiskPolicy::OFF };
    PoolSettings { policy: PoolPolicy { risk, ..settings.policy }, ..settings }
}

fn enforced(settings: PoolSettings, actions: [RiskAction; 3]) -> PoolSettings {
    risky(settings, RiskMode::Enforced, actions)
}

fn with(mut settings: PoolSettings, change: impl FnOnce(&mut PoolSettings)) -> PoolSettings {
    change(&mut settings);
    settings
}

const RISING: [RiskAction; 3] = [NoAction, MfaRequired, Block];
const NOTHING: [RiskAction; 3] = [NoAction; 3];

fn unknown_risk(settings: PoolSettings) -> PoolSettings {
    with(enforced(settings, [Block; 3]), |s| s.risk_known = false)
}

fn ranges() -> Vec<AddressRange> {
    vec!["192.0.2.0/24".parse().unwrap()]
}

/// Returns each advice with a pool that gets it and a similar pool that does not.
fn pairs() -> Vec<(&'static str, PoolSettings, PoolSettings)> {
    let noted = || pool(Always, true, Optional);
    let slow =
        |updates| with(pool(Always, false, Off), move |s| s.policy.quotas.user_resource_update = updates);
    let no_note = |s| with(s, |s: &mut PoolSettings| s.policy.switches.risk_note = RiskNote::Off);
    let none = FactorTypes { sms: false, totp: false, email: false };
    let methods = |mfa, factors| with(pool(No, false, mfa), move |s| s.factors = factors);
    let audit = |mode, actions| risky(pool(No, false, Optional), mode, actions);
    let low = [MfaIfConfigured, MfaIfConfigured, Block];
    vec![
        ("note-ignores-risk-mfa", enforced(noted(), RISING), no_note(enforced(noted(), RISING))),
        ("note-ignores-risk-mfa", enforced(noted(), RISING), enforced(pool(OptIn, true, Optional), RISING)),
        ("note-ignores-risk-mfa", enforced(noted(), RISING), enforced(noted(), [MfaRequired, Block, Block])),
        ("note-may-ignore-risk-mfa", unknown_risk(noted()), enforced(noted(), RISING)),
        (
            "required-with-mfa-off",
            enforced(pool(No, false, Off), RISING),
            enforced(pool(No, false, On), RISING),
        ),
        (
            "required-refuses-without-factor",
            enforced(pool(No, false, Optional), RISING),
            enforced(pool(No, false, Optional), [NoAction, MfaIfConfigured, Block]),
        ),
        // The Note ignores the MFA of medium risk, so no user is refused for it.
        ("required-refuses-without-factor", no_note(enforced(noted(), RISING)), enforced(noted(), RISING)),
        (
            "risk-laxer-above",
            enforced(pool(No, false, Optional), [NoAction, Block, MfaRequired]),
            enforced(pool(No, false, Optional), [NoAction, Block, Block]),
        ),
        ("mfa-without-method", methods(Optional, none), methods(Off, none)),
        ("mfa-without-method", methods(On, none), methods(On, FactorTypes { totp: true, ..none })),
        ("risk-without-effect", audit(RiskMode::Audit, RISING), audit(RiskMode::Audit, NOTHING)),
        ("risk-without-effect", audit(RiskMode::Off, RISING), audit(RiskMode::Enforced, RISING)),
        ("risk-actions-unknown", unknown_risk(pool(No, false, Off)), enforced(pool(No, false, Off), RISING)),
        ("opt-in-needs-prompt", pool(OptIn, false, Off), pool(Always, false, Off)),
        ("mfa-binding", pool(OptIn, true, On), pool(OptIn, true, Off)),
        ("mfa-binding", pool(Always, true, Optional), pool(Always, false, Optional)),
        ("confirm-quota", slow(Some(25)), slow(None)),
        ("confirm-quota", slow(Some(119)), slow(Some(120))),
        ("refresh-bound-to-device", pool(Always, false, Off), pool(No, false, Off)),
        ("low-risk-not-covered", enforced(noted(), low), enforced(noted(), RISING)),
        ("low-risk-not-covered", enforced(noted(), low), enforced(pool(OptIn, true, Optional), low)),
        (
            "risk-outweighs-suppression",
            enforced(pool(OptIn, true, Optional), RISING),
            enforced(pool(Always, true, Optional), RISING),
        ),
        ("suppression-without-mfa", pool(Always, true, Off), pool(Always, true, Optional)),
        ("suppression-without-tracking", pool(No, true, Optional), pool(Always, true, Optional)),
        (
            "if-configured-with-mfa-off",
            enforced(pool(No, false, Off), low),
            enforced(pool(No, false, On), low),
        ),
        ("optional-mfa-not-enrolled", pool(No, false, Optional), pool(No, false, On)),
        ("mfa-then-device-quota", pool(Always, false, On), pool(Always, true, On)),
        ("mfa-then-device-quota", pool(OptIn, false, Optional), pool(OptIn, false, Off)),
        ("remembered-for-ever", pool(OptIn, false, Off), pool(No, false, Off)),
        ("list-shows-remembered-only", pool(OptIn, false, Off), pool(Always, false, Off)),
        (
            "block-includes-remembered",
            enforced(pool(Always, false, Off), RISING),
            enforced(pool(Always, false, Off), NOTHING),
        ),
        ("stale-key-refused", pool(Always, false, Off), pool(No, false, Off)),
    ]
}

/// Returns the same for address lists and compromised passwords.
fn pairs_of_lists() -> Vec<(&'static str, PoolSettings, PoolSettings)> {
    let audit = |actions| risky(pool(No, false, Optional), RiskMode::Audit, actions);
    let lists = |yes| with(enforced(pool(No, false, Off), RISING), move |s| s.blocks_compromised = yes);
    let skipping = |settings| with(settings, |s| s.exceptions.skipped = ranges());
    let blocking = |settings| with(settings, |s| s.exceptions.blocked = ranges());
    vec![
        ("allowed-addresses-unchecked", skipping(lists(false)), blocking(lists(false))),
        (
            "allowed-addresses-unchecked",
            skipping(with(enforced(pool(No, false, Off), NOTHING), |s| s.blocks_compromised = true)),
            skipping(enforced(pool(No, false, Off), NOTHING)),
        ),
        ("allowed-addresses-unchecked", skipping(lists(true)), skipping(audit(RISING))),
        ("compromised-not-checked", lists(true), lists(false)),
        ("compromised-not-checked", lists(true), with(lists(true), |s| s.policy.risk.mode = RiskMode::Audit)),
    ]
}

fn one(settings: &PoolSettings, id: &str) -> Option<Advice> {
    advice_on(settings).advice.into_iter().find(|advice| advice.id == id)
}

#[test]
fn each_advice_has_a_positive_and_a_negative_example() {
    let mut shown = BTreeSet::new();
    for (id, has, has_not) in pairs().into_iter().chain(pairs_of_lists()) {
        assert!(one(&has, id).is_some(), "{id} is not given to {has:?}");
        assert!(one(&has_not, id).is_none(), "{id} is given to {has_not:?}");
        shown.insert(id);
    }
    assert_eq!(shown, catalog().map(|(id, _)| id).collect(), "every advice is shown");
}

#[test]
fn a_default_pool_gets_no_advice() {
    let settings = settings::read(&[path("tests/data/aws/as-created.json")], Unsimulated::Refuse).unwrap();
    let advised = advice_on(&settings);
    assert_eq!((advised.advice.len(), advised.highest_severity()), (0, None));
    assert!(advise::text(&advised).contains("No advice"), "{}", advise::text(&advised));
    assert!(advise::markdown(&advised).contains("No advice"));
}

#[test]
fn advice_has_complete_text_and_a_source() {
    for (_, settings, _) in pairs().into_iter().chain(pairs_of_lists()) {
        let advised = advice_on(&settings);
        assert!(advised.advice.is_sorted_by(|a, b| a.severity >= b.severity), "highest severity first");
        for advice in &advised.advice {
            let words = [&advice.headline, &advice.why, &advice.what_to_do];
            assert!(words.iter().all(|words| words.ends_with(['.', '"'])), "{advice:?}");
            assert!(!words.iter().any(|words| words.contains(['{', '}'])), "{advice:?}");
            let sentences = advice.why.matches(". ").count() + 1;
            assert!((1..=3).contains(&sentences), "{}: {sentences} sentences", advice.id);
            assert!(!advice.rests_on.is_empty(), "{} has no evidence", advice.id);
            assert!(advice.cells.is_none_or(|cells| cells.affected <= cells.of));
        }
    }
}

/// Counts the cells that the Note changes in a pool with optional MFA, without the oracle.
fn expected_note_cells(medium: RiskAction, high: RiskAction) -> usize {
    let mut changed = 0;
    // Registered and active, for each set of factors: none, phone, sms, totp, email, sms_and_totp.
    for factor in ["none", "registered", "active", "active", "active", "active"] {
        for device in ["none", "remembered", "not remembered", "issued", "forgotten"] {
            for action in [medium, high] {
                let known = !["issued", "forgotten"].contains(&device);
                changed += usize::from(match action {
                    NoAction | Block => false,
                    // On a remembered device the device proof is enough. A factor that is only registered is
                    // asked for by risk alone, so on every known device.
                    MfaIfConfigured if factor == "none" => false,
                    MfaIfConfigured | MfaRequired if factor == "active" => device == "remembered",
                    // The same, and a user without a factor is not refused.
                    MfaIfConfigured | MfaRequired => known,
                });
            }
        }
    }
    changed
}

#[test]
fn note_cell_count_matches_the_expected_count() {
    for medium in RiskAction::ALL {
        for high in RiskAction::ALL.into_iter().filter(|high| *high >= medium) {
            let settings = enforced(pool(Always, true, Optional), [NoAction, medium, high]);
            let counted = one(&settings, "note-ignores-risk-mfa").map_or(0, |a| a.cells.unwrap().affected);
            assert_eq!(counted, expected_note_cells(medium, high), "{medium} {high}");
        }
    }
    let settings = enforced(pool(Always, true, Optional), RISING);
    let cells = one(&settings, "note-ignores-risk-mfa").unwrap().cells.unwrap();
    assert_eq!((cells.affected, cells.of), (expected_note_cells(MfaRequired, Block), 120));
}

#[test]
fn missing_factor_cell_count_matches_the_expected_count() {
    for actions in [RISING, [MfaRequired; 3], [NoAction, NoAction, MfaRequired]] {
        for remember in RememberMode::ALL {
            let settings = enforced(pool(remember, false, Optional), actions);
            let levels = actions.iter().filter(|action| **action == MfaRequired).count();
            // Users without a factor; a pool that tracks devices refuses two of the five devices anyway.
            let devices = if remember == No { 5 } else { 3 };
            let cells = one(&settings, "required-refuses-without-factor").unwrap().cells.unwrap();
            assert_eq!((cells.affected, cells.of), (levels * devices, 120), "{remember} {actions:?}");
        }
    }
    let totp = FactorTypes { sms: false, totp: true, email: false };
    let settings = with(enforced(pool(No, false, Optional), RISING), |s| s.factors = totp);
    assert_eq!(settings.factors.sets(), [Factors::None, Factors::Totp]);
    let cells = one(&settings, "required-refuses-without-factor").unwrap().cells.unwrap();
    assert_eq!((cells.affected, cells.of), (5, 40), "only possible sets of factors are counted");
}

#[test]
fn settings_that_do_nothing_change_no_cell() {
    for (id, settings) in [
        ("suppression-without-mfa", enforced(pool(Always, true, Off), RISING)),
        ("suppression-without-tracking", enforced(pool(No, true, Optional), RISING)),
        ("if-configured-with-mfa-off", enforced(pool(No, false, Off), [NoAction, MfaIfConfigured, Block])),
    ] {
        assert_eq!(one(&settings, id).unwrap().cells.unwrap().affected, 0, "{id}");
    }
}

#[test]
fn advice_names_the_rules_of_its_cells() {
    let settings = enforced(pool(No, false, Optional), RISING);
    let advice = one(&settings, "required-refuses-without-factor").unwrap();
    let evidence = advice.rests_on[0];
    assert_eq!((evidence.rule, evidence.confidence), (Some("risk-required-no-factor"), "documented"));
    let settings = pool(Always, true, Optional);
    let rules: Vec<_> =
        one(&settings, "mfa-binding").unwrap().rests_on.iter().map(|evidence| evidence.rule).collect();
    assert_eq!(rules, [Some("suppression-unbound"), None, Some("suppressed")]);
}

#[test]
fn ip_list_and_srp_exceptions_are_counted_with_their_rule() {
    let rests = |advice: &Advice| {
        advice.rests_on.iter().map(|g| (g.rule, g.source, g.confidence)).take(2).collect::<Vec<_>>()
    };
    // With MFA off, two levels are refused: five devices and six sets of factors each.
    let settings = with(enforced(pool(No, false, Off), RISING), |s| {
        s.exceptions.skipped = ranges();
        s.blocks_compromised = true;
    });
    let advice = one(&settings, "allowed-addresses-unchecked").unwrap();
    let cells = advice.cells.unwrap();
    assert_eq!((cells.affected, cells.of), (2 * 5 * 6, 120));
    let of_lists = (Some("address-allowed"), "SEMANTICS c.4", "documented");
    assert_eq!(rests(&advice), [of_lists, (None, "SEMANTICS c.4", "documented")]);
    let advice = one(&settings, "compromised-not-checked").unwrap();
    let of_srp = (Some("compromised-srp"), "SEMANTICS c.5 #35", "documented");
    assert_eq!(rests(&advice), [of_srp, (None, "SEMANTICS c.4", "documented")]);
    // Without risk actions the list changes no cell.
    let settings = with(enforced(pool(No, false, Off), NOTHING), |s| {
        s.exceptions.skipped = ranges();
        s.blocks_compromised = true;
    });
    assert_eq!(one(&settings, "allowed-addresses-unchecked").unwrap().cells.unwrap().affected, 0);
}

#[test]
fn times_and_rates_are_computed_from_the_quotas() {
    let why = |settings: &PoolSettings, id| one(settings, id).unwrap().why;
    assert!(
        why(&pool(Always, false, Off), "confirm-quota").contains("100,000 devices need at least 67 minutes")
    );
    assert!(
        why(&pool(OptIn, false, Off), "confirm-quota").contains("at least 134 minutes"),
        "two changes for each device"
    );
    let quick = with(pool(Always, false, Off), |s| s.policy.quotas.user_resource_update = Some(100));
    assert!(why(&quick, "confirm-quota").contains("17 minutes"));
    let slow = one(&pool(Always, false, On), "mfa-then-device-quota").unwrap();
    assert!(slow.headline.contains("limited to 96 per second, not 120"), "{}", slow.headline);
    assert!(slow.why.contains("4 challenge answers"), "{}", slow.why);
    let by_email =
        with(pool(Always, false, On), |s| s.factors = FactorTypes { email: true, ..FactorTypes::NONE });
    assert_eq!(one(&by_email, "mfa-then-device-quota").map(|advice| advice.why), Some(slow.why));
}

fn sample() -> PoolSettings {
    let names = ["describe-user-pool", "get-user-pool-mfa-config", "describe-risk-configuration"];
    let files = names.map(|name| path("scenarios/aws").join(format!("{name}.json")));
    settings::read(&files, Unsimulated::Refuse).unwrap()
}

#[test]
fn sample_advice_matches_the_committed_text() {
    let advised = advice_on(&sample());
    assert_same_as_file(&path("tests/data/aws/advice.txt"), &advise::text(&advised));
    assert_same_as_file(&path("tests/data/aws/advice.md"), &advise::markdown(&advised));
    let json = serde_json::to_string_pretty(&advised).unwrap() + "\n";
    assert_same_as_file(&path("tests/data/aws/advice.json"), &json);
}

const HOSTILE: [&str; 9] = [
    "",
    "`",
    "``` ` a``",
    "<script>alert(1)</script> & <img src=x>",
    "a](https://example.com) @someone #1 | b",
    "line\n# heading\r\n- item\u{2028}next",
    "\u{1b}[31mred\u{7}",
    "right\u{202e}left\u{200b}",
    "\\` \\",
];

#[test]
fn hostile_names_are_escaped_in_markdown() {
    let tame = advise::markdown(&advice_on(&sample()));
    for name in HOSTILE {
        let settings = with(sample(), |s| s.name = name.to_owned());
        let markdown = advise::markdown(&advice_on(&settings));
        let (first, rest) = markdown.split_once('\n').unwrap();
        assert_eq!(rest, tame.split_once('\n').unwrap().1, "{name:?} changes other lines");
        let span = first.strip_prefix("# Advice on the pool ").unwrap();
        let span = span.strip_suffix(" (` eu-central-1_EXAMPLE01 `)").unwrap();
        // A code span ends at the first run of backticks as long as the one that opened it.
        let fence = span.chars().take_while(|c| *c == '`').count();
        let inside = &span[fence..];
        let mut runs = Vec::new();
        let mut at = 0;
        while let Some(start) = inside[at..].find('`').map(|start| at + start) {
            let length = inside[start..].chars().take_while(|c| *c == '`').count();
            runs.push((start, length));
            at = start + length;
        }
        let (start, _) = *runs.iter().find(|(_, length)| *length == fence).unwrap();
        assert_eq!(start + fence, inside.len(), "{span}");
        assert!(
            !span.contains(|c: char| c.is_control() || matches!(c, '\u{202e}' | '\u{200b}' | '\u{2028}'))
        );
        if !name.contains(|c: char| !c.is_ascii() || c.is_control()) {
            assert_eq!(&inside[1..start - 1], name);
        }
    }
}

#[test]
fn deny_exits_80_at_or_above_the_level() {
    let sample = ["scenarios/aws/describe-user-pool.json", "scenarios/aws/describe-risk-configuration.json"];
    let end = |files: &[&str], more: &[&str]| output(poolproof().arg("advise").args(files).args(more)).0;
    assert_eq!(end(&sample, &[]), 0);
    for level in ["high", "medium", "low", "note"] {
        assert_eq!(end(&sample, &["--deny", level]), 80, "{level}");
        assert_eq!(end(&["tests/data/aws/as-created.json"], &["--deny", level]), 0, "{level}");
    }
    // The highest severity of its advice is medium.
    let medium = ["scenarios/remember-always.yaml"];
    for (level, code) in [("high", 0), ("medium", 80), ("low", 80), ("note", 80)] {
        assert_eq!(end(&medium, &["--deny", level]), code, "{level}");
    }
    // Without the actions of risk there is no all-clear at any level.
    let unknown = ["scenarios/aws/describe-user-pool.json", "scenarios/aws/get-user-pool-mfa-config.json"];
    assert_eq!((end(&unknown, &["--deny", "high"]), end(&unknown, &[])), (80, 0));
    assert_eq!(end(&sample, &["--deny", "severe"]), 2);
    assert_eq!(end(&[], &[]), 2);
}

#[test]
fn advise_supports_every_format_and_exits_104_on_bad_input() {
    let advice = |more: &[&str]| {
        let (code, out, err) = output(poolproof().args(["advise", "tests/data/aws/merged.json"]).args(more));
        assert_eq!((code, err.as_str()), (0, ""));
        out
    };
    let advised = advice_on(&sample());
    assert_eq!(advice(&[]), advise::text(&advised));
    assert_eq!(advice(&["--format", "markdown"]), advise::markdown(&advised));
    let json: Value = serde_json::from_str(&advice(&["--format", "json"])).unwrap();
    assert_eq!(json, serde_json::to_value(&advised).unwrap());
    let (code, out, err) =
        output(poolproof().args(["advise", "scenarios/aws/get-user-pool-mfa-config.json"]));
    assert_eq!((code, out.as_str()), (104, ""));
    assert!(err.contains("no document contains the pool itself"), "{err}");
}

#[test]
fn severities_are_ordered() {
    assert!(Severity::ALL.is_sorted_by(|a, b| a > b));
    let names: Vec<_> =
        Severity::ALL.iter().map(|severity| serde_json::to_value(severity).unwrap()).collect();
    assert_eq!(names, Severity::ALL.map(|severity| Value::from(severity.as_str())));
}

fn any_settings() -> impl Strategy<Value = PoolSettings> {
    let action = || proptest::sample::select(&RiskAction::ALL[..]);
    let pool_words = (
        proptest::sample::select(&RememberMode::ALL[..]),
        any::<bool>(),
        proptest::sample::select(&MfaMode::ALL[..]),
        proptest::sample::select(&[RiskMode::Off, RiskMode::Audit, RiskMode::Enforced][..]),
        [action(), action(), action()],
    );
    let name = prop_oneof![
        any::<String>(),
        "[a-z㐀-龥]{0,300}",
        proptest::sample::select(&HOSTILE[..]).prop_map(str::to_owned)
    ];
    let quota = || proptest::option::of(any::<u32>());
    let rest = (name, any::<[bool; 5]>(), [quota(), quota(), quota()]);
    (pool_words, rest).prop_map(|((remember, suppress, mfa, mode, actions), (name, flags, quotas))| {
        let mut settings = risky(pool(remember, suppress, mfa), mode, actions);
        let [sms, totp, email, risk_known, blocks_compromised] = flags;
        settings.factors = FactorTypes { sms, totp, email };
        settings.policy.quotas = Quotas {
            user_authentication: quotas[0],
            user_resource_read: quotas[1],
            user_resource_update: quotas[2],
            ..Quotas::NONE
        };
        PoolSettings { pool_id: Some(name.clone()), name, risk_known, blocks_compromised, ..settings }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn output_is_well_formed_for_any_settings(settings in any_settings()) {
        let advised = advice_on(&settings);
        let text = advise::text(&advised);
        for line in text.lines() {
            prop_assert!(line.chars().count() <= 100 && line == line.trim_end(), "{line:?}");
            prop_assert!(!line.contains(char::is_control), "{line:?}");
        }
        let json = serde_json::to_string(&advised).unwrap();
        let read: Value = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(read["pool"]["name"].as_str(), Some(settings.name.as_str()));
        prop_assert_eq!(read["advice"].as_array().unwrap().len(), advised.advice.len());
        let markdown = advise::markdown(&advised);
        for advice in &advised.advice {
            let in_markdown = format!("- **Id:** `{}`\n", advice.id);
            let in_text = format!("\n  {}\n", advice.id);
            prop_assert!(markdown.contains(&in_markdown) && text.contains(&in_text));
        }
    }
}
