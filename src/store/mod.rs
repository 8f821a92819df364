//! The state file of `serve --state`: pools, clients and users of an account.
//!
//! The machines return their changes as plain data ([`ProviderChange`]). The [`StateWriter`] writes them, and
//! a response waits until its changes are on disk. Responses share transactions. The file is a redb database
//! of one version. It is opened only if all of it can be read; a damaged file is left as it is.
//!
//! | table | key | value |
//! |---|---|---|
//! | `poolproof` | `format`, `access_key`, `id_key` | the version of the tables; PKCS #8 |
//! | `pools` | `UserPoolId` | [`PoolRecord`](poolproof_pool::provider::PoolRecord) |
//! | `clients` | `UserPoolId`, `ClientId` | [`ClientRecord`](poolproof_pool::provider::ClientRecord) |
//! | `users` | `UserPoolId`, `sub` | [`AccountRecord`] |
//! | `groups` | `UserPoolId`, `GroupName` | [`GroupRecord`](poolproof_pool::GroupRecord) |

mod create;
mod form;
mod open;
#[cfg(test)]
mod power_cuts;
mod writer;

use std::fs::File;

use redb::{
    AccessGuard, Builder, Database, ReadTransaction, ReadableDatabase as _, ReadableTable as _, Table,
    TableDefinition, TableHandle as _, WriteTransaction,
};

use poolproof_cognito::ids::PoolId;
use poolproof_pool::AccountRecord;
use poolproof_pool::provider::{ProviderChange, ProviderSnapshot};

pub use form::{decode, encode};
pub use open::INTEGRITY_CHECK_THREAD;
pub use writer::{PendingWrite, StateWriter};

/// The version of the tables. Files of other versions are refused.
const FORMAT: u32 = 3;

const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("poolproof");
const POOLS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("pools");
const CLIENTS: TableDefinition<'_, (&str, &str), &[u8]> = TableDefinition::new("clients");
const USERS: TableDefinition<'_, (&str, &str), &[u8]> = TableDefinition::new("users");
const GROUPS: TableDefinition<'_, (&str, &str), &[u8]> = TableDefinition::new("groups");

/// An entry of the table of users.
type Entry<'t> = Result<
    (AccessGuard<'t, (&'static str, &'static str)>, AccessGuard<'t, &'static [u8]>),
    redb::StorageError,
>;

const FORMAT_KEY: &str = "format";
const SIGNING_KEYS: [&str; 2] = ["access_key", "id_key"];

/// Why a file cannot be used. It is left unchanged.
#[derive(Debug, thiserror::Error)]
pub enum StateFileError {
    /// It cannot be opened, created or read.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// Another process uses it.
    #[error("another process uses it; stop that process, or choose another file")]
    InUse,
    /// It is not a state file.
    #[error("it is not a state file of poolproof; choose another name")]
    NotAStateFile,
    /// Another version wrote it.
    #[error("it has format {0}, and this version supports format {FORMAT}; use the version that wrote it")]
    UnsupportedFormat(u32),
    /// It is damaged.
    #[error("it is damaged ({0}); replace it with a backup, or choose another name to start without users")]
    Damaged(String),
}

/// The state cannot be written. The file contains what it contained before.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("cannot write the state: {0}")]
pub struct StateWriteError(String);

impl StateWriteError {
    fn from_redb(error: impl Into<redb::Error>) -> Self {
        Self(error.into().to_string())
    }
}

/// The private keys of RS256 tokens as PKCS #8, for access and for id tokens.
pub type SigningKeys = [Vec<u8>; 2];

/// The content of a file.
///
/// Debug output does not contain it, because it has secrets.
#[derive(Default)]
pub struct StoredState {
    /// Pools, clients and users.
    pub records: ProviderSnapshot,
    /// The token keys, if there are any.
    pub keys: Option<SigningKeys>,
    /// The users besides the owner who can read the file.
    pub read_access: ReadAccess,
}

/// The users besides the owner who can read a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ReadAccess {
    /// Only the owner.
    #[default]
    OwnerOnly,
    /// Others could, until it was opened.
    Restricted,
    /// Others can, and the system does not allow a change.
    OthersCanRead,
}

