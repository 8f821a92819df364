//! `poolproof advise`: what surprises in a pool's settings.

use super::args::{AdviceFormat, AdviseArgs};
use super::check::render_diagnostic;
use super::{Exit, print_error, print_stderr, print_stdout};
use crate::advise::{AdviceReport, advise as advice_on, markdown, text};
use crate::settings::{self, PoolSettings};

/// Reads the settings and prints the advice.
pub(super) fn advise(args: &AdviseArgs) -> Exit {
    let settings = match settings::read(&args.pool) {
        Ok(settings) => PoolSettings { policy: args.switches.apply_to(settings.policy), ..settings },
        Err(diagnostic) => {
            print_stderr(&render_diagnostic(&diagnostic));
            return Exit::InvalidScenario;
        }
    };
    let advised = advice_on(&settings);
    let printed = match render(&advised, args.format) {
        Ok(words) => print_stdout(&words),
        Err(error) => {
            print_error(error);
            return Exit::Internal;
        }
    };
    let denied = args.deny.is_some_and(|level| advised.highest_severity() >= Some(level.into()));
    printed.or(if denied { Exit::Mismatch } else { Exit::Pass })
}

fn render(advised: &AdviceReport, format: AdviceFormat) -> serde_json::Result<String> {
    match format {
        AdviceFormat::Text => Ok(text(advised)),
        AdviceFormat::Markdown => Ok(markdown(advised)),
        AdviceFormat::Json => serde_json::to_string_pretty(advised).map(|json| json + "\n"),
    }
}
