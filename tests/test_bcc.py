"""bcc: headers found or put together, refusals in one sentence, and counts that are exact."""

from __future__ import annotations

import os
import platform
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import stored
from unwelcome import no_bpf_call, without_bpf

from chapters.ch05 import check as ch05
from chapters.ch05.table_counters import TableCounters
from helpers import sockets, toolchain, traffic
from helpers.bcc import headers as bcc_headers
from helpers.bcc import program as bcc_program
from helpers.bcc.headers import BccError, Headers
from helpers.counters import Counters

MACHINE = bcc_headers.ARCHITECTURES.get(platform.machine(), platform.machine())
PARTS = [part.format(MACHINE) for part in bcc_headers.PARTS]
GENERATED = [part for part in PARTS if "generated" in part]
SOURCE = ch05.program("sockex1")
PROGRAMS = sorted(toolchain.SOURCES.glob("*_bcc.c"))
RUNNING = "6.18.1-test"


def one_sentence(error: BaseException) -> str:
    """The message's first line, which must be one sentence with a cure; then comes the C line."""
    sentence = str(error).splitlines()[0]
    assert sentence.endswith("."), sentence
    assert not re.search(r"[.!?] +[A-Z]", sentence), sentence
    return sentence


def make(folder: Path, parts: list[str], release: str = "") -> Path:
    """A headers folder with these files in it."""
    for part in parts:
        (folder / part).parent.mkdir(parents=True, exist_ok=True)
        (folder / part).write_text("")
    if release:
        (folder / bcc_headers.RELEASE).parent.mkdir(parents=True, exist_ok=True)
        (folder / bcc_headers.RELEASE).write_text(f'#define UTS_RELEASE "{release}"\n')
    return folder


# How the Makefile of the flavour's half leads to the other: before Linux 7, and since.
MAKEFILES = ("include /{common}/Makefile\n", "KBUILD_OUTPUT={half}\ninclude /{common}/Makefile\n")


def debian(root: Path, version: str, makefile: str = MAKEFILES[0]) -> tuple[Path, Path]:
    """The two halves that Debian's headers packages install."""
    half = make(root / f"usr/src/linux-headers-{version}-amd64", GENERATED, f"{version}-amd64")
    common = f"usr/src/linux-headers-{version}-common"
    (half / "Makefile").write_text(makefile.format(half=half, common=common))
    return half, make(root / common, [part for part in PARTS if part not in GENERATED])


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """BCC_KERNEL_SOURCE as nobody set it, and put back afterwards whatever use() did."""
    monkeypatch.setenv(bcc_headers.VARIABLE, "")
    monkeypatch.delenv(bcc_headers.VARIABLE)


# --- headers


def test_this_kernels_own_come_first_and_bcc_finds_them_by_itself(tmp_path, monkeypatch):
    release = os.uname().release
    own = make(tmp_path / f"lib/modules/{release}/build", PARTS, release)
    make(tmp_path / "usr/src/linux-headers-9.9.9", PARTS, "9.9.9")
    monkeypatch.setenv(bcc_headers.VARIABLE, str(make(tmp_path / "mine", PARTS)))
    assert bcc_headers.use(tmp_path) == Headers(release, (own,), "this kernel's own")
    assert bcc_headers.VARIABLE not in os.environ


def test_own_headers_may_lie_in_two_halves_which_bcc_takes_together(tmp_path):
    modules = tmp_path / "lib/modules" / RUNNING
    make(modules / "build", GENERATED, RUNNING)
    make(modules / "source", [part for part in PARTS if part not in GENERATED])
    found = bcc_headers.find(tmp_path, RUNNING)
    assert found.folders == (modules / "build", modules / "source")
    assert found.origin == "this kernel's own"


@pytest.mark.parametrize(
    ("commands", "found"),
    [
        (("tar", "xz"), (RUNNING, "this kernel's own")),
        (("tar",), ("9.9.9", "for another kernel")),  # bcc unpacks them with both
    ],
)
def test_packed_headers_are_this_kernels_own(tmp_path, monkeypatch, commands, found):
    monkeypatch.setattr(shutil, "which", lambda name: name if name in commands else None)
    (tmp_path / "sys/kernel").mkdir(parents=True)
    (tmp_path / "sys/kernel/kheaders.tar.xz").write_bytes(b"packed")
    make(tmp_path / "usr/src/linux-headers-9.9.9", PARTS, "9.9.9")
    headers = bcc_headers.find(tmp_path, RUNNING)
    assert (headers.version, headers.origin) == found


