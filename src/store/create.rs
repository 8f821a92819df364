//! Creates a state file next to its final place and renames it when it is complete, so that an interrupted
//! creation leaves no state file.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

use redb::DatabaseError;

use super::{
    CLIENTS, FORMAT, FORMAT_KEY, GROUPS, META, POOLS, ReadAccess, StateFileError, StateWriteError, Store,
    USERS,
};

/// Attempts if other processes interfere.
const MAX_ATTEMPTS: usize = 8;

impl Store {
    /// Creates a file if there is none or an empty one; `None` if another process has just created it.
    pub(super) fn create(path: &Path) -> std::result::Result<Option<Self>, StateFileError> {
        let temporary_path = temporary_path(path);
        let file = create_locked(&temporary_path)?;
        // The lock holder is the only creator. Another one may have finished before.
        if path.metadata().is_ok_and(|found| found.len() > 0) {
            fs::remove_file(&temporary_path)?;
            return Ok(None);
        }
        let created = Self::create_and_rename(file, &temporary_path, path);
        if created.is_err() {
            drop(fs::remove_file(&temporary_path));
        }
        created.map(Some)
    }

    fn create_and_rename(
        file: File,
        temporary_path: &Path,
        path: &Path,
    ) -> std::result::Result<Self, StateFileError> {
        let store = Self::new(file)?;
        store.create_tables()?;
        fs::rename(temporary_path, path)?;
        sync_parent_directory(path)?;
        Ok(store)
    }

    /// Creates the tables of an empty file. They are on disk when it returns.
    pub(super) fn create_tables(&self) -> std::result::Result<(), StateFileError> {
        let write_failed = |StateWriteError(error): StateWriteError| StateFileError::Io(Error::other(error));
        let created = self.commit(|transaction| {
            transaction.open_table(META)?.insert(FORMAT_KEY, FORMAT.to_le_bytes().as_slice())?;
            transaction.open_table(POOLS)?;
            transaction.open_table(CLIENTS)?;
            transaction.open_table(USERS)?;
            transaction.open_table(GROUPS)?;
            Ok(())
        });
        created.map_err(write_failed)
    }
}

/// Creates a locked file of this name. A leftover of an interrupted creation is removed and never written to,
/// because it may belong to another program or be a link.
fn create_locked(temporary_path: &Path) -> std::result::Result<File, StateFileError> {
    for _ in 0..MAX_ATTEMPTS {
        match open_options().create_new(true).open(temporary_path) {
            Ok(file) => {
                lock(&file)?;
                if is_same_file(&file, temporary_path) {
                    return Ok(file);
                }
                continue;
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error.into()),
        }
        let Ok(found) = temporary_path.symlink_metadata() else { continue };
        if found.is_symlink() {
            fs::remove_file(temporary_path)?;
        } else if found.is_file() {
            let leftover = open_options().open(temporary_path)?;
            // A running creator holds its lock.
            lock(&leftover)?;
            if is_same_file(&leftover, temporary_path) {
                fs::remove_file(temporary_path)?;
            }
        } else {
            return Err(StateFileError::NotAStateFile);
        }
    }
    Err(StateFileError::InUse)
}

/// Returns whether the name leads to this file, on systems that can tell.
fn is_same_file(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let file_id = |found: fs::Metadata| (found.dev(), found.ino());
        let (one, other) = (file.metadata().map(file_id), path.symlink_metadata().map(file_id));
        one.is_ok_and(|one| other.is_ok_and(|other| one == other))
    }
    #[cfg(not(unix))]
    {
        let _ = (file, path);
        true
    }
}

/// Returns the temporary name for `path`.
fn temporary_path(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".making");
    path.with_file_name(name)
}

/// Removes the leftover of an interrupted creation of `path`.
pub(super) fn remove_leftover(path: &Path) {
    // Usually there is none.
    drop(fs::remove_file(temporary_path(path)));
}

/// Options for a file that only its owner can read and write, because it contains secrets.
pub(super) fn open_options() -> OpenOptions {
    let mut open_options = OpenOptions::new();
    open_options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut open_options, 0o600);
    open_options
}

/// Locks a file for this process.
pub(super) fn lock(file: &File) -> std::result::Result<(), StateFileError> {
    file.try_lock().map_err(|error| match error {
        fs::TryLockError::WouldBlock => StateFileError::InUse,
        fs::TryLockError::Error(error) => StateFileError::Io(error),
    })
}

/// Restricts a file to its owner, on systems that support it.
pub(super) fn restrict_to_owner(file: &File) -> Result<ReadAccess> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mut permissions = file.metadata()?.permissions();
        let mode = permissions.mode();
        if mode & 0o077 != 0 {
            permissions.set_mode(mode & !0o077);
            let done = file.set_permissions(permissions);
            return Ok(done.map_or(ReadAccess::OthersCanRead, |()| ReadAccess::Restricted));
        }
    }
    let _ = file;
    Ok(ReadAccess::OwnerOnly)
}

/// Writes the file's directory entry to disk.
fn sync_parent_directory(path: &Path) -> Result<()> {
    if cfg!(unix) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

/// Converts an error of the database.
pub(super) fn state_file_error(error: DatabaseError) -> StateFileError {
    match error {
        DatabaseError::DatabaseAlreadyOpen => StateFileError::InUse,
        DatabaseError::Storage(redb::StorageError::Io(error)) => StateFileError::Io(error),
        other => StateFileError::Damaged(other.to_string()),
    }
}
