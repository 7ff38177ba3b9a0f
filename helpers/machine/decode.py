"""From bytes to instructions that can run: everything that is checked before the first step.

Built in chapter 07, inside_the_bytecode. The kernel's verifier checks far more (chapter 08).
"""

from __future__ import annotations

from helpers import asm
from helpers.asm import DisasmError, Instruction
from helpers.machine.faults import BadJump, BadOperand, NoExit, TruncatedProgram, UnknownOpcode

JUMPS = (asm.JUMP, asm.JUMP32)


def checked(instructions: list[Instruction]) -> list[Instruction]:
    """The same instructions, if a machine can run them.

    Errors: UnknownOpcode, BadOperand, BadJump or NoExit, with the number of the instruction.
    Source: RFC 9669; what check_subprogs() and resolve_pseudo_ldimm64() in the kernel refuse.
    Built in chapter 07.
    """
    if not instructions:
        raise NoExit("The program is empty: it needs an exit at least.")
    places = {each.number for each in instructions}
    end = instructions[-1].number + instructions[-1].slots
    for each in instructions:
        check_operands(each)
        place = target(each)
        if place is not None and place not in places:
            inside = f"into the middle of the instruction at {place - 1}"
            where = inside if 0 <= place < end else f"to {place}, out of the program"
            raise BadJump(
                f"Instruction {each.number}, {asm.text(each)}, leads {where} "
                f"(which has places 0 to {end - 1}): count the slots of 8 bytes again.",
                each.number,
            )
    last = instructions[-1]
    if not (is_exit(last) or is_goto(last)):
        raise NoExit(
            f"The last instruction, {last.number}, {asm.text(last)}, is no exit: the program "
            "would run on past its end.",
            last.number,
        )
    return instructions


def decode(code: bytes) -> list[Instruction]:
    """The instructions in `code`. Errors: TruncatedProgram. Built in chapters 02 and 07."""
    try:
        return list(asm.decode(code))
    except asm.BytecodeError as error:
        raise TruncatedProgram(str(error), error.number) from error


def target(i: Instruction) -> int | None:
    """The place that a jump or local call leads to, in slots; None for anything else."""
    operation = i.opcode & 0xF0
    if i.kind not in JUMPS or is_exit(i):
        return None
    if operation == asm.CALL:
        return i.number + 1 + i.imm if i.src == asm.LOCAL else None
    long = operation == asm.GOTO and i.kind == asm.JUMP32
    return i.number + 1 + (i.imm if long else i.offset)


def is_exit(i: Instruction) -> bool:
    return i.kind == asm.JUMP and i.opcode & 0xF0 == asm.EXIT


def is_goto(i: Instruction) -> bool:
    return i.kind in JUMPS and i.opcode & 0xF0 == asm.GOTO


def is_call(i: Instruction) -> bool:
    return i.kind == asm.JUMP and i.opcode & 0xF0 == asm.CALL


def check_operands(i: Instruction) -> None:
    """Errors: UnknownOpcode, BadOperand."""
    try:
        text = asm.text(i)
    except DisasmError as error:
        raise UnknownOpcode(f"Instruction {i.number}: {error}", i.number) from error
    unused = [name for name in ("dst", "src", "offset", "imm") if getattr(i, name)]
    unused = [name for name in unused if name not in operands(i)]
    if i.opcode == asm.LOAD_64_BIT_IMMEDIATE and any(i.raw[8:12]):
        unused.append("its second half")
    if unused:
        raise BadOperand(
            f"Instruction {i.number}, {text}, has no use for {' and '.join(unused)}, which must "
            "be 0 then.",
            i.number,
        )
    if i.dst == 10 and writes_dst(i):
        raise BadOperand(
            f"Instruction {i.number}, {text}, writes to r10: that is the address of the stack, "
            "and can only be read.",
            i.number,
        )


def writes_dst(i: Instruction) -> bool:
    """Whether the register dst gets a new value."""
    return i.kind in (asm.ALU32, asm.ALU64, asm.LDX, asm.LD)


def operands(i: Instruction) -> str:
    """The fields that this instruction uses, by name; the others must be zero."""
    second = "src" if i.opcode & asm.REGISTER_SOURCE else "imm"
    operation, mode = i.opcode & 0xF0, i.opcode & 0xE0
    if i.kind in (asm.ALU32, asm.ALU64):
        if operation in (asm.NEGATE, asm.BYTE_ORDER):
            return "dst" if operation == asm.NEGATE else "dst imm"
        return f"dst offset {second}"
    if i.kind in JUMPS:
        if operation == asm.GOTO:
            return "offset" if i.kind == asm.JUMP else "imm"
        fixed = {asm.CALL: "src imm", asm.EXIT: ""}
        return fixed.get(operation, f"dst offset {second}")
    if i.kind == asm.LD:
        loads = {asm.IMMEDIATE: "dst src imm", asm.ABSOLUTE: "imm"}
        return loads.get(mode, "src imm")
    if i.kind == asm.ST:
        return "dst offset imm"
    return "dst src offset imm" if mode == asm.ATOMIC else "dst src offset"
