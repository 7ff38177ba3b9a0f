"""Settings that a learner's machine may have, and what the course does under each.

Each is tried in a virtual machine with the kernel of Debian's stable release, as an ordinary user
with what ./course hands over. Laboratory equipment.
"""

from __future__ import annotations

import datetime
import json
import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from chapters.ch00 import readiness
from helpers.errors import CourseError
from helpers.features import WORKS
from helpers.toolchain import COURSE
from tools import apparmor, marked
from tools.kernels import attempts, fetch, results

SUITE = "trixie"
PAGE = COURSE / "docs" / "kernels.md"
# Nobody has set this clock: it goes on by an hour, ten times a second.
JUMPING = "(while :; do date -s @$(($(date +%s) + 3600)); sleep 0.1; done) >/dev/null 2>&1 &"
# What Ubuntu does to every program without a profile of its own, Debian's kernel does to one that
# has such a profile: setpriv, by which root becomes the learner.
FORBIDDING = """abi <abi/4.0>,
profile course-forbids /usr/bin/setpriv {
  allow all,
  change_profile -> **,
  deny userns,
}
"""
SAID = "COURSE_SETTING_SAID"  # the variable with what a setting's shell had to say


@dataclass(frozen=True)
class Setting:
    """One machine. options: of the kernel's command line. before: run by root's shell.

    profiles: AppArmor's, which are loaded then.
    """

    name: str
    options: str = ""
    before: str = ""
    memory: str = "2G"
    processors: int = 1
    profiles: tuple[str, ...] = ()


SETTINGS = (
    Setting("as Debian has it"),
    Setting("IPv6 not in the kernel: ipv6.disable=1", options="ipv6.disable=1"),
    Setting(
        "IPv6 off by sysctl: net.ipv6.conf.*.disable_ipv6=1",
        before="sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1",
    ),
    Setting(
        "no user namespaces: user.max_user_namespaces=0",
        before="sysctl -qw user.max_user_namespaces=0",
    ),
    Setting(
        "no user namespaces for users: kernel.unprivileged_userns_clone=0",
        before="sysctl -qw kernel.unprivileged_userns_clone=0",
    ),
    Setting("lockdown=integrity", options="lockdown=integrity"),
    Setting("lockdown=confidentiality", options="lockdown=confidentiality"),
    *(
        Setting(
            f"kernel.unprivileged_bpf_disabled={value}",
            before=f"sysctl -qw kernel.unprivileged_bpf_disabled={value}",
        )
        for value in (0, 1, 2)
    ),
    Setting(
        "the JIT off: net.core.bpf_jit_enable=0", before="sysctl -qw net.core.bpf_jit_enable=0"
    ),
    Setting(
        "the JIT hardened: net.core.bpf_jit_harden=2", before="sysctl -qw net.core.bpf_jit_harden=2"
    ),
    Setting("512 MB of memory", memory="512M"),
    Setting("two processors", processors=2),
    Setting("a clock that jumps by an hour, ten times a second", before=JUMPING),
    Setting("AppArmor that forbids user namespaces", profiles=(FORBIDDING,)),
    Setting("the same, after ./course doctor --apparmor", profiles=(FORBIDDING, apparmor.TEXT)),
)


def command(setting: Setting, inside: list[str]) -> list[str]:
    """What root's shell runs in the machine of a setting: what cannot be set is handed on."""
    lines = [setting.before or ":"]
    if setting.profiles:
        parser = shlex.join([*fetch.apparmor_parser(), "--replace", "--quiet"])
        lines.append("mount -t securityfs securityfs /sys/kernel/security")
        lines += [f"printf %s {shlex.quote(text)} | {parser}" for text in setting.profiles]
    before = f"{{ {'; '.join(lines)}\n}} 2>&1"
    return ["sh", "-c", f'{SAID}="$({before})" {shlex.join(inside)}']


def tried() -> dict:
    """What this process finds: the five lines, exact counts, and what the report has to say."""
    try:
        lines = attempts.five_lines()
        five = WORKS if lines == results.FIVE_LINES else "; ".join(lines)
    except CourseError as error:
        five = str(error)
    try:
        exact = attempts.exact()
    except CourseError as error:
        exact = str(error)
    report = readiness.report()
    rows = [
        {"what": row.what, "status": row.status, "found": row.found, "cure": row.cure}
        for row in report.rows
        if row.status != readiness.OK
    ]
    found = {"release": os.uname().release, "before": os.environ.get(SAID, "")}
    return found | {"five": five, "exact": exact, "rows": rows}


def keep(found: list[dict], page: Path = PAGE) -> None:
    """Write the table. Arguments: of each setting, what was `tried`, and its name.

    Errors: MarkError if the page has no place for it.
    """
    usual = {json.dumps(row) for row in found[0]["rows"]}
    head = ["setting", "the five lines", "exact counts", "what the report says beside the usual"]
    lines = ["| " + " | ".join(head) + " |", "| --- " * len(head) + "|"]
    for each in found:
        said = [
            f"{row['what']}: {row['found']}. {row['cure']}".rstrip(". ") + "."
            for row in each["rows"]
            if json.dumps(row) not in usual
        ]
        if each["before"]:
            said.insert(0, f"This kernel cannot be set so: {each['before']}.")
        cells = [each["name"], each["five"], each["exact"], " ".join(said) or "nothing"]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    left = [each.name for each in SETTINGS if each.name not in {entry["name"] for entry in found}]
    where = f"{found[0]['release']}, {datetime.date.today().isoformat()}, one processor of QEMU's"
    lines += ["", f"Tried on {where} (Debian {SUITE}), as a user with what `./course` hands over."]
    lines += [f"Not run: {'; '.join(left)}."] if left else []
    marked.put(page, "settings", "\n".join(lines))