impl std::fmt::Debug for StoredState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kept(…)")
    }
}

/// An open state file. No other process can open it.
#[derive(Debug)]
pub struct Store {
    database: Database,
    /// The file, to be read again after a failure to write.
    file: File,
}

impl Store {
    fn new(file: File) -> Result<Self, StateFileError> {
        let copy = file.try_clone()?;
        let database = Builder::new().create_file(file).map_err(create::state_file_error)?;
        Ok(Self { database, file: copy })
    }

    /// Writes these changes, all or none. They are on disk when it returns.
    ///
    /// # Errors
    ///
    /// The file cannot be written: the disk is full or gone.
    pub fn write(&self, changes: &[ProviderChange]) -> Result<(), StateWriteError> {
        self.write_with_rewrites(changes, &[])
    }

    /// As [`Self::write`], and writes one user of each of these pools again, unchanged.
    fn write_with_rewrites(
        &self,
        changes: &[ProviderChange],
        rewritten: &[PoolId],
    ) -> Result<(), StateWriteError> {
        self.commit(|transaction| {
            let mut pools = transaction.open_table(POOLS)?;
            let mut clients = transaction.open_table(CLIENTS)?;
            let mut users = transaction.open_table(USERS)?;
            let mut groups = transaction.open_table(GROUPS)?;
            for change in changes {
                match change {
                    ProviderChange::Pool(record) => {
                        pools.insert(record.id.as_str(), encode(&**record).as_slice())?;
                    }
                    ProviderChange::Client(pool, record) => {
                        let key = (pool.as_str(), record.client.id.as_str());
                        clients.insert(key, encode(&**record).as_slice())?;
                    }
                    ProviderChange::Account(pool, record) => {
                        users.insert((pool.as_str(), record.sub.as_str()), encode(&**record).as_slice())?;
                    }
                    ProviderChange::PoolRemoved(pool) => {
                        let pool = pool.as_str();
                        pools.remove(pool)?;
                        // Greater than every key of this pool, and less than every longer pool id.
                        let after = format!("{pool}\0");
                        clients.retain_in((pool, "")..(after.as_str(), ""), |_, _| false)?;
                        users.retain_in((pool, "")..(after.as_str(), ""), |_, _| false)?;
                        groups.retain_in((pool, "")..(after.as_str(), ""), |_, _| false)?;
                    }
                    ProviderChange::ClientRemoved(pool, id) => {
                        clients.remove((pool.as_str(), id.as_str()))?;
                    }
                    ProviderChange::AccountRemoved(pool, sub) => {
                        users.remove((pool.as_str(), sub.as_str()))?;
                    }
                    ProviderChange::Group(pool, record) => {
                        groups.insert((pool.as_str(), record.name.as_str()), encode(record).as_slice())?;
                    }
                    ProviderChange::GroupRemoved(pool, name) => {
                        groups.remove((pool.as_str(), name.as_str()))?;
                    }
                }
            }
            for pool in rewritten {
                rewrite_user(&mut users, pool.as_str())?;
            }
            Ok(())
        })
    }

    /// Writes the token keys.
    ///
    /// # Errors
    ///
    /// As [`Self::write`].
    pub fn write_keys(&self, keys: &SigningKeys) -> Result<(), StateWriteError> {
        self.commit(|transaction| {
            let mut meta = transaction.open_table(META)?;
            for (name, key) in SIGNING_KEYS.iter().zip(keys) {
                meta.insert(*name, key.as_slice())?;
            }
            Ok(())
        })
    }

