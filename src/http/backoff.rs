//! How long to wait before trying again.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// The wait before attempt `attempt` (the first retry is 1): `base` doubled each time, at most `cap`. The upper half of
/// it is random, so that many clients do not come back together.
pub(super) fn backoff(base: Duration, cap: Duration, attempt: u32) -> Duration {
    let full = base
        .saturating_mul(1_u32 << attempt.saturating_sub(1).min(16))
        .min(cap);
    let half = full / 2;
    // Every `RandomState` has fresh keys: random enough for a wait, without a generator of our own.
    let chance = RandomState::new().build_hasher().finish() % 1024;
    half + half.saturating_mul(chance as u32) / 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_the_cap_with_jitter() {
        let (base, cap) = (Duration::from_millis(500), Duration::from_secs(10));
        for (attempt, full) in [(1, 500), (2, 1000), (3, 2000), (6, 10_000), (60, 10_000)] {
            let full = Duration::from_millis(full);
            for _ in 0..50 {
                let wait = backoff(base, cap, attempt);
                assert!(wait >= full / 2 && wait <= full, "{attempt}: {wait:?}");
            }
        }
    }
}
