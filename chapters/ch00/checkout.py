"""What keeps a course's folder from being set up or worked in: one sentence, or nothing.

Laboratory equipment, of ./course and of the readiness report. Standard library only.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from chapters.ch00 import copies
from helpers import places

WRITTEN = ("work", "build")
PACKAGES = "course-files"  # in the environment: for each package its name and a file of it


def trouble(course: Path, environment: Path | None = None) -> str:
    """What is in the way, "cause: cure."; "" if nothing is. It is tried, and nothing is left.

    Arguments: the course's folder; where its Python packages go, if they have to be set up.
    """
    set_up = (course, environment) if environment else ()
    for each in (*set_up, *(course / name for name in WRITTEN)):
        if said := closed(each):
            return said
    for each in (course / "course.log", *(course / name for name in WRITTEN)):
        if found := places.foreign(each):
            return places.belongs(found, found.lstat().st_uid, course)
    damaged = filter(None, map(copies.unreadable, notebooks(course)))
    return (no_links(course) if environment else "") or next(damaged, "")


def closed(folder: Path) -> str:
    """Why nothing can be written to a folder, or, if it is not there, why it cannot be made."""
    if os.path.lexists(folder) and not folder.is_dir() and not folder.is_symlink():
        return f"{folder} is a file, where a folder has to be: move it away."
    return places.trouble(places.existing(folder))


def no_links(course: Path) -> str:
    """Why no symbolic link can be made there, which Python's environments need; "" if one can."""
    try:
        with tempfile.TemporaryDirectory(dir=course) as scratch:
            Path(scratch, "link").symlink_to("nowhere")
    except OSError as error:
        return (
            f"the file system of {course} has no symbolic links ({error.strerror}), as a USB stick "
            f"or a folder shared with a virtual machine: {places.ELSEWHERE}."
        )
    return ""


def notebooks(course: Path) -> list[Path]:
    """The chapters as the course has them."""
    return sorted((course / "notebooks").glob("*.ipynb"))


def missing_packages(prefix: Path) -> list[str]:
    """The Python packages that were installed into an environment and are no longer there."""
    if not (prefix / PACKAGES).is_file():
        return []
    lines = (prefix / PACKAGES).read_text("utf-8").splitlines()
    kept = [line.partition(" ") for line in lines]
    return sorted({name for name, _, path in kept if not Path(path).exists()})


def why_anew(course: Path, prefix: Path) -> str:
    """What has become of an environment that was finished once, in a sentence; "" if it is whole.

    Arguments: the course's folder; the environment's.
    """
    for link in prefix.glob("lib/python3*/site-packages/course.pth"):
        if (place := link.read_text("utf-8").strip()) != str(course):
            return f"The course was at {place} before, and its Python packages go by that."
    if gone := missing_packages(prefix):
        return f"Of the Python packages these are missing: {', '.join(gone)}."
    return ""
