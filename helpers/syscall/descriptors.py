"""What is behind the file descriptors of this process.

Built in chapter 06.
"""

from __future__ import annotations

from pathlib import Path


def held() -> dict[int, str]:
    """Each descriptor of this process that has a map, a program or another thing of BPF behind it.

    Other threads open and close files meanwhile: what is gone before it was read is left out.
    Result: descriptor -> such as "anon_inode:bpf-map".
    Source: proc(5), /proc/self/fd. Built in chapter 06.
    """
    by_number = {}
    for link in Path("/proc/self/fd").iterdir():
        try:
            what = str(link.readlink())
        except FileNotFoundError:
            continue
        if what.startswith("anon_inode:bpf"):
            by_number[int(link.name)] = what
    return dict(sorted(by_number.items()))
