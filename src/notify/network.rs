//! Which addresses a message may go to. A name is resolved once an attempt, and the connection is made to the very address that was looked at, so that a name
//! that changes its answer leads nowhere else.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::limits;

/// The addresses of a host that may be connected to, at most `limits::ADDRESSES_TRIED_MAX`. An error names the host and why.
pub(super) fn allowed(found: impl Iterator<Item = SocketAddr>, host: &str, allow_private: bool) -> Result<Vec<SocketAddr>, String> {
    let (mut kept, mut refused) = (Vec::new(), None);
    for address in found {
        match why_not(address.ip(), allow_private) {
            None => kept.push(address),
            Some(why) => refused = Some(format!("{host} is {}, {why}", address.ip())),
        }
    }
    kept.truncate(limits::ADDRESSES_TRIED_MAX);
    if kept.is_empty() { Err(refused.unwrap_or_else(|| format!("{host} has no address"))) } else { Ok(kept) }
}

/// Why nothing is sent to an address.
fn why_not(ip: IpAddr, allow_private: bool) -> Option<&'static str> {
    match kind(ip) {
        Kind::Public => None,
        Kind::Private if allow_private => None,
        Kind::Private => Some("which is not public: allow_private = true allows it"),
        Kind::Never => Some("to which nothing is sent"),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Public,
    /// The own machine and network.
    Private,
    /// Neither: where machines keep their secrets (link-local), groups, and what stands for no receiver.
    Never,
}

fn kind(ip: IpAddr) -> Kind {
    match ip {
        IpAddr::V4(ip) => kind_v4(ip),
        IpAddr::V6(ip) => kind_v6(ip),
    }
}

fn kind_v4(ip: Ipv4Addr) -> Kind {
    match ip.octets() {
        [0, ..] | [169, 254, ..] | [224..=255, ..] => Kind::Never,
        [127, ..] => Kind::Private,
        _ if ip.is_private() => Kind::Private,
        // Carriers' own, benchmarks, protocol assignments, documentation.
        [100, 64..=127, ..] | [198, 18 | 19, ..] | [192, 0, 0, _] => Kind::Private,
        _ if ip.is_documentation() => Kind::Never,
        _ => Kind::Public,
    }
}

fn kind_v6(ip: Ipv6Addr) -> Kind {
    let within = |a: u16, b: u16| kind_v4(Ipv4Addr::from((u32::from(a) << 16) | u32::from(b)));
    match ip.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Kind::Private,
        // An IPv4 address in another form is what that address is: mapped, NAT64, 6to4.
        [0, 0, 0, 0, 0, 0xffff, a, b] | [0x64, 0xff9b, 0, 0, 0, 0, a, b] | [0x2002, a, b, ..] => within(a, b),
        [0xfc00..=0xfdff, ..] | [0x64, 0xff9b, 1, ..] => Kind::Private,
        // Only what is given out as unicast is anybody's; of that not Teredo and documentation.
        [0x2001, 0, ..] | [0x2001, 0xdb8, ..] => Kind::Never,
        [0x2000..=0x3fff, ..] => Kind::Public,
        _ => Kind::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_an_address_is_what_it_is() {
        for (text, expected) in [
            ("93.184.216.34", Kind::Public),
            ("2606:2800:220:1::1", Kind::Public),
            ("::ffff:93.184.216.34", Kind::Public),
            ("127.0.0.1", Kind::Private),
            ("127.9.9.9", Kind::Private),
            ("::1", Kind::Private),
            ("10.1.2.3", Kind::Private),
            ("172.31.0.1", Kind::Private),
            ("172.32.0.1", Kind::Public),
            ("192.168.0.1", Kind::Private),
            ("100.64.0.1", Kind::Private),
            ("100.128.0.1", Kind::Public),
            ("fd00::1", Kind::Private),
            ("::ffff:10.0.0.1", Kind::Private),
            ("64:ff9b::10.0.0.1", Kind::Private),
            ("2002:a00:1::1", Kind::Private),
            ("169.254.169.254", Kind::Never),
            ("::ffff:169.254.169.254", Kind::Never),
            ("64:ff9b::a9fe:a9fe", Kind::Never),
            ("fe80::1", Kind::Never),
            ("0.0.0.0", Kind::Never),
            ("::", Kind::Never),
            ("::7f00:1", Kind::Never),
            ("224.0.0.1", Kind::Never),
            ("255.255.255.255", Kind::Never),
            ("ff02::1", Kind::Never),
            ("2001:db8::1", Kind::Never),
            ("2001:0:7f00:1::1", Kind::Never),
        ] {
            assert_eq!(kind(text.parse().expect("address")), expected, "{text}");
        }
    }

    #[test]
    fn a_name_with_addresses_of_both_kinds_goes_to_the_public_one() {
        let addresses = ["10.0.0.1:443", "93.184.216.34:443"].map(|text| text.parse::<SocketAddr>().expect("address"));
        assert_eq!(allowed(addresses.into_iter(), "a.example", false), Ok(vec![addresses[1]]));
        assert!(allowed(addresses.into_iter().take(1), "a.example", false).is_err_and(|why| why.contains("a.example is 10.0.0.1")));
        assert_eq!(allowed(addresses.into_iter(), "a.example", true), Ok(addresses.to_vec()));
        assert!(allowed(std::iter::empty(), "a.example", true).is_err());
    }
}
