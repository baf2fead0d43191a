//! The addresses that a host may have: the filter against requests into the operator's own network.
//!
//! The filter is part of the resolver, so the checked address is the one that is connected to, and a name that changes
//! its address between two look-ups gains nothing. With a proxy, the proxy resolves names; only literal addresses are
//! checked then.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use url::{Host, Url};

/// The part of the address space that a host may be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressRule {
    /// Any address: for a host that the operator named.
    Any,
    /// No loopback, link-local, multicast or cloud metadata address: for a host that a listed server named.
    NotLocal,
    /// Globally reachable addresses only: for a host that is not listed.
    Public,
}

/// The rule for each host: named hosts may have any address, all others follow one rule.
#[derive(Debug, Clone)]
pub struct Addresses {
    rule: AddressRule,
    free: Vec<String>,
}

impl Addresses {
    /// One rule for all hosts except the named ones, which may have any address.
    pub fn new(rule: AddressRule, free: impl IntoIterator<Item = String>) -> Self {
        Self {
            rule,
            free: free
                .into_iter()
                .map(|host| bare(&host).to_ascii_lowercase())
                .collect(),
        }
    }

    /// Any address for every host.
    pub fn any() -> Self {
        Self::new(AddressRule::Any, [])
    }

    /// Whether a host of this name may have this address.
    pub fn allow(&self, host: &str, address: IpAddr) -> bool {
        let host = bare(host);
        self.free.iter().any(|free| free.eq_ignore_ascii_case(host)) || fits(self.rule, address)
    }

    /// The literal address in a URL, if it is not allowed.
    pub(super) fn refused_literal(&self, url: &Url) -> Option<IpAddr> {
        let address = match url.host()? {
            Host::Ipv4(address) => IpAddr::V4(address),
            Host::Ipv6(address) => IpAddr::V6(address),
            Host::Domain(_) => return None,
        };
        (!self.allow(url.host_str()?, address)).then_some(address)
    }

    /// Resolves a name to its allowed addresses.
    pub(crate) async fn resolve(
        &self,
        host: &str,
        port: u16,
    ) -> Result<Vec<SocketAddr>, ResolveError> {
        let found: Vec<SocketAddr> = tokio::net::lookup_host((bare(host), port))
            .await
            .map_err(|_| ResolveError::NotFound)?
            .collect();
        let first = found.first().ok_or(ResolveError::NotFound)?.ip();
        let allowed: Vec<SocketAddr> = found
            .into_iter()
            .filter(|address| self.allow(host, address.ip()))
            .collect();
        if allowed.is_empty() {
            return Err(ResolveError::Refused(first));
        }
        Ok(allowed)
    }
}

/// Why a name has no usable address.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum ResolveError {
    #[error("the host name has no address")]
    NotFound,
    #[error("the host name resolves to {0}")]
    Refused(IpAddr),
}

/// [`Addresses`] as reqwest's resolver.
pub(super) struct Resolver(pub(super) Addresses);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let addresses = self.0.clone();
        Box::pin(async move {
            let found = addresses.resolve(name.as_str(), 0).await?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// A host without the brackets of an IPv6 address and without a trailing dot.
fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches([']', '.'])
}

fn fits(rule: AddressRule, address: IpAddr) -> bool {
    match (rule, address) {
        (AddressRule::Any, _) => true,
        (AddressRule::NotLocal, IpAddr::V4(address)) => !is_local(address),
        (AddressRule::Public, IpAddr::V4(address)) => is_public(address),
        (rule, IpAddr::V6(address)) => match embedded(address) {
            Some(inner) => fits(rule, IpAddr::V4(inner)),
            None if rule == AddressRule::Public => is_public_v6(address),
            None => !is_local_v6(address),
        },
    }
}

/// The IPv4 address inside an IPv6 address: mapped, 6to4 and NAT64 (RFC 4291, 3056, 6052).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = address.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match s {
        [0, 0, 0, 0, 0, 0xffff, high, low] => Some(v4(high, low)),
        [0x2002, high, low, ..] => Some(v4(high, low)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(v4(high, low)),
        _ => None,
    }
}

fn is_local(address: Ipv4Addr) -> bool {
    address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || address.octets()[0] == 0
        // Alibaba Cloud's metadata service.
        || address == Ipv4Addr::new(100, 100, 100, 200)
}