def test_those_that_the_user_names_come_second(tmp_path, monkeypatch):
    mine = make(tmp_path / "mine", PARTS, "5.0.0-mine")
    make(tmp_path / "usr/src/linux-headers-9.9.9", PARTS, "9.9.9")
    monkeypatch.setenv(bcc_headers.VARIABLE, str(mine))
    found = bcc_headers.use(tmp_path)
    assert str(found) == f"5.0.0-mine, from BCC_KERNEL_SOURCE, {mine}"
    assert os.environ[bcc_headers.VARIABLE] == str(mine)


@pytest.mark.parametrize(
    "place", ["usr/src/linux-headers-6.8.0-31-generic", "usr/src/kernels/6.8.5", "lib/modules/6.8"]
)
def test_another_kernels_are_enough(tmp_path, place):
    folder = make(tmp_path / place / ("build" if "modules" in place else ""), PARTS, "6.8.5")
    assert bcc_headers.find(tmp_path, RUNNING) == Headers("6.8.5", (folder,), "for another kernel")
    assert bcc_headers.use(tmp_path).version == "6.8.5"
    assert os.environ[bcc_headers.VARIABLE] == str(folder)


def test_the_newest_is_taken_unless_one_is_for_this_kernel(tmp_path):
    for release in ("6.9.1", "6.10.0", RUNNING, "6.20.0", "6.30.0"):
        gone = PARTS[:1] if release == "6.30.0" else []
        parts = [part for part in PARTS if part not in gone]
        make(tmp_path / f"usr/src/linux-headers-{release}", parts, release)
    found = bcc_headers.find(tmp_path, RUNNING)
    assert (found.version, found.origin) == (RUNNING, "for this kernel")
    assert bcc_headers.find(tmp_path, "6.5.0").version == "6.20.0"


@pytest.mark.parametrize("makefile", MAKEFILES)
def test_two_halves_are_linked_together_and_stay_as_they_were(tmp_path, makefile):
    halves = debian(tmp_path, "6.1.0-9", makefile)
    before = sorted(path for half in halves for path in half.rglob("*"))
    merged = tmp_path / "merged"
    found = bcc_headers.use(tmp_path, merged)
    assert found == Headers("6.1.0-9-amd64", halves, "for another kernel")
    target = merged / "6.1.0-9-amd64"
    assert os.environ[bcc_headers.VARIABLE] == str(target)
    assert bcc_headers.missing((target,)) == []
    assert sorted(path for half in halves for path in half.rglob("*")) == before
    assert list(merged.iterdir()) == [target]
    linked = target.stat().st_mtime_ns
    os.environ.pop(bcc_headers.VARIABLE)
    assert bcc_headers.use(tmp_path, merged) == found
    assert target.stat().st_mtime_ns == linked


def test_links_that_lead_nowhere_any_more_are_made_again(tmp_path):
    debian(tmp_path, "6.1.0-9")
    headers = bcc_headers.find(tmp_path, RUNNING)
    merged = bcc_headers.merge(headers, tmp_path / "merged")
    (merged / PARTS[0].split("/")[0]).rename(tmp_path / "gone")
    assert bcc_headers.missing((merged,))
    assert bcc_headers.missing((bcc_headers.merge(headers, tmp_path / "merged"),)) == []


def test_a_folder_of_our_own_that_cannot_be_written(tmp_path):
    debian(tmp_path, "6.1.0-9")
    (tmp_path / "file").write_text("")
    with pytest.raises(BccError) as caught:
        bcc_headers.use(tmp_path, tmp_path / "file" / "merged")
    assert "make that folder writable" in one_sentence(caught.value)


def test_no_headers_anywhere(tmp_path):
    with pytest.raises(BccError) as caught:
        bcc_headers.find(tmp_path, RUNNING)
    sentence = one_sentence(caught.value)
    assert sentence.startswith("There are no kernel headers here")
    assert f"run ./course lab, or install {bcc_headers.package()}" in sentence


