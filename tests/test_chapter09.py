"""What chapter 09 promises of a kernel without CONFIG_BPF_SYSCALL: most of it works there."""

from __future__ import annotations

import errno
import platform
import re
import shutil
from pathlib import Path

import pytest
import stored

from chapters.ch10 import seccomp
from helpers import cbpf
from helpers.cbpf import Instruction
from helpers.syscall.call import NUMBERS
from tools import render

(CHAPTER,) = (path for path in stored.CHAPTERS if path.name.startswith("09"))
WITHOUT = {"1", "2", "3", "4", "6", "8", "10"}  # section 9 names them; 10 tidies up
SECTION = re.compile(r"^## (?:(\d+)\. )?", re.MULTILINE)
# A kernel without the call answers ENOSYS; here a filter in front of the notebook's process does.
CODE = [
    Instruction(0x20, k=0),
    Instruction(0x15, jf=1, k=NUMBERS[platform.machine()]),
    Instruction(0x06, k=seccomp.ERRNO | errno.ENOSYS),
    Instruction(0x06, k=seccomp.ALLOW),
]
TAKE_IT_AWAY = f"""
import ctypes, os, struct
_code = ctypes.create_string_buffer(bytes.fromhex({cbpf.encode(CODE).hex()!r}))
_program = struct.pack("HP", {len(CODE)}, ctypes.addressof(_code))
_libc = ctypes.CDLL(None, use_errno=True)
assert _libc.prctl(38, 1, 0, 0, 0) == 0 and _libc.prctl(22, 2, _program, 0, 0) == 0
assert _libc.syscall({NUMBERS[platform.machine()]}, 0, None, 0) == -1
assert ctypes.get_errno() == {errno.ENOSYS}
"""


@pytest.mark.kernel
@pytest.mark.timeout(600)
def test_without_bpf_the_rest_of_the_chapter_works(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(stored.COURSE / "notebooks", tmp_path / "work"))
    notebook = stored.read(CHAPTER)
    notebook.cells[1:1] = [render.nbformat.v4.new_code_cell(TAKE_IT_AWAY)]
    ran, section = set(), "0"
    with render.fresh_kernel(notebook, folder) as client:
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type == "markdown":
                section = next((s or "" for s in reversed(SECTION.findall(cell.source))), section)
            elif section in WITHOUT | {"0"} or index == 1:
                client.execute_cell(cell, index)
                ran.add(section)
    assert ran == WITHOUT | {"0"}
