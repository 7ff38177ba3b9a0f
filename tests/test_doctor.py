"""The readiness report: every row, its cure, and no traceback whatever is missing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from stored import COURSE
from unwelcome import no_bpf_call, ordinary_user, without_bpf

from chapters.ch00 import readiness
from chapters.ch00.readiness import MISSING, OK, WARNING, Finding, Report, Row
from helpers import libbpf, netlab, probes

DOCTOR = [sys.executable, "-m", "tools.doctor"]
PARTS = [
    "Python",
    "course folder",
    "Python packages",
    "kernel version",
    "bpf(2)",
    "clang",
    "libbpf",
    "BPF headers",
    "ping",
    "network",
    "IPv6",
    "kernel config",
    "BTF of the kernel",
    "tcpdump",
    "bpftool",
    "strace",
    "nft",
    "zstd",
    "bcc",
    "headers for bcc",
    "tracing",
    "temporary files",
    "watched files",
    "proxy",
    "home",
    "your copies",
    "the whole road",
]


def doctor(command: list[str] = (), **options) -> tuple[int, dict[str, tuple[str, str]], str]:
    """Exit status, status and cure of each part, and the whole text."""
    result = subprocess.run(
        [*command, *DOCTOR], cwd=COURSE, capture_output=True, text=True, **options
    )
    assert result.stderr == ""
    lines, parts = result.stdout.splitlines(), {}
    for line in lines:
        status, part = (
            line[:7].strip(),
            next((p for p in PARTS if line[9:].startswith(f"{p}  ")), None),
        )
        if status in (OK, WARNING, MISSING) and part:
            parts[part] = (status, line[9 + max(map(len, PARTS)) + 2 :])
    assert list(parts) == PARTS
    return result.returncode, parts, result.stdout


@pytest.mark.kernel
def test_the_course_can_run_here():
    found = readiness.report()
    assert [row.what for row in found.rows] == PARTS
    assert found.rows[-1] == Row("one ping sent, and counted to the byte", OK, "", "the whole road")
    assert readiness.ECHO == 2 * 98
    assert found.ready
    assert all((row.status == OK) == (row.cure == "") for row in found.rows)


@pytest.mark.kernel
def test_the_command_agrees():
    status, parts, text = doctor()
    assert status == 0
    assert parts["bpf(2)"] == (OK, "works")
    assert parts["the whole road"] == (OK, "one ping sent, and counted to the byte")
    assert text.splitlines()[-1].startswith("The course can run for real here")


@pytest.mark.parametrize(
    ("drop", "cure"),
    [
        (ordinary_user, "There is no sudo for you here: let root run setpriv"),
        (without_bpf, "CAP_BPF"),
    ],
)
def test_no_permission(drop, cure):
    status, parts, text = doctor(drop())
    assert status == 1
    assert parts["bpf(2)"] == (MISSING, "refused: capability")
    assert cure in text
    assert parts["the whole road"] == (MISSING, "not tried")
    assert re.search(r"Mend first: .*bpf\(2\)\.", text)  # and a root's checkout is not a user's


def test_refused_by_seccomp():
    status, parts, text = doctor(preexec_fn=no_bpf_call())
    assert status == 1
    assert parts["bpf(2)"] == (MISSING, "refused: seccomp")
    assert "Start the container with --cap-add BPF" in text


def test_no_tools_on_the_path():
    status, parts, text = doctor(env=os.environ | {"PATH": "/nonexistent"})
    assert status == 1
    assert parts["clang"] == parts["ping"] == (MISSING, "not installed")
    tools = [parts[name] for name in ("tcpdump", "bpftool", "strace", "nft", "zstd")]
    assert tools == [(WARNING, "not on the PATH")] * 5
    assert "Run ./course lab, or install the package clang." in text
    assert "Run ./course lab, or install the package iputils-ping." in text
    assert parts["the whole road"] == (MISSING, "not tried")


def test_another_language_changes_nothing():
    status, parts, text = doctor(ordinary_user(), env=os.environ | {"LC_ALL": "de_DE.UTF-8"})
    assert (status, parts["bpf(2)"]) == (1, (MISSING, "refused: capability"))


@pytest.mark.parametrize(
    ("module", "status", "found"),
    [
        ("__version__ = '0.1.10'", WARNING, "another package of that name, from PyPI"),
        ("raise OSError('libbcc.so.0: cannot open')", WARNING, "OSError: libbcc.so.0: cannot open"),
        ("__version__, BPF = '0.18.0', object", WARNING, "0.18.0, too old"),
        ("__version__, BPF = '0.26.0', object", OK, "0.26.0"),
    ],
)
def test_bcc_wrong_broken_and_right(tmp_path, monkeypatch, module, status, found):
    (tmp_path / "bcc.py").write_text(module)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    finding = readiness.bcc()
    assert (finding.status, finding.found) == (status, found)
    assert (finding.cure == "") == (status == OK)


@pytest.mark.parametrize(
    ("release", "status"),
    [("6.1.0-28-amd64", OK), ("5.8.0", OK), ("5.5.19", WARNING), ("5.4.0-42-generic", MISSING)],
)
def test_kernel_versions(release, status):
    assert readiness.kernel_version(release).status == status


@pytest.mark.parametrize(("version", "status"), [((3, 10, 0), OK), ((3, 9, 18), MISSING)])
def test_python_versions(version, status):
    assert readiness.python(version).status == status


def test_no_configuration_is_a_warning(tmp_path):
    finding = readiness.kernel_config(tmp_path, "6.1.0")
    assert (finding.status, finding.found) == (WARNING, "not in any of its four places")


def test_a_configuration_without_bpf_is_a_warning(tmp_path):
    (tmp_path / "boot").mkdir()
    path = tmp_path / "boot" / "config-6.1.0"
    path.write_text("# CONFIG_BPF_SYSCALL is not set\n")
    finding = readiness.kernel_config(tmp_path, "6.1.0")
    assert finding.found == f"{path}, CONFIG_BPF_SYSCALL is n"
    assert finding.status == WARNING


def test_a_configuration_that_cannot_be_read_is_a_warning(tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "config.gz").write_bytes(b"rubbish")
    row = readiness.check("kernel config", lambda: readiness.kernel_config(tmp_path), WARNING)
    assert row.status == WARNING
    assert "config.gz cannot be read" in row.found
    assert row.cure == "Go on without it, the course tries what it needs."


def test_headers_name_their_packages(tmp_path):
    finding = readiness.headers((tmp_path,))
    assert finding == Finding(
        "no linux/bpf.h, no bpf/bpf_helpers.h",
        MISSING,
        "Run ./course lab, or install linux-libc-dev and libbpf-dev.",
    )


def test_libbpf_missing(monkeypatch):
    def no_library():
        raise libbpf.LibraryError("libbpf is not installed: run ./course lab.")

    monkeypatch.setattr(libbpf, "library", no_library)
    row = readiness.check("libbpf", readiness.library)
    assert row == Row("libbpf is not installed", MISSING, "Run ./course lab.", "libbpf")


def test_a_shared_lo_is_a_warning(monkeypatch):
    monkeypatch.setattr(netlab, "open_network", lambda: netlab.Network("shared lo"))
    finding = readiness.network()
    assert (finding.status, finding.found) == (WARNING, "shared lo")


@pytest.mark.parametrize("answer", sorted(readiness.REFUSALS))
def test_each_refusal_has_its_cure(monkeypatch, answer):
    monkeypatch.setattr(probes, "access", lambda: answer)
    assert readiness.bpf() == Finding(f"refused: {answer}", MISSING, readiness.REFUSALS[answer])


def test_a_check_that_breaks_becomes_a_row():
    row = readiness.check("odd", lambda: 1 // 0, WARNING)
    assert row.status == WARNING
    assert row.found == "ZeroDivisionError: integer division or modulo by zero"
    assert row.cure == "Run ./course lab, which sets up what it can."


def test_the_table_in_a_notebook():
    html = Report([Row("a < b", WARNING, "Mend it.", "part")])._repr_html_()
    assert html.count('<th scope="col"') == 4
    assert html.count('<th scope="row"') == 1
    assert "<caption" in html
    assert "a &lt; b" in html
    assert ">warning</td>" in html


@pytest.mark.parametrize(
    ("statuses", "ready", "verdict"),
    [
        ([OK, OK], True, "can run for real here."),
        ([OK, WARNING], True, "can run for real here, but for what the warnings name."),
        ([WARNING, MISSING], False, "cannot run for real here yet: mend what is missing."),
    ],
)
def test_the_verdict(statuses, ready, verdict):
    found = Report([Row("found", status, "Mend it.", "part") for status in statuses])
    assert (found.ready, found.verdict) == (ready, f"The course {verdict}")
    assert repr(found).endswith(f"\n\nThe course {verdict}")


def test_nothing_is_left_behind():
    before = set(Path("/proc/self/fd").iterdir())
    readiness.report()
    assert len(set(Path("/proc/self/fd").iterdir())) == len(before)


def test_the_bcc_of_pypi_is_known_without_being_imported(tmp_path, monkeypatch):
    (tmp_path / "bcc").mkdir()
    (tmp_path / "bcc/__init__.py").write_text("import no_such_module_as_pytest")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    code = (
        "from chapters.ch00 import readiness; from helpers.bcc import program\n"
        "print(readiness.bcc().found)\n"
        "try: program.library()\nexcept program.BccError as error: print(error)"
    )
    command = [sys.executable, "-c", code]
    found, refusal = subprocess.check_output(command, cwd=COURSE, text=True).splitlines()
    assert found == "another package of that name, from PyPI"
    assert refusal.startswith("The package bcc here is the one from PyPI")


@pytest.mark.parametrize(
    ("setting", "value", "cure"),
    [
        ("user/max_user_namespaces", "0", "sysctl user.max_user_namespaces=15000"),
        ("kernel/unprivileged_userns_clone", "0", "sysctl kernel.unprivileged_userns_clone=1"),
        (
            "kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "sysctl kernel.apparmor_restrict_unprivileged_userns=0",
        ),
    ],
)
def test_the_setting_that_forbids_user_namespaces_is_named(tmp_path, setting, value, cure):
    path = tmp_path / "proc/sys" / setting
    path.parent.mkdir(parents=True)
    path.write_text(f"{value}\n")
    assert cure in readiness.namespaces(tmp_path)
    path.write_text("7\n")
    assert "sysctl" not in readiness.namespaces(tmp_path)


def test_a_command_in_a_cure_is_not_broken_within_a_word():
    command = "let root run " + " ".join(f"--option-{n} {'x' * 30}" for n in range(9))
    lines = repr(Report([Row("found", MISSING, command, "part")])).splitlines()
    assert " ".join(line.strip() for line in lines[1:-2]) == command
