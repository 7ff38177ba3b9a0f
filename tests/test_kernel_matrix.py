"""The table of kernels, and how a virtual machine is put together; no kernel is booted here."""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from stored import COURSE

from chapters.ch01 import kernel_matrix
from helpers import capabilities, counters, features, kernel, loader, probes, rights
from tools import marked, private_apt, privileges
from tools.kernels import fetch, initramfs, machine, modules, results, stations

NAMES = [feature.name for feature in features.FEATURES]


def findings(release: str = "5.10.0-1-amd64", chapters: bool = False) -> list[dict]:
    """What `inside` reports of a kernel that lacks the last feature and gives root the first."""
    found = [{"what": "kernel", "role": "root", "release": release, "version": [5, 10]}]
    for role, denied in (("root", []), ("user", NAMES[:1])):
        for name in NAMES[:-1]:
            answer = "Operation not permitted" if name in denied else "works"
            found.append({"what": "feature", "role": role, "name": name, "answer": answer})
        last = {"what": "feature", "role": role, "name": NAMES[-1], "answer": "Invalid argument"}
        found += [last, {"what": "five lines", "role": role, "lines": results.FIVE_LINES}]
    found.append({"what": "exact", "role": "user", "answer": "works"})
    if chapters:
        for role, passed, skipped in (("user", ["a", "b"], ["c"]), ("root", ["b", "c"], [])):
            outcome = {"passed": passed, "failed": [], "skipped": skipped}
            found.append({"what": "tests", "role": role} | outcome)
        for role, name, answer in (
            ("user", "00_start_here", "works"),
            ("user", "01_kernel_config", "It stopped."),
            ("root", "01_kernel_config", "works"),
        ):
            found.append({"what": "chapter", "role": role, "name": name, "answer": answer})
    return found


def row(kernels: list[dict], name: str) -> tuple[str, ...]:
    return next(row for row in kernel_matrix.table(kernels).rows if row[0] == name)


def test_the_table_says_what_was_found_and_guesses_nothing():
    full = results.entry("bullseye", "tcg", findings(chapters=True))
    quick = results.entry("bookworm", "tcg", findings())
    kernels = [full, quick | {"features": {}}]
    assert row(kernels, NAMES[0])[2:] == ("root", "not run")
    assert row(kernels, NAMES[1])[2:] == ("yes", "not run")
    assert row(kernels, NAMES[-1])[2:] == ("no", "not run")
    assert row(kernels, "the five lines of sockex1")[1:] == ("4.1, says the article", "yes", "yes")
    assert row(kernels, "the kernel tests")[2:] == ("3 passed", "not run")
    assert full["tests"]["skipped"] == []  # root ran the one that the user may not
    assert row(kernels, "chapter 00 start here")[2:] == ("yes", "not run")
    assert row(kernels, "chapter 01 kernel config")[2:] == ("stops", "not run")
    assert "Chapter 01_kernel_config on 5.10: It stopped." in kernel_matrix.markdown(kernels)
    assert "the article's word" in kernel_matrix.markdown(kernels)


def test_one_role_without_the_five_lines_is_enough_to_say_no():
    wrong = findings()
    wrong.append({"what": "five lines", "role": "user", "lines": ["nothing came"]})
    assert results.entry("x", "tcg", wrong)["checks"]["five lines"] == "nothing came"


def test_a_quick_run_keeps_the_chapters_of_the_same_release_only(tmp_path):
    file, page = tmp_path / "data/kernels.json", tmp_path / "kernels.md"
    page.write_text("before\n<!-- kernels: begin -->\nold\n<!-- kernels: end -->\nafter\n")

    def keep(release: str, chapters: bool) -> dict:
        entry = results.entry("bullseye", "tcg", findings(release, chapters))
        results.keep(entry, file, page)
        (kept,) = kernel_matrix.load(file)
        return kept

    assert len(keep("5.10.0-1-amd64", True)["chapters"]) == 2
    assert len(keep("5.10.0-1-amd64", False)["chapters"]) == 2
    assert keep("5.10.0-2-amd64", False)["chapters"] == {}
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("\nafter\n")
    assert marked.part(page, "kernels") == kernel_matrix.markdown(kernel_matrix.load(file))


