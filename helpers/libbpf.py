"""The C library libbpf, called from Python through ctypes: its prototypes, and its messages.

Built in chapter 03, load_attach_count, which declares the first of these by hand.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from functools import cache

from helpers.errors import CourseError

# What libbpf prints, oldest first; the loader empties it and puts it into its errors.
messages: list[str] = []

_PRINT = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
_POINTER, _INT, _UINT, _TEXT = ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32, ctypes.c_char_p

# name: (result, arguments), as in bpf/libbpf.h and bpf/bpf.h.
PROTOTYPES = {
    "bpf_object__open": (_POINTER, [_TEXT]),
    "bpf_object__load": (_INT, [_POINTER]),
    "bpf_object__close": (None, [_POINTER]),
    "bpf_object__next_program": (_POINTER, [_POINTER, _POINTER]),
    "bpf_object__next_map": (_POINTER, [_POINTER, _POINTER]),
    "bpf_program__name": (_TEXT, [_POINTER]),
    "bpf_program__set_autoload": (_INT, [_POINTER, ctypes.c_bool]),
    "bpf_program__fd": (_INT, [_POINTER]),
    "bpf_program__set_log_buf": (_INT, [_POINTER, _POINTER, ctypes.c_size_t]),
    "bpf_program__set_log_level": (_INT, [_POINTER, _UINT]),
    "bpf_map__name": (_TEXT, [_POINTER]),
    "bpf_map__fd": (_INT, [_POINTER]),
    "bpf_map__set_autocreate": (_INT, [_POINTER, ctypes.c_bool]),
    "bpf_map__type": (_UINT, [_POINTER]),
    "bpf_map__key_size": (_UINT, [_POINTER]),
    "bpf_map__value_size": (_UINT, [_POINTER]),
    "bpf_map__max_entries": (_UINT, [_POINTER]),
    "bpf_map__map_flags": (_UINT, [_POINTER]),
    "bpf_map__pin_path": (_TEXT, [_POINTER]),
    "bpf_map__inner_map": (_POINTER, [_POINTER]),
    "bpf_program__insns": (_POINTER, [_POINTER]),
    "bpf_program__insn_cnt": (ctypes.c_size_t, [_POINTER]),
    "bpf_program__type": (_INT, [_POINTER]),
    "bpf_program__section_name": (_TEXT, [_POINTER]),
    "bpf_map_lookup_elem": (_INT, [_INT, _POINTER, _POINTER]),
    "bpf_obj_pin": (_INT, [_INT, _TEXT]),
    "bpf_obj_get": (_INT, [_TEXT]),
    "bpf_raw_tracepoint_open": (_INT, [_TEXT, _INT]),
    "ring_buffer__new": (_POINTER, [_INT, _POINTER, _POINTER, _POINTER]),
    "ring_buffer__consume": (_INT, [_POINTER]),
    "ring_buffer__poll": (_INT, [_POINTER, _INT]),
    "ring_buffer__free": (None, [_POINTER]),
    "perf_buffer__new": (_POINTER, [_INT, ctypes.c_size_t, *[_POINTER] * 4]),
    "perf_buffer__consume": (_INT, [_POINTER]),
    "perf_buffer__free": (None, [_POINTER]),
    "libbpf_bpf_map_type_str": (_TEXT, [_INT]),
    "libbpf_prog_type_by_name": (_INT, [_TEXT, _POINTER, _POINTER]),
    "libbpf_version_string": (_TEXT, []),
    "libbpf_strerror": (_INT, [_INT, _TEXT, ctypes.c_size_t]),
    "libbpf_set_print": (_POINTER, [_POINTER]),
}


class LibraryError(CourseError):
    """The library libbpf is not installed, or too old."""


@cache
def library() -> ctypes.CDLL:
    """libbpf with its prototypes declared.

    Result: the library; calling a function of it releases Python's lock, as ctypes does.
    Errors: LibraryError.
    Source: bpf/libbpf.h, bpf/bpf.h; libbpf.readthedocs.io. Built in chapter 03.
    """
    try:
        library = ctypes.CDLL("libbpf.so.1", use_errno=True)
        for name, (result, arguments) in PROTOTYPES.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError) as error:
        raise LibraryError(
            "libbpf 1.0 or later is not installed: run ./course lab, or install libbpf1."
        ) from error
    return library


def listen() -> None:
    """Empty `messages`, and have libbpf's messages go there from now on.

    Before each load, because another library in this process may want them, too: bcc does.
    """
    messages.clear()
    library().libbpf_set_print(_collect)


def each(following: Callable, handle: int) -> Iterator[int]:
    """What a function of libbpf goes through, such as bpf_object__next_map: pointers."""
    pointer = following(handle, None)
    while pointer:
        yield pointer
        pointer = following(handle, pointer)


def explain(code: int) -> str:
    """libbpf's own words for an error number (its range is wider than errno's)."""
    text = ctypes.create_string_buffer(256)
    library().libbpf_strerror(code, text, len(text))
    return text.value.decode(errors="replace")


# libbpf hands over a format and a va_list, which only vsnprintf can read.
@_PRINT
def _collect(level: int, form: int, arguments: int) -> int:
    text = ctypes.create_string_buffer(1 << 16)
    ctypes.CDLL(None).vsnprintf(
        text, ctypes.c_size_t(len(text)), _POINTER(form), _POINTER(arguments)
    )
    if level < 2:  # 2 is LIBBPF_DEBUG
        messages.append(text.value.decode(errors="replace"))
    return 0
