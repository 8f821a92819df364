//! `matrix` and `explain`: all cells, the embedded pool, output formats, baselines, explanations.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use poolproof::matrix::{self, Matrix};
use poolproof_cognito::policy::{
    MfaMode, PoolPolicy, RememberMode, RiskAction, RiskMode, RiskNote, RiskPolicy, Switches,
};
use poolproof_pool::Defect;
use serde_json::Value;

use crate::run_fixture::{bundled, empty_folder, root, scenario};

/// Returns an empty folder for this test.
fn folder(name: &str) -> PathBuf {
    empty_folder("matrix", name)
}

/// Runs the command with the arguments in `line`. Returns exit code, standard output and standard error.
fn poolproof(line: &str) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_poolproof"));
    command.current_dir(root()).env("CI", "true").stdin(Stdio::null()).args(line.split_whitespace());
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

/// Runs the command, which must succeed without messages. Returns its standard output.
fn good(line: &str) -> String {
    let (code, out, err) = poolproof(line);
    assert_eq!((code, err.as_str()), (0, ""), "{line}");
    out
}

/// Parses the cells of a matrix.
fn cells(json: &str) -> Vec<Value> {
    serde_json::from_str(json).unwrap()
}

const KEYS: [&str; 12] = [
    "remember",
    "suppress_mfa",
    "mfa",
    "factor",
    "device",
    "risk",
    "challenges",
    "outcome",
    "new_device",
    "rule",
    "source",
    "confidence",
];