def test_a_page_without_a_place_for_the_table_is_one_sentence(tmp_path):
    page = tmp_path / "kernels.md"
    page.write_text("<!-- kernels: begin -->\nold")
    with pytest.raises(marked.MarkError, match="has no part kernels: put the lines .* back"):
        marked.put(page, "kernels", "new")
    assert page.read_text() == "<!-- kernels: begin -->\nold"


def test_the_page_shows_the_stored_table_and_the_readme_its_oldest_kernel():
    assert marked.part(results.PAGE, "kernels") == kernel_matrix.markdown()
    oldest = ".".join(map(str, kernel_matrix.load()[0]["version"]))
    assert f"tested from {oldest} on" in (COURSE / "README.md").read_text()


def test_the_page_of_stations_shows_what_is_stored(tmp_path):
    kernels = stations.load()
    assert marked.part(stations.PAGE, "stations") == stations.markdown(kernels)
    assert {each["suite"] for each in kernels} == {"", *fetch.SUITES}


def test_a_station_is_passed_there_or_not(tmp_path):
    file, page = tmp_path / "stations.json", tmp_path / "stations.md"
    page.write_text("<!-- stations: begin -->\nold\n<!-- stations: end -->\n")
    there = {name: [True, True] for name in stations.STATIONS} | {"icmp_send": [False, False]}
    traced = {"stations": there, "tcp": {"mine": [["netif_rx", 1, 84]]}, "passed": ["kfree_skb"]}
    found = {"release": "5.10.0-1", "version": [5, 10], "traced": traced, "compared": 3}
    for suite in ("bullseye", "bullseye", ""):
        stations.keep(suite, found, file, page)
    rows = dict(line[2:-2].split(" | ", 1) for line in page.read_text().splitlines()[1:-3])
    assert rows["station"] == "5.10 | 5.10 (running)"
    assert rows["`netif_rx`"] == rows["`kfree_skb`"] == "passed | passed"
    assert (rows["`icmp_send`"], rows["`consume_skb`"]) == ("no | no", "there | there")
    assert rows["packets compared"] == "3 | 3"


def test_without_a_file_nothing_is_known(tmp_path):
    assert kernel_matrix.load(tmp_path / "none.json") == []
    assert kernel_matrix.table([]).head == ("", "since")


def test_an_object_that_is_too_new_is_answered_with_the_kernel_that_it_needs(monkeypatch):
    no = features.Feature("ring buffer maps", "5.8", lambda: "Invalid argument", "map", 27)
    monkeypatch.setattr(features, "FEATURES", (no,))
    assert features.lacking([("map", 2), ("program", 1)]) is None
    said = features.lacking([("map", 2), ("map", 27)])
    assert f"({os.uname().release}) does not know ring buffer maps" in said
    assert "Linux 5.8" in said


@pytest.mark.kernel
def test_the_loader_tries_what_the_object_uses(monkeypatch, sockex1_object):
    # This kernel has all that sockex1 uses; a feature to come stands for what an older one lacks.
    assert features.lacking([("map", 2), ("flag", features.MMAPABLE), ("program", 1)]) is None
    newer = features.Feature("maps to come", "99.0", lambda: "Invalid argument", "flag", 1024)
    monkeypatch.setattr(features, "FEATURES", (*features.FEATURES, newer))
    assert "maps to come" in loader.explain(22, sockex1_object, "")
    assert "maps to come" not in loader.explain(22, sockex1_object, "processed")


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.kernel
def test_each_feature_is_tried_and_given_up():
    before = open_files()
    for feature in features.FEATURES:
        assert feature.attempt() in ("works", "Invalid argument", "Operation not permitted")
    assert open_files() == before


