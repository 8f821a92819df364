//! Simulated power failures: of the writes since the last sync, any subset is on disk, in pages of 4 KiB, and
//! so is any change of the file's length. Every image must open and contain every acknowledged commit.

use std::fs;
use std::sync::{Arc, Mutex};

use poolproof_cognito::ids::PoolId;
use poolproof_cognito::seed::Seed;
use poolproof_cognito::time::Timestamp;
use poolproof_pool::GroupRecord;
use poolproof_pool::provider::ProviderChange;
use rand::RngExt as _;
use redb::backends::InMemoryBackend;
use redb::{Builder, StorageBackend};

use super::open::{missing_length, read_copy, read_copy_of_length};
use super::{Store, StoredState};

const PAGE: usize = 4096;

#[derive(Clone, Debug)]
enum DiskOperation {
    SetLength(usize),
    Write(usize, Vec<u8>),
    Sync,
}

/// Storage in memory that records its operations.
#[derive(Debug, Default)]
struct RecordingBackend {
    content: InMemoryBackend,
    operations: Arc<Mutex<Vec<DiskOperation>>>,
}

impl RecordingBackend {
    fn record(&self, operation: DiskOperation) {
        self.operations.lock().unwrap().push(operation);
    }
}

impl StorageBackend for RecordingBackend {
    fn len(&self) -> std::io::Result<u64> {
        self.content.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        StorageBackend::read(&self.content, offset, out)
    }

    fn set_len(&self, len: u64) -> std::io::Result<()> {
        self.record(DiskOperation::SetLength(usize::try_from(len).unwrap()));
        self.content.set_len(len)
    }

    fn sync_data(&self) -> std::io::Result<()> {
        self.record(DiskOperation::Sync);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> std::io::Result<()> {
        self.record(DiskOperation::Write(usize::try_from(offset).unwrap(), data.to_vec()));
        StorageBackend::write(&self.content, offset, data)
    }
}

/// Applies an operation to the content of a disk; of a write, only the pages that `keeps` selects.
fn apply(disk: &mut Vec<u8>, operation: &DiskOperation, mut keeps: impl FnMut() -> bool) {
    match operation {
        DiskOperation::SetLength(length) if keeps() => disk.resize(*length, 0),
        DiskOperation::Write(offset, data) => {
            for (number, page) in data.chunks(PAGE).enumerate() {
                let start = offset + number * PAGE;
                // Data behind the end of the file is lost.
                if keeps()
                    && let Some(place) = disk.get_mut(start..start + page.len())
                {
                    place.copy_from_slice(page);
                }
            }
        }
        DiskOperation::SetLength(_) | DiskOperation::Sync => {}
    }
}

fn group(number: usize) -> ProviderChange {
    let record = GroupRecord {
        name: format!("group-{number:03}"),
        description: Some("x".repeat(60_000)),
        role_arn: None,
        precedence: None,
        created: Timestamp::from_us(0),
        modified: Timestamp::from_us(0),
    };
    ProviderChange::Group(PoolId::new("us-east-1_one"), record)
}

/// Returns how many groups an image has, if they are the first ones.
fn count_groups(stored: &StoredState) -> Option<usize> {
    let names = stored.records.groups.iter().map(|(_, group)| group.name.clone());
    let names: Vec<String> = names.collect();
    let expected: Vec<String> = (0..names.len()).map(|number| format!("group-{number:03}")).collect();
    (names == expected).then_some(names.len())
}

/// Checks images of a file that grows twice.
fn check_images(count: usize) {
    let folder = std::env::temp_dir().join(format!("poolproof-power-cuts-{}-{count}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("pool.redb");
    let backend = RecordingBackend::default();
    let operations = Arc::clone(&backend.operations);
    let database = Builder::new().create_with_backend(backend).unwrap();
    let store = Store { database, file: fs::File::create(&file).unwrap() };
    store.create_tables().unwrap();
    let mut commits = vec![operations.lock().unwrap().len()];
    for number in 0..40 {
        store.write(&[group(number)]).unwrap();
        commits.push(operations.lock().unwrap().len());
    }
    let operations = operations.lock().unwrap().clone();
    let growths: Vec<usize> = (commits[0]..operations.len())
        .filter(|at| matches!(operations[*at], DiskOperation::SetLength(_)))
        .collect();
    assert!(growths.len() >= 2, "the file grew {} times", growths.len());
    let mut rng = Seed::new(7).rng("power cuts", 0);
    let mut cut_off = 0;
    for image in 0..count {
        // Half of the cuts are just before the first sync after the file has grown.
        let at = if image % 2 == 0 {
            rng.random_range(commits[0]..=operations.len())
        } else {
            let growth = growths[rng.random_range(0..growths.len())];
            let unsynced = operations[growth..].iter().take_while(|one| !matches!(one, DiskOperation::Sync));
            growth + unsynced.count()
        };
        let synced = operations[..at].iter().rposition(|one| matches!(one, DiskOperation::Sync)).unwrap_or(0);
        let mut disk = Vec::new();
        operations[..synced].iter().for_each(|operation| apply(&mut disk, operation, || true));
        operations[synced..at].iter().for_each(|operation| apply(&mut disk, operation, || rng.random()));
        let acknowledged = commits.iter().rposition(|commit| *commit <= at).unwrap();
        if missing_length(&disk).is_some() {
            assert!(read_copy_of_length(disk.clone(), None).is_err(), "image {image} needs no missing end");
            cut_off += 1;
        }
        let stored = read_copy(disk.clone());
        let stored = stored.unwrap_or_else(|error| panic!("image {image} at {at} is refused: {error}"));
        let found = count_groups(&stored).unwrap();
        assert!([acknowledged, acknowledged + 1].contains(&found), "image {image}: {acknowledged}, {found}");
        if image % 20 == 1 {
            fs::write(&file, &disk).unwrap();
            let (opened, stored) = Store::open(&file).unwrap();
            assert_eq!(count_groups(&stored), Some(found));
            opened.write(&[group(found)]).unwrap();
            drop(opened);
            assert_eq!(count_groups(&Store::open(&file).unwrap().1), Some(found + 1));
        }
    }
    // Those are refused without the missing end.
    assert!(cut_off >= count / 20, "{cut_off} of {count} images are cut off");
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn no_commit_is_lost_in_a_power_failure() {
    check_images(40);
}

/// Run it with `cargo test --release --lib -- --ignored power_cuts`.
#[test]
#[ignore = "a thousand images take a minute: --ignored power_cuts"]
fn no_commit_is_lost_in_a_thousand_power_failures() {
    check_images(1000);
}
