"""Which hosts a source may ask: public ones, and those of the own network that the configuration lists as `intranet`.

Hosts come from a configuration, and redirects from strangers. Each name is resolved here, each address it stands for
is judged, and the caller connects to an address that was judged, so a name that means something else a moment later
gains nothing. What an IPv6 address carries inside (IPv4-mapped, 6to4, NAT64) is judged as the IPv4 address it leads to.
Ranges: the IANA special-purpose registries (RFC 6890), as `ipaddress` knows them, and what it leaves out.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from connectors.base import AccessDenied

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Iterable[str]]  # (host, port) -> addresses, best first; raises OSError

_GLOBAL_UNICAST = IPv6Network("2000::/3")  # all that IANA gives out (RFC 4291 §2.4); the rest is local or special
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052; the last four bytes are the IPv4 address that is meant
_RELAYS = IPv4Network("192.88.99.0/24")  # of 6to4, given up by RFC 7526
_DOCUMENTATION = IPv6Network("3fff::/20")  # RFC 9637, newer than some Pythons we run on
_CARRIER = IPv4Network("100.64.0.0/10")  # RFC 6598
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*")


def why_not_public(address: Address) -> str:
    """What kind of address this is if it is not a public one, in a word or two; "" if it is public."""
    inner = _inside(address)
    if inner is not None:
        return why_not_public(inner)
    for kind, is_so in (
        ("unspecified", address.is_unspecified),
        ("loopback", address.is_loopback),
        ("link-local", address.is_link_local),
        ("multicast", address.is_multicast),
    ):
        if is_so:
            return kind
    if isinstance(address, IPv4Address):
        if address in _CARRIER:
            return "carrier-grade NAT"
        public = address.is_global and address not in _RELAYS
    else:
        public = address.is_global and address in _GLOBAL_UNICAST and address not in _DOCUMENTATION
    return "" if public else "reserved" if address.is_reserved else "private"


def _inside(address: Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address leads to."""
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64:
        return IPv4Address(address.packed[12:])
    return address.ipv4_mapped or address.sixtofour


def parse_intranet(value: str) -> str | IPv4Network | IPv6Network:
    """One line of `intranet`: a host name, `*.` and a domain, an address, or a network. Raises ValueError with what is allowed."""
    text = value.strip().lower().rstrip(".")
    try:
        return ip_network(text)
    except ValueError as error:
        if "host bits" in str(error):
            raise ValueError(f'"{text}" is no network; did you mean "{ip_network(text, strict=False)}"?') from None
    numeric = text.replace(".", "").isdigit()
    if numeric or len(text) > 253 or not _HOST.fullmatch(text):
        said = "this" if "@" in text else f'"{value[:60]}"'  # a password may stand before the @
        raise ValueError(
            f'{said} is neither a host nor a network; write a host without https:// and port ("forum.corp.example"),'
            ' all hosts of a domain ("*.corp.example"), an address, or a network ("10.20.0.0/16")'
        )
    return text


def resolve(host: str, port: int) -> list[str]:
    """The system's addresses of a host, best first. Raises OSError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label over 63 characters
        raise OSError("no name that can be resolved") from error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class NotPublic(AccessDenied):
    """A host that may not be asked."""

    def __init__(self, host: str, address: Address) -> None:
        super().__init__(refusal(host, address))
        self.host = host


class Guard:
    """Resolves hosts and refuses those that are neither public nor listed. Keeps nothing but its list."""

    def __init__(self, intranet: Sequence[str] = (), resolve: Resolve = resolve) -> None:
        """`intranet` as `parse_intranet` reads it."""
        listed = [parse_intranet(one) for one in intranet]
        self._names = frozenset(one for one in listed if isinstance(one, str) and not one.startswith("*."))
        self._domains = tuple(one[1:] for one in listed if isinstance(one, str) and one.startswith("*."))
        self._networks = tuple(one for one in listed if not isinstance(one, str))
        self._resolve = resolve

    def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of `host` that may be connected to, best first; connect to these and not to the name.

        Raises `NotPublic` where it has none of these, OSError where it cannot be resolved.
        """
        found = [ip_address(one) for one in self._resolve(host, port)]
        allowed = [str(one) for one in found if self._may(host, one)]
        if found and not allowed:
            raise NotPublic(host, found[0])
        if not allowed:
            raise OSError("the host has no address")
        return allowed

    def connect(self, host: str, port: int, timeout: float) -> socket.socket:
        """A socket to the first allowed address of `host` that answers, each within `timeout` seconds; errors likewise."""
        failed: OSError = OSError("the host has no address")
        for address in self.addresses(host, port):
            try:
                return socket.create_connection((address, port), timeout)
            except OSError as error:
                failed = error
        raise failed

    def _may(self, host: str, address: Address) -> bool:
        return not why_not_public(address) or self._listed(host, address)

    def _listed(self, host: str, address: Address) -> bool:
        name = host.lower().rstrip(".")
        if name in self._names or name.endswith(self._domains):
            return True
        forms = [form for form in (address, _inside(address)) if form is not None]
        return any(form in network for network in self._networks for form in forms)


def refusal(host: str, address: Address) -> str:
    """Why a host is not asked, and what to do if it is meant."""
    leads = "is" if host.strip("[]") == str(address) else f"leads to {address},"
    return (
        f"{host} {leads} an address that is not public ({why_not_public(address)}), so it is not asked: a source reads"
        f' public sites. If this host is yours and you mean it, add it to the configuration: [listener] intranet = ["{host}"]'
    )