def test_a_limit_on_memory_is_blamed_only_before_5_11(monkeypatch):
    allowed = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    monkeypatch.setattr(capabilities, "held", lambda: ["CAP_BPF"])
    monkeypatch.setattr(rights.resource, "getrlimit", lambda _: (64 << 10, allowed[1]))
    for version, limit in (((5, 10), 64 << 10), ((5, 11), None)):
        monkeypatch.setattr(kernel, "version", lambda version=version: version)
        assert rights.memory_limit() == limit
    monkeypatch.setattr(kernel, "version", lambda: (5, 10))
    assert "than 64 KB" in rights.refusal("loading a socket filter", ())
    monkeypatch.setattr(capabilities, "held", lambda: [])
    assert rights.memory_limit() is None


def test_a_type_that_the_kernel_does_not_know_names_the_kernel_that_does(monkeypatch):
    monkeypatch.setattr(probes, "try_map", lambda *_: "Invalid argument")
    ring = next(each for each in probes.TYPES if each.name == "ring buffer")
    assert probes.in_words(ring) == "Invalid argument: it came with Linux 5.8"


@pytest.mark.kernel
def test_counters_on_a_kernel_without_memory_mapped_arrays(monkeypatch, sockex1):
    no = features.Feature("such arrays", "5.5", lambda: "Invalid argument", "flag", 1024)
    monkeypatch.setattr(features, "FEATURES", (no,))
    monkeypatch.setattr(counters.mmap, "mmap", lambda *_: Path("/nowhere").stat())
    with pytest.raises(counters.CounterError, match="such arrays: that came with Linux 5.5"):
        counters.Counters(sockex1.map("bytes_by_protocol"))


@pytest.mark.parametrize(("version", "raised"), [((5, 10), True), ((5, 11), False)])
def test_the_course_raises_the_limit_where_it_counts(monkeypatch, version, raised):
    monkeypatch.setattr(kernel, "version", lambda: version)
    set_to = []
    monkeypatch.setattr(privileges.resource, "setrlimit", lambda *limits: set_to.append(limits))
    privileges.raise_memory_limit()
    assert bool(set_to) == raised
    assert ("prlimit" in privileges.handing_over(1 << 39)) == raised


def test_the_archive_is_one_that_cpio_reads(tmp_path):
    files = [("a", 0o040755, b"", (0, 0)), ("a/b", 0o100644, b"hello", (0, 0))]
    data = initramfs.archive(files)
    assert data.startswith(b"070701") and len(data) % 4 == 0
    names, at = [], 0
    while at < len(data):
        fields = [int(data[at + 6 + 8 * i : at + 14 + 8 * i], 16) for i in range(13)]
        name = data[at + 110 : at + 110 + fields[11] - 1].decode()
        at += (110 + fields[11] + 3) // 4 * 4
        content, at = data[at : at + fields[6]], at + (fields[6] + 3) // 4 * 4
        names.append((name, content))
    assert names == [("a", b""), ("a/b", b"hello"), ("TRAILER!!!", b"")]


@pytest.fixture
def folder(tmp_path):
    """A kernel's modules: a needs b-c, which needs d; d is built in."""
    release = tmp_path / "9.9"
    (release / "kernel").mkdir(parents=True)
    (release / "modules.builtin").write_text("kernel/lib/d.ko\n")
    for name, needs in (("a", "b-c"), ("b-c", "d")):
        words = f'"name={name}\\0depends={needs}"'
        source = f'const char w[] __attribute__((section(".modinfo"), used)) = {words};'
        path = release / "kernel" / f"{name}.ko"
        subprocess.run(["gcc", "-xc", "-", "-c", "-o", path], input=source, text=True, check=True)
    return release


def test_modules_come_after_those_that_they_need(folder):
    assert list(modules.closure(folder, ("a",), ("no_such",))) == ["b_c", "a"]


def test_a_module_that_is_not_there_is_named(folder):
    with pytest.raises(modules.ModuleError, match="9.9 has no module veth"):
        modules.closure(folder, ("veth",), ())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("deb http://mirror.example/debian bookworm main\n", "http://mirror.example/debian"),
        ("Types: deb\nURIs: https://m.example/debian/\n", "https://m.example/debian"),
        ("# deb http://old.example/debian x\n", private_apt.DEFAULT_MIRROR),
        ("deb http://security.example/debian-security x\n", private_apt.DEFAULT_MIRROR),
    ],
)
def test_the_mirror_is_the_machines_own(tmp_path, text, found):
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d/debian.sources").write_text(text)
    assert private_apt.mirror(tmp_path) == found


