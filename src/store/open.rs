//! Opening a file: locked, looked through on a copy, and only then written to.

use std::io::{ErrorKind, Read as _, Seek as _};
use std::path::Path;
use std::thread;

use redb::backends::InMemoryBackend;
use redb::{Builder, Database, StorageBackend as _};

use super::create::{lock, open_options, remove_leftover, restrict_to_owner, state_file_error};
use super::{StateFileError, Store, StoredState, read};

/// The name of the thread that looks a file through. When it panics the file is damaged, and no more is to be said.
pub const INTEGRITY_CHECK_THREAD: &str = "state";

/// What redb's files begin with.
const MAGIC: [u8; 9] = *b"redb\x1a\x0a\xa9\x0d\x0a";

impl Store {
    /// Opens a file, or makes one where there is none, and tells what it holds.
    ///
    /// # Errors
    ///
    /// A file that cannot be used is refused and left as it is, byte for byte.
    pub fn open(path: &Path) -> Result<(Self, StoredState), StateFileError> {
        let mut file = match open_options().open(path) {
            // A link to what is not there is somebody's mistake.
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
        // The lock is had before anything is read: who has it now may be writing.
        lock(&file)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        file.rewind()?;
        if bytes.is_empty() {
            // Where a link leads there, it goes on doing so.
            return match Self::create(&path.canonicalize()?) {
                Ok(Some(store)) => Ok((store, StoredState::default())),
                Ok(None) => Err(StateFileError::InUse),
                // No other can take its place, as where a single file is mounted.
                Err(StateFileError::Io(_)) => {
                    let read_access = restrict_to_owner(&file)?;
                    Self::create_tables(file)
                        .map(|store| (store, StoredState { read_access, ..StoredState::default() }))
                }
                Err(error) => Err(error),
            };
        }
        if !bytes.starts_with(&MAGIC) {
            return Err(StateFileError::NotAStateFile);
        }
        // The database says what is wrong with itself by panicking, too, and mends what it finds.
        let check = thread::Builder::new()
            .name(INTEGRITY_CHECK_THREAD.to_owned())
            .spawn(move || check_copy(&bytes))?;
        let stored =
            check.join().unwrap_or_else(|_| Err(StateFileError::Damaged("it is incomplete".to_owned())))?;
        let read_access = restrict_to_owner(&file)?;
        let database = Builder::new().create_file(file).map_err(state_file_error)?;
        remove_leftover(path);
        Ok((Self(database), StoredState { read_access, ..stored }))
    }
}

/// Everything in a copy of the file, if all of it is whole.
fn check_copy(bytes: &[u8]) -> Result<StoredState, StateFileError> {
    let copy = InMemoryBackend::new();
    copy.set_len(u64::try_from(bytes.len()).unwrap_or(u64::MAX))?;
    redb::StorageBackend::write(&copy, 0, bytes)?;
    // Of a copy in memory every error is the file's.
    let opened = Builder::new().create_with_backend(copy);
    let mut database: Database = opened.map_err(|error| StateFileError::Damaged(error.to_string()))?;
    match database.check_integrity() {
        // What was mended is the table of free pages, which is a matter of room; a page whose sum is wrong is an error.
        Ok(_) => read(&database),
        Err(error) => Err(StateFileError::Damaged(error.to_string())),
    }
}