def test_headers_that_are_half_there(tmp_path):
    half, common = debian(tmp_path, "6.1.0-9")
    (half / GENERATED[0]).unlink()
    with pytest.raises(BccError) as caught:
        bcc_headers.find(tmp_path, RUNNING)
    assert f"{half} and {common}, without {GENERATED[0]}" in one_sentence(caught.value)
    shutil.rmtree(half)
    with pytest.raises(BccError) as caught:
        bcc_headers.find(tmp_path, RUNNING)
    assert f"{common}, without include/generated/autoconf.h" in one_sentence(caught.value)


def test_half_a_folder_named_by_the_user_is_passed_over(tmp_path, monkeypatch):
    monkeypatch.setenv(bcc_headers.VARIABLE, str(make(tmp_path / "mine", PARTS[:2])))
    make(tmp_path / "usr/src/linux-headers-6.8.0", PARTS, "6.8.0")
    assert bcc_headers.find(tmp_path, RUNNING).version == "6.8.0"


@pytest.mark.parametrize(
    ("text", "package"),
    [
        ('ID=debian\nVERSION_ID="12"\n', "linux-headers-cloud-"),
        ("ID=ubuntu\nID_LIKE=debian\n", "linux-headers-generic"),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', "linux-headers-generic"),
        ("ID=other\n", "the kernel's headers"),
    ],
)
def test_the_package_of_each_distribution(tmp_path, text, package):
    (tmp_path / "os-release").write_text(text)
    assert bcc_headers.package(tmp_path / "os-release").startswith(package)


# --- the package bcc


@pytest.mark.parametrize(
    ("module", "cause", "cure"),
    [
        ("__version__ = '0.1.10'", "the one from PyPI", "-m pip uninstall bcc"),
        ("BPF, __version__ = object, '0.18.0'", "0.18.0 is too old", "0.21 or later"),
        ("raise OSError('libbcc.so.0: not found')", "libbcc.so.0", "./course lab"),
        ("import nowhere_to_be_found", "nowhere_to_be_found", "python3-bpfcc"),
    ],
)
def test_bcc_wrong_old_and_broken(tmp_path, monkeypatch, module, cause, cure):
    (tmp_path / "bcc.py").write_text(module)
    monkeypatch.delitem(sys.modules, "bcc", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BccError) as caught:
        bcc_program.library()
    sys.modules.pop("bcc", None)
    assert cause in one_sentence(caught.value)
    assert cure in one_sentence(caught.value)


@pytest.mark.parametrize(
    ("version", "old"),
    [("0.18.0", True), ("v0.20.0+ds", True), ("0.21.0", False), ("1.0", False), ("main", False)],
)
def test_versions(version, old):
    assert bcc_program.too_old(version) is old


# --- refusals


def changed(old: str, new: str) -> str:
    assert old in SOURCE
    return "\n" + SOURCE.replace(old, new)


REFUSED = [
    (changed("256);", "256)"), 4, "BPF_ARRAY(bytes_by_protocol, u64, 256)"),
    (changed("return 0;", "return nought;"), 10, "return nought;"),
    (changed("protocol, skb->len", "protocol, skb->size"), 9, "skb->size"),
    (changed(".atomic_increment(", ".add("), 9, ".add("),
    (changed("bytes_by_protocol.a", "bytes.a"), 9, "bytes.a"),
    # Those that only show in what bcc has made of the program: its lines are not ours.
    (changed("    return 0;", "    u64 many[500] = {};\n    return many[protocol];"), 10, "many["),
    (changed("return 0;", "return skb->len * 1.5;"), 10, "1.5"),
    (changed("return 0;", "return protocol / (int)skb->mark;"), 10, "skb->mark"),
    (
        changed("int protocol", "struct { int x; } _leaf = {};\n    int protocol").replace(
            "skb->len", "_leaf.x"
        ),
        10,
        "_leaf.x",
    ),
]