def test_apt_that_fails_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(private_apt, "mirror", lambda: "http://127.0.0.1:9/debian")
    if not private_apt.KEYRING.is_file():
        pytest.skip("there is no Debian keyring here")
    with pytest.raises(private_apt.FetchError, match="is the network there"):
        private_apt.PrivateApt(tmp_path, "bookworm").update()


def test_a_machine_that_ends_early_says_its_last_words(tmp_path, monkeypatch):
    stand_in = tmp_path / machine.QEMU
    stand_in.write_text("#!/bin/sh\necho first line\necho it broke >&2\n")
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(initramfs, "build", lambda *_: b"")
    monkeypatch.setattr(fetch, "busybox", lambda *_: None)
    a_kernel = fetch.Kernel("x", tmp_path / "vmlinuz", tmp_path / "9.9")
    with pytest.raises(machine.BootError, match="(?s)9.9 ended before.*it broke"):
        list(machine.run(a_kernel, ["true"], 10, accelerator="tcg"))


OWNER = """
import sys
from pathlib import Path
from tools.kernels import fetch, initramfs, machine
initramfs.build = lambda *_: b""
fetch.busybox = lambda *_: None
here = Path(sys.argv[1])
a_kernel = fetch.Kernel("x", here / "vmlinuz", here / "9.9")
for line in machine.run(a_kernel, ["true"], 600, accelerator="tcg"):
    print(line, flush=True)
"""


def test_a_machine_does_not_outlive_its_owner(tmp_path):
    stand_in = tmp_path / machine.QEMU
    stand_in.write_text("#!/bin/sh\necho $$\nexec sleep 600\n")
    stand_in.chmod(0o755)
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, tmp_path],
        cwd=COURSE,
        env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    ) as owner:
        guest = os.pidfd_open(int(owner.stdout.readline()))
        owner.kill()
    ended, _, _ = select.select([guest], [], [], 10)
    if not ended:
        signal.pidfd_send_signal(guest, signal.SIGKILL)
    os.close(guest)
    assert ended


def test_only_a_kvm_that_works_is_remembered(tmp_path, monkeypatch):
    def no_guest(*_: object) -> Iterator[str]:
        raise machine.BootError("The machine ended before its command.")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (private_apt.cache() / "kernels").mkdir(parents=True)
    monkeypatch.setattr(machine, "KVM", tmp_path)
    a_kernel = fetch.Kernel("x", tmp_path / "vmlinuz", tmp_path / "9.9")
    for guest, answer in ((no_guest, "tcg"), (lambda *_: iter(["kvm"]), "kvm"), (no_guest, "kvm")):
        machine.fastest.cache_clear()  # as in a process that starts anew
        monkeypatch.setattr(machine, "run", guest)
        assert machine.fastest(a_kernel) == answer
    machine.fastest.cache_clear()


def test_without_qemu_it_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    a_kernel = fetch.Kernel("x", tmp_path / "vmlinuz", tmp_path / "9.9")
    with pytest.raises(machine.BootError, match="test --kernels"):
        list(machine.run(a_kernel, ["true"], 10))


@pytest.mark.parametrize(
    ("options", "machines", "clinic", "chapters"),
    [
        ([], False, False, False),
        (["--kernels"], True, False, False),
        (["--kernels=refusals"], True, True, False),
        (["--kernels=full"], True, True, True),
    ],
)
def test_the_machines_run_only_when_they_are_asked_for(options, machines, clinic, chapters):
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "tests/test_kernels.py"]
    done = subprocess.run([*command, *options], cwd=COURSE, capture_output=True, text=True)
    assert ("::" in done.stdout) == machines
    assert ("test_it_counts" in done.stdout) == machines
    assert ("test_the_clinic" in done.stdout) == clinic
    assert ("test_every_chapter_runs" in done.stdout) == chapters


def test_the_stored_table_is_json_of_known_features():
    kernels = json.loads(kernel_matrix.FILE.read_text())["kernels"]
    assert [each["suite"] for each in kernels if each["suite"]] == list(fetch.SUITES)
