"""Classic BPF: read and write its instructions, compile, check, run and translate them.

Built in chapter 09, classic_bpf. `instruction` is the format and its notation, `expression` asks
libpcap as tcpdump does, `cooked` does what libpcap does where there is no Ethernet header, `check`
is the kernel's check, `machine` runs a filter one instruction at a time, `translate` makes an eBPF
program of it.
"""

from helpers.cbpf.check import check
from helpers.cbpf.expression import (
    compile_expression,
    compile_for_file,
    compile_for_interface,
    hosts,
    look_at,
)
from helpers.cbpf.instruction import FilterError, Instruction, decode, encode, listing, text
from helpers.cbpf.machine import run, steps
from helpers.cbpf.translate import side_by_side, translate

__all__ = [
    "FilterError",
    "Instruction",
    "check",
    "compile_expression",
    "compile_for_file",
    "compile_for_interface",
    "decode",
    "encode",
    "hosts",
    "listing",
    "look_at",
    "run",
    "side_by_side",
    "steps",
    "text",
    "translate",
]
