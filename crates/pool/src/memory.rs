//! Estimates of the memory that a pool's records take, and maps that keep their sum.
//!
//! An estimate is the heap of a record: its texts, the overhead of their allocations and its place in a map.
//! It is rather too high than too low, because a budget relies on it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::Arc;

use super::Pool;
use poolproof_cognito::ids::{ClientId, DeviceGroupKey, DeviceKey, SecretBlock, Session, Sub, Username};
use poolproof_cognito::time::Timestamp;
use poolproof_cognito::totp::TotpSecret;
use poolproof_srp::{Salt, Verifier};

/// Overhead of an allocation: the allocator's header and rounding.
pub(crate) const ALLOCATION: usize = 24;
/// A number of Cognito's SRP group, which has 3072 bits.
pub(crate) const SRP_NUMBER: usize = 384 + ALLOCATION;

/// A record whose heap is estimated.
pub(crate) trait HeapBytes {
    /// Returns the estimated bytes of the heap that the record owns.
    fn heap_bytes(&self) -> usize;
}

/// Returns the bytes of an entry of these types in a map, without its heap. Maps have room for about twice
/// their entries.
pub(crate) const fn map_entry<K, V>() -> usize {
    2 * (size_of::<K>() + size_of::<V>())
}

impl HeapBytes for str {
    fn heap_bytes(&self) -> usize {
        if self.is_empty() { 0 } else { self.len() + ALLOCATION }
    }
}

impl HeapBytes for Arc<str> {
    /// Includes the two counts of references.
    fn heap_bytes(&self) -> usize {
        self.len() + 2 * size_of::<usize>() + ALLOCATION
    }
}

impl HeapBytes for String {
    fn heap_bytes(&self) -> usize {
        self.as_str().heap_bytes()
    }
}

macro_rules! heap_of_ids {
    ($($name:ident)*) => {$(
        impl HeapBytes for $name {
            fn heap_bytes(&self) -> usize {
                self.as_str().heap_bytes()
            }
        }
    )*};
}

heap_of_ids! { ClientId DeviceGroupKey DeviceKey SecretBlock Session Sub Username }

macro_rules! heap_of_size {
    ($($name:ident $bytes:expr;)*) => {$(
        impl HeapBytes for $name {
            fn heap_bytes(&self) -> usize {
                $bytes
            }
        }
    )*};
}

heap_of_size! {
    Salt Self::MAX_BYTES + ALLOCATION;
    TotpSecret 32 + ALLOCATION;
    Verifier SRP_NUMBER;
}

impl<T: HeapBytes> HeapBytes for Option<T> {
    fn heap_bytes(&self) -> usize {
        self.as_ref().map_or(0, T::heap_bytes)
    }
}

impl<K: HeapBytes, V: HeapBytes> HeapBytes for BTreeMap<K, V> {
    fn heap_bytes(&self) -> usize {
        self.iter().map(|(key, value)| map_entry::<K, V>() + key.heap_bytes() + value.heap_bytes()).sum()
    }
}

impl<K: HeapBytes> HeapBytes for BTreeSet<K> {
    fn heap_bytes(&self) -> usize {
        self.iter().map(|key| map_entry::<K, ()>() + key.heap_bytes()).sum()
    }
}

/// A map that knows the estimated bytes of its entries.
#[derive(Debug)]
pub(crate) struct CountedMap<K, V> {
    entries: HashMap<K, V>,
    bytes: usize,
}

impl<K, V> Default for CountedMap<K, V> {
    fn default() -> Self {
        Self { entries: HashMap::new(), bytes: 0 }
    }
}

impl<K: Eq + Hash + HeapBytes, V: HeapBytes> CountedMap<K, V> {
    fn entry_bytes(key: &K, value: &V) -> usize {
        map_entry::<K, V>() + key.heap_bytes() + value.heap_bytes()
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        self.remove(&key);
        self.bytes += Self::entry_bytes(&key, &value);
        self.entries.insert(key, value);
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let value = self.entries.remove(key)?;
        self.bytes -= Self::entry_bytes(key, &value);
        Some(value)
    }

    /// Changes an entry; returns `None` if there is none.
    pub(crate) fn change<R>(&mut self, key: &K, change: impl FnOnce(&mut V) -> R) -> Option<R> {
        let value = self.entries.get_mut(key)?;
        self.bytes -= value.heap_bytes();
        let changed = change(value);
        self.bytes += value.heap_bytes();
        Some(changed)
    }

    /// Returns the estimated bytes of all entries.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the same, counted anew.
    #[expect(clippy::disallowed_methods, reason = "a sum does not depend on the order")]
    pub(crate) fn recounted_bytes(&self) -> usize {
        self.entries.iter().map(|(key, value)| Self::entry_bytes(key, value)).sum()
    }
}

/// The estimated bytes of stored records.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MemoryUse {
    /// Users, their devices, tokens and events, groups, pools and app clients.
    pub accounts: usize,
    /// Sign-ins in progress and answered ones, unknown user names and counts of requests.
    pub sign_ins: usize,
}

impl MemoryUse {
    /// Returns the sum.
    pub const fn total(self) -> usize {
        self.accounts + self.sign_ins
    }
}

impl std::ops::Add for MemoryUse {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { accounts: self.accounts + other.accounts, sign_ins: self.sign_ins + other.sign_ins }
    }
}

impl Pool {
    /// Returns the number of stored entries of sign-ins, in progress or answered, that have not expired.
    pub fn pending(&self) -> usize {
        self.session_store.len()
    }

    /// Removes expired entries of sign-ins in progress.
    pub fn remove_expired(&mut self, now: Timestamp) {
        let now = self.monotonic(now);
        self.session_store.remove_expired(now);
    }

    /// Removes the oldest entry of a sign-in in progress before it expires, to free memory. A later answer
    /// finds no such challenge. Returns whether there was an entry.
    pub fn evict_oldest(&mut self) -> bool {
        self.session_store.evict_oldest()
    }

    /// Returns the estimated bytes of all records. The time does not depend on their number.
    pub fn memory_use(&mut self) -> MemoryUse {
        MemoryUse {
            accounts: self.directory.bytes() + self.groups.bytes() + self.session_store.code_bytes(),
            sign_ins: self.session_store.bytes() + self.user_buckets.bytes(),
        }
    }

    /// Returns the same, but counts all records anew. Tests compare both.
    pub fn recounted_memory_use(&self) -> MemoryUse {
        let (sign_ins, codes) = self.session_store.recounted_bytes();
        MemoryUse {
            accounts: self.directory.recounted_bytes() + self.groups.recounted_bytes() + codes,
            sign_ins: sign_ins + self.user_buckets.bytes(),
        }
    }

    /// Returns the bytes of the entries that [`Self::drop_oldest`] removes.
    pub(crate) fn droppable_bytes(&self) -> usize {
        self.session_store.bytes()
    }

    /// Removes the oldest entry of a sign-in in progress. If there is none, removes what is stored of an
    /// unknown name with few attempts. Returns whether there was an entry.
    pub(crate) fn drop_oldest(&mut self) -> bool {
        self.session_store.evict_oldest() || self.session_store.evict_unknown_user(&mut self.rng)
    }
}
