//! Making a file: beside its place and whole, before it gets its name. Whoever is ended while making one leaves nothing that is taken
//! for a file of state.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

use redb::{Builder, DatabaseError};

use super::{CLIENTS, FORMAT, FORMAT_KEY, HEAD, NotKept, POOLS, Readers, Store, USERS, Unusable};

/// So often others may come in between.
const TRIES: usize = 8;

impl Store {
    /// Makes a file where there is none, or an empty one; `None` if another process has just made it.
    pub(super) fn make(path: &Path) -> std::result::Result<Option<Self>, Unusable> {
        let beside = beside(path);
        let file = claim(&beside)?;
        // Whoever has it is the only one who makes it. What came of an earlier one stands in its place now.
        if path.metadata().is_ok_and(|found| found.len() > 0) {
            fs::remove_file(&beside)?;
            return Ok(None);
        }
        let made = Self::renamed(file, &beside, path);
        if made.is_err() {
            drop(fs::remove_file(&beside));
        }
        made.map(Some)
    }

    fn renamed(file: File, beside: &Path, path: &Path) -> std::result::Result<Self, Unusable> {
        let store = Self::start(file)?;
        fs::rename(beside, path)?;
        sync_folder(path)?;
        Ok(store)
    }

    /// Makes the tables in an empty file. When it returns they are on the disk.
    pub(super) fn start(file: File) -> std::result::Result<Self, Unusable> {
        let store = Self(Builder::new().create_file(file).map_err(flaw)?);
        let unwritten = |NotKept(error): NotKept| Unusable::Io(Error::other(error));
        let made = store.commit(|transaction| {
            transaction.open_table(HEAD)?.insert(FORMAT_KEY, FORMAT.to_le_bytes().as_slice())?;
            transaction.open_table(POOLS)?;
            transaction.open_table(CLIENTS)?;
            transaction.open_table(USERS)?;
            Ok(())
        });
        made.map_err(unwritten)?;
        Ok(store)
    }
}

/// A new file of this name, locked. What somebody has left who was ended in the middle is removed, and never written to: it may be
/// another's, or lead elsewhere.
fn claim(beside: &Path) -> std::result::Result<File, Unusable> {
    for _ in 0..TRIES {
        match options().create_new(true).open(beside) {
            Ok(file) => {
                lock(&file)?;
                if is_at(&file, beside) {
                    return Ok(file);
                }
                continue;
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error.into()),
        }
        let Ok(found) = beside.symlink_metadata() else { continue };
        if found.is_symlink() {
            fs::remove_file(beside)?;
        } else if found.is_file() {
            let left = options().open(beside)?;
            // Who makes one now has it locked.
            lock(&left)?;
            if is_at(&left, beside) {
                fs::remove_file(beside)?;
            }
        } else {
            return Err(Unusable::Foreign);
        }
    }
    Err(Unusable::InUse)
}

/// Whether this is the file that the name leads to, where the system knows such a thing.
fn is_at(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let place = |found: fs::Metadata| (found.dev(), found.ino());
        let (one, other) = (file.metadata().map(place), path.symlink_metadata().map(place));
        one.is_ok_and(|one| other.is_ok_and(|other| one == other))
    }
    #[cfg(not(unix))]
    {
        let _ = (file, path);
        true
    }
}

/// Where a file is made that gets the name `path`.
fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".making");
    path.with_file_name(name)
}

/// Removes what somebody has left who was ended while making `path`, which is there now.
pub(super) fn clear(path: &Path) {
    // There seldom is something.
    drop(fs::remove_file(beside(path)));
}

/// Readable and writable, by nobody but its owner: it holds secrets.
pub(super) fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Has a file for this process alone.
pub(super) fn lock(file: &File) -> std::result::Result<(), Unusable> {
    file.try_lock().map_err(|error| match error {
        fs::TryLockError::WouldBlock => Unusable::InUse,
        fs::TryLockError::Error(error) => Unusable::Io(error),
    })
}

/// Takes a file from all but its owner, where the system knows such a thing.
pub(super) fn shut_out(file: &File) -> Result<Readers> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mut permissions = file.metadata()?.permissions();
        let mode = permissions.mode();
        if mode & 0o077 != 0 {
            permissions.set_mode(mode & !0o077);
            let done = file.set_permissions(permissions);
            return Ok(done.map_or(Readers::Remain, |()| Readers::ShutOut));
        }
    }
    let _ = file;
    Ok(Readers::OwnerAlone)
}

/// Has the file's name on the disk as well as the file.
fn sync_folder(path: &Path) -> Result<()> {
    if cfg!(unix) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

/// Why the database does not take a file.
pub(super) fn flaw(error: DatabaseError) -> Unusable {
    match error {
        DatabaseError::DatabaseAlreadyOpen => Unusable::InUse,
        DatabaseError::Storage(redb::StorageError::Io(error)) => Unusable::Io(error),
        other => Unusable::Damaged(other.to_string()),
    }
}
