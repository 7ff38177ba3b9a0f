"""The forms that bpf(2) takes: a command, and a structure with what that command needs to know.

Built in chapter 06. The structures have the fields of `union bpf_attr` in <linux/bpf.h>, as far as
the course uses them: what a form does not have, the kernel takes as zero.
"""

from __future__ import annotations

import ctypes
from enum import IntEnum

# chapter 06: begin types
U32, U64 = ctypes.c_uint32, ctypes.c_uint64
# chapter 06: end types
NAME = ctypes.c_char * 16


def padded(fields: list[tuple[str, type]], aligned: int | None = None) -> list[tuple[str, type]]:
    """Fields as the kernel lays them out, its __aligned_u64 at multiples of 8 bytes on any machine.

    C on i386 aligns 64 bits to 4. Arguments: the fields; to how many bytes C here aligns a U64.
    Source: <linux/types.h>.
    """
    if (aligned or ctypes.alignment(U64)) == 8:
        return fields
    result, offset = [], 0
    for name, type in fields:
        if type is U64 and offset % 8:
            result.append((f"_before_{name}", U32))
            offset += 4
        result.append((name, type))
        offset += ctypes.sizeof(type)
    return result


class Command(IntEnum):
    """What bpf(2) is asked for: its first argument, `enum bpf_cmd` in <linux/bpf.h>."""

    MAP_CREATE = 0
    MAP_LOOKUP_ELEM = 1
    MAP_UPDATE_ELEM = 2
    MAP_DELETE_ELEM = 3
    MAP_GET_NEXT_KEY = 4
    PROG_LOAD = 5
    PROG_TEST_RUN = 10
    PROG_GET_NEXT_ID = 11
    OBJ_GET_INFO_BY_FD = 15
    MAP_LOOKUP_BATCH = 24


class MapCreate(ctypes.Structure):
    """For MAP_CREATE. Sizes in bytes."""

    _fields_ = [
        # chapter 06: begin map_create
        ("map_type", U32),
        ("key_size", U32),
        ("value_size", U32),
        ("max_entries", U32),
        ("map_flags", U32),
        # chapter 06: end map_create
        ("inner_map_fd", U32),
        ("numa_node", U32),
        ("map_name", NAME),
    ]


class MapElement(ctypes.Structure):
    """For the MAP_*_ELEM commands and MAP_GET_NEXT_KEY, where `value` is the next key."""

    _fields_ = [
        # chapter 06: begin map_element
        ("map_fd", U32),
        ("key", U64),
        ("value", U64),
        ("flags", U64),
        # chapter 06: end map_element
    ]
    _fields_ = padded(_fields_)


class MapBatch(ctypes.Structure):
    """For MAP_LOOKUP_BATCH. `in_batch` and `out_batch`: addresses of where to go on."""

    _fields_ = [
        # chapter 06: begin map_batch
        ("in_batch", U64),
        ("out_batch", U64),
        ("keys", U64),
        ("values", U64),
        ("count", U32),
        ("map_fd", U32),
        # chapter 06: end map_batch
    ]


class ProgLoad(ctypes.Structure):
    """For PROG_LOAD. `insn_cnt` counts slots of 8 bytes; `insns` and the like are addresses."""

    _fields_ = [
        # chapter 06: begin prog_load
        ("prog_type", U32),
        ("insn_cnt", U32),
        ("insns", U64),
        ("license", U64),
        ("log_level", U32),
        ("log_size", U32),
        ("log_buf", U64),
        # chapter 06: end prog_load
        ("kern_version", U32),
        ("prog_flags", U32),
        ("prog_name", NAME),
    ]


class ProgTestRun(ctypes.Structure):
    """For PROG_TEST_RUN. The kernel writes retval, duration (ns) and data_size_out.

    `ctx_in`: the address of what the program is to find in its struct __sk_buff, or 0.
    """

    _fields_ = [
        ("prog_fd", U32),
        ("retval", U32),
        ("data_size_in", U32),
        ("data_size_out", U32),
        ("data_in", U64),
        ("data_out", U64),
        ("repeat", U32),
        ("duration", U32),
        ("ctx_size_in", U32),
        ("ctx_size_out", U32),
        ("ctx_in", U64),
        ("ctx_out", U64),
    ]


class ObjectInfo(ctypes.Structure):
    """For OBJ_GET_INFO_BY_FD: `info` is the address of a MapFacts or ProgramFacts."""

    _fields_ = [
        # chapter 06: begin object_info
        ("bpf_fd", U32),
        ("info_len", U32),
        ("info", U64),
        # chapter 06: end object_info
    ]


class MapFacts(ctypes.Structure):
    """What the kernel says about a map: the beginning of `struct bpf_map_info`."""

    _fields_ = [(name, U32) for name in ("type", "id", "key_size", "value_size", "max_entries")]
    _fields_ += [("map_flags", U32), ("name", NAME)]


class ProgramFacts(ctypes.Structure):
    """What the kernel says about a program: the beginning of `struct bpf_prog_info`.

    The lengths are in bytes; the kernel writes to an address where it is not 0.
    """

    _fields_ = [
        ("type", U32),
        ("id", U32),
        ("tag", ctypes.c_uint8 * 8),
        ("jited_prog_len", U32),
        ("xlated_prog_len", U32),
        ("jited_prog_insns", U64),
        ("xlated_prog_insns", U64),
        ("load_time", U64),
        ("created_by_uid", U32),
        ("nr_map_ids", U32),
        ("map_ids", U64),
        ("name", NAME),
    ]
