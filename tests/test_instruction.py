"""What an instruction reads, writes and uses, and where it goes: all of RFC 9669, held against what
the kernel's verifier refuses, and against what the machine does."""

from __future__ import annotations

import errno
import itertools
import random
from collections.abc import Iterator
from contextlib import suppress

import pytest
from generated import insn, wide

from helpers import asm, kernel, syscall
from helpers.asm import DisasmError, Instruction
from helpers.machine import Machine
from helpers.machine.calls import HELPERS
from helpers.machine.faults import BadArgument, UnsetRegister
from helpers.machine.maps import MachineMap

EXIT, ZERO = insn(0x95), insn(0xB7)
DST, SRC = 7, 3
SLOT = -8  # the place on the stack that loads and stores use
# What a helper wants in its registers; a number is one, "stack" the address of 16 bytes.
ARGUMENTS = {
    1: {1: "map", 2: "stack"},
    2: {1: "map", 2: "stack", 3: "stack", 4: 0},
    3: {1: "map", 2: "stack"},
    5: {},
    7: {},
    8: {},
    26: {1: "context", 2: 0, 3: "stack", 4: 8},
}
MAP_FORM = (syscall.HASH, 4, 8, 4)  # type, sizes of key and value, elements
NUMBERS = (0, 16, 17, (1 << 64) - 1)


def one(code: bytes) -> Instruction:
    return next(asm.decode(code))


def every_instruction() -> list[Instruction]:
    """All of RFC 9669 with operands of each sort. Memory is the stack, jumps lead to the next."""
    operands = [(offset, 16) for offset in (0, 1, 8, 16, 32)] + [(0, 32), (0, 64)]
    operands += [(SLOT, imm | fetch) for imm in asm.ATOMICS for fetch in (0, asm.FETCH)]
    operands += [(SLOT, asm.EXCHANGE), (SLOT, asm.COMPARE)]
    rows: dict[str, Instruction] = {}
    for opcode in set(range(256)) - {asm.LOAD_64_BIT_IMMEDIATE, asm.JUMP | asm.CALL}:
        for offset, imm in operands:
            i = one(fitting(opcode, offset, imm))
            with suppress(DisasmError):
                rows.setdefault(asm.text(i), i)
    calls = [one(insn(0x85, imm=number)) for number in ARGUMENTS]
    return [*rows.values(), *calls, one(insn(0x85, src=asm.LOCAL, imm=4)), one(wide(2, 1 << 40))]


def fitting(opcode: int, offset: int, imm: int) -> bytes:
    """The instruction with the fields that it uses, the others 0."""
    i = one(insn(opcode, DST, SRC, offset, imm))
    if i.is_conditional or i.is_goto:
        offset = 0
    elif i.base is not None:
        offset = SLOT
    if not (i.is_atomic or i.is_arithmetic and i.operation == asm.BYTE_ORDER):
        imm = 0 if i.is_goto else 16
    values = {"dst": DST, "src": SRC, "offset": offset, "imm": imm}
    return insn(opcode, **{name: values[name] for name in i.operands})


EVERY = every_instruction()


def is_newer(i: Instruction) -> bool:
    """Whether this kernel cannot have it: atomic ones came with 5.12, others with 6.6."""
    if i.is_atomic and i.imm != 0:
        return kernel.version() < (5, 12)
    signed = i.is_arithmetic and i.offset or i.mode == asm.MEMORY_SIGNED and i.base is not None
    swap = i.opcode == asm.ALU64 | asm.BYTE_ORDER
    return kernel.version() < (6, 6) and bool(signed or swap or i.opcode == asm.JUMP32 | asm.GOTO)


