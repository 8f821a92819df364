//! `poolproof matrix --against URL`: which rules an endpoint follows.

use super::policy_args::{MatrixArgs, MatrixFormat};
use super::progress::CountBar;
use super::{Exit, print_error, print_stdout, signals, target_args, usage_error};
use crate::endpoint::PoolSource;
use crate::http::client::EndpointUrl;
use crate::matrix::{self, Conformance, EndpointError, Matrix};

/// Plays the matrix at the endpoint and prints which rules it follows.
pub(super) fn conformance(args: &MatrixArgs, address: &EndpointUrl, matrix: &Matrix) -> Result<Exit, Exit> {
    let render: fn(&Conformance) -> String = match (args.format, &args.baseline) {
        (None | Some(MatrixFormat::Table), None) => matrix::conformance_text,
        (Some(MatrixFormat::Json), None) => matrix::conformance_json,
        (Some(MatrixFormat::Markdown), None) => matrix::conformance_markdown,
        (_, Some(_)) => return Err(usage_error("--baseline does not apply to an endpoint")),
        _ => return Err(usage_error("with --against URL the formats are table, json and markdown")),
    };
    let endpoint = args.remote_args.endpoint(address.clone(), PoolSource::New).map_err(usage_error)?;
    target_args::prepare_endpoint(&endpoint);
    // The first signal deletes the pools and prints the results so far.
    let cancel_token = signals::cancel_token()?;
    let trials = matrix::trials(matrix);
    let bar = CountBar::new(args.sample.map_or(trials.len(), |wanted| wanted.min(trials.len())));
    let played = matrix::play_at_endpoint(
        &endpoint,
        matrix.base(),
        &trials,
        args.sample,
        &|done| bar.at(done),
        &cancel_token,
    );
    bar.finish();
    let conformance = played.map_err(|error| {
        print_error(&error);
        match error {
            EndpointError::Threads(_) => Exit::Internal,
            EndpointError::Target(_) => Exit::Unreachable,
        }
    })?;
    let mut exit = print_stdout(&render(&conformance));
    if conformance.breaks_known_rule() {
        exit = exit.or(Exit::Mismatch);
    }
    if let Some(why) = conformance.nothing_tried().filter(|_| !conformance.partial) {
        print_error(format_args!("no situation could be tried at {}: {why}", conformance.target));
        exit = exit.or(Exit::Unreachable);
    }
    for left in &conformance.left_behind {
        print_error(format_args!("not deleted at {}: {left}", conformance.target));
        exit = exit.or(Exit::Unreachable);
    }
    Ok(if conformance.partial { exit.or(Exit::Interrupted) } else { exit })
}
