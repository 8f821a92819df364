//! The number of connections that the system allows.

/// Open files besides connections: libraries, the log, the state, the runtime.
const RESERVED_FILES: u64 = 64;

/// Raises the limit of open files for this many connections. Returns how many connections are possible, at
/// least one.
pub(super) fn raise_open_file_limit(connections: usize) -> usize {
    let wanted = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(RESERVED_FILES);
    let Ok(granted) = rlimit::increase_nofile_limit(wanted) else { return connections };
    let room = usize::try_from(granted.saturating_sub(RESERVED_FILES)).unwrap_or(usize::MAX);
    room.clamp(1, connections.max(1))
}
