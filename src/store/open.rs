//! Opens a file: lock it, check a copy, and only then write to it.

use std::io::{ErrorKind, Read as _, Seek as _};
use std::path::Path;
use std::thread;

use redb::backends::InMemoryBackend;
use redb::{Builder, Database, StorageBackend as _};

use super::create::{lock, open_options, remove_leftover, restrict_to_owner, state_file_error};
use super::{StateFileError, Store, StoredState, read};

/// The name of the checking thread. A panic of this thread means that the file is damaged.
pub const INTEGRITY_CHECK_THREAD: &str = "state";

/// The first bytes of redb files.
const MAGIC: [u8; 9] = *b"redb\x1a\x0a\xa9\x0d\x0a";

impl Store {
    /// Opens a file, or creates it, and returns its content.
    ///
    /// # Errors
    ///
    /// A file that cannot be used is refused and left unchanged to the byte.
    pub fn open(path: &Path) -> Result<(Self, StoredState), StateFileError> {
        let mut file = match open_options().open(path) {
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
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        file.rewind()?;
        if bytes.is_empty() {
            // A link stays a link.
            return match Self::create(&path.canonicalize()?) {
                Ok(Some(store)) => Ok((store, StoredState::default())),
                Ok(None) => Err(StateFileError::InUse),
                // The file cannot be replaced, as with a single mounted file.
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
        // The database reports some damage by a panic, and repairs what it finds.
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

/// Reads everything in a copy of the file, if all of it is intact.
fn check_copy(bytes: &[u8]) -> Result<StoredState, StateFileError> {
    let copy = InMemoryBackend::new();
    copy.set_len(u64::try_from(bytes.len()).unwrap_or(u64::MAX))?;
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
