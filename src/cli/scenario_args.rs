//! The options that change a scenario: `--set KEY=VALUE` and `--pool FILE`.

use std::path::{Path, PathBuf};

use super::values::ClockArg;
use super::{Exit, invalid_scenario, pool_file, usage_error};
use crate::scenario::{self, Diagnostic, Override, Scenario};
use crate::settings::{SourceKind, Unsimulated};
use poolproof_cognito::policy::{FactorTypes, Factors};

#[derive(clap::Args, Clone, Debug)]
pub(super) struct ScenarioArgs {
    /// Set a key of the scenario, such as pool.remember=opt_in, 'workload.stages[0].rate=60/s' or
    /// 'thresholds[0]=p99 < 1s'; repeatable. The value is YAML.
    #[arg(long, value_name = "KEY=VALUE", value_parser = Override::parse)]
    set: Vec<Override>,
    /// Use the settings of this pool: the JSON that AWS tools print (several files, or one merged with
    /// `jq -s add`), or the pool of a scenario. Quotas, lockout and switches do not change, unless FILE is a
    /// scenario.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pool: Vec<PathBuf>,
    /// Ignore settings of --pool that are not simulated, instead of refusing them, and list them.
    #[arg(long, requires = "pool")]
    ignore_unsimulated: bool,
}

/// The overrides of a command line.
pub(super) struct Overrides {
    all: Vec<Override>,
    /// The types of factors that the pool of --pool activates.
    factors: FactorTypes,
}

impl ScenarioArgs {
    /// Returns the options word by word.
    pub(super) fn words(&self) -> Vec<String> {
        let set = self.set.iter().flat_map(|change| ["--set".to_owned(), change.text().to_owned()]);
        let files = self.pool.iter().map(|file| file.display().to_string());
        let pool = (!self.pool.is_empty()).then(|| "--pool".to_owned()).into_iter().chain(files);
        let ignore = self.ignore_unsimulated.then(|| "--ignore-unsimulated".to_owned());
        set.chain(pool).chain(ignore).collect()
    }

    /// Reads the pool and returns its settings and those of --set, which take precedence. `note` gets texts
    /// about assumptions.
    pub(super) fn overrides(&self, note: fn(&str)) -> Result<Overrides, Exit> {
        let unsimulated = if self.ignore_unsimulated { Unsimulated::Ignore } else { Unsimulated::Refuse };
        let Some(settings) = pool_file::read_settings(&self.pool, unsimulated, note)? else {
            return Ok(Overrides { all: self.set.clone(), factors: FactorTypes::ALL });
        };
        let files: Vec<String> = self.pool.iter().map(|file| file.display().to_string()).collect();
        let origin = format!("--pool {}", files.join(" "));
        let mut all = match settings.source {
            SourceKind::Aws => Override::from_policy(&settings.policy, &settings.exceptions, &origin),
            SourceKind::Scenario => {
                let file = self.pool.first().map_or_else(|| Path::new(""), PathBuf::as_path);
                if file == Path::new(crate::input::STDIN) {
                    return Err(usage_error(
                        "--pool takes a scenario from a file only, not from standard input",
                    ));
                }
                let scenario = scenario::read(file).map_err(|diagnostic| invalid_scenario(&diagnostic))?;
                vec![Override::from_pool_of(&scenario, &origin)]
            }
        };
        all.extend(self.set.iter().cloned());
        Ok(Overrides { all, factors: settings.factors })
    }
}

impl Overrides {
    /// Returns this text of a scenario if it is that of the file. With overrides its lines are others, so the
    /// result is empty.
    pub(super) fn file_text<'t>(&self, text: &'t str) -> &'t str {
        if self.all.is_empty() { text } else { "" }
    }

    /// Reads a scenario with the overrides and perhaps another clock, and returns its text too.
    pub(super) fn read(
        &self,
        file: &Path,
        clock: Option<ClockArg>,
    ) -> Result<(Scenario, String), Diagnostic> {
        let (scenario, text) = scenario::read_with(file, &self.all, clock.map(Into::into))?;
        let possible = self.factors.sets();
        let other = scenario.population.factors.iter().find(|(factors, _)| !possible.contains(factors));
        match other {
            None => Ok((scenario, text)),
            Some((factors, _)) => {
                let message = format!("the pool of --pool does not activate the factor `{}`", key(factors));
                let keys: Vec<String> = possible.into_iter().map(|set| format!("`{}`", key(set))).collect();
                let help = format!(
                    "it activates {}: choose among them, for example with --set 'population.factors={{ none: 100 }}'",
                    keys.join(", ")
                );
                Err(Diagnostic::from_parts(&crate::input::name(file), "", None, message, Some(help)))
            }
        }
    }
}

/// Returns the key of these factors in a scenario.
pub(super) const fn key(factors: Factors) -> &'static str {
    match factors {
        Factors::SmsAndTotp => "sms_and_totp",
        other => other.as_str(),
    }
}
