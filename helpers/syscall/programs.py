"""Programs: loaded, refused with the verifier's reasons, asked about, and run on a test packet.

Built in chapter 06.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from dataclasses import dataclass

from helpers import uapi
from helpers.syscall.call import ask, bpf, copied, object_name
from helpers.syscall.errors import SyscallError, explain
from helpers.syscall.forms import U32, Command, ProgLoad, ProgramFacts, ProgTestRun
from helpers.syscall.maps import ask_about
from helpers.uapi import BPF_PSEUDO_MAP_FD

# Types of programs.
SOCKET_FILTER, SCHED_CLS = uapi.BPF_PROG_TYPE_SOCKET_FILTER, uapi.BPF_PROG_TYPE_SCHED_CLS
XDP = uapi.BPF_PROG_TYPE_XDP
LOG_SIZES = (1 << 16, 1 << 20, 1 << 24)  # bytes; the kernel refuses a log that is too small
ATTEMPTS = 5  # the verifier stops, EAGAIN, when a signal comes; libbpf tries as often


@dataclass(frozen=True)
class ProgramInfo:
    """A program as the kernel describes it.

    id: its number in the whole kernel. tag: a checksum of its instructions, 16 hex digits.
    xlated: the instructions as the verifier has rewritten them, b"" if the kernel keeps them to
    itself. jited_size: bytes of machine code, 0 if it is interpreted. map_ids: the maps it uses.
    """

    type: int
    id: int
    name: str
    tag: str
    xlated: bytes
    jited_size: int
    map_ids: tuple[int, ...]


@dataclass
class Program:
    """A program in the kernel, held by `fd` until close() or the end of `with`.

    log: what the verifier said, "" if it was not asked.
    """

    fd: int
    type: int
    name: str = ""
    log: str = ""

    def info(self) -> ProgramInfo:
        """What the kernel says about this program. Errors: SyscallError. Built in chapter 06.

        Asked twice: first how much there is, then for all of it.
        Source: BPF_OBJ_GET_INFO_BY_FD in <linux/bpf.h>.
        """
        facts = ProgramFacts()
        ask_about(self.fd, facts)
        xlated = copied(bytes(facts.xlated_prog_len))
        map_ids = (U32 * max(facts.nr_map_ids, 1))()
        facts.jited_prog_len = 0  # its length is told all the same, the code itself only to root
        facts.xlated_prog_insns = ctypes.addressof(xlated)
        facts.map_ids = ctypes.addressof(map_ids)
        ask_about(self.fd, facts)
        return ProgramInfo(
            facts.type,
            facts.id,
            facts.name.decode(),
            bytes(facts.tag).hex(),
            xlated.raw[: facts.xlated_prog_len] if facts.xlated_prog_insns else b"",
            facts.jited_prog_len,
            tuple(map_ids[: facts.nr_map_ids]),
        )

    def close(self) -> None:
        """Give the program back; the kernel frees it once no socket holds it."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


@dataclass(frozen=True)
class TestRun:
    """What a test run gave back.

    value: what the program returned. nanoseconds: mean of one run, in whole ones. data: the packet
    as the program left it; for a socket filter its first 14 bytes are zeros.
    """

    __test__ = False  # pytest takes a class of such a name for tests

    value: int
    nanoseconds: int
    data: bytes


def load_program(
    instructions: bytes,
    type: int = SOCKET_FILTER,
    license: str = "GPL",
    name: str = "",
    log_level: int = 0,
) -> Program:
    """Have the kernel verify a program and keep it.

    Arguments:
        instructions: bytecode, 8 bytes to a slot, with the fds of its maps filled in.
        type: SOCKET_FILTER or another program type.
        license: "GPL" opens all of the kernel's helper functions to it.
        name: up to 15 letters, digits, _ or dots.
        log_level: 0 none (but a refusal is always explained), 1 what the verifier went through,
            2 the same with the state of every register after every instruction.
    Result: a Program, with the log in .log; use it with `with`, or close() it.
    Errors: SyscallError, with the verifier's log in .log.
    Source: bpf(2), BPF_PROG_LOAD. Built in chapter 06.
    """
    if len(instructions) % 8:
        raise SyscallError(
            f"An instruction has 8 bytes, and {len(instructions)} is no multiple of that: "
            "is one cut off?",
            errno.EINVAL,
        )
    result, log = _load(instructions, type, license, name, log_level)
    if result < 0 and not log_level:
        result, log = _load(instructions, type, license, name, 1)
    if result < 0:
        raise SyscallError(_refusal(-result, log, type), -result, log)
    return Program(result, type, name, log)


