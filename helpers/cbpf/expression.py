"""A filter expression, such as "icmp or port 53", compiled by libpcap, as tcpdump does it.

Built in chapter 09, classic_bpf. What an expression becomes depends on where it is to filter: see
helpers/libpcap.py. So there are three functions: for a link type, for a live interface, and for a
capture file.
"""

from __future__ import annotations

import json
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as LateError
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from helpers import libpcap
from helpers.cbpf.check import JumpError, check
from helpers.cbpf.cooked import for_kernel
from helpers.cbpf.instruction import FilterError, Instruction, decode
from helpers.libpcap import LOOKUP_SECONDS, PcapError, library

if TYPE_CHECKING:
    from helpers.netlab import Network

LINK_TYPES = ("EN10MB", "RAW", "LINUX_SLL", "IEEE802_11", "IEEE802_11_RADIO", "PPP", "NULL")
# With one of these behind it, and its brackets closed, any right beginning is a whole expression.
ENDINGS = ("", " tcp", " 1", " 10.0.0.1", " ::1", " 02:00:00:00:00:01", " 10.0.0.0/8", " proto 1")
ENDINGS += (" = 0", "] = 0", " 0 = 0", " 0] = 0", " host 10.0.0.1", " host 02:00:00:00:00:01")
WORDS = re.compile(r"[()!]|\[|\]|&&|\|\||[<>=]=?|[^\s()!\[\]&|<>=]+|[&|]")
NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9][A-Za-z0-9._-]*")
# Behind one of these stands the name of something that is not looked up in the network.
BEFORE_LOCAL_NAMES = {"port", "portrange", "proto", "protochain", "type", "subtype", "dir"}
BEFORE_LOCAL_NAMES |= {"direction", "on", "ifname", "rset", "ruleset", "reason", "action"}
# Addresses that stand for a name wherever nothing is to be looked up.
STAND_IN, STAND_INS = "10.0.0.1", {"ip6": "::1", "ether": "02:00:00:00:00:01"}
JOINTS = {"and", "or", "not", "&&", "||", "!"}  # behind one of them another primitive begins
NOT_LIVE = "not a live capture"  # libpcap 1.11 of files and dead handles
CURE_OF_LOOPS = "ask for one header after the other (ip6[6] = 0 and ip6[40] = 17)"
RAW_OF_FILES = {14: 101}  # raw IP, as OpenBSD has it in memory, and some programs in files
INSIDE = Path(__file__).with_name("inside.py")

# Compiles an expression, optimised or not: libpcap with one handle or another. Result: the number
# of the handle's link type; the filter's code, or libpcap's complaint.
Compiler = Callable[[str, bool], "tuple[int, bytes | str]"]


class ExpressionError(FilterError):
    """libpcap cannot make a filter of this; `place` is the offset of the word, if one is known."""


class ExpressionSyntaxError(ExpressionError):
    """The expression breaks the grammar of pcap-filter(7)."""


class LinkTypeError(ExpressionError):
    """The expression asks for something that packets of this link type do not have."""


class MetadataError(ExpressionError):
    """The expression asks what only the kernel knows of a packet, and a capture file does not."""


class UserSpaceError(ExpressionError):
    """libpcap makes a filter of it that only its own machine can run; `place`: which instruction
    the kernel does not take."""


class HostError(ExpressionError):
    """Nobody knows the name of a host in the expression, or nobody answers."""


def compile_expression(
    expression: str, link: str = "EN10MB", optimize: bool = True
) -> list[Instruction]:
    """The classic filter for an expression, for packets of a link type wherever they are.

    Arguments:
        expression: in the language of pcap-filter(7); a name of a host in it is looked up, for at
            most LOOKUP_SECONDS.
        link: the link type, by the name that tcpdump -y takes: EN10MB is Ethernet (and lo), RAW
            packets that begin with their IP header.
        optimize: False for what libpcap's compiler makes before its optimiser, as tcpdump -O.
    Errors: ExpressionSyntaxError, LinkTypeError, HostError, ExpressionError, PcapError.
    Source: pcap_compile(3PCAP), pcap-filter(7). Built in chapter 09.
    """
    number = _link_number(link)
    if number < 0:
        raise LinkTypeError(f"libpcap knows no link type {link}: Ethernet is EN10MB.")

    return _filter(expression, _for_link(number), optimize)[1]


