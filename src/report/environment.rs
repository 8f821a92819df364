//! Describes the machine of a run, when it started, and the commit and CI job that it belongs to.

use std::env;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use poolproof_cognito::time::Timestamp;

/// The commit, found once: a live page renders the report again and again.
static GIT_COMMIT: OnceLock<Option<String>> = OnceLock::new();

/// The machine, the command and its origin.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Environment {
    /// Operating system.
    pub os: String,
    /// Processor architecture.
    pub arch: String,
    /// Processor model, if the system reports it.
    pub cpu: Option<String>,
    /// Processor cores that this process may use.
    pub cores: usize,
    /// Version of poolproof.
    pub version: String,
    /// Start of the run's time, in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// The commit that CI or git names. Omitted if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_commit: Option<String>,
    /// The address of the CI job. Omitted outside of CI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ci_job: Option<String>,
    /// The command line.
    pub command: String,
}

impl Environment {
    /// Returns this machine with the given command line and start.
    pub fn here(command: impl Into<String>, started: Timestamp) -> Self {
        let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            os: env::consts::OS.to_owned(),
            arch: env::consts::ARCH.to_owned(),
            cpu: std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| model(&text)),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            // A run that ended before its time started has none.
            started_at: (started > Timestamp::default()).then(|| started.to_string()),
            git_commit: GIT_COMMIT.get_or_init(|| commit_of_job(variable).or_else(commit_of_folder)).clone(),
            ci_job: job_address(variable),
            command: command.into(),
        }
    }
}

/// Returns the commit that GitHub, GitLab or Jenkins names.
fn commit_of_job(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    ["GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT"].into_iter().find_map(variable)
}

/// Returns the commit of the working folder, if it is in a git repository.
fn commit_of_folder() -> Option<String> {
    let mut command = Command::new("git");
    command.args(["rev-parse", "--verify", "HEAD"]).stdin(Stdio::null()).stderr(Stdio::null());
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

/// Returns the address of the job at GitHub, GitLab or Jenkins.
fn job_address(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let github = || {
        let [server, repository, run] =
            ["GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID"].map(&variable);
        let attempt = variable("GITHUB_RUN_ATTEMPT").map(|attempt| format!("/attempts/{attempt}"));
        Some(format!("{}/{}/actions/runs/{}{}", server?, repository?, run?, attempt.unwrap_or_default()))
    };
    github().or_else(|| ["CI_JOB_URL", "BUILD_URL"].into_iter().find_map(variable))
}

/// Returns the processor model from `/proc/cpuinfo`.
fn model(cpuinfo: &str) -> Option<String> {
    cpuinfo.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == "model name").then(|| value.trim().to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_name_is_read_from_cpuinfo() {
        assert_eq!(model("processor\t: 0\nmodel name\t: EPYC: 7\n").as_deref(), Some("EPYC: 7"));
        assert_eq!(model("processor\t: 0\n"), None);
    }

    #[test]
    fn ci_systems_name_the_job_and_the_commit() {
        let job = |variables: &[(&str, &str)]| {
            let find = |name: &str| {
                let found = variables.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            (job_address(find), commit_of_job(find))
        };
        let github = [
            ("GITHUB_SERVER_URL", "https://github.example"),
            ("GITHUB_REPOSITORY", "a/b"),
            ("GITHUB_RUN_ID", "7"),
            ("GITHUB_RUN_ATTEMPT", "2"),
            ("GITHUB_SHA", "abc"),
        ];
        let address = "https://github.example/a/b/actions/runs/7/attempts/2";
        assert_eq!(job(&github), (Some(address.to_owned()), Some("abc".to_owned())));
        let gitlab = [("CI_JOB_URL", "https://gitlab.example/-/jobs/1"), ("CI_COMMIT_SHA", "def")];
        assert_eq!(job(&gitlab).0.as_deref(), Some("https://gitlab.example/-/jobs/1"));
        let jenkins = [("BUILD_URL", "https://jenkins.example/job/x/1/"), ("GIT_COMMIT", "fed")];
        assert_eq!(job(&jenkins).1.as_deref(), Some("fed"));
        assert_eq!(job(&[]), (None, None));
    }
}
