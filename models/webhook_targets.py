"""Where webhooks may go: not into the networks that the service can see and its users perhaps cannot.

Checked twice: what is written in a URL when it is set, and what its name stands for each time that something is sent.
"""

import re
import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import httpx

LONGEST_URL = 2048
Address = IPv4Address | IPv6Address
# Whatever is outside of it is no public host, but for the addresses that stand for one of IPv4.
GLOBAL_UNICAST = IPv6Network("2000::/3")
NAT64 = IPv6Network("64:ff9b::/96")
# Those for protocols and the former relays of 6to4, which Python takes for public in part or in whole.
NOT_PUBLIC = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"))
NAME = re.compile(r"[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?")
LOCAL_NAMES = ("localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback")


class BadTarget(ValueError):
    """A URL that nothing is sent to; the message says why. ``code`` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def parse(url: str) -> httpx.URL:
    """The URL of a receiver.

    Raises:
        BadTarget: it is not an absolute http or https URL of at most 2048 characters without credentials and fragment.
    """
    if len(url) > LONGEST_URL:
        raise BadTarget("too_long", f"must have at most {LONGEST_URL} characters")
    if any(character.isspace() or not character.isprintable() or character == "\\" for character in url):
        raise BadTarget("malformed_url", "must not contain white space, backslashes or invisible characters")
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise BadTarget("malformed_url", f"is no URL ({error})") from error
    if parsed.scheme not in ("http", "https"):
        raise BadTarget("malformed_url", "must begin with http:// or https://")
    if not _is_host(host_of(parsed)) or not 0 < (1 if parsed.port is None else parsed.port) < 65536:
        raise BadTarget("malformed_url", "must name a host, and a port of at most 65535 if any")
    if "@" in re.split("[/?#]", url.partition("//")[2])[0]:
        raise BadTarget("credentials", "must not hold credentials: messages are signed instead")
    if parsed.fragment or url.endswith("#"):
        raise BadTarget("malformed_url", "must not have a fragment, which is never sent")
    return parsed


def _is_host(host: str) -> bool:
    """Whether it is a name or an address; a library's parser takes more."""
    return NAME.fullmatch(host) is not None or ("%" not in host and literal(host) is not None)


def check(url: str, allow_private: bool = False) -> None:
    """Refuse what nothing could or may be sent to, as far as the URL itself tells.

    Raises:
        BadTarget: see ``parse``; or it names this machine or an address that is not public.
    """
    host = host_of(parse(url))
    if allow_private:
        return
    if host in LOCAL_NAMES or host.endswith(".localhost"):
        raise _private("this machine")
    address = literal(host)
    if address is not None and not is_public(address):
        raise _private(str(address))


def _private(what: str) -> BadTarget:
    message = f"must lead to a public address: {what} is none (GANJOBS_WEBHOOK_ALLOW_PRIVATE_TARGETS allows others)"
    return BadTarget("private_target", message)


def host_of(url: httpx.URL) -> str:
    """The host in ASCII, without the dot that may end a name."""
    return url.raw_host.decode("ascii").lower().rstrip(".")


def literal(host: str) -> Address | None:
    """The address that ``host`` is, in any form that the system takes: ``127.1``, ``0x7f000001`` and ``017700000001``
    are 127.0.0.1. ``None`` for a name."""
    try:
        return ip_address(host)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return None


def is_public(address: Address) -> bool:
    """Whether an address is one host somewhere in the internet; one that stands for an IPv4 address is judged by it."""
    if isinstance(address, IPv4Address):
        is_special = address.is_multicast or address.is_reserved or address.is_unspecified
        return address.is_global and not is_special and not any(address in network for network in NOT_PUBLIC)
    if (inner := _inner(address)) is not None:
        return is_public(inner)
    return address.scope_id is None and address in GLOBAL_UNICAST and address.is_global


def _inner(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that packets for this one go to in the end: mapped, NAT64 or 6to4."""
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