def compile_for_file(
    expression: str, link: int, byte_order: str = "<", optimize: bool = True
) -> list[Instruction]:
    """The classic filter for the packets of a capture file, as tcpdump -r compiles it.

    Arguments:
        link: the link type, by the number that stands in the file. byte_order: of the file, "<" or
            ">": the header of BSD's loopback is in the order of the machine that wrote it.
        expression, optimize: as compile_expression().
    Result: it may jump back where the kernel's must not (protochain): libpcap's own machine,
        pcap_offline_filter(3PCAP), runs such a filter, too.
    Errors: MetadataError for what a file does not say of a packet; as compile_expression().
    Source: pcap-savefile(5), pcap_compile(3PCAP). First used in the playground.
    """

    def compiler(text: str, optimize: bool) -> tuple[int, bytes | str]:
        with libpcap.of_file(RAW_OF_FILES.get(link, link), byte_order) as handle:
            return library().pcap_datalink(handle), libpcap.compiled(handle, text, optimize)

    return _filter(expression, compiler, optimize)[1]


def compile_for_interface(
    expression: str, interface: str, net: Network | None = None, optimize: bool = True
) -> list[Instruction]:
    """The classic filter for a packet socket at a live interface, as tcpdump -i has it.

    libpcap listens there for a moment. So it knows that the kernel takes VLAN tags out of frames,
    and asks for those. Where there is no Ethernet header the filter is one for a packet socket of
    type SOCK_DGRAM, as sockets.packet_socket() opens it: its packets begin with their IP header.

    Arguments:
        interface: its name, or "any" for all. net: the network that it is in, or None for the one
            that this process is in.
        expression, optimize: as compile_expression().
    Errors: PcapError where libpcap cannot listen, for want of CAP_NET_RAW, say; CookedError and
        UserSpaceError for what the kernel cannot do; as compile_expression().
    Source: pcap_activate(3PCAP), pcap_lookupnet(3PCAP). First used in the playground.
    """

    def compiler(text: str, optimize: bool) -> tuple[int, bytes | str]:
        if net and net.kind.endswith("namespace"):
            return _compiled_inside(net, interface, text, optimize)
        return libpcap.compiled_at(interface, text, optimize)

    number, program = _filter(expression, compiler, optimize)
    program = for_kernel(program, number)
    try:
        check(program)
    except FilterError as error:
        cure = CURE_OF_LOOPS if isinstance(error, JumpError) else "say it in other words"
        raise UserSpaceError(
            f"The kernel does not take what libpcap makes of this. {error} tcpdump runs such a "
            f"filter by itself, behind a socket that gets everything: {cure}, or filter a capture "
            "file with it.",
            error.place,
        ) from error
    return program


def look_at(expression: str) -> None:
    """Return if an expression is one for Ethernet; nothing is looked up and nothing made of it.

    Errors: as compile_expression(), but for HostError. First used in the playground.
    """
    number = _link_number("EN10MB")
    text, compiler = "".join(piece for _, _, piece in _words(expression)), _for_link(number)
    _, result = compiler(text, True)
    # What libpcap 1.11 says of "inbound" to every dead handle is no word against the expression.
    if isinstance(result, str) and NOT_LIVE not in result:
        raise _explained(expression, compiler, number, result)


def _for_link(number: int) -> Compiler:
    """What compiles for packets of a link type wherever they are."""

    def compiler(text: str, optimize: bool) -> tuple[int, bytes | str]:
        with libpcap.dead(number) as handle:
            return number, libpcap.compiled(handle, text, optimize)

    return compiler


def _compiled_inside(
    net: Network, interface: str, text: str, optimize: bool
) -> tuple[int, bytes | str]:
    """The same by a process of its own inside a private network."""
    words = [interface, str(int(optimize)), text]
    done = net.run([sys.executable, "-I", "-S", str(INSIDE), *words])
    if done.returncode == -signal.SIGALRM:
        raise _unanswered(text)
    if done.returncode:
        raise PcapError(f"libpcap cannot be asked inside the private network ({done.stderr}).")
    answer = json.loads(done.stdout)
    if "refused" in answer:
        raise PcapError(answer["refused"])
    code = answer.get("code")
    return answer["link"], answer["complaint"] if code is None else bytes.fromhex(code)


def _filter(expression: str, compiler: Compiler, optimize: bool) -> tuple[int, list[Instruction]]:
    """The number of the link type, and the filter. Errors: ExpressionError; the compiler's own."""
    number, result = _in_time(expression, lambda: compiler(expression, optimize))
    if isinstance(result, str):
        raise _explained(expression, compiler, number, result)
    return number, decode(result)


