//! Opening a file: locked, looked through on a copy, and only then written to.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Seek as _};
use std::path::Path;
use std::thread;

use redb::backends::InMemoryBackend;
use redb::{Builder, Database, DatabaseError, StorageBackend as _};

use super::{CLIENTS, FORMAT, FORMAT_KEY, HEAD, Kept, NotKept, POOLS, Store, USERS, Unusable, read};

/// What redb's files begin with.
const MAGIC: [u8; 9] = *b"redb\x1a\x0a\xa9\x0d\x0a";

impl Store {
    /// Opens a file, or makes one where there is none, and tells what it holds.
    ///
    /// # Errors
    ///
    /// A file that cannot be used is refused and left as it is, byte for byte.
    pub fn open(path: &Path) -> Result<(Self, Kept), Unusable> {
        let mut file = match options().create_new(true).open(path) {
            Ok(file) => return Self::start(path, file).map(|store| (store, Kept::default())),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => options().open(path)?,
            Err(error) => return Err(error.into()),
        };
        if !file.metadata()?.is_file() {
            return Err(Unusable::Foreign);
        }
        // The lock is had before anything is read: who has it now may be writing.
        file.try_lock().map_err(|error| match error {
            std::fs::TryLockError::WouldBlock => Unusable::InUse,
            std::fs::TryLockError::Error(error) => Unusable::Io(error),
        })?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        file.rewind()?;
        if bytes.is_empty() {
            return Self::start(path, file).map(|store| (store, Kept::default()));
        }
        if !bytes.starts_with(&MAGIC) {
            return Err(Unusable::Foreign);
        }
        // The database says what is wrong with itself by panicking, too, and mends what it finds.
        let looked = thread::Builder::new().name("state".to_owned()).spawn(move || look_through(&bytes))?;
        let kept = looked.join().unwrap_or_else(|_| Err(Unusable::Damaged("it is not whole".to_owned())))?;
        let database = Builder::new().create_file(file).map_err(flaw)?;
        Ok((Self(database), kept))
    }

    fn start(path: &Path, file: File) -> Result<Self, Unusable> {
        let database = Builder::new().create_file(file).map_err(flaw)?;
        let store = Self(database);
        let unwritten = |NotKept(error): NotKept| Unusable::Io(std::io::Error::other(error));
        let made = store.commit(|transaction| {
            transaction.open_table(HEAD)?.insert(FORMAT_KEY, FORMAT.to_le_bytes().as_slice())?;
            transaction.open_table(POOLS)?;
            transaction.open_table(CLIENTS)?;
            transaction.open_table(USERS)?;
            Ok(())
        });
        made.map_err(unwritten)?;
        sync_folder(path)?;
        Ok(store)
    }
}

/// Readable and writable, by nobody but its owner: it holds secrets.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Has the file's name on the disk as well as the file.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    if cfg!(unix) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

/// Everything in a copy of the file, if all of it is whole.
fn look_through(bytes: &[u8]) -> Result<Kept, Unusable> {
    let copy = InMemoryBackend::new();
    copy.set_len(u64::try_from(bytes.len()).unwrap_or(u64::MAX))?;
    redb::StorageBackend::write(&copy, 0, bytes)?;
    // Of a copy in memory every error is the file's.
    let opened = Builder::new().create_with_backend(copy);
    let mut database: Database = opened.map_err(|error| Unusable::Damaged(error.to_string()))?;
    match database.check_integrity() {
        // What was mended is the table of free pages, which is a matter of room; a page whose sum is wrong is an error.
        Ok(_) => read(&database),
        Err(error) => Err(Unusable::Damaged(error.to_string())),
    }
}

fn flaw(error: DatabaseError) -> Unusable {
    match error {
        DatabaseError::DatabaseAlreadyOpen => Unusable::InUse,
        DatabaseError::Storage(redb::StorageError::Io(error)) => Unusable::Io(error),
        other => Unusable::Damaged(other.to_string()),
    }
}