@pytest.mark.kernel
@pytest.mark.parametrize(("text", "row", "line"), REFUSED, ids=[line for *_, line in REFUSED])
def test_a_mistake_in_c_is_told_with_the_learners_own_line(text, row, line):
    with pytest.raises(BccError) as caught:
        bcc_program.load(text)
    assert f"line {row} " in one_sentence(caught.value)
    assert str(caught.value).splitlines()[1] == text.splitlines()[row - 1].strip()
    assert line in str(caught.value).splitlines()[1]
    assert caught.value.log


DIES = {
    # What ends bcc's process on some version, with a reason or without a word.
    "an array of a length unknown": (
        changed(
            "return 0;", "char x[skb->len & 31]; bpf_skb_load_bytes(skb, 0, x, 4); return x[0];"
        ),
        "known only when the program runs",
    ),
    "assembly": (changed("return 0;", 'asm volatile("no such thing"); return 0;'), "line 10"),
}


@pytest.mark.kernel
@pytest.mark.parametrize("name", DIES)
def test_a_text_that_ends_bccs_process_is_told_as_such(name):
    text, reason = DIES[name]
    with pytest.raises(BccError) as caught:
        bcc_program.load(text)
    said = one_sentence(caught.value)
    assert reason in said or "ends the process in which bcc compiles it" in said
    assert "kernel headers" not in said


MADE = "\n#if defined(BPF_LICENSE)\n...\n#include <bcc/footer.h>\n"


@pytest.mark.parametrize(
    ("said", "survived", "begin", "words"),
    [
        (
            MADE + "Traceback (most recent call last):\nException: words to come\n",
            True,
            "bcc gave up on this program, and the course does not know why",
            "its last lines are: Traceback (most recent call last):; Exception: words to come",
        ),
        (MADE, False, "This text ends the process in which bcc compiles it", "it said nothing"),
        (
            MADE + "LLVM ERROR: words to come\n",
            False,
            "This text ends the process in which bcc compiles it",
            "LLVM ERROR: words to come",
        ),
        (
            MADE + "LLVM ERROR: Unsupported dynamic stack allocation\n",
            False,
            "This program has memory on the stack",
            "another tried it",
        ),
        (
            "In file included from /virtual/main.c:2:\nIn file included from include/a.h:1:\n"
            "include/b.h:3:1: error: words to come\n",
            True,
            "Line 2 includes a header in which clang stops",
            "words to come, in include/b.h",
        ),
        (
            "In file included from <built-in>:4:\ninclude/linux/b.h:3:1: error: words to come\n",
            True,
            "bcc cannot compile with these kernel headers",
            "words to come, in include/linux/b.h",
        ),
    ],
)
def test_what_bcc_says_without_a_line_of_the_text(said, survived, begin, words):
    told = bcc_program.readable(said, "int a;\nint b;\n", survived).splitlines()[0]
    assert told.startswith(begin)
    assert words in told


def test_super_user_is_about_rights_and_not_about_headers():
    told = bcc_program.readable("Exception: Need super-user privileges to run\n", "")
    assert told.startswith("Loading a socket filter ")
    assert "headers" not in told


@pytest.mark.kernel
def test_a_header_that_is_not_there():
    with pytest.raises(BccError, match="Line 2 includes linux/ipv5.h") as caught:
        bcc_program.load(changed("linux/ip.h", "linux/ipv5.h"))
    one_sentence(caught.value)


@pytest.mark.kernel
def test_the_verifier_refuses_and_its_log_is_kept(capfd):
    plain = "*(u64 *)bytes_by_protocol.lookup(&protocol) += skb->len"
    with pytest.raises(BccError, match="verifier's reason") as caught:
        bcc_program.load(changed("bytes_by_protocol.atomic_increment(protocol, skb->len)", plain))
    one_sentence(caught.value)
    assert "processed" in caught.value.log
    assert capfd.readouterr() == ("", "")


@pytest.mark.kernel
def test_what_clang_warned_of_is_told_when_the_kernel_refuses():
    # clang 16 and later refuse by themselves what earlier ones warn of.
    with pytest.raises(BccError, match=r"line 9 (first )?\(.*'count'") as caught:
        bcc_program.load(changed("bytes_by_protocol.atomic_increment", "count"))
    one_sentence(caught.value)


