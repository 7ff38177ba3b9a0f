"""A filter expression, such as "icmp or port 53", compiled by libpcap, as tcpdump does it.

Built in chapter 09, classic_bpf.
"""

from __future__ import annotations

import ctypes
import re
from functools import cache

from helpers.cbpf.instruction import FilterError, Instruction, decode

SNAPSHOT = 262_144  # bytes of a packet that tcpdump wants; more than there are in any
LINK_TYPES = ("EN10MB", "RAW", "LINUX_SLL", "IEEE802_11", "IEEE802_11_RADIO", "PPP", "NULL")
# With one of these behind it, and its brackets closed, any right beginning is a whole expression.
ENDINGS = ("", " tcp", " 1", " 10.0.0.1", " ::1", " 02:00:00:00:00:01", " 10.0.0.0/8", " proto 1")
ENDINGS += (" = 0", "] = 0", " 0 = 0", " 0] = 0", " host 10.0.0.1", " host 02:00:00:00:00:01")
WORDS = re.compile(r"[()!]|\[|\]|&&|\|\||[<>=]=?|[^\s()!\[\]&|<>=]+|[&|]")


class ExpressionError(FilterError):
    """libpcap cannot make a filter of this; `place` is the offset of the word, if one is known."""


class ExpressionSyntaxError(ExpressionError):
    """The expression breaks the grammar of pcap-filter(7)."""


class LinkTypeError(ExpressionError):
    """The expression asks for something that packets of this link type do not have."""


class PcapError(FilterError):
    """The library libpcap is not installed."""


class _Program(ctypes.Structure):
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
    pointer, number, string = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
    prototypes = {
        "pcap_open_dead": (pointer, [number, number]),
        "pcap_compile": (number, [pointer, pointer, string, number, ctypes.c_uint32]),
        "pcap_geterr": (string, [pointer]),
        "pcap_freecode": (None, [pointer]),
        "pcap_close": (None, [pointer]),
        "pcap_datalink_name_to_val": (number, [string]),
    }
    for name, (result, arguments) in prototypes.items():
        getattr(pcap, name).restype = result
        getattr(pcap, name).argtypes = arguments
    return pcap


def compile_expression(
    expression: str, link: str = "EN10MB", optimize: bool = True
) -> list[Instruction]:
    """The classic filter for an expression.

    Arguments:
        expression: in the language of pcap-filter(7); a name of a host in it is looked up.
        link: the link type, by the name that tcpdump -y takes: EN10MB is Ethernet (and lo), RAW
            packets that begin with their IP header.
        optimize: False for what libpcap's compiler makes before its optimiser, as tcpdump -O.
    Errors: ExpressionSyntaxError, LinkTypeError, ExpressionError, PcapError.
    Source: pcap_compile(3PCAP), pcap-filter(7). Built in chapter 09.
    """
    number = _link_number(link)
    if number < 0:
        raise LinkTypeError(f"libpcap knows no link type {link}: Ethernet is EN10MB.")
    compiled = _compile(expression, number, optimize)
    if isinstance(compiled, list):
        return compiled
    raise _explained(expression, link, number, compiled)


def _compile(expression: str, link: int, optimize: bool = True) -> list[Instruction] | str:
    """The filter, or libpcap's complaint."""
    pcap, program = library(), _Program()
    # chapter 09: begin compile
    handle = pcap.pcap_open_dead(link, SNAPSHOT)
    failed = pcap.pcap_compile(handle, ctypes.byref(program), expression.encode(), optimize, 0)
    # chapter 09: end compile
    try:
        if failed:
            return pcap.pcap_geterr(handle).decode(errors="replace")
        raw = ctypes.string_at(program.instructions, program.length * 8)
        pcap.pcap_freecode(ctypes.byref(program))
        return decode(raw)
    finally:
        pcap.pcap_close(handle)


def _explained(expression: str, link: str, number: int, complaint: str) -> ExpressionError:
    """What is wrong, and where, found by trying rather than from the words of the complaint."""
    if _fits(expression, number):  # only the optimiser has found out
        return ExpressionError(f"No packet can be like that. libpcap says: {complaint}.")
    fitting = [n for n in LINK_TYPES if _fits(expression, _link_number(n))]
    start, word = _first_wrong_word(expression, number)
    at = f"at {word!r}, offset {start}" if word else f"at its end, offset {start}"
    if fitting:
        return LinkTypeError(
            f"The expression does not fit the link type {link}, {at}: it fits "
            f"{', '.join(fitting)}. libpcap says: {complaint}.",
            start,
        )
    if "syntax error" in complaint:
        return ExpressionSyntaxError(
            f"The expression goes wrong {at}: pcap-filter(7) has the grammar.", start
        )
    return ExpressionError(f"libpcap refuses the expression, {at}: {complaint}.", start)


def _first_wrong_word(expression: str, link: int) -> tuple[int, str]:
    """The first word after which no ending helps: its offset, and itself ("" at the end)."""
    for word in WORDS.finditer(expression):
        beginning = expression[: word.end()]
        missing = ")" * (beginning.count("(") - beginning.count(")"))
        if not any(_fits(beginning + ending + missing, link) for ending in ENDINGS):
            return word.start(), word[0]
    return len(expression), ""


def _fits(expression: str, link: int) -> bool:
    return isinstance(_compile(expression, link, optimize=False), list)


def _link_number(link: str) -> int:
    """The number of a link type, negative for a name that libpcap does not know."""
    return library().pcap_datalink_name_to_val(link.encode())
