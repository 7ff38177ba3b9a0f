"""The address of a board without a hub, as learners type it.

It is read aloud, or copied from a projector: HOST:PORT/ and six groups of four letters. The first
two are the room's token, the others the beginning of the certificate's fingerprint.
Source: RFC 4648, section 6; RFC 1918.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import re
from dataclasses import dataclass

from helpers.errors import CourseError

PATIENCE = 5.0  # seconds, for an answer of a board
SHOWN = 10  # bytes of the fingerprint in an address: nobody makes another certificate that fits
FORM = re.compile(r"(?:https://)?\[?([0-9a-f.:]+?)\]?:(\d{1,5})/((?:\w{4}-){5}\w{4})/?", re.I)
EXAMPLE = "192.168.1.5:8444/abcd-efgh-ijkl-mnop-qrst-uvwx"


class BoardError(CourseError):
    """There is no such board, or it is not the one of the address."""


@dataclass(frozen=True)
class Address:
    """A board's: token and fingerprint as in its text, without lines between."""

    host: str
    port: int
    token: str
    fingerprint: str

    def __str__(self) -> str:
        whole = self.token + self.fingerprint
        groups = "-".join(whole[at : at + 4] for at in range(0, len(whole), 4))
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}/{groups}"


def is_near(host: str) -> bool:
    """Whether an address is one of a local network, or of this machine."""
    there = ipaddress.ip_address(host)
    there = getattr(there, "ipv4_mapped", None) or there
    return there.is_private or there.is_loopback or there.is_link_local


def parsed(text: str) -> Address:
    """An address as somebody typed it. Errors: BoardError."""
    found = FORM.fullmatch(text.strip())
    try:
        host, port = str(ipaddress.ip_address(found[1])), int(found[2])
    except (TypeError, ValueError):
        raise BoardError(f"A board's address looks like {EXAMPLE}, and {text} does not.") from None
    if not is_near(host):
        raise BoardError(f"{host} is not in a local network, and a board always is.")
    letters = found[3].replace("-", "").lower()
    return Address(host, port, letters[:8], letters[8:])


def fingerprint(certificate: bytes) -> str:
    """What an address says of a certificate (DER)."""
    return base64.b32encode(hashlib.sha256(certificate).digest()[:SHOWN]).decode().lower()
