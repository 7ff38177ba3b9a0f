"""The certificate of a room: the instructor's own, or one that is made at the first start.

A browser warns of one that nobody has signed; learners compare the fingerprint instead.
"""

from __future__ import annotations

import datetime
import ipaddress
import socket
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAYS = 397  # the longest that browsers accept


def names() -> list[x509.GeneralName]:
    """What this machine may be called in an address."""
    host = socket.gethostname()
    return [
        *(x509.DNSName(each) for each in sorted({host, "localhost"})),
        *(x509.IPAddress(ipaddress.ip_address(each)) for each in sorted({"127.0.0.1", address()})),
    ]


def address() -> str:
    """This machine's address in the room, as far as it has one: where a packet would leave from.

    Nothing is sent. Source: connect(2) of a datagram socket.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return probe.getsockname()[0]


def make(folder: Path) -> tuple[Path, Path]:
    """The certificate and its key in a folder, made if they are missing. Source: RFC 5280."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    if certificate.exists() and key.exists():
        return certificate, key
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, socket.gethostname()[:64])])
    now = datetime.datetime.now(datetime.timezone.utc)
    signed = (
        x509.CertificateBuilder(name, name, private.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=DAYS - 1))
        .add_extension(x509.SubjectAlternativeName(names()), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    format, bare = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    key.touch(0o600)
    key.write_bytes(private.private_bytes(pem, format, bare))
    certificate.write_bytes(signed.public_bytes(pem))
    return certificate, key


def fingerprint(certificate: Path) -> str:
    """SHA-256 of a certificate, as browsers show it: AB:CD:..."""
    return (
        x509.load_pem_x509_certificate(certificate.read_bytes())
        .fingerprint(hashes.SHA256())
        .hex(":")
        .upper()
    )