fn is_public(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_documentation()
        || (a == 100 && (64..128).contains(&b))
        || (a == 198 && (b == 18 || b == 19))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || a >= 240;
    !is_local(address) && !special
}

fn is_local_v6(address: Ipv6Addr) -> bool {
    let s = address.segments();
    // ::/96 holds the loopback, the unspecified and the old compatible addresses.
    s[..6] == [0; 6]
        || (s[0] & 0xffc0) == 0xfe80
        || address.is_multicast()
        // Amazon's metadata service.
        || s == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254]
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let s = address.segments();
    let global = (s[0] & 0xe000) == 0x2000;
    // 2001::/23 holds Teredo, benchmarking and ORCHID; 2001:db8::/32 and 3fff::/20 are documentation.
    let special =
        (s[0] == 0x2001 && (s[1] < 0x200 || s[1] == 0xdb8)) || (s[0] == 0x3fff && s[1] < 0x1000);
    global && !special
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: AddressRule, allowed: bool, addresses: &[&str]) {
        for text in addresses {
            let address: IpAddr = text.parse().expect("an address");
            assert_eq!(fits(rule, address), allowed, "{rule:?} {text}");
        }
    }

    #[test]
    fn t6_only_public_addresses_pass() {
        check(
            AddressRule::Public,
            false,
            &[
                "127.0.0.1",
                "10.1.2.3",
                "172.16.0.1",
                "172.31.255.255",
                "192.168.1.1",
                "169.254.169.254",
                "100.64.0.1",
                "100.100.100.200",
                "0.0.0.0",
                "224.0.0.1",
                "240.0.0.1",
                "255.255.255.255",
                "192.0.2.1",
                "198.51.100.1",
                "203.0.113.1",
                "198.18.0.1",
                "192.0.0.8",
                "192.88.99.1",
                "::1",
                "::",
                "::7f00:1",
                "::ffff:127.0.0.1",
                "::ffff:10.0.0.1",
                "::ffff:169.254.169.254",
                "2002:7f00:1::",
                "2002:a9fe:a9fe::1",
                "64:ff9b::a00:1",
                "64:ff9b::7f00:1",
                "64:ff9b:1::1",
                "fe80::1",
                "fec0::1",
                "fd00::1",
                "fc00::1",
                "ff02::1",
                "2001:db8::1",
                "3fff::1",
                "2001::1",
                "100::1",
            ],
        );
        check(
            AddressRule::Public,
            true,
            &[
                "1.1.1.1",
                "172.32.0.1",
                "100.128.0.1",
                "192.0.1.1",
                "2606:4700::1111",
                "::ffff:1.1.1.1",
                "64:ff9b::101:101",
                "2002:101:101::1",
                "2a00:1450::1",
            ],
        );
    }

    #[test]
    fn t3_a_redirect_reaches_private_but_not_local_addresses() {
        check(
            AddressRule::NotLocal,
            false,
            &[
                "127.0.0.1",
                "169.254.169.254",
                "0.0.0.0",
                "::1",
                "::ffff:127.0.0.1",
                "fe80::1",
                "fd00:ec2::254",
                "100.100.100.200",
            ],
        );
        check(
            AddressRule::NotLocal,
            true,
            &["10.0.0.1", "192.168.1.1", "fd00::1", "1.1.1.1"],
        );
    }

    #[test]
    fn a_named_host_may_have_any_address() {
        let addresses = Addresses::new(
            AddressRule::Public,
            ["registry.corp".to_owned(), "[::1]".to_owned()],
        );
        let loopback: IpAddr = Ipv4Addr::LOCALHOST.into();
        assert!(addresses.allow("registry.corp", loopback));
        assert!(!addresses.allow("registry.corp.evil.example", loopback));
        let literal = |text| {
            addresses
                .refused_literal(&Url::parse(text).expect("a URL"))
                .is_some()
        };
        assert!(!literal("https://[::1]:5000/"));
        assert!(literal("https://2130706433/"));
        assert!(literal("https://0x7f.1/"));
        assert!(literal("https://[::ffff:10.0.0.1]/"));
        assert!(!literal("https://registry.example/"));
    }
}
