//! How many connections the system lets this program have at once.

/// Files that are open beside connections: libraries, the log, the state, what the runtime waits on.
const RESERVED_FILES: u64 = 64;

/// Asks the system for room for this many connections, of which each is an open file; how many there is room for, at least one.
pub(super) fn raise_open_file_limit(connections: usize) -> usize {
    let wanted = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(RESERVED_FILES);
    let Ok(granted) = rlimit::increase_nofile_limit(wanted) else { return connections };
    let room = usize::try_from(granted.saturating_sub(RESERVED_FILES)).unwrap_or(usize::MAX);
    room.clamp(1, connections.max(1))
}
