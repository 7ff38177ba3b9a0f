"""The system call bpf(2) without libbpf: maps, programs, and errors that explain.

Under the whole road. Built in chapter 06, the_bpf_system_call. In reading order: `call` makes the
call, `errors` says what an error number means here, `maps` makes, writes and reads maps, `programs`
loads programs and runs them, and `descriptors` finds what a process holds.
"""

from __future__ import annotations

from helpers.syscall.call import Command, bpf
from helpers.syscall.descriptors import held
from helpers.syscall.errors import SyscallError
from helpers.syscall.maps import (
    ARRAY,
    EXIST,
    HASH,
    LRU_HASH,
    MMAPABLE,
    NOEXIST,
    PERCPU_ARRAY,
    PERCPU_HASH,
    RING_BUFFER,
    Map,
    MapInfo,
    create_map,
    possible_cpus,
)
from helpers.syscall.programs import (
    SCHED_CLS,
    SOCKET_FILTER,
    XDP,
    Program,
    ProgramInfo,
    TestRun,
    frame_for_test_run,
    load_program,
    relocate,
    test_run,
)

__all__ = [
    "ARRAY",
    "EXIST",
    "HASH",
    "LRU_HASH",
    "MMAPABLE",
    "NOEXIST",
    "PERCPU_ARRAY",
    "PERCPU_HASH",
    "RING_BUFFER",
    "SCHED_CLS",
    "SOCKET_FILTER",
    "XDP",
    "Command",
    "Map",
    "MapInfo",
    "Program",
    "ProgramInfo",
    "SyscallError",
    "TestRun",
    "bpf",
    "create_map",
    "frame_for_test_run",
    "held",
    "load_program",
    "possible_cpus",
    "relocate",
    "test_run",
]