@pytest.mark.kernel
def test_names_that_are_not_there():
    with bcc_program.load(SOURCE) as loaded:
        with pytest.raises(BccError, match="no table 'bytes' here; it has: bytes_by_protocol"):
            loaded.table("bytes")
        with pytest.raises(BccError, match="no program 'count' here; it has: count_bytes"):
            loaded.program("count")
    for look in (loaded.table, loaded.program):
        with pytest.raises(BccError, match="it has none, or it is closed"):
            look("count_bytes")
    loaded.close()


@pytest.mark.kernel
def test_counters_of_another_kind_and_closed():
    talkers = bcc_program.load(ch05.program("talkers"))
    with talkers, pytest.raises(BccError, match="BPF_ARRAY"):
        TableCounters(talkers.table("bytes_by_pair"))
    with bcc_program.load(SOURCE) as loaded:
        counters = TableCounters(loaded.table("bytes_by_protocol"))
    with pytest.raises(BccError, match="load it again"):
        counters.read()


NO_PERMISSION = "import sys; from helpers.bcc import program; program.load(sys.argv[1])"


@pytest.mark.parametrize("how", [{"args": without_bpf()}, {"preexec_fn": no_bpf_call()}])
def test_no_permission(how):
    options = {key: value for key, value in how.items() if key != "args"}
    command = [*how.get("args", []), sys.executable, "-c", NO_PERMISSION, SOURCE]
    result = subprocess.run(command, capture_output=True, text=True, cwd=stored.COURSE, **options)
    said = result.stderr.splitlines()[-1]
    assert "lacks CAP_BPF" in said or "seccomp filter" in said
    assert "kernel headers" not in said


# --- counting


@pytest.mark.kernel
def test_the_articles_numbers_and_chapter_03s(net, sockex1):
    with (
        bcc_program.load(SOURCE) as loaded,
        sockets.packet_socket(net, loaded.program("count_bytes").fd),
        sockets.packet_socket(net, sockex1.program("count_bytes").fd),
        Counters(sockex1.map("bytes_by_protocol")) as by_libbpf,
    ):
        by_bcc = TableCounters(loaded.table("bytes_by_protocol"))
        for pings in range(5):
            assert by_bcc.read()[1] == 196 * pings
            traffic.echo(net)
        for address in ("127.0.0.1", "::1"):
            traffic.udp(net, count=10, size=100, to=address)
            traffic.tcp(net, size=200_000, to=address)
            traffic.echo(net, to=address)
        assert by_bcc.read().dtype == np.uint64
        assert np.flatnonzero(by_bcc.read()).tolist() == [0, 1, 6, 17]
        assert by_bcc.read().tolist() == by_libbpf.read().tolist()


@pytest.mark.own_network
@pytest.mark.kernel
def test_bytes_per_port_pieces_and_all(net):
    with (
        bcc_program.load(ch05.program("ports")) as loaded,
        sockets.packet_socket(net, loaded.program("count_ports").fd),
    ):
        traffic.udp(net, count=10, size=1400, port=2055)
        traffic.udp(net, count=3, size=1, port=5353)
        traffic.echo(net)
        traffic.udp(net, to="::1")
        net.run(["ip", "link", "set", "lo", "mtu", "1500"], check=True)
        traffic.udp(net, count=2, size=4000, port=4789)  # in pieces of 1480, 1480 and 1048 bytes
        table = {key.value: value.value for key, value in loaded.table("bytes_by_port").items()}
    rest = 34 + 1480 + 34 + 1048
    assert table == {2055: 10 * 1442, 5353: 3 * 43, 4789: 2 * (34 + 1480), 0: 2 * rest}


@pytest.mark.kernel
def test_talkers_come_and_go_and_the_steady_one_stays(net):
    with (
        bcc_program.load(ch05.program("talkers")) as loaded,
        sockets.packet_socket(net, loaded.program("count_pairs").fd),
    ):
        table = loaded.table("bytes_by_pair")
        for number in range(1500):
            address = f"127.1.{number // 250}.{number % 250 + 1}"
            with net.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.bind((address, 0))
                sender.sendto(b"", sender.getsockname())
            if number % 10 == 0:
                traffic.udp(net, count=1, size=100, port=2055, source="127.0.0.2")
        counted = {(key.source, key.destination): value.value for key, value in table.items()}
    assert counted[0x7F000002, 0x7F000001] == 150 * 142
    assert len(counted) <= 1024


