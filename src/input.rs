//! Reads files that the user names. A limit protects against large files and endless pipes.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// The path of standard input.
pub const STDIN: &str = "-";

/// Returns the name of a file for messages.
pub fn name(path: &Path) -> String {
    if path == Path::new(STDIN) { "standard input".to_owned() } else { path.display().to_string() }
}

/// Reads a file or a pipe, or standard input for `-`, and stops one byte after `max_bytes`. The caller checks
/// whether the limit is exceeded.
///
/// # Errors
///
/// The file cannot be opened or read.
pub fn read_bytes(path: &Path, max_bytes: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(max_bytes).unwrap_or(u64::MAX).saturating_add(1);
    if path == Path::new(STDIN) {
        io::stdin().lock().take(limit).read_to_end(&mut bytes)?;
    } else {
        File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// Reads a UTF-8 file of at most `max_bytes`.
///
/// # Errors
///
/// The file cannot be opened or read, is larger, or is not UTF-8.
pub fn read_text(path: &Path, max_bytes: usize) -> io::Result<String> {
    let bytes = read_bytes(path, max_bytes)?;
    if bytes.len() > max_bytes {
        let message = format!("file is larger than {} MiB", max_bytes >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "file is not valid UTF-8"))
}