def _in_time(
    expression: str, compiles: Callable[[], tuple[int, bytes | str]]
) -> tuple[int, bytes | str]:
    """What it returns, within LOOKUP_SECONDS if a host has to be looked up. Errors: HostError.

    A look-up cannot be ended from outside, so it has a thread, which nobody waits for afterwards.
    """
    if not hosts(expression):
        return compiles()
    answer: Future[tuple[int, bytes | str]] = Future()

    def look_up() -> None:
        try:
            answer.set_result(compiles())
        except BaseException as error:
            answer.set_exception(error)

    threading.Thread(target=look_up, name="look-up", daemon=True).start()
    try:
        return answer.result(LOOKUP_SECONDS)
    except LateError:
        raise _unanswered(expression) from None


def hosts(expression: str) -> list[tuple[int, str]]:
    """The names that libpcap would look up in the network, with their offsets."""
    found, before = [], ""
    for word in WORDS.finditer(expression):
        if before not in BEFORE_LOCAL_NAMES and _is_name(word[0]):
            found.append((word.start(), word[0]))
        before = word[0]
    return found


@cache
def _is_name(word: str) -> bool:
    """Whether a word is neither one of the language nor a number.

    Behind `port` libpcap looks for any name in a local list, and for a word of the language not
    even there.
    """
    if not NAME.fullmatch(word) or not word.isascii():
        return False
    link = _link_number("EN10MB")
    with libpcap.dead(link) as handle:
        if isinstance(libpcap.compiled(handle, f"len = {word}", optimize=False), bytes):
            return False
        result = libpcap.compiled(handle, f"port {word}", optimize=False)
        return isinstance(result, bytes) or "syntax error" not in result


def _unanswered(expression: str) -> HostError:
    (start, name), *others = hosts(expression)
    names = " and ".join([name, *(other for _, other in others)])
    return HostError(
        f"No name server has answered within {LOOKUP_SECONDS} seconds, asked for {names}: write "
        "the address in place of the name.",
        start,
    )


def _explained(expression: str, compiler: Compiler, number: int, complaint: str) -> ExpressionError:
    """What is wrong, and where, found by trying rather than from the words of the complaint.

    Nothing is looked up again: addresses stand in for names.
    """
    names, text = hosts(expression), "".join(piece for _, _, piece in _words(expression))
    named = [each for each in names if f"'{each[1]}'" in complaint]
    if named or (names and isinstance(compiler(text, True)[1], bytes)):
        start, name = (named or names)[0]
        return HostError(
            f"Nobody here knows the host {name}, offset {start}: look at its spelling, or write "
            f"its address. libpcap says: {complaint}.",
            start,
        )
    if NOT_LIVE in complaint or _fits(text, number):
        if isinstance(compiler(text, False)[1], bytes):  # only the optimiser has found out
            return ExpressionError(f"No packet can be like that. libpcap says: {complaint}.")
        start, word = _first_wrong_word(
            expression, lambda text: isinstance(compiler(text, False)[1], bytes)
        )
        return MetadataError(
            f"A capture file does not say what {word!r}, offset {start}, asks: the kernel knows it "
            f"while a packet passes, so filter on the interface. libpcap says: {complaint}.",
            start,
        )
    fitting = [n for n in LINK_TYPES if _fits(text, _link_number(n))]
    start, word = _first_wrong_word(expression, lambda text: _fits(text, number))
    at = f"at {word!r}, offset {start}" if word else f"at its end, offset {start}"
    if fitting:
        link = libpcap.link_name(number) or number
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


def _words(expression: str) -> Iterator[tuple[int, str, str]]:
    """Offset and word, and what to compile for it: spaces in front, addresses in place of names."""
    names, end, stand_in = dict(hosts(expression)), 0, STAND_IN
    for word in WORDS.finditer(expression):
        stand_in = STAND_INS.get(word[0], STAND_IN if word[0] in JOINTS else stand_in)
        spaces = expression[end : word.start()]
        yield word.start(), word[0], spaces + (stand_in if word.start() in names else word[0])
        end = word.end()


def _first_wrong_word(expression: str, fits: Callable[[str], bool]) -> tuple[int, str]:
    """The first word after which no ending helps: its offset, and itself ("" at the end)."""
    beginning = ""
    for start, word, piece in _words(expression):
        beginning += piece
        missing = ")" * (beginning.count("(") - beginning.count(")"))
        if not any(fits(beginning + ending + missing) for ending in ENDINGS):
            return start, word
    return len(expression), ""


def _fits(text: str, link: int) -> bool:
    with libpcap.dead(link) as handle:
        return isinstance(libpcap.compiled(handle, text, optimize=False), bytes)


def _link_number(link: str) -> int:
    """libpcap's number of a link type, negative for a name that it does not know."""
    return library().pcap_datalink_name_to_val(link.encode())
