//! `run --shard` and `merge` from the command line, and the jobs in `deploy/`.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use crate::cli::{output, poolproof};
use crate::run_fixture::{empty_folder, root};

/// Runs a command line, whose words contain no spaces.
fn poolproof_line(line: &str) -> (i32, String, String) {
    output(poolproof().args(line.split_whitespace()))
}

fn report_in(folder: &Path) -> String {
    fs::read_to_string(folder.join("opt-in/report.json")).unwrap()
}

#[test]
fn shards_can_share_a_folder_and_are_replaced_by_the_next_run() {
    let folder = empty_folder("shards", "shared");
    let at = folder.display();
    for index in 0..3 {
        let (exit, out, err) =
            poolproof_line(&format!("run scenarios/opt-in.yaml --shard {index}/3 --out {at}/shards"));
        assert_eq!((exit, err.as_str()), (0, ""));
        assert!(out.contains(&format!("shard {index} of 0 to 2")), "{out}");
    }
    let (exit, out, err) = poolproof_line(&format!("merge {at}/shards --out {at}/merged"));
    assert_eq!((exit, err.as_str()), (0, ""));
    assert!(out.contains("passed") && !out.contains("Merged from"), "{out}");
    assert_eq!(poolproof_line(&format!("run scenarios/opt-in.yaml --out {at}/whole")).0, 0);
    assert_eq!(report_in(&folder.join("merged")), report_in(&folder.join("whole")));

    // A run of the same scenario deletes shards; a shard deletes only its own file.
    assert_eq!(poolproof_line(&format!("run scenarios/opt-in.yaml --shard 1/3 --out {at}/shards")).0, 0);
    assert_eq!(fs::read_dir(folder.join("shards/opt-in")).unwrap().count(), 3);
    assert_eq!(poolproof_line(&format!("run scenarios/opt-in.yaml --out {at}/shards")).0, 0);
    assert!(!folder.join("shards/opt-in/shard-0.json").exists());
}

#[test]
fn shards_that_cannot_be_merged_write_nothing() {
    let folder = empty_folder("shards", "refused");
    let at = folder.display();
    for shard in ["0/2", "1/2", "0/3"] {
        let out = format!("{at}/{}", shard.replace('/', "-of-"));
        assert_eq!(poolproof_line(&format!("run scenarios/opt-in.yaml --shard {shard} --out {out}")).0, 0);
    }
    fs::write(folder.join("cut.json"), &fs::read(folder.join("0-of-2/opt-in/shard-0.json")).unwrap()[..999])
        .unwrap();
    fs::create_dir(folder.join("empty")).unwrap();
    for (shards, exit, why) in [
        ("0-of-2", 84, "1 of 2 shards of opt-in are missing: 1"),
        ("0-of-2 0-of-3", 84, "it is one of 3 shards, not of 2"),
        ("0-of-2 1-of-2 0-of-2/opt-in/shard-0.json", 84, "are both shard 0 of 2"),
        ("cut.json", 84, "is not a shard that this version can read"),
        ("empty", 2, "no shard in"),
        ("none.json", 2, "cannot read"),
    ] {
        let mut command = poolproof();
        command.arg("merge").args(shards.split(' ').map(|one| folder.join(one)));
        let (code, out, err) = output(command.arg("--out").arg(folder.join("merged")));
        assert_eq!((code, out.as_str()), (exit, ""), "{err}");
        assert!(err.contains(why), "{err}");
        assert!(!folder.join("merged").exists());
    }
    let (code, out, _) = poolproof_line(&format!("merge {at}/0-of-2 --allow-missing --out {at}/merged"));
    assert_eq!(code, 105);
    assert!(out.contains("Shard 1 of 2 is missing; no figure includes its sign-ins."), "{out}");
}

#[test]
fn options_that_a_shard_cannot_follow_are_refused() {
    for (line, exit, why) in [
        ("run scenarios/opt-in.yaml --shard 4/4", 2, "from 0 to 3"),
        ("run scenarios/opt-in.yaml --shard 0/2 --format junit", 2, "cannot be used with"),
        ("run scenarios/opt-in.yaml --shard 0/2 --live 127.0.0.1:0", 2, "cannot be used with"),
        ("run scenarios/opt-in.yaml --allow-coupled", 2, "--shard"),
        ("run scenarios/opt-in.yaml --start-at noon", 2, "2026-12-01T12:00:00Z"),
        ("run scenarios/opt-in.yaml --start-at 2026-12-01T12:00:00Z", 2, "--start-at needs the wall clock"),
        ("run scenarios/risk.yaml --shard 0/2", 2, "`service.cores: 1`"),
        ("run scenarios/opt-in.yaml --clock wall --shard 0/2", 2, "the cores of one embedded pool"),
        (
            "run scenarios/opt-in.yaml --clock wall --start-at 2026-01-01T00:00:00Z",
            85,
            "choose a later --start-at",
        ),
    ] {
        let folder = empty_folder("shards", "options");
        let (code, _, err) = poolproof_line(&format!("{line} --out {}", folder.display()));
        assert_eq!(code, exit, "{line}: {err}");
        assert!(err.contains(why), "{line}: {err}");
        assert!(!folder.join("opt-in/shard-0.json").exists());
    }
}

/// Needs `slurmctld`, `slurmd` and `munged` and the rights to start them:
/// `cargo test --test it -- --ignored --exact shards_cli::a_slurm_array_runs_all_shards_and_merges_them`.
#[test]
#[ignore = "needs slurm-wlm and munge, as root"]
fn a_slurm_array_runs_all_shards_and_merges_them() {
    let folder = empty_folder("shards", "slurm");
    let program = Path::new(env!("CARGO_BIN_EXE_poolproof")).parent().unwrap().display();
    let script = root().join("tests/it/slurm.sh");
    let mut array = Command::new("bash");
    array.arg(script).arg(&folder).args(["--seed", "8"]).current_dir(root()).envs([
        ("PATH", format!("{program}:{}", std::env::var("PATH").unwrap())),
        ("SCENARIO", "scenarios/opt-in.yaml".to_owned()),
        ("SHARDS", "4".to_owned()),
        ("OUT", folder.join("out").display().to_string()),
    ]);
    let (exit, _, err) = output(&mut array);
    assert_eq!(exit, 0, "{err}");
    let whole = folder.join("whole");
    poolproof_line(&format!("run scenarios/opt-in.yaml --seed 8 --quiet --out {}", whole.display()));
    let merged = folder.join("out/report");
    // At most a minute.
    let waits = (0..300).take_while(|_| !merged.join("opt-in/report.json").exists());
    waits.for_each(|_| sleep(Duration::from_millis(200)));
    output(Command::new("bash").arg(root().join("tests/it/slurm.sh")).arg("stop").arg(&folder));
    assert_eq!(report_in(&merged), report_in(&whole));
}
