"""The memory that a program can reach: regions, each with a number, and nothing in between.

Built in chapter 07, inside_the_bytecode. An address has 64 bits: the upper half is the number of
a region, the lower half counts bytes from its beginning. So sums of addresses and offsets work as
in a computer, and an address that has left its region leads nowhere instead of to the next one.
The kernel's addresses are not like this; programs cannot tell, since they may not look at them.
"""

from __future__ import annotations

from collections.abc import Sequence

from helpers.machine.arithmetic import M32, M64
from helpers.machine.faults import BadAddress
from helpers.machine.maps import HASH, Element, MachineMap

# Numbers of regions: the context; a stack for each of eight nested functions; the maps
# themselves, which nobody can look into; and from ELEMENTS on their values.
CONTEXT, STACK, MAPS, ELEMENTS = 1, 8, 0x100, 1 << 24
MAX_FRAMES = 8  # functions, nested
STACK_SIZE = 512  # bytes, of each function


class Memory:
    """The regions of one run. `readable` and `writable` have them by number.

    Arguments: context: the bytes of the context; maps: those that the program refers to.
    Built in chapter 07.
    """

    def __init__(self, context: bytes, maps: Sequence[MachineMap] = ()) -> None:
        self.readable: dict[int, bytes | bytearray] = {CONTEXT: context}
        self.writable: dict[int, bytearray] = {}
        self.maps = maps
        self.elements: dict[int, Element] = {}

    def frame(self, depth: int) -> int:
        """A fresh stack for the function that is so deep; the address of its end, for r10."""
        stack = bytearray(STACK_SIZE)
        self.readable[STACK + depth] = self.writable[STACK + depth] = stack
        return (STACK + depth << 32) + STACK_SIZE

    def share(self, number: int, element: Element) -> int:
        """Let the program reach an element of its map `number`; the element's address."""
        region = (number + 1) * ELEMENTS + element.index
        self.readable[region] = element.data
        if not self.maps[number].read_only:
            self.writable[region] = element.data
        self.elements[region] = element
        return region << 32

    def forget(self) -> None:
        """Take the addresses of all elements of hashes back; those of arrays are for good."""
        hashes = [r for r in self.elements if self.maps[r // ELEMENTS - 1].type == HASH]
        for region in hashes:
            del self.readable[region], self.writable[region], self.elements[region]

    def map_at(self, address: int) -> tuple[int, MachineMap]:
        """The map that an address in a register stands for, with its number."""
        number = (address >> 32) - MAPS
        if address & M32 or not 0 <= number < len(self.maps):
            raise BadAddress(f"{address:#x} is not the address of a map.")
        return number, self.maps[number]

    def read(self, address: int, size: int) -> bytes:
        """The bytes there. Errors: BadAddress."""
        return bytes(self.part(address, size))

    def part(self, address: int, size: int) -> bytes | bytearray:
        """The same, of whatever type the region is. Errors: BadAddress."""
        data, start = self.readable.get(address >> 32), address & M32
        if data is None or start + size > len(data):
            raise BadAddress(self.explain(address, size, writing=False))
        return data[start : start + size]

    def write(self, address: int, data: bytes) -> None:
        """Put bytes there. Errors: BadAddress."""
        target, start = self.writable.get(address >> 32), address & M32
        if target is None or start + len(data) > len(target):
            raise BadAddress(self.explain(address, len(data), writing=True))
        target[start : start + len(data)] = data

    def explain(self, address: int, size: int, writing: bool) -> str | None:
        """Why that access is a fault, in a sentence; None if it is none."""
        address &= M64
        region, start = address >> 32, address & M32
        data = (self.writable if writing else self.readable).get(region)
        if data is not None and start + size <= len(data):
            return None
        what = f"{'writes' if writing else 'reads'} {size} byte{'s' if size > 1 else ''}"
        if address == 0:
            return f"it {what} at address 0: after a lookup, ask first whether there is a value."
        if data is not None:
            return f"it {what} at {self.name(address)}, which has {len(data)} bytes."
        if region in self.readable:
            return f"it {what} at {self.name(address)}, which can only be read."
        if MAPS <= region < MAPS + len(self.maps):
            return f"it {what} of a map itself: a lookup gives the address of a value."
        return f"it {what} at {self.name(address)}."

    def name(self, address: int) -> str:
        """An address in words: "the context + 4", "the end of the stack - 4"; a number as itself.

        Bytes of the stack are counted from its end, where r10 leads, as programs do.
        """
        region, start = address >> 32, address & M32
        if start >= 1 << 31:  # a little before the beginning of the next region
            region, start = region + 1, start - (1 << 32)
        if STACK <= region < STACK + MAX_FRAMES and region in self.readable:
            of_call = f" of call {region - STACK}" if region > STACK else ""
            words, start = f"the end of the stack{of_call}", start - STACK_SIZE
        elif region == CONTEXT:
            words = "the context"
        elif MAPS <= region < MAPS + len(self.maps):
            words = f"the map {self.maps[region - MAPS].name}"
        elif region in self.elements:
            element, owner = self.elements[region], self.maps[region // ELEMENTS - 1]
            key = int.from_bytes(element.key, "little")
            words = f"{owner.name}[{key}]" if len(element.key) <= 8 else f"{owner.name}[...]"
        else:
            return f"{address:#x}, which is no address"
        return words + (f" {'-' if start < 0 else '+'} {abs(start)}" if start else "")
