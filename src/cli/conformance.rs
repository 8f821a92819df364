//! `poolproof matrix --against URL`: which rules an endpoint follows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::policy_args::{MatrixArgs, MatrixFormat};
use super::progress::Cells;
use super::{Exit, accuse, refuse, say, signals, target_args};
use crate::http::client::Address;
use crate::matrix::{self, At, Conformance, Matrix, Unusable};
use crate::run::Lodging;

/// Plays the matrix at the endpoint, and tells how that stands to the rules.
pub(super) fn conformance(args: &MatrixArgs, address: &Address, matrix: &Matrix) -> Exit {
    let form: fn(&Conformance) -> String = match (args.format, &args.baseline) {
        (None | Some(MatrixFormat::Table), None) => matrix::conformance_text,
        (Some(MatrixFormat::Json), None) => matrix::conformance_json,
        (Some(MatrixFormat::Markdown), None) => matrix::conformance_markdown,
        (_, Some(_)) => {
            return refuse("--baseline is about the matrix, and not about an endpoint");
        }
        _ => {
            return refuse("what is told of an endpoint has the forms table, json and markdown");
        }
    };
    let endpoint = match args.care.endpoint(address.clone(), Lodging::New) {
        Ok(endpoint) => endpoint,
        Err(message) => {
            return refuse(message);
        }
    };
    target_args::approach(&endpoint);
    let stop = Arc::new(AtomicBool::new(false));
    let rope = Arc::clone(&stop);
    // The first has the pools removed, and what was found told.
    if let Err(exit) = signals::listen(move || rope.swap(true, Ordering::SeqCst)) {
        return exit;
    }
    let trials = matrix::trials(matrix);
    let bar = Cells::new(args.sample.map_or(trials.len(), |wanted| wanted.min(trials.len())));
    let at = At { address: endpoint.address, credentials: endpoint.credentials, limits: endpoint.limits };
    let played = matrix::play_at(&at, matrix.base(), &trials, args.sample, &|done| bar.at(done), &stop);
    bar.finish();
    let conformance = match played {
        Ok(conformance) => conformance,
        Err(error) => {
            accuse(&error);
            return match error {
                Unusable::Threads(_) => Exit::Internal,
                Unusable::Target(_) => Exit::Unreachable,
            };
        }
    };
    let mut exit = say(&form(&conformance));
    if conformance.breaks_what_is_known() {
        exit = exit.or(Exit::Mismatch);
    }
    if let Some(why) = conformance.nothing_tried().filter(|_| !conformance.partial) {
        accuse(format_args!("nothing could be tried at {}: {why}", conformance.target));
        exit = exit.or(Exit::Unreachable);
    }
    for left in &conformance.left_behind {
        accuse(format_args!("left behind at {}: {left}", conformance.target));
        exit = exit.or(Exit::Unreachable);
    }
    if conformance.partial { exit.or(Exit::Interrupted) } else { exit }
}
