"""What shows in the instructions and the data of a program that the verifier has refused."""

from __future__ import annotations

import errno
import re
import struct

from helpers import asm, probes, syscall
from helpers.refusals.case import Case

GPL = {"GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"}
CALL_THROUGH_REGISTER = 0x8D


def licence(case: Case) -> str | None:
    """A helper that the kernel lends to GPL programs only."""
    if not (case.verified and case.code == errno.EINVAL) or case.object.license in GPL:
        return None
    types = {name: type for name, _, type in case.programs}
    for name, function in case.object.programs.items():
        type = types.get(name) or next(iter(types.values()), 0)  # a function is for any of them
        for i in function.instructions:
            if i.calls_helper and for_gpl_only(i.imm, type):
                license = case.object.license
                has = f"its license is {license!r}" if license else "it has none"
                return (
                    f"{name} calls {asm.helper_names().get(i.imm, i.imm)}, which the kernel "
                    f"lends to programs under the GPL only, and {has}: write "
                    'char LICENSE[] SEC("license") = "GPL"; below it.'
                )
    return None


def for_gpl_only(helper: int, type: int) -> bool:
    """Whether a call of that helper alone is another mistake to the kernel without the GPL."""
    code = struct.pack("<BBhi", 0x85, 0, 0, helper) + probes.RETURN_0

    def answer(license: str) -> int:
        try:
            syscall.load_program(code, type, license).close()
        except syscall.SyscallError as error:
            return error.number
        return 0

    return answer("none") == errno.EINVAL != answer("GPL")


def addresses(case: Case) -> str | None:
    """Data that holds addresses, which libbpf leaves 0."""
    if not case.verified or case.code != errno.EACCES:
        return None
    for name in case.object.sections:
        if re.match(r"\.rel\.(rodata|data)", name):
            return (
                f"{case.file} keeps addresses in {name[4:]}, such as those of strings, and libbpf "
                "fills none in, so the program finds numbers there: make them arrays of char (the "
                "verifier's reason is in .log)."
            )
    return None


def called_through_a_pointer(case: Case) -> str | None:
    if not case.verified or case.code != errno.EINVAL:
        return None
    for name, function in case.object.programs.items():
        for i in function.instructions:
            if i.opcode == CALL_THROUGH_REGISTER:
                line = f", on line {i.line}" if i.line else ""
                return (
                    f"{name} calls a function by its address{line}, "
                    "for which BPF has no instruction: call one by its name, or inline it."
                )
    return None
