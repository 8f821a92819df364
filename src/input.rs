//! Files that somebody names: read up to a bound, for any of them may be of any size, or never end.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// The bytes of the file at `path`; at most `most`, and one more by which to see that there are too many. It may be a pipe.
///
/// # Errors
///
/// It cannot be opened or read.
pub fn bytes(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The text of the file at `path`, of at most `most` bytes.
///
/// # Errors
///
/// It cannot be opened or read, is longer, or is not UTF-8.
pub fn text(path: &Path, most: usize) -> io::Result<String> {
    let bytes = bytes(path, most)?;
    if bytes.len() > most {
        let message = format!("the file is larger than {} MiB", most >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    String::from_utf8(bytes).map_err(|_| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            "the file is not valid \
        UTF-8",
        )
    })
}