/// Returns the start of the JSON object of each cell in the documented order, independently of the program.
fn coordinates() -> Vec<String> {
    let mut risks = vec!["null".to_owned()];
    for level in ["low", "medium", "high"] {
        for action in ["no_action", "mfa_if_configured", "mfa_required", "block"] {
            risks.push(format!(r#"{{"level":"{level}","action":"{action}"}}"#));
        }
    }
    let mut all = Vec::new();
    for remember in ["no", "always", "opt_in"] {
        for suppress in ["false", "true"] {
            for mfa in ["off", "optional", "on"] {
                for factor in ["none", "phone", "sms", "totp", "email", "sms_and_totp"] {
                    for device in ["none", "remembered", "not_remembered", "issued", "forgotten"] {
                        for risk in &risks {
                            all.push(format!(
                                r#"{{"remember":"{remember}","suppress_mfa":{suppress},"mfa":"{mfa}","factor":"{factor}","device":"{device}","risk":{risk},"#
                            ));
                        }
                    }
                }
            }
        }
    }
    all
}

#[test]
fn json_has_every_cell_in_order_with_the_documented_keys() {
    let json = good("matrix --format json");
    let lines: Vec<&str> = json.lines().filter(|line| line.starts_with('{')).collect();
    let wanted = coordinates();
    assert_eq!((lines.len(), wanted.len()), (7020, 7020));
    for (line, start) in lines.iter().zip(&wanted) {
        assert!(line.starts_with(start.as_str()), "{line}\ndoes not start with {start}");
        let positions: Vec<usize> =
            KEYS.iter().map(|key| line.find(&format!("\"{key}\":")).unwrap()).collect();
        assert!(positions.is_sorted(), "the keys are not in order: {line}");
    }
    for cell in cells(&json) {
        let keys: BTreeSet<&str> = cell.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, BTreeSet::from(KEYS));
        assert_eq!(cell["challenges"][0], "PASSWORD_VERIFIER");
        assert!(cell["challenges"].as_array().unwrap().iter().all(Value::is_string));
        assert!(cell["suppress_mfa"].is_boolean() && cell["new_device"].is_boolean());
        assert!(["tokens", "device_not_found", "blocked"].contains(&cell["outcome"].as_str().unwrap()));
        let confidence = cell["confidence"].as_str().unwrap();
        assert!(["documented", "formerly_documented", "observed", "inferred"].contains(&confidence));
        assert!(!cell["rule"].as_str().unwrap().is_empty() && !cell["source"].as_str().unwrap().is_empty());
    }
}

#[test]
fn the_pool_decides_every_cell_as_the_oracle_does() {
    let out = good("matrix --against pool");
    assert_eq!(out, "7,020 of 7,020 cells agree\n");
}

/// Runs every configuration with every setting of the switches and three sets of risk actions.
#[test]
fn the_pool_agrees_under_every_switch() {
    use RiskAction::{Block, MfaIfConfigured, MfaRequired, NoAction};
    let actions = [
        [MfaIfConfigured, MfaRequired, Block],
        [MfaRequired, MfaRequired, MfaRequired],
        [NoAction, MfaIfConfigured, MfaRequired],
    ];
    let mut count = 0;
    for [low, medium, high] in actions {
        for mode in [RiskMode::Off, RiskMode::Audit, RiskMode::Enforced] {
            for (remember, mfa) in
                RememberMode::ALL.into_iter().flat_map(|remember| MfaMode::ALL.map(|mfa| (remember, mfa)))
            {
                for (risk_note, strict_mfa_binding) in
                    RiskNote::ALL.into_iter().flat_map(|note| [false, true].map(|strict| (note, strict)))
                {
                    let policy = PoolPolicy {
                        remember,
                        suppress_mfa: true,
                        mfa,
                        risk: RiskPolicy { mode, low, medium, high, ..RiskPolicy::OFF },
                        switches: Switches { risk_note, strict_mfa_binding, ..Switches::DEFAULT },
                        ..PoolPolicy::DEFAULT
                    };
                    let result = matrix::play_all(&Matrix::of_pool(policy), None, &|_| {});
                    assert_eq!(result.differences, [], "{policy:?}");
                    count += result.cells;
                }
            }
        }
    }
    assert_eq!(count, 3 * 3 * 9 * 6 * 120);
}

#[test]
fn the_pools_of_all_bundled_scenarios_agree() {
    for file in bundled() {
        let out = good(&format!("matrix --against pool --pool {}", file.display()));
        assert_eq!(out, "120 of 120 cells agree\n", "{}", file.display());
    }
}

#[test]
fn a_defect_appears_only_under_its_rule() {
    let expected = [
        (Defect::BlockIgnored, &["risk-block"][..]),
        (Defect::ForgottenDeviceAccepted, &["device-issued", "device-unknown"]),
        (Defect::SuppressesAlways, &["not-suppressed", "not-suppressed-no-factor"]),
        (
            Defect::NoteUnknown,
            &["note-device", "note-device-no-factor", "note-new", "note-new-mfa", "note-not-remembered"],
        ),
    ];
    let all = Matrix::all();
    for (defect, rules) in expected {
        let result = matrix::play_all(&all, Some(defect), &|_| {});
        let broken: BTreeSet<&str> = result.differences.iter().map(|difference| difference.rule.id).collect();
        assert!(broken.contains(rules[0]), "{defect:?} must break {rules:?}, but breaks {broken:?}");
        assert!(broken.iter().all(|rule| rules.contains(rule) || rule.starts_with("note-")), "{broken:?}");
        let first = result.differences[0].to_string();
        for wanted in ["expected  PASSWORD_VERIFIER", "seen      PASSWORD_VERIFIER", "rule      "] {
            assert!(first.contains(wanted), "no `{wanted}` in {first}");
        }
        let agree = 7020 - result.differences.len();
        let summary = result.summary();
        assert!(summary.replace(',', "").contains(&format!("{agree} of 7020 cells")), "{summary}");
    }
}

#[test]
fn a_pool_file_gives_the_cells_of_one_pool() {
    let cells = cells(&good("matrix --format json --pool scenarios/risk.yaml"));
    assert_eq!(cells.len(), 120);
    let risks: BTreeSet<String> = cells.iter().map(|cell| cell["risk"].to_string()).collect();
    let wanted = ["null", "low", "medium", "high"];
    assert_eq!(risks.len(), 4);
    assert!(wanted.iter().all(|level| risks.iter().any(|risk| risk.contains(level))), "{risks:?}");
    let (code, out, err) = poolproof("matrix --pool scenarios/absent.yaml");
    assert_eq!((code, out.as_str()), (104, ""));
    assert!(err.contains("absent.yaml"), "{err}");
}

#[test]
fn strict_binding_and_audit_mode_apply_to_the_matrix() {
    let matrix_of = |pool: &str| {
        let file = format!(
            "version: 1\nname: one\npool: {pool}\npopulation: {{ users: 5 }}\n\
             workload: {{ stages: [ {{ for: 2s, rate: 10/s }} ] }}\n"
        );
        Matrix::of_pool(scenario(&file).pool)
    };
    // The devices of the matrix have completed an MFA.
    let strict = matrix_of("{ remember: always, suppress_mfa: true, mfa: \"on\" }");
    assert!(strict.rules().iter().all(|(rule, _)| rule.id != "suppression-unbound"));
    let audited = matrix_of(
        "{ remember: always, mfa: optional, risk: { mode: audit, low: block, medium: block, high: block } }",
    );
    assert!(audited.rules().iter().all(|(rule, _)| rule.id != "risk-block"));
    let table = matrix::table(&audited).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(table.contains("risk is audited and changes no decision"), "{table}");
}

#[test]
fn output_fits_in_100_columns() {
    let mut texts = vec![good("matrix"), matrix::table(&Matrix::all())];
    texts.extend(bundled().iter().map(|file| good(&format!("matrix --pool {}", file.display()))));
    texts.push(good(
        "explain --remember always --suppress-mfa --mfa on --factor sms_and_totp --device remembered \
         --risk medium:mfa_if_configured --strict-mfa-binding --not-mfa-bound",
    ));
    for text in texts {
        for line in text.lines() {
            assert!(line.chars().count() <= 100, "{} columns: {line}", line.chars().count());
            assert_eq!(line, line.trim_end(), "the line has trailing blanks");
        }
    }
}

#[test]
fn table_of_one_pool_matches_the_snapshot() {
    insta::assert_snapshot!(good("matrix --pool scenarios/risk.yaml"));
}

#[test]
fn csv_is_rfc_4180_and_has_the_cells_of_the_json() {
    let csv = good("matrix --format csv");
    assert!(csv.ends_with("\r\n") && !csv.replace("\r\n", "").contains(['\r', '\n']));
    let records: Vec<Vec<String>> = csv.split_terminator("\r\n").map(fields).collect();
    let cells = cells(&good("matrix --format json"));
    assert_eq!(records.len(), cells.len() + 1);
    let head = &records[0];
    for (record, cell) in records[1..].iter().zip(&cells) {
        assert_eq!(record.len(), head.len());
        let field: BTreeMap<&str, &str> =
            head.iter().map(String::as_str).zip(record.iter().map(String::as_str)).collect();
        for key in ["remember", "mfa", "factor", "device", "outcome", "rule", "source", "confidence"] {
            assert_eq!(cell[key], field[key]);
        }
        let challenges: Vec<&str> = field["challenges"].split(' ').collect();
        assert_eq!(cell["challenges"], serde_json::json!(challenges));
        assert_eq!(cell["new_device"].to_string(), field["new_device"]);
        assert_eq!(cell["risk"]["level"].as_str().unwrap_or_default(), field["risk_level"]);
        assert_eq!(cell["risk"]["action"].as_str().unwrap_or_default(), field["risk_action"]);
    }
}

/// Splits a record that contains no line breaks.
fn fields(record: &str) -> Vec<String> {
    let (mut fields, mut quoted) = (vec![String::new()], false);
    for letter in record.chars() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            letter => fields.last_mut().unwrap().push(letter),
        }
    }
    assert!(!quoted, "{record}");
    fields
}

