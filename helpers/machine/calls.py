"""The helper functions that programs may call, by number.

Built in chapter 07, inside_the_bytecode. A helper gets the state and as many of r1 to r5 as it
asks for; what it returns goes to r0. Source: bpf-helpers(7).
"""

from __future__ import annotations

import errno
from collections.abc import Callable

from helpers import asm
from helpers.machine.arithmetic import M32
from helpers.machine.faults import BadAddress, BadArgument, UnknownHelper
from helpers.machine.memory import CONTEXT
from helpers.machine.printk import formatted
from helpers.machine.state import State


def map_lookup_elem(s: State, map_address: int, key_address: int) -> int:
    """The address of the value under a key, 0 if there is none."""
    number, owner = s.memory.map_at(map_address)
    element = owner.find(s.memory.read(key_address, owner.key_size), s.world.cpu)
    return s.memory.share(number, element) if element else 0


def map_update_elem(s: State, map_address: int, key: int, value: int, flags: int) -> int:
    """Copy a value into a map: 0, or a negative errno."""
    _, owner = s.memory.map_at(map_address)
    key_bytes = s.memory.read(key, owner.key_size)
    return owner.store(key_bytes, s.memory.read(value, owner.value_size), flags, s.world.cpu)


def map_delete_elem(s: State, map_address: int, key_address: int) -> int:
    """Take a key out of a map: 0, or a negative errno."""
    _, owner = s.memory.map_at(map_address)
    return owner.remove(s.memory.read(key_address, owner.key_size))


def ktime_get_ns(s: State) -> int:
    """Nanoseconds since the machine started, time asleep not counted."""
    return s.world.clock()


def get_smp_processor_id(s: State) -> int:
    """The number of the processor that the program runs on."""
    return s.world.cpu


def spin_lock(s: State, lock: int) -> int:
    """Take a lock, which lies in a map's value.

    Who finds it taken would wait for ever here, where one program runs at a time."""
    if any(s.memory.read(lock, 4)):
        raise BadArgument("spin_lock: the lock is taken already.")
    s.memory.write(lock, b"\1\0\0\0")
    return 0


def spin_unlock(s: State, lock: int) -> int:
    """Give a lock back."""
    s.memory.write(lock, bytes(4))
    return 0


def skb_load_bytes(s: State, context: int, offset: int, to: int, length: int) -> int:
    """Copy bytes of the packet: 0, or -EFAULT and zeros if they are not all there."""
    return copy_bytes(s, "skb_load_bytes", context, offset & M32, to, length & M32)


def skb_load_bytes_relative(
    s: State, context: int, offset: int, to: int, length: int, header: int
) -> int:
    """The same, counted from the Ethernet header (0) or the network layer's (1) on."""
    if header & M32 > 1 or offset & M32 > 0xFFFF:
        s.memory.write(to, bytes(length & M32))
        return -errno.EFAULT
    start = (offset & M32) + (s.packet.network if header & M32 else 0)
    return copy_bytes(s, "skb_load_bytes_relative", context, start, to, length & M32)


def copy_bytes(s: State, helper: str, context: int, start: int, to: int, size: int) -> int:
    """What both do."""
    if context != CONTEXT << 32:
        raise BadArgument(f"{helper} wants the context in r1.")
    if size == 0:
        raise BadArgument(f"{helper} is asked for 0 bytes.")
    inside = start + size <= len(s.data)
    s.memory.write(to, s.data[start : start + size] if inside else bytes(size))
    s.reading = (start, start + size) if inside else None
    return 0 if inside else -errno.EFAULT


def trace_printk(s: State, text: int, size: int, *values: int | None) -> int:
    """Write a line to the trace; how many characters it has, or -EINVAL for a bad format."""
    line = formatted(s.memory.read(text, size), values, s.memory.read)
    if line is None:
        return -errno.EINVAL
    s.world.trace.append(line.decode(errors="replace"))
    return len(line)


def trace_vprintk(s: State, text: int, size: int, values: int, length: int) -> int:
    """The same with up to twelve values, of 8 bytes each, that lie in memory."""
    if length % 8 or length > 96:
        return -errno.EINVAL
    data = s.memory.read(values, length) if length else b""
    numbers = [int.from_bytes(data[at : at + 8], "little") for at in range(0, length, 8)]
    return trace_printk(s, text, size, *numbers)


# By number: the helper, and how many arguments it takes.
HELPERS: dict[int, tuple[Callable[..., int], int]] = {
    1: (map_lookup_elem, 2),
    2: (map_update_elem, 4),
    3: (map_delete_elem, 2),
    5: (ktime_get_ns, 0),
    6: (trace_printk, 5),
    8: (get_smp_processor_id, 0),
    26: (skb_load_bytes, 4),
    68: (skb_load_bytes_relative, 5),
    93: (spin_lock, 1),
    94: (spin_unlock, 1),
    177: (trace_vprintk, 4),
}


def made(number: int) -> Callable[[State, list], int]:
    """What calls a helper with the arguments that are in the registers: its result.

    Errors, when it is called: UnknownHelper, BadArgument, BadAddress.
    """

    def missing(s: State, registers: list) -> int:
        raise UnknownHelper(unknown(number))

    helper, count = HELPERS.get(number, (missing, 0))
    name, end = helper.__name__, count + 1

    def call(s: State, registers: list) -> int:
        try:
            return helper(s, *registers[1:end])
        except BadAddress as fault:
            raise BadAddress(f"{name}: {fault}") from fault

    return call if number in HELPERS else missing


NO_KERNEL_FUNCTIONS = "this machine has no functions of the kernel but its helpers."


def unknown(number: int) -> str:
    """The sentence about a helper that this machine does not have."""
    name = asm.helper_names().get(number, f"number {number}")
    known = ", ".join(helper.__name__ for helper, _ in HELPERS.values())
    return f"this machine does not have the helper {name}; it has {known}."