    /// One transaction in two phases: a committed state stays intact after a power failure, so an invalid
    /// page is damage and not an interrupted commit.
    fn commit(
        &self,
        write: impl FnOnce(&WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<(), StateWriteError> {
        let mut transaction = self.database.begin_write().map_err(StateWriteError::from_redb)?;
        transaction.set_two_phase_commit(true);
        write(&transaction).map_err(StateWriteError::from_redb)?;
        transaction.commit().map_err(StateWriteError::from_redb)
    }
}

/// Writes a random user of a pool again, with the same work as a change of this user.
fn rewrite_user(
    users: &mut Table<'_, (&'static str, &'static str), &'static [u8]>,
    pool: &str,
) -> Result<(), redb::Error> {
    let mut random = [0; 4];
    // Without random bytes it is always the same user.
    let _ = aws_lc_rs::rand::fill(&mut random);
    let (sub, after) = (format!("{:08x}", u32::from_le_bytes(random)), format!("{pool}\0"));
    let user = |entry: Entry<'_>| {
        let (key, value) = entry?;
        Ok::<_, redb::Error>((key.value().1.to_owned(), value.value().to_vec()))
    };
    let next = users.range((pool, sub.as_str())..(after.as_str(), ""))?.next().map(user).transpose()?;
    let first = || users.range((pool, "")..(after.as_str(), ""))?.next().map(user).transpose();
    let found = match next {
        Some(found) => Some(found),
        None => first()?,
    };
    if let Some((sub, bytes)) = found {
        let bytes = decode::<AccountRecord>(&bytes).map_or(bytes, |record| encode(&record));
        users.insert((pool, sub.as_str()), bytes.as_slice())?;
    }
    Ok(())
}

/// Reads everything in a database, or reports what is wrong.
fn read(database: &Database) -> Result<StoredState, StateFileError> {
    let state_file_error = |error: redb::Error| StateFileError::Damaged(error.to_string());
    let transaction = database.begin_read().map_err(|error| state_file_error(error.into()))?;
    let meta = match transaction.open_table(META) {
        Ok(meta) => meta,
        Err(redb::TableError::Storage(error)) => return Err(state_file_error(error.into())),
        Err(_) => return Err(StateFileError::NotAStateFile),
    };
    let value = |key: &str| meta.get(key).map(|value| value.map(|value| value.value().to_vec()));
    let read_value = |key: &str| value(key).map_err(|error| state_file_error(error.into()));
    let format = read_value(FORMAT_KEY)?.and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes);
    match format {
        Some(FORMAT) => {}
        Some(other) => return Err(StateFileError::UnsupportedFormat(other)),
        None => return Err(StateFileError::NotAStateFile),
    }
    let [access, id] = SIGNING_KEYS.map(read_value);
    let keys = access?.zip(id?).map(|(access, id)| [access, id]);
    let records = records(&transaction)?;
    Ok(StoredState { records, keys, read_access: ReadAccess::default() })
}

fn records(transaction: &ReadTransaction) -> Result<ProviderSnapshot, StateFileError> {
    let mut records = ProviderSnapshot::default();
    for_each_record(transaction, POOLS, |_, value| {
        records.pools.push(decode(value)?);
        Some(())
    })?;
    for_each_record(transaction, CLIENTS, |(pool, _), value| {
        records.clients.push((PoolId::new(pool), decode(value)?));
        Some(())
    })?;
    for_each_record(transaction, USERS, |(pool, _), value| {
        records.accounts.push((PoolId::new(pool), decode(value)?));
        Some(())
    })?;
    for_each_record(transaction, GROUPS, |(pool, _), value| {
        records.groups.push((PoolId::new(pool), decode(value)?));
        Some(())
    })?;
    Ok(records)
}

/// Calls `visit` for every entry of a table until it reports an unreadable one.
fn for_each_record<K: redb::Key + 'static>(
    transaction: &ReadTransaction,
    table: TableDefinition<'_, K, &'static [u8]>,
    mut visit: impl for<'k> FnMut(K::SelfType<'k>, &[u8]) -> Option<()>,
) -> Result<(), StateFileError> {
    let state_file_error = |error: redb::Error| StateFileError::Damaged(error.to_string());
    let name = table.name().to_owned();
    let table = transaction.open_table(table).map_err(|error| state_file_error(error.into()))?;
    for entry in table.iter().map_err(|error| state_file_error(error.into()))? {
        let (key, value) = entry.map_err(|error| state_file_error(error.into()))?;
        if visit(key.value(), value.value()).is_none() {
            return Err(StateFileError::Damaged(format!("cannot read a record of table {name}")));
        }
    }
    Ok(())
}
