"""The table of kernels: a run's findings, kept for chapter 01, shown in docs/kernels.md.

Laboratory equipment.
"""

from __future__ import annotations

import json
from pathlib import Path

from chapters.ch01.kernel_matrix import FILE, load, markdown
from helpers.features import WORKS
from helpers.toolchain import COURSE
from tools import marked
from tools.demo import FIVE_LINES
from tools.kernels import refusals

PAGE = COURSE / "docs" / "kernels.md"
SHOWN_ELSEWHERE = ("refusals", "clinic", "stations", "functions")  # or not at all, but to the tests


def entry(suite: str, accelerator: str, findings: list[dict]) -> dict:
    """One kernel's findings, put in order.

    Arguments: the suite of Debian, "" for the running kernel; what emulates the processor;
        what `inside` reported.
    """
    kernel = next(each for each in findings if each["what"] == "kernel")
    found: dict = {
        "suite": suite,
        "release": kernel["release"],
        "version": kernel["version"],
        "accelerator": accelerator,
        "features": {},
        "checks": {},
        "tests": outcome([each for each in findings if each["what"] == "tests"]),
        "chapters": {},
        "refusals": next((each for each in findings if each["what"] == "refusals"), None),
        "stations": next((each for each in findings if each["what"] == "stations"), None),
        "functions": next((each for each in findings if each["what"] == "functions"), None),
        "clinic": next((each["cases"] for each in findings if each["what"] == "clinic"), None),
    }
    for each in findings:
        what = each["what"]
        if what == "feature":
            found["features"].setdefault(each["name"], {})[each["role"]] = each["answer"]
        elif what == "five lines":
            right = found["checks"].get(what, WORKS) == WORKS and each["lines"] == FIVE_LINES
            found["checks"][what] = WORKS if right else "; ".join(each["lines"])
        elif what == "chapter":  # it works if it does for everybody
            if found["chapters"].get(each["name"], WORKS) == WORKS:
                found["chapters"][each["name"]] = each["answer"]
        elif what not in ("kernel", "tests", *SHOWN_ELSEWHERE):
            found["checks"][what] = each["answer"]
    return found


def outcome(runs: list[dict]) -> dict | None:
    """What became of the kernel tests, some of which root ran once more; None if none ran."""
    if not runs:
        return None
    passed = {name for run in runs for name in run["passed"]}
    skipped = {name for run in runs for name in run["skipped"]} - passed
    failed = [failure for run in runs for failure in run["failed"]]
    return {"passed": len(passed), "failed": failed, "skipped": sorted(skipped)}


def keep(new: dict, file: Path = FILE, page: Path = PAGE) -> None:
    """Put one kernel's findings in place of the older ones of its suite, and on the page.

    A quick run says nothing about chapters: then those of the last full run stay, if it was of
    the same release. Errors: MarkError if the page has no place for it.
    """
    refused = new["refusals"]
    new = {name: value for name, value in new.items() if name not in SHOWN_ELSEWHERE}
    if refused and refused["step"] == 1 and page == PAGE:
        refusals.keep(new["suite"], refused)
    kernels = load(file)
    old = next((each for each in kernels if each["suite"] == new["suite"]), None)
    if old and old["release"] == new["release"] and not new["chapters"]:
        new = new | {"chapters": old["chapters"], "tests": old["tests"]}
    kernels = [each for each in kernels if each["suite"] != new["suite"]] + [new]
    kernels.sort(key=lambda kernel: kernel["version"])
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"kernels": kernels}, indent=1) + "\n")
    marked.put(page, "kernels", markdown(kernels))
