//! `poolproof matrix`: the whole policy as a table, played against a pool, or compared with a baseline.

use std::path::Path;

use super::policy_args::{Against, MatrixArgs, MatrixFormat};
use super::progress::CountBar;
use super::{Exit, pool_file, print_stderr, print_stdout, sources, usage_error};
use crate::matrix::{self, Matrix};

/// Most differences that are printed in full.
const MAX_PRINTED_DIFFERENCES: usize = 100;

/// Prints the matrix, or what differs.
///
/// Results go to standard output, unless the matrix itself is printed there.
pub(super) fn matrix(args: &MatrixArgs) -> Result<Exit, Exit> {
    if args.sources {
        return Ok(print_stdout(&sources::list()));
    }
    let matrix = match pool_file::read(&args.pool, args.switches.unsimulated())? {
        None => Matrix::all_in(args.switches.apply_to(matrix::BASE_POLICY)),
        Some(pool) => Matrix::of_pool(args.switches.apply_to(pool)),
    };
    if let Against::Endpoint(address) = &args.against {
        return super::conformance::conformance(args, address, &matrix);
    }
    if args.sample.is_some() {
        return Err(usage_error("--sample needs --against URL"));
    }
    let compares = args.against == Against::Pool || args.baseline.is_some();
    // An unreadable baseline is an error before anything is played.
    let changes = args.baseline.as_deref().map(|file| changes(file, &matrix)).transpose()?;
    let mut exit = match args.format {
        None if compares => Exit::Pass,
        format => print_stdout(&render(&matrix, format.unwrap_or(MatrixFormat::Table))),
    };
    let print = if args.format.is_some() { print_beside_matrix } else { print_stdout };
    if let Some(changes) = changes {
        exit = exit.or(print(&changes.to_string()));
        if !changes.is_none() {
            exit = exit.or(Exit::Mismatch);
        }
    }
    if args.against == Against::Pool {
        exit = exit.or(played(&matrix, print));
    }
    Ok(exit)
}

fn changes(file: &Path, matrix: &Matrix) -> Result<matrix::Changes, Exit> {
    let baseline = matrix::read_baseline(file).map_err(|error| {
        usage_error(format_args!("{error}\n  Create one with: poolproof matrix --format json > FILE"))
    })?;
    let changes = matrix::compare(&baseline, matrix);
    if changes.common == 0 {
        return Err(usage_error(format_args!(
            "{} is the matrix of another pool: it has no cell of this one\n  Name that pool with --pool, or \
                leave --pool out for both.",
            file.display()
        )));
    }
    Ok(changes)
}

fn render(matrix: &Matrix, format: MatrixFormat) -> String {
    match format {
        MatrixFormat::Table => matrix::table(matrix),
        MatrixFormat::Json => matrix::json(matrix),
        MatrixFormat::Csv => matrix::csv(matrix),
        MatrixFormat::Markdown => matrix::markdown(matrix),
        MatrixFormat::Html => matrix::page(matrix),
    }
}

/// Prints to standard error, beside a matrix on standard output.
fn print_beside_matrix(text: &str) -> Exit {
    print_stderr(text);
    Exit::Pass
}

fn played(matrix: &Matrix, print: fn(&str) -> Exit) -> Exit {
    let bar = CountBar::new(matrix.rows().len());
    let played = matrix::play_all(matrix, None, &|done| bar.at(done));
    bar.finish();
    for difference in played.differences.iter().take(MAX_PRINTED_DIFFERENCES) {
        print(&format!("{difference}\n"));
    }
    if let Some(more) = played.differences.len().checked_sub(MAX_PRINTED_DIFFERENCES).filter(|more| *more > 0)
    {
        print(&format!("… and {more} more\n\n"));
    }
    print(&format!("{}\n", played.summary()));
    if played.differences.is_empty() { Exit::Pass } else { Exit::Mismatch }
}
