//! `--memory`: sizes, and the default budget from the memory of the machine.

use std::fs;

use crate::control_groups::memory_limit;

/// The least budget. A few requests of the greatest length need some megabytes.
const MINIMUM: u64 = 16_000_000;
/// The budget where the system does not report its memory.
const FALLBACK: u64 = 1 << 30;

/// Parses a size such as `512MB` or `2GiB`.
pub(super) fn memory_size(text: &str) -> Result<u64, String> {
    let expected = || "expected a size such as 512MB or 2GiB".to_owned();
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| expected())?;
    let factor: u64 = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return Err(expected()),
    };
    match number.checked_mul(factor) {
        Some(bytes) if bytes < MINIMUM => Err("expected at least 16MB".to_owned()),
        // Larger numbers mean that there is no budget.
        Some(bytes) if bytes <= u64::MAX / 4 => Ok(bytes),
        _ => Err("expected at most 4000000TB".to_owned()),
    }
}

/// Returns the default budget: a quarter of the machine's memory, or of the least limit of the process's
/// control groups if it is less.
pub(super) fn default_memory() -> u64 {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| total_memory(&text));
    memory_limit().into_iter().chain(machine).min().map_or(FALLBACK, |bytes| (bytes / 4).max(MINIMUM))
}

/// Parses `MemTotal` of `/proc/meminfo`, in bytes.
fn total_memory(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_decimal_and_binary_units() {
        let sizes = [
            ("16000000", 16_000_000),
            ("512MB", 512_000_000),
            ("512 mb", 512_000_000),
            ("2GiB", 2 << 30),
            ("20000KiB", 20_480_000),
            ("1tb", 1_000_000_000_000),
        ];
        for (text, bytes) in sizes {
            assert_eq!(memory_size(text), Ok(bytes), "{text}");
        }
        for text in ["", "MB", "1.5GB", "-1GB", "12XB", "512M B", "99999999999999999999"] {
            assert_eq!(memory_size(text).unwrap_err(), "expected a size such as 512MB or 2GiB", "{text}");
        }
        assert_eq!(memory_size("15MB").unwrap_err(), "expected at least 16MB");
        assert_eq!(memory_size("9999999999TB").unwrap_err(), "expected at most 4000000TB");
    }

    #[test]
    fn the_default_is_read_from_the_system() {
        assert_eq!(total_memory("MemTotal:        8000 kB\nMemFree:  1 kB\n"), Some(8_192_000));
        assert_eq!(total_memory("MemFree: 1 kB\n"), None);
        assert!(default_memory() >= MINIMUM);
    }
}