#[test]
fn html_page_is_self_contained_with_valid_links() {
    for line in ["matrix --format html", "matrix --format html --pool scenarios/opt-in.yaml"] {
        let page = good(line);
        for reference in ["http:", "https:", "//", "<script", "<link", "<img", "@import", "url(", "src="] {
            assert!(!page.contains(reference), "`{reference}` in the page");
        }
        assert!(page.contains("default-src 'none'"));
        let ids: BTreeSet<&str> =
            page.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        let links = page.split("href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap());
        for link in links {
            assert!(ids.contains(link), "`#{link}` has no target");
        }
        assert_eq!(page, good(line), "two pages differ");
    }
}

#[test]
fn markdown_tables_are_well_formed() {
    let markdown = good("matrix --format markdown");
    let mut tables = 0;
    let mut columns = None;
    for line in markdown.lines() {
        let bars = line.replace("\\|", "").matches('|').count();
        match (line.starts_with('|'), columns) {
            (true, None) => (tables, columns) = (tables + 1, Some(bars)),
            (true, Some(before)) => assert_eq!(bars, before, "{line}"),
            (false, _) => columns = None,
        }
    }
    assert_eq!(tables, 13 + 1, "there is one table per block, and one of the rules");
    assert!(
        markdown.contains("| none or other |") && markdown.contains("medium, high: mfa\\_\\*"),
        "{markdown}"
    );
}

#[test]
fn an_unchanged_baseline_exits_0() {
    let file = folder("same").join("matrix.json");
    fs::write(&file, good("matrix --format json")).unwrap();
    let out = good(&format!("matrix --baseline {}", file.display()));
    assert_eq!(out, "Nothing changed in 7,020 cells.\n");
}

#[test]
fn a_changed_baseline_lists_changes_and_exits_80() {
    let file = folder("changed").join("matrix.json");
    let mut old = cells(&good("matrix --format json"));
    let removed = old.pop().unwrap();
    old[700]["outcome"] = "blocked".into();
    old[701]["rule"] = "a-rule-of-old".into();
    for cell in &mut old[1000..1040] {
        cell["new_device"] = (!cell["new_device"].as_bool().unwrap()).into();
    }
    fs::write(&file, serde_json::to_string(&old).unwrap()).unwrap();
    let (code, out, err) = poolproof(&format!("matrix --baseline {}", file.display()));
    assert_eq!((code, err.as_str()), (80, ""), "{out}");
    let cell = &old[700];
    let situation = format!(
        "remember {}, suppress_mfa {}, mfa {}; factor {}, device {}",
        cell["remember"], cell["suppress_mfa"], cell["mfa"], cell["factor"], cell["device"]
    );
    for wanted in [
        &*situation.replace('"', ""),
        "before  PASSWORD_VERIFIER → blocked",
        "a-rule-of-old",
        "same decision",
        "among remember no; suppress_mfa false; mfa on",
        "1 cell not in the baseline",
        "41 of 7,019 cells have another decision; 1 more have another rule for the same decision; 1 not in the baseline.",
    ] {
        assert!(out.contains(wanted), "no `{wanted}` in:\n{out}");
    }
    // A baseline with one cell.
    fs::write(&file, Value::from(vec![removed.clone()]).to_string()).unwrap();
    let (code, out, _) = poolproof(&format!("matrix --baseline {}", file.display()));
    assert!(code == 80 && out.contains("7,019 cells not in the baseline"), "{code}: {out}");
    // A baseline with one cell in common.
    let shared = cells(&good("matrix --format json --pool scenarios/remember-no.yaml")).remove(0);
    fs::write(&file, Value::from(vec![removed.clone(), shared]).to_string()).unwrap();
    let (code, out, _) =
        poolproof(&format!("matrix --pool scenarios/remember-no.yaml --baseline {}", file.display()));
    assert!(code == 80 && out.contains("1 cell only in the baseline"), "{code}: {out}");
    fs::write(&file, Value::from(vec![removed.clone()]).to_string()).unwrap();
    // With --format, standard output contains only the matrix.
    let (code, out, err) = poolproof(&format!("matrix --format json --baseline {}", file.display()));
    assert_eq!((code, cells(&out).len()), (80, 7020));
    assert!(err.contains("not in the baseline"), "{err}");
}

#[test]
fn an_invalid_baseline_is_rejected_with_the_reason() {
    let file = folder("bad").join("matrix.json");
    let line = format!("matrix --baseline {}", file.display());
    let cell = cells(&good("matrix --format json")).swap_remove(0);
    let without = |key: &str| {
        let mut cell = cell.clone();
        cell.as_object_mut().unwrap().remove(key);
        Value::from(vec![cell]).to_string()
    };
    let mut invalid = cell.clone();
    invalid["device"] = "lost".into();
    for (text, reason) in [
        (without("mfa"), "missing field `mfa`"),
        (without("risk"), "missing field `risk`"),
        (without("challenges"), "missing field `challenges`"),
        (Value::from(vec![invalid]).to_string(), "unknown device `lost`"),
        (Value::from(vec![cell.clone(), cell.clone()]).to_string(), "this cell twice: remember no"),
        ("[]".to_owned(), "it contains no cells"),
        ("{}".to_owned(), "invalid type"),
        ("no json".to_owned(), "line 1 column"),
    ] {
        fs::write(&file, text).unwrap();
        let (code, out, err) = poolproof(&line);
        assert_eq!((code, out.as_str()), (2, ""), "{reason}");
        assert!(err.contains("is not a matrix") && err.contains(reason), "no `{reason}` in: {err}");
        assert!(err.contains("matrix --format json"), "{err}");
    }
    fs::remove_file(&file).unwrap();
    let (code, _, err) = poolproof(&line);
    assert!(code == 2 && err.contains("cannot read the baseline"), "{code}: {err}");
}

#[test]
fn explain_prints_the_decision_and_its_reasons() {
    for (flags, wanted) in [
        (
            "--remember always --suppress-mfa --mfa optional --factor totp --device remembered --risk high:mfa_required",
            &[
                "PASSWORD_VERIFIER → DEVICE_SRP_AUTH → DEVICE_PASSWORD_VERIFIER → tokens",
                "Rule note-device",
                "SEMANTICS c.5 #26",
                "formerly_documented: an older page of AWS says so, but today's page does not",
                "Specifying user pool device tracking settings (archived developer guide), 2023-06-15",
                "With risk_note: off: PASSWORD_VERIFIER → SOFTWARE_TOKEN_MFA",
            ][..],
        ),
        (
            "--remember always --suppress-mfa --mfa optional --factor totp --device remembered --risk high:mfa_required --risk-note off",
            &[
                "→ SOFTWARE_TOKEN_MFA → DEVICE_SRP_AUTH",
                "Rule risk-mfa-remembered",
                "The Note is switched off (risk_note: off).",
                "inferred: our reading",
                "With risk_note: pool:",
            ],
        ),
        (
            "--remember always --suppress-mfa --mfa optional --factor totp --device remembered --strict-mfa-binding --not-mfa-bound",
            &[
                "Rule suppression-unbound",
                "in a sign-in without MFA",
                "The device has not completed an MFA itself",
                "With strict_mfa_binding: false:",
            ],
        ),
        (
            "--remember no --mfa optional --factor sms_and_totp --device remembered",
            &["ignores the device key", "SELECT_MFA_TYPE", "Rule untracked-key-ignored-mfa"],
        ),
        (
            "--remember opt_in --mfa on --device issued",
            &["PASSWORD_VERIFIER → device_not_found", "never confirmed", "Rule device-issued"],
        ),
        (
            "--remember opt_in --mfa optional --device remembered --risk low:mfa_required",
            &[
                "PASSWORD_VERIFIER → blocked",
                "Can the user complete that MFA?",
                "Rule risk-required-no-factor",
            ],
        ),
        (
            "--remember always --mfa off --risk low:block --device forgotten",
            &["The action for low risk is block. The pool does not check the device key.", "Rule risk-block"],
        ),
        (
            "--pool scenarios/remember-no.yaml --risk high",
            &["Risk high, without effect: the pool does not enforce its actions", "Rule untracked"],
        ),
        (
            "--pool scenarios/risk.yaml --factor sms --risk medium",
            &["Risk medium: mfa_required", "SMS_MFA", "new device", "Source SEMANTICS"],
        ),
    ] {
        let out = good(&format!("explain {flags}"));
        // Undo the line wrapping.
        let out = out.split_whitespace().collect::<Vec<_>>().join(" ");
        for wanted in wanted {
            assert!(out.contains(wanted), "no `{wanted}` in the explanation of {flags}:\n{out}");
        }
    }
}

#[test]
fn invalid_flags_exit_2_with_the_reason() {
    for (line, reason) in [
        ("matrix --format xml", "invalid value 'xml'"),
        ("matrix --against cloud", "invalid value 'cloud'"),
        ("explain", "--remember <WHEN>"),
        ("explain --remember always", "--mfa <WHEN>"),
        ("explain --remember sometimes --mfa on", "possible values: no, always, opt_in"),
        ("explain --remember no --mfa on --device lost", "not_remembered, issued, forgotten"),
        ("explain --remember no --mfa on --risk huge:block", "`huge`, expected one of low, medium, high"),
        ("explain --remember no --mfa on --risk low:shrug", "`shrug`, expected one of no_action"),
        ("explain --remember no --mfa on --risk low", "as in --risk low:block"),
        ("explain --pool scenarios/risk.yaml --mfa on", "cannot be used with"),
        ("explain --pool scenarios/risk.yaml --risk low:block", "the action comes from the pool"),
    ] {
        let (code, out, err) = poolproof(line);
        assert_eq!((code, out.as_str()), (2, ""), "{line}");
        assert!(err.contains("error:") && err.contains(reason), "no `{reason}` in: {err}");
    }
}
