"""Which IP addresses are the public internet, in all the forms they come in."""

import ipaddress
import re
from functools import lru_cache

#: Global for some releases of `ipaddress`, yet not the public internet: protocol assignments (RFC 6890), 6to4 relays
#: (RFC 7526), documentation (RFC 9637), and the address under which Azure serves each machine its own metadata.
NOT_PUBLIC = tuple(ipaddress.IPv4Network(net) for net in ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32"))
NOT_PUBLIC_V6 = ipaddress.IPv6Network("3fff::/20")
UNICAST = ipaddress.IPv6Network("2000::/3")  # what is assigned as global unicast (RFC 4291, 2.4)
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # IPv4 behind a translator (RFC 6052)
ISATAP = (0x00005EFE, 0x02005EFE)  # bits 32-63 of such an address; the IPv4 address follows (RFC 5214, 6.1)


def is_public(address: str) -> bool:
    """Say whether an IP address, in any of its forms, is one of the public internet."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return _public_v4(parsed) if isinstance(parsed, ipaddress.IPv4Address) else _public_v6(parsed)


def _public_v4(address: ipaddress.IPv4Address) -> bool:
    return address.is_global and not address.is_multicast and not any(address in net for net in NOT_PUBLIC)


def _public_v6(address: ipaddress.IPv6Address) -> bool:
    if address.scope_id is not None:
        return False
    inner = _inner_v4(address)
    if address.ipv4_mapped is not None or address in NAT64:
        return all(_public_v4(v4) for v4 in inner)
    unicast = address in UNICAST and address not in NOT_PUBLIC_V6 and address.is_global
    return unicast and all(_public_v4(v4) for v4 in inner)


def _inner_v4(address: ipaddress.IPv6Address) -> list[ipaddress.IPv4Address]:
    """Give the IPv4 addresses that traffic to this IPv6 address may end at."""
    low = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address.ipv4_mapped is not None or address in NAT64:
        return [low]
    if address.sixtofour is not None:
        return [address.sixtofour]
    if address.teredo is not None:
        return list(address.teredo)
    return [low] if (int(address) >> 32) & 0xFFFFFFFF in ISATAP else []


@lru_cache(maxsize=1024)
def plain_host(host: str) -> str:
    """Give the one spelling under which hosts compare: lower case, no final dot, addresses in their usual form."""
    bare = host.strip("[]").rstrip(".").lower()
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return bare


def is_address(host: str) -> bool:
    """Say whether a host is meant as an address (WHATWG URL, "ends in a number")."""
    last = host.rstrip(".").rpartition(".")[2].lower()
    return ":" in host or last.isdigit() or re.fullmatch(r"0x[0-9a-f]*", last) is not None
