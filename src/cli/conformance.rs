//! `poolproof matrix --against URL`: which rules an endpoint follows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::policy_args::{MatrixArgs, MatrixFormat};
use super::progress::CountBar;
use super::{Exit, print_error, print_stdout, signals, target_args, usage_error};
use crate::http::client::EndpointUrl;
use crate::matrix::{self, Conformance, EndpointError, EndpointOptions, Matrix};
use crate::run::PoolSource;

/// Plays the matrix at the endpoint and prints which rules it follows.
pub(super) fn conformance(args: &MatrixArgs, address: &EndpointUrl, matrix: &Matrix) -> Exit {
    let render: fn(&Conformance) -> String = match (args.format, &args.baseline) {
        (None | Some(MatrixFormat::Table), None) => matrix::conformance_text,
        (Some(MatrixFormat::Json), None) => matrix::conformance_json,
        (Some(MatrixFormat::Markdown), None) => matrix::conformance_markdown,
        (_, Some(_)) => {
            return usage_error("--baseline does not apply to an endpoint");
        }
        _ => {
            return usage_error("with --against URL the formats are table, json and markdown");
        }
    };
    let endpoint = match args.remote_args.endpoint(address.clone(), PoolSource::New) {
        Ok(endpoint) => endpoint,
        Err(message) => {
            return usage_error(message);
        }
    };
    target_args::prepare_endpoint(&endpoint);
    let canceled = Arc::new(AtomicBool::new(false));
    let handler_flag = Arc::clone(&canceled);
    // The first signal deletes the pools and prints the results so far.
    if let Err(exit) = signals::on_signal(move || handler_flag.swap(true, Ordering::SeqCst)) {
        return exit;
    }
    let trials = matrix::trials(matrix);
    let bar = CountBar::new(args.sample.map_or(trials.len(), |wanted| wanted.min(trials.len())));
    let at = EndpointOptions {
        address: endpoint.address,
        credentials: endpoint.credentials,
        limits: endpoint.limits,
    };
    let played =
        matrix::play_at_endpoint(&at, matrix.base(), &trials, args.sample, &|done| bar.at(done), &canceled);
    bar.finish();
    let conformance = match played {
        Ok(conformance) => conformance,
        Err(error) => {
            print_error(&error);
            return match error {
                EndpointError::Threads(_) => Exit::Internal,
                EndpointError::Target(_) => Exit::Unreachable,
            };
        }
    };
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
    if conformance.partial { exit.or(Exit::Interrupted) } else { exit }
}