@pytest.mark.kernel
def test_packet_sizes(net):
    with (
        bcc_program.load(ch05.program("sizes")) as loaded,
        sockets.packet_socket(net, loaded.program("count_sizes").fd),
    ):
        for size in (0, 21, 22, 85, 86, 213, 214):  # 42 more on the wire: 63, 64, 127, 128, ...
            traffic.udp(net, size=size)
        table = {k.value: v.value for k, v in loaded.table("frames_by_size").items() if v.value}
    assert table == {6: 2, 7: 2, 8: 2, 9: 1}


@pytest.mark.kernel
def test_a_method_that_adds_no_key_is_why_the_talkers_are_written_out():
    text = ch05.program("talkers")
    start, end = text.index("    u64 zero"), text.index("    return 0;\n}\n")
    shorter = text[:start] + "    bytes_by_pair.atomic_increment(pair, skb->len);\n" + text[end:]
    with bcc_program.load(shorter) as loaded:
        adds_keys = "bpf_map_update_elem_" in loaded.rewritten
    assert not adds_keys or not bcc_program.library().__version__.startswith("0.26")


@pytest.mark.own_network
@pytest.mark.kernel
def test_bccs_own_socket_opens_in_this_namespace_and_outlives_cleanup(net):
    bpf = bcc_program.load(SOURCE).bpf
    function = bpf.load_func(b"count_bytes", bpf.SOCKET_FILTER)
    bpf.attach_raw_socket(function, b"lo")
    before = bpf[b"bytes_by_protocol"][1].value
    traffic.echo(net)
    assert bpf[b"bytes_by_protocol"][1].value == before
    bpf.cleanup()
    assert Path(f"/proc/self/fd/{function.sock}").readlink().name.startswith("socket:")
    os.close(function.sock)


@pytest.mark.kernel
def test_nothing_is_left_behind():
    def held() -> list[str]:
        found = [path.readlink().name for path in Path("/proc/self/fd").iterdir() if path.exists()]
        return sorted(name for name in found if "bpf" in name or "btf" in name)

    with bcc_program.load(SOURCE):
        assert held()
    with pytest.raises(BccError):
        bcc_program.load(changed("return 0;", "for (;;) ;"))
    assert held() == []


COUNT_FOUR = """
import sys
sys.path.insert(0, sys.argv[1])
from helpers import netlab, sockets, traffic
from helpers.bcc import program as bcc_program
text = open(sys.argv[1] + "/bpf/sockex1_bcc.c").read()
with bcc_program.load(text) as loaded, netlab.open_network() as net:
    with sockets.packet_socket(net, loaded.program("count_bytes").fd):
        traffic.echo(net, count=4)
    print(loaded.table("bytes_by_protocol")[1].value)
"""


@pytest.mark.kernel
def test_the_distributions_python_counts_the_same():
    python = "/usr/bin/python3"
    if subprocess.run([python, "-c", "import bcc"], capture_output=True).returncode:
        pytest.skip(f"{python} has no bcc")
    command = [python, "-I", "-c", COUNT_FOUR, str(stored.COURSE)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert (result.stdout, result.stderr) == ("784\n", "")


@pytest.mark.kernel
def test_an_ordinary_user_with_two_capabilities_counts_the_same():
    handed = "-all,+net_raw,+bpf"
    user = ["setpriv", f"--inh-caps={handed}", f"--ambient-caps={handed}"]
    if os.geteuid() == 0:  # who may read the course and its Python, wherever they are
        handed += ",+dac_read_search"
        user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        user += [f"--inh-caps={handed}", f"--ambient-caps={handed}"]
    bcc_headers.use()  # build/ may be another's
    command = [*user, sys.executable, "-c", COUNT_FOUR, str(stored.COURSE)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert (result.stdout, result.stderr) == ("784\n", "")


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_the_chapter_shows_the_programs_that_are_kept(path):
    (chapter,) = (path for path in stored.CHAPTERS if path.name.startswith("05"))
    text = path.read_text()
    assert any(text in cell.source for cell in stored.code_cells(chapter))
