//! The numbers of the client's policy.

use std::time::Duration;

/// Time-outs and retries, the same for every host.
#[derive(Debug, Clone)]
pub struct HttpPolicy {
    /// The longest time to make a connection, TLS included.
    pub connect_timeout: Duration,
    /// The longest time from a request to the last byte of its answer.
    pub total_timeout: Duration,
    /// How often a request is sent at most, including the first time.
    pub attempts: u32,
    /// The wait before the second attempt, before jitter; it doubles each time.
    pub backoff: Duration,
    /// The longest wait between two attempts that the server did not ask for.
    pub backoff_cap: Duration,
    /// The longest wait that a server may ask for; a host that asks for more is given up for this run.
    pub patience: Duration,
    /// After this many failed connections in a row, a host counts as down for this run.
    pub failures: u32,
}

impl Default for HttpPolicy {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            total_timeout: Duration::from_secs(60),
            attempts: 3,
            backoff: Duration::from_millis(500),
            backoff_cap: Duration::from_secs(20),
            patience: Duration::from_secs(120),
            failures: 3,
        }
    }
}

/// The limits on requests to one host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many requests run at once; at least 1.
    pub concurrency: usize,
    /// How many requests start within a time; `None`: any number.
    pub rate: Option<Rate>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            concurrency: 8,
            rate: Some(Rate {
                requests: 50,
                per: Duration::from_secs(1),
            }),
        }
    }
}

/// A rate, written `50/s`, `100/min` or `1000/h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    requests: u32,
    per: Duration,
}

/// Why a text is not a rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a rate; write requests and unit, for example `50/s`, `100/min` or `1000/h`")]
pub struct ParseRateError(String);

impl Rate {
    /// Reads a rate.
    pub fn parse(text: &str) -> Result<Self, ParseRateError> {
        let error = || ParseRateError(text.to_owned());
        let (requests, unit) = text.split_once('/').ok_or_else(error)?;
        let requests: u32 = requests.trim().parse().map_err(|_| error())?;
        let per = match unit.trim() {
            "s" => 1,
            "min" => 60,
            "h" => 3600,
            _ => return Err(error()),
        };
        if requests == 0 {
            return Err(error());
        }
        Ok(Self {
            requests,
            per: Duration::from_secs(per),
        })
    }

    /// The time between the starts of two requests.
    pub fn spacing(self) -> Duration {
        self.per / self.requests
    }
}

impl std::str::FromStr for Rate {
    type Err = ParseRateError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_spacing() {
        for (text, milliseconds) in [
            ("50/s", 20),
            ("1/s", 1000),
            ("30/min", 2000),
            ("3600/h", 1000),
        ] {
            assert_eq!(
                Rate::parse(text).map(Rate::spacing),
                Ok(Duration::from_millis(milliseconds))
            );
        }
        for bad in ["", "50", "0/s", "-1/s", "50/day", "x/s"] {
            assert!(Rate::parse(bad).is_err(), "{bad:?}");
        }
    }
}
