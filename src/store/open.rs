//! Opens a file: lock it, check a copy, and only then write to it.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Seek as _};
use std::path::Path;
use std::thread;

use redb::backends::InMemoryBackend;
use redb::{Builder, Database, StorageBackend as _};

use super::create::{lock, open_options, remove_leftover, restrict_to_owner};
use super::{StateFileError, Store, StoredState, read};

/// The name of the checking thread. A panic of this thread means that the file is damaged.
pub const INTEGRITY_CHECK_THREAD: &str = "state";

/// The first bytes of redb files.
const MAGIC: [u8; 9] = *b"redb\x1a\x0a\xa9\x0d\x0a";
/// The bit of the tenth byte that a file has while it is open.
const RECOVERY_REQUIRED: u8 = 2;
/// A file that is this many times too short is damaged: one transaction does not add so much.
const MAX_GROWTH: u64 = 64;

impl Store {
    /// Opens a file, or creates it, and returns its content.
    ///
    /// # Errors
    ///
    /// A file that cannot be used is refused and left unchanged to the byte.
    pub fn open(path: &Path) -> Result<(Self, StoredState), StateFileError> {
        let file = match open_options().open(path) {
            // A link to a missing file is a mistake.
            Err(error) if error.kind() == ErrorKind::NotFound && path.symlink_metadata().is_err() => {
                match Self::create(path)? {
                    Some(store) => return Ok((store, StoredState::default())),
                    None => open_options().open(path)?,
                }
            }
            found => found?,
        };
        if !file.metadata()?.is_file() {
            return Err(StateFileError::NotAStateFile);
        }
        // Lock before reading, because the lock holder may be writing.
        lock(&file)?;
        let bytes = read_all(&file)?;
        if bytes.is_empty() {
            // A link stays a link.
            return match Self::create(&path.canonicalize()?) {
                Ok(Some(store)) => Ok((store, StoredState::default())),
                Ok(None) => Err(StateFileError::InUse),
                // The file cannot be replaced, as with a single mounted file.
                Err(StateFileError::Io(_)) => {
                    let read_access = restrict_to_owner(&file)?;
                    let store = Self::new(file)?;
                    store.create_tables()?;
                    Ok((store, StoredState { read_access, ..StoredState::default() }))
                }
                Err(error) => Err(error),
            };
        }
        if !bytes.starts_with(&MAGIC) {
            return Err(StateFileError::NotAStateFile);
        }
        let missing = missing_length(&bytes);
        let stored = read_copy(bytes)?;
        let read_access = restrict_to_owner(&file)?;
        if let Some(length) = missing {
            file.set_len(length)?;
        }
        let store = Self::new(file)?;
        remove_leftover(path);
        Ok((store, StoredState { read_access, ..stored }))
    }
}

/// Reads a file from its start.
fn read_all(mut file: &File) -> Result<Vec<u8>, StateFileError> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    file.rewind()?;
    Ok(bytes)
}

/// Returns the committed content of a file whose lock this process holds.
pub(super) fn read_again(file: &File) -> Result<StoredState, StateFileError> {
    read_copy(read_all(file)?)
}

/// Reads everything in a copy of a file, on a thread of its own: the database reports some damage by a panic,
/// and repairs what it finds.
pub(super) fn read_copy(bytes: Vec<u8>) -> Result<StoredState, StateFileError> {
    let missing = missing_length(&bytes);
    read_copy_of_length(bytes, missing)
}

/// Returns the content of a file that has this length, or that of its bytes.
pub(super) fn read_copy_of_length(
    bytes: Vec<u8>,
    length: Option<u64>,
) -> Result<StoredState, StateFileError> {
    let work = move || check_copy(&bytes, length);
    let check = thread::Builder::new().name(INTEGRITY_CHECK_THREAD.to_owned()).spawn(work)?;
    check.join().unwrap_or_else(|_| Err(StateFileError::Damaged("it is incomplete".to_owned())))
}

/// Returns the length of a file that was not closed, if the header has it and the end is missing.
///
/// The database makes a file longer and writes the new length to the header. A power failure can undo the
/// first and keep the second. The missing end then contains nothing that was committed. The header is
/// described in redb's documentation of its file format.
pub(super) fn missing_length(bytes: &[u8]) -> Option<u64> {
    let number = |at: usize| Some(u64::from(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?)));
    let (page, region_head) = (number(12)?, number(16)?);
    let [most, regions, last] = [number(20)?, number(24)?, number(28)?];
    let region = |pages: u64| if pages == 0 { 0 } else { region_head + pages };
    let pages = regions.checked_mul(region(most))?.checked_add(region(last))?.checked_add(1)?;
    let (length, found) = (pages.checked_mul(page)?, u64::try_from(bytes.len()).ok()?);
    let is_unclosed = bytes.get(9)? & RECOVERY_REQUIRED != 0;
    let is_cut = found < length && length / MAX_GROWTH <= found && found.is_multiple_of(page.max(1));
    (is_unclosed && is_cut).then_some(length)
}

/// Reads everything in a copy of the file, if all of it is intact.
fn check_copy(bytes: &[u8], length: Option<u64>) -> Result<StoredState, StateFileError> {
    let copy = InMemoryBackend::new();
    let length = length.map_or_else(|| u64::try_from(bytes.len()).ok(), Some);
    copy.set_len(length.unwrap_or(u64::MAX))?;
    redb::StorageBackend::write(&copy, 0, bytes)?;
    // For a copy in memory every error is an error of the file.
    let opened = Builder::new().create_with_backend(copy);
    let mut database: Database = opened.map_err(|error| StateFileError::Damaged(error.to_string()))?;
    match database.check_integrity() {
        // Only the table of free pages is repaired, which is harmless; a page with a wrong checksum is an
        // error.
        Ok(_) => read(&database),
        Err(error) => Err(StateFileError::Damaged(error.to_string())),
    }
}
