"""Where webhooks may go: never to the portal's own network unless the site says so.

A name is resolved once and the connection goes to the very address that was checked, so that a name which
changes its address between check and use gains nothing.
"""

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from dcportal import env

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], list[str]]


class AddressRefused(ValueError):
    """This address may not be called; `code` is a reason code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Target:
    """A checked address: connect to `ip`, speak to `host`."""

    scheme: str
    host: str
    port: int
    path: str
    ip: str


def split(url: str) -> tuple[str, str, int, str]:
    """(scheme, host, port, path with query). Raises AddressRefused for anything unusual."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused("webhook_not_an_address") from None
    if parts.scheme not in ("https", "http") or not parts.hostname or len(url) > 2000:
        raise AddressRefused("webhook_not_an_address")
    if parts.username is not None or parts.password is not None or not url.isascii() or not url.isprintable():
        raise AddressRefused("webhook_not_an_address")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80), path


def check(url: str, resolve: Resolver | None = None) -> Target:
    """The one address to connect to. Plain http and private networks only where DCP_WEBHOOK_ALLOW names
    the host or its network. Raises AddressRefused."""
    scheme, host, port, path = split(url)
    is_named = host in env.names("DCP_WEBHOOK_ALLOW")
    found = [ipaddress.ip_address(text) for text in (resolve or _resolve)(host, port)]
    if not found:
        raise AddressRefused("webhook_unresolved")
    refused = [address for address in found if not (is_named or is_allowed(address, scheme))]
    if refused:
        raise AddressRefused("webhook_plain_http" if scheme == "http" else "webhook_private")
    return Target(scheme, host, port, path, str(found[0]))


def is_allowed(address: Address, scheme: str) -> bool:
    """Public addresses by https; others only inside an allowed network."""
    inner = getattr(address, "ipv4_mapped", None) or address
    if any(inner in network for network in _allowed_networks() if network.version == inner.version):
        return True
    return scheme == "https" and inner.is_global and not inner.is_multicast


def _allowed_networks() -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    networks = []
    for item in env.names("DCP_WEBHOOK_ALLOW"):
        try:
            networks.append(ipaddress.ip_network(item, strict=False))
        except ValueError:  # a host name
            continue
    return networks


def _resolve(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))
