"""The C library libpcap, called through ctypes: its prototypes, and the handles it compiles for.

Under the road. Chapter 09 declares the first of these by hand. What an expression becomes depends
on the handle: a dead one has a link type and nothing else; a capture file's knows that there is
nothing but bytes, and their order; a live one knows that the kernel takes VLAN tags out of frames.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from helpers.errors import CourseError

LOOKUP_SECONDS = 5  # for the name of a host in an expression
SNAPSHOT = 262_144  # bytes of a packet that tcpdump wants; more than there are in any
ERROR_BYTES = 256  # PCAP_ERRBUF_SIZE
FILE_MAGIC, FILE_VERSION = 0xA1B2C3D4, (2, 4)
ANY, COOKED = "any", 276  # all interfaces; LINUX_SLL2, which tcpdump asks for there
_POINTER, _INT, _UINT, _TEXT = ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32, ctypes.c_char_p

# name: (result, arguments), as in <pcap/pcap.h>.
PROTOTYPES = {
    "pcap_open_dead": (_POINTER, [_INT, _INT]),
    "pcap_fopen_offline": (_POINTER, [_POINTER, _TEXT]),
    "pcap_create": (_POINTER, [_TEXT, _TEXT]),
    "pcap_set_snaplen": (_INT, [_POINTER, _INT]),
    "pcap_activate": (_INT, [_POINTER]),
    "pcap_lookupnet": (_INT, [_TEXT, _POINTER, _POINTER, _TEXT]),
    "pcap_set_datalink": (_INT, [_POINTER, _INT]),
    "pcap_datalink": (_INT, [_POINTER]),
    "pcap_compile": (_INT, [_POINTER, _POINTER, _TEXT, _INT, _UINT]),
    "pcap_geterr": (_TEXT, [_POINTER]),
    "pcap_statustostr": (_TEXT, [_INT]),
    "pcap_freecode": (None, [_POINTER]),
    "pcap_close": (None, [_POINTER]),
    "pcap_datalink_name_to_val": (_INT, [_TEXT]),
    "pcap_datalink_val_to_name": (_TEXT, [_INT]),
}


class PcapError(CourseError):
    """The library libpcap is not installed, or cannot listen at an interface."""


class Program(ctypes.Structure):
    """struct bpf_program, from <pcap/bpf.h>."""

    _fields_ = (("length", ctypes.c_uint), ("instructions", ctypes.c_void_p))


@cache
def library() -> ctypes.CDLL:
    """libpcap with its prototypes declared. Errors: PcapError. Source: <pcap/pcap.h>."""
    try:
        # chapter 09: begin library
        pcap = ctypes.CDLL("libpcap.so.0.8")
        # chapter 09: end library
    except OSError:
        try:
            pcap = ctypes.CDLL("libpcap.so.1")  # its name outside Debian and Ubuntu
        except OSError as error:
            raise PcapError(
                "libpcap is not installed: run ./course lab, or install libpcap0.8, "
                "which comes with tcpdump."
            ) from error
    for name, (result, arguments) in PROTOTYPES.items():
        function = getattr(pcap, name)
        function.restype, function.argtypes = result, arguments
    return pcap


@contextmanager
def dead(link: int) -> Iterator[int]:
    """A handle of a link type, by libpcap's own number, that captures nothing."""
    pcap = library()
    # chapter 09: begin dead
    handle = pcap.pcap_open_dead(link, SNAPSHOT)
    # chapter 09: end dead
    try:
        yield handle
    finally:
        pcap.pcap_close(handle)


@contextmanager
def of_file(link: int, byte_order: str) -> Iterator[int]:
    """The handle of a capture file without a packet in it.

    Arguments: link: the link type, by the number that stands in the file. byte_order: "<" or ">",
        as the machine had it that wrote the file.
    Errors: PcapError if libpcap does not read such files.
    Source: pcap-savefile(5), fmemopen(3).
    """
    pcap, libc, why = library(), ctypes.CDLL(None), ctypes.create_string_buffer(ERROR_BYTES)
    libc.fmemopen.restype, libc.fmemopen.argtypes = _POINTER, [_POINTER, ctypes.c_size_t, _TEXT]
    libc.fclose.argtypes = [_POINTER]
    header = struct.pack(
        f"{byte_order}IHHiIII", FILE_MAGIC, *FILE_VERSION, 0, 0, SNAPSHOT, link & 0xFFFF
    )
    memory = ctypes.create_string_buffer(header, len(header))
    file = libc.fmemopen(memory, len(header), b"rb")
    handle = pcap.pcap_fopen_offline(file, why)
    if not handle:
        libc.fclose(file)
        raise PcapError(f"libpcap reads no file of link type {link} ({why.value.decode()}).")
    try:
        yield handle
    finally:
        pcap.pcap_close(handle)  # the file with it


@contextmanager
def live(interface: str) -> Iterator[int]:
    """A handle that listens at an interface of this process's network: it needs CAP_NET_RAW.

    "any" is all of them, in Linux cooked v2, as tcpdump asks for. The interface is not made
    promiscuous: what there is to hear stays the same.
    Errors: PcapError. Source: pcap_create(3PCAP), pcap_activate(3PCAP).
    """
    pcap, why = library(), ctypes.create_string_buffer(ERROR_BYTES)
    handle = pcap.pcap_create(interface.encode(), why)
    if not handle:
        raise PcapError(f"libpcap cannot listen at {interface}: {why.value.decode()}.")
    try:
        pcap.pcap_set_snaplen(handle, SNAPSHOT)
        status = pcap.pcap_activate(handle)
        if status < 0:  # above 0 it is a warning
            said = pcap.pcap_geterr(handle) or pcap.pcap_statustostr(status)
            raise PcapError(f"libpcap cannot listen at {interface}: {said.decode()}.")
        if interface == ANY:
            pcap.pcap_set_datalink(handle, COOKED)  # refused before 1.10: cooked v1
        yield handle
    finally:
        pcap.pcap_close(handle)


def compiled_at(interface: str, expression: str, optimize: bool = True) -> tuple[int, bytes | str]:
    """The number of the link type that libpcap listens to at an interface, and what it compiles
    there: as compiled(). Errors: PcapError."""
    with live(interface) as handle:
        result = compiled(handle, expression, optimize, netmask(interface))
        return library().pcap_datalink(handle), result


def link_name(number: int) -> str:
    """What libpcap calls a link type, "" if it does not know the number."""
    name = library().pcap_datalink_val_to_name(number)
    return name.decode() if name else ""


def netmask(interface: str) -> int:
    """The network mask of an interface's first IPv4 address, as it lies in memory; 0 without one.

    tcpdump gives it to the compiler, which needs it for "ip broadcast".
    Source: pcap_lookupnet(3PCAP).
    """
    network, mask = _UINT(), _UINT()
    why = ctypes.create_string_buffer(ERROR_BYTES)
    library().pcap_lookupnet(interface.encode(), ctypes.byref(network), ctypes.byref(mask), why)
    return mask.value


def compiled(handle: int, expression: str, optimize: bool = True, mask: int = 0) -> bytes | str:
    """The filter for an expression, 8 bytes an instruction, or libpcap's complaint.

    Source: pcap_compile(3PCAP).
    """
    pcap, program = library(), Program()
    if pcap.pcap_compile(handle, ctypes.byref(program), expression.encode(), optimize, mask):
        return pcap.pcap_geterr(handle).decode(errors="replace")
    try:
        return ctypes.string_at(program.instructions, program.length * 8)
    finally:
        pcap.pcap_freecode(ctypes.byref(program))