def beginning(i: Instruction, unset: int | None = None, map_fd: int = 0) -> bytes:
    """A program up to the instruction: every register but one has a value that it can work with."""
    code = insn(0x7A, 10, 0, -8, 0) + insn(0x7A, 10, 0, -16, 0)
    if unset != 6:
        code += insn(0xBF, 6, 1)
    if unset == 1:
        code += insn(0x85, imm=5)  # after which r1 holds nothing; the others had nothing before
    values: dict[int, object] = dict.fromkeys((0, 1, 2, 3, 4, 5, 7, 8, 9), 1)
    if i.calls_helper:
        values |= ARGUMENTS[i.imm]
    if i.base is not None:
        values[i.base] = "frame"
    for register, value in values.items():
        if register == unset or value == "context":  # r1 has it from the beginning
            continue
        if value == "map":
            code += wide(register, map_fd, asm.MAP_BY_FD)
        elif value in ("frame", "stack"):
            code += insn(0xBF, register, 10)
            code += insn(0x07, register, imm=-16) if value == "stack" else b""
        else:
            code += insn(0xB7, register, imm=value)
    return code


def ended(i: Instruction, behind: bytes = b"") -> bytes:
    """The instruction, something behind it, and the program's end."""
    end = behind + ZERO + EXIT
    if i.calls_function:
        return i.raw[:4] + (len(end) // 8).to_bytes(4, "little") + end + ZERO + EXIT
    return i.raw if i.is_exit else i.raw + end


def refusal(code: bytes) -> str | None:
    """What the verifier says against a program, None if it takes it."""
    try:
        syscall.load_program(code).close()
    except syscall.SyscallError as error:
        assert error.number in (errno.EACCES, errno.EINVAL), error
        return error.log or str(error)
    return None


@pytest.fixture(scope="module")
def map_fd() -> Iterator[int]:
    with syscall.create_map(*MAP_FORM) as created:
        yield created.fd


def test_every_opcode_of_the_standard_is_among_them():
    assert len({i.opcode for i in EVERY}) == 125


def test_every_instruction_is_of_one_sort():
    for i in EVERY:
        loads, stores = i.opcode_class == asm.LDX, i.opcode_class in (asm.ST, asm.STX)
        sorts = [i.is_arithmetic, i.is_conditional, i.is_goto, i.is_call, i.is_exit, i.is_wide]
        assert sum([*sorts, i.loads_packet, loads, stores]) == 1, asm.text(i)
        assert i.is_call == (i.calls_helper or i.calls_function)
        assert (i.base is not None) == (loads or stores)
        assert not i.is_atomic or stores


@pytest.mark.kernel
@pytest.mark.parametrize("unset", range(10))
def test_the_kernel_refuses_an_instruction_that_reads_what_holds_nothing(unset, map_fd):
    for i in EVERY:
        said = refusal(beginning(i, unset, map_fd) + ended(i))
        if is_newer(i):
            assert said is not None
        elif unset in i.reads:
            assert f"R{unset} !read_ok" in (said or ""), asm.text(i)
        else:
            assert said is None, (asm.text(i), said)


@pytest.mark.kernel
@pytest.mark.parametrize("register", range(10))
def test_the_kernel_knows_what_a_register_holds_after_an_instruction(register, map_fd):
    read_it = insn(0xBF, 0, register)
    for i in EVERY:
        if i.is_exit or is_newer(i):
            continue
        used_up = register in i.writes and (i.is_call or i.loads_packet) and register != 0
        said = refusal(beginning(i, None, map_fd) + ended(i, read_it))
        assert ("!read_ok" in (said or "")) == used_up, (asm.text(i), said)
        if register in i.reads or i.calls_function:
            continue
        said = refusal(beginning(i, register, map_fd) + ended(i, read_it))
        holds = register in i.writes and not used_up
        assert ("!read_ok" in (said or "")) != holds, (asm.text(i), said)


@pytest.mark.kernel
def test_the_kernel_refuses_a_field_that_an_instruction_does_not_use(map_fd):
    not_looked_at = set()
    for i in EVERY:
        for name in {"dst", "src", "offset", "imm"} - set(i.operands):
            fields = {"dst": i.dst, "src": i.src, "offset": i.offset, "imm": i.imm, name: 1}
            changed = one(insn(i.opcode, **fields) + i.raw[8:])
            if refusal(beginning(i, None, map_fd) + ended(changed)) is None:
                not_looked_at.add((asm.text(i), name))
    assert not_looked_at <= {("exit", "offset")}


def in_the_machine(i: Instruction, unset: int | None = None) -> Machine:
    return Machine(beginning(i, unset, 7) + ended(i), {7: MachineMap("m", *MAP_FORM)})


def test_the_machine_names_what_an_instruction_reads_and_holds_nothing():
    for i in EVERY:
        if i.calls_helper and i.imm not in HELPERS:
            continue
        whole = i.opcode == asm.ALU64 | asm.MOVE | asm.REGISTER_SOURCE and not i.offset
        for unset in range(10):
            program = in_the_machine(i, unset)
            if unset in i.reads and not whole:  # which copies even what is no value
                with pytest.raises((UnsetRegister, BadArgument), match=rf"\br{unset}\b"):
                    program.run(bytes(64))
            else:
                program.run(bytes(64))


def test_the_machine_changes_what_an_instruction_writes():
    draw = random.Random(1)
    for i in EVERY:
        if i.calls_helper and i.imm not in HELPERS:
            continue
        changed: set[int] = set()
        for _ in range(8):
            code = beginning(i, None, 7)
            for register in {0, 2, 3, 4, 5, 7, 8, 9} - {i.base} - set(ARGUMENTS.get(i.imm, ())):
                code += wide(register, draw.getrandbits(64))
            code += insn(0x7A, 10, 0, SLOT, draw.getrandbits(31))
            program = Machine(code + ended(i), {7: MachineMap("m", *MAP_FORM)})
            changed |= changes(program, len(code) // 8, i)
        cut_only = i.is_arithmetic and i.operation == asm.BYTE_ORDER and i.imm == 64
        assert changed <= set(i.writes), asm.text(i)
        assert changed == set(i.writes) or cut_only and not i.to_big_endian, asm.text(i)


def changes(program: Machine, place: int, i: Instruction) -> set[int]:
    """The registers that are different once the instruction at that place is done."""
    before: list[int | None] = []
    for state in program.step(bytes(range(1, 250))):
        if state.at == place:
            before = state.registers[:]
        elif before and state.at in (place + i.slots, None):
            return {n for n in range(11) if state.registers[n] != before[n]}
    raise AssertionError(asm.text(i))


def test_the_machine_goes_where_the_instruction_may_go():
    for i in EVERY:
        if i.calls_helper and i.imm not in HELPERS:
            continue
        if i.is_conditional or i.is_goto:  # two places further than the next
            away = {"imm": 2} if i.opcode == asm.JUMP32 | asm.GOTO else {"offset": 2, "imm": i.imm}
            i = one(insn(i.opcode, i.dst, i.src, **away))
        pairs = itertools.product(NUMBERS, NUMBERS) if i.is_conditional else [(1, 1)]
        reached = set().union(*(next_places(i, a, b) for a, b in pairs))
        if i.calls_function:
            assert (reached, i.successors) == ({i.target}, (i.end,))
        else:
            assert reached == set(i.successors), asm.text(i)


def next_places(i: Instruction, a: int, b: int) -> set[int]:
    """Where the machine goes on behind the instruction, counted from it, with these operands."""
    values = [(i.dst, a), (i.src, b)] if i.is_conditional else []
    code = beginning(i, None, 7) + b"".join(wide(*each) for each in values)
    program = Machine(code + ended(i, ZERO + EXIT), {7: MachineMap("m", *MAP_FORM)})
    place = len(code) // 8
    states = (state.at for state in program.step(bytes(64)) if state.last == place)
    return {at - place for at in states if at is not None}


def test_the_arguments_of_helpers_are_those_that_the_machine_gives_them():
    for number, (function, count) in HELPERS.items():
        fixed = asm.helper_arguments(number)
        if function.__name__ == "trace_printk":
            assert (fixed, count) == ((1, 2), 5)
        else:
            assert fixed == tuple(range(1, count + 1))


def test_of_a_helper_that_nobody_knows_no_arguments_are_known():
    assert asm.helper_arguments(99999) == one(insn(0x85, imm=99999)).reads == ()
