//! The command `poolproof`.

use std::process::ExitCode;

fn main() -> ExitCode {
    poolproof::cli::main()
}