def _load(code: bytes, type: int, license: str, name: str, level: int) -> tuple[int, str]:
    """The fd or the negative error number, and the log."""
    insns, text = copied(code), ctypes.create_string_buffer(license.encode())
    form = ProgLoad(type, len(code) // 8, prog_name=object_name(name))
    form.insns, form.license = ctypes.addressof(insns), ctypes.addressof(text)
    if not level:
        return _patiently(form), ""
    form.log_level = level
    for size in LOG_SIZES:
        log = ctypes.create_string_buffer(size)
        form.log_size, form.log_buf = size, ctypes.addressof(log)
        result = _patiently(form)
        if result != -errno.ENOSPC:
            break
    return result, log.value.decode(errors="replace")


def _patiently(form: ProgLoad) -> int:
    result = -errno.EAGAIN
    for _ in range(ATTEMPTS):
        result = bpf(Command.PROG_LOAD, form)
        if result != -errno.EAGAIN:
            break
    return result


def _refusal(number: int, log: str, type: int) -> str:
    """One sentence for a program that was not taken."""
    if number == errno.EPERM and not log.strip():
        from helpers import rights  # rarely needed

        name = rights.PROGRAMS.get(type, (f"a program of type {type}",))[0]
        return rights.refusal(f"loading {name}", rights.of_program(type))
    if not log.strip():
        return explain(Command.PROG_LOAD, number)
    return (
        f"The verifier refuses this program ({os.strerror(number)}): its reason is near the end of "
        "the log, which this error keeps in .log (chapter 08 reads such logs)."
    )


def relocate(instructions: bytes, offset: int, map_fd: int) -> bytes:
    """Instructions with a map filled in.

    Arguments: offset: of the gap, in bytes from the first instruction, where a load of a 64-bit
        immediate waits for the map; objfile.read lists it as a relocation.
    Result: as many bytes; the kernel puts the map's address where the descriptor is now.
    Source: Documentation/bpf/llvm_reloc.rst; BPF_PSEUDO_MAP_FD in <linux/bpf.h>.
    Built in chapter 06.
    """
    code = bytearray(instructions)
    # chapter 06: begin relocate
    code[offset + 1] |= BPF_PSEUDO_MAP_FD << 4
    struct.pack_into("<i", code, offset + 4, map_fd)
    # chapter 06: end relocate
    return bytes(code)


def test_run(program: Program, packet: bytes, repeat: int = 1) -> TestRun:
    """Run a loaded program on a packet that never was on any wire; nothing has to be attached.

    What the kernel does with `packet` differs from a real socket, and is not hidden here:
    for a socket filter the first 14 bytes are taken for an Ethernet header and cut off, so that the
    program's byte 0 is packet[14] (see frame_for_test_run); the packet counts as incoming, and its
    length as the program sees it is 14 bytes less than len(packet). A packet of under 14 bytes or
    larger than about a page is refused, on Linux 6.18 also one whose EtherType promises an IPv4 or
    IPv6 header that is not there.
    Arguments: repeat: how often; the time is the mean.
    Errors: SyscallError. Source: Documentation/bpf/bpf_prog_run.rst. Built in chapter 06.
    """
    data, out = copied(packet), copied(bytes(len(packet) + 256))  # an XDP program may put 256 ahead
    form = ProgTestRun(program.fd, data_size_in=len(packet), data_size_out=len(out))
    form.data_in, form.data_out = ctypes.addressof(data), ctypes.addressof(out)
    form.repeat = repeat
    ask(Command.PROG_TEST_RUN, form)
    return TestRun(form.retval, form.duration, out.raw[: form.data_size_out])


test_run.__test__ = False  # nor is this function a test


def frame_for_test_run(frame: bytes) -> bytes:
    """What to give test_run so that a socket filter sees `frame` from its first byte on.

    On a packet socket a filter sees the Ethernet header; a test run cuts 14 bytes off before the
    filter runs. So 14 zeros go in front, and are what is cut off.
    """
    return bytes(14) + frame
