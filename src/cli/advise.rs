//! `poolproof advise`: what will surprise in a pool's settings.

use super::args::{AdviceFormat, AdviseArgs};
use super::check::rendered;
use super::{Exit, accuse, complain, say};
use crate::advise::{Advised, advise as advice_on, markdown, text};
use crate::settings::{self, PoolSettings};

/// Reads the settings and tells what surprises in them.
pub(super) fn advise(args: &AdviseArgs) -> Exit {
    let settings = match settings::read(&args.pool) {
        Ok(settings) => PoolSettings { policy: args.switches.over(settings.policy), ..settings },
        Err(diagnostic) => {
            complain(&rendered(&diagnostic));
            return Exit::InvalidScenario;
        }
    };
    let advised = advice_on(&settings);
    let said = match told(&advised, args.format) {
        Ok(words) => say(&words),
        Err(error) => {
            accuse(error);
            return Exit::Internal;
        }
    };
    let denied = args.deny.is_some_and(|level| advised.gravest() >= Some(level.into()));
    said.or(if denied { Exit::Mismatch } else { Exit::Pass })
}

fn told(advised: &Advised, format: AdviceFormat) -> serde_json::Result<String> {
    match format {
        AdviceFormat::Text => Ok(text(advised)),
        AdviceFormat::Markdown => Ok(markdown(advised)),
        AdviceFormat::Json => serde_json::to_string_pretty(advised).map(|json| json + "\n"),
    }
}
