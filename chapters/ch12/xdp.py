"""An XDP program of one's own, run on a frame: by the kernel where it may be loaded, and by chapter
07's machine anywhere.

Built in chapter 12, beyond_sockex1. In the kernel a program of this type finds its frame as memory,
between two addresses that its context holds. Chapter 07's packets are read by instructions of their
own; so what is added to the machine here is that piece of memory.
"""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from helpers import asm, loader, machine, objfile, probes, syscall, toolchain, uapi
from helpers.errors import CourseError
from helpers.machine import faults
from helpers.machine.memory import Memory
from helpers.machine.packet import Packet
from helpers.machine.state import State
from helpers.objfile import ObjectFile

ABORTED, DROP, PASS, TX, REDIRECT = range(5)
ACTIONS = ("XDP_ABORTED", "XDP_DROP", "XDP_PASS", "XDP_TX", "XDP_REDIRECT")
SECTION = "xdp"
# Where a frame lies in the machine's memory: an address of 32 bits, as the context has them.
FRAME_AT = 1 << 16
REGION = 0  # addresses of 32 bits are those of region 0, which the machine leaves free


class XdpError(CourseError):
    """The C text has no program for XDP, or one that XDP does not know."""


class FrameMemory(Memory):
    """The machine's memory and, from FRAME_AT on, a frame. It can be read, not written."""

    def __init__(self, context: bytes, maps: list, frame: bytes) -> None:
        super().__init__(context, maps)
        self.frame_bytes = frame

    def part(self, address: int, size: int) -> bytes:
        if address >> 32 != REGION or address < FRAME_AT:
            return super().part(address, size)
        start = address - FRAME_AT
        if start + size > len(self.frame_bytes):
            raise faults.BadAddress(
                f"it reads {'byte' if size == 1 else f'{size} bytes from byte'} {start} of a frame "
                f"of {len(self.frame_bytes)} bytes."
            )
        return self.frame_bytes[start : start + size]


class XdpMachine(machine.Machine):
    """Chapter 07's machine for a program of type XDP: `run(frame)` gives what it returns.

    Errors: XdpError for instructions that load from a packet, which a socket filter has.
    Source: struct xdp_md in <linux/bpf.h>.
    """

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)
        if any(i.loads_packet for i in self.instructions):
            raise XdpError(
                "load_byte and its relatives are for sockets and tc: an XDP program reads the "
                "memory between data and data_end."
            )

    def begin(self, packet: bytes) -> State:
        end = FRAME_AT + len(packet)
        # data, data_end, data_meta (none, so where data is), and three numbers of interfaces
        context = struct.pack("<6I", FRAME_AT, end, FRAME_AT, 1, 0, 0)
        state = State(Packet(packet), self.order, self.world)
        state.memory = FrameMemory(context, self.order, packet)
        state.registers[10] = state.memory.frame(0)
        return state


@contextmanager
def compiled(source: str) -> Iterator[Path]:
    """The object file of a C text, for the time of a `with` block. Errors: CompileError."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "xdp_kern.c"
        path.write_text(source)
        yield toolchain.compile_bpf(path, path.with_suffix(".o"))


def name_of(object_file: ObjectFile) -> str:
    """The name of its only program for XDP. Errors: XdpError."""
    names = [p.name for p in object_file.programs.values() if p.section == SECTION]
    if len(names) != 1:
        raise XdpError(
            f"There {'are several programs' if names else 'is no program'} in the section "
            f'"{SECTION}", and one is wanted: SEC("{SECTION}") before the function says so.'
        )
    return names[0]


def in_machine(path: Path) -> XdpMachine:
    """A machine with the program of an object file. Errors: XdpError; a ProgramError."""
    found = objfile.read(path)
    return XdpMachine(machine.program.linked(found, name_of(found)), machine.maps_of(found, 1))


@contextmanager
def in_kernel(path: Path) -> Iterator[loader.Program]:
    """The program of an object file in the kernel, for the time of a `with` block.

    Errors: XdpError; LoadError, with the verifier's log in .log.
    """
    name = name_of(objfile.read(path))
    with loader.load(path) as loaded:
        yield loaded.program(name)


def may_load() -> bool:
    """Whether this process may load an XDP program: it takes CAP_BPF and CAP_NET_ADMIN."""
    return probes.try_program(uapi.BPF_PROG_TYPE_XDP) == "works"


def run(source: str, frame: bytes) -> str:
    """What an XDP program answers to one frame, and who ran it, in words.

    Arguments: source: its C text. frame: 14 bytes or more, from the Ethernet header on.
    Result: "XDP_DROP (in the kernel)", or "(in chapter 07's machine)" where it may not be loaded.
    Errors: CompileError, XdpError, LoadError, SyscallError; a Fault of the machine's.
    Built in chapter 12.
    """
    with compiled(source) as path:
        if not may_load():
            return f"{action(in_machine(path).run(frame))} (in chapter 07's machine)"
        with in_kernel(path) as program:
            return f"{action(syscall.test_run(program, frame).value)} (in the kernel)"


def action(number: int) -> str:
    """What the kernel's headers call an answer. Source: enum xdp_action in <linux/bpf.h>."""
    return ACTIONS[number] if number < len(ACTIONS) else f"{number}, which is no answer"


def reads_nothing(path: Path) -> bool:
    """Whether the program never looks at its frame: it loads nothing from any memory."""
    found = objfile.read(path)
    linked = machine.program.linked(found, name_of(found))
    return not any(i.opcode_class == asm.LDX for i in linked)
