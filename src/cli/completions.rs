//! `poolproof completions` and `poolproof man`: what shells and `man` read about the command line.

use clap::CommandFactory as _;

use super::args::{Args, CompletionsArgs, ManArgs};
use super::{Exit, print_stdout, usage_error};

/// Prints completions for a shell.
pub(super) fn completions(args: &CompletionsArgs) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "poolproof", &mut script);
    print_stdout(&String::from_utf8_lossy(&script))
}

/// Prints a manual page in the format of `man`.
pub(super) fn man(args: &ManArgs) -> Exit {
    let mut program = Args::command();
    program.build();
    let (command, title) = match &args.command {
        None => (program, "poolproof".to_owned()),
        Some(name) => match program.find_subcommand(name) {
            Some(command) => (command.clone(), format!("poolproof-{name}")),
            None => {
                let names = program.get_subcommands().filter(|command| !command.is_hide_set());
                let names: Vec<&str> = names.map(clap::Command::get_name).collect();
                return usage_error(format_args!(
                    "there is no command `{name}`; the pages are those of {}",
                    names.join(", ")
                ));
            }
        },
    };
    let mut page = Vec::new();
    match clap_mangen::Man::new(command).title(title).render(&mut page) {
        Ok(()) => print_stdout(&String::from_utf8_lossy(&page)),
        Err(error) => usage_error(error),
    }
}
