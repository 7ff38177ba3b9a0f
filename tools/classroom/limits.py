"""A learner's share of the machine: memory and the number of processes, by control groups.

Each learner's group also gets its turn of the processors, no matter how many processes are in it.
Source: cgroups(7); the kernel's admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
PROCESSES = 512
# Version 1: a hierarchy for each; version 2: one for all.
FILES_1 = {"memory": "memory.limit_in_bytes", "pids": "pids.max", "cpu": None}
FILES_2 = {"memory": "memory.max", "pids": "pids.max", "cpu": None}


def groups(room: str, name: str, root: Path = ROOT) -> dict[str, Path]:
    """The control group of a learner, by controller, for those that this machine has.

    Arguments: the room's name and the learner's.
    """
    available = root / "cgroup.controllers"
    if available.exists():
        known = available.read_text().split()
        return {each: root / room / name for each in FILES_2 if each in known}
    return {each: root / each / room / name for each in FILES_1 if (root / each).is_dir()}


def make(room: str, name: str, memory: int, root: Path = ROOT) -> list[Path]:
    """Make a learner's groups and set their limits. memory: bytes.

    Result: the folders that a process has to enter. Errors: OSError.
    """
    made = groups(room, name, root)
    files = FILES_2 if (root / "cgroup.controllers").exists() else FILES_1
    for controller, group in made.items():
        if files is FILES_2 and not group.parent.exists():
            group.parent.mkdir()
            (group.parent / "cgroup.subtree_control").write_text(
                " ".join(f"+{each}" for each in made)
            )
        group.mkdir(parents=True, exist_ok=True)
        if files[controller]:
            value = {"memory": memory, "pids": PROCESSES}[controller]
            (group / files[controller]).write_text(str(value))
    return sorted(set(made.values()))


def remove(room: str, name: str, root: Path = ROOT) -> None:
    """Remove a learner's groups, which no process is in any more. Errors: OSError."""
    for group in set(groups(room, name, root).values()):
        if group.exists():
            group.rmdir()
        if group.parent.exists() and not any(each.is_dir() for each in group.parent.iterdir()):
            group.parent.rmdir()  # that was the last learner
