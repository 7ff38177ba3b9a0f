"""What BPF wants of a process, tried with capabilities that are really given up."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import itertools
import os
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest
import stored
from unwelcome import no_bpf_call, without_bpf

from chapters.ch08 import verifier
from chapters.ch12 import announce
from helpers import capabilities, loader, probes, rights, syscall, tc, toolchain
from helpers.syscall.call import copied
from helpers.syscall.forms import MapCreate, ProgLoad

pytestmark = pytest.mark.kernel
NAMES = (rights.BPF, rights.NET_ADMIN, rights.PERFMON)
SETS = [set(each) for n in range(4) for each in itertools.combinations(NAMES, n)]
# Key, value, entries and flags of which some type of map takes one line.
FORMS = [(4, 4, 1, 0), (4, 8, 1, 0), (0, 0, 4096, 0), (0, 4, 1, 0), (8, 8, 1, 1), (16, 4, 0, 0)]


def may(wanted: set[str]) -> None:
    """Whether this process holds what a test gives up in part."""
    if missing := capabilities.mask(*wanted) & ~capabilities.permitted():
        pytest.skip(f"this process does not hold {capabilities.in_words(missing)}")


def load(type: int) -> int:
    insns, text = copied(probes.RETURN_0), ctypes.create_string_buffer(b"GPL")
    form = ProgLoad(type, 2, ctypes.addressof(insns), ctypes.addressof(text))
    fd = syscall.bpf(syscall.Command.PROG_LOAD, form)
    if fd >= 0:
        os.close(fd)
    return min(fd, 0)


def make(type: int) -> int:
    answers = []
    for form in FORMS:
        fd = syscall.bpf(syscall.Command.MAP_CREATE, MapCreate(type, *form))
        if fd >= 0:
            os.close(fd)
        answers.append(min(fd, 0))
    return -errno.EPERM if -errno.EPERM in answers else max(answers)


def known_here(attempt, numbers) -> list[int]:
    """Those types that this kernel knows: with everything, it asks for no more rights."""
    return [each for each in numbers if attempt(each) != -errno.EPERM]


@pytest.mark.parametrize("held", SETS, ids=lambda held: ",".join(sorted(held)) or "none")
def test_a_program_type_wants_what_the_table_says_and_no_less(held):
    may(set(NAMES) | {rights.SYS_ADMIN})
    wrong = []
    for type in known_here(load, rights.PROGRAMS):
        refused = capabilities.with_only(held, load, type) == -errno.EPERM
        if refused != bool(set(rights.of_program(type)) - held):
            wrong.append(type)
    assert wrong == []


@pytest.mark.parametrize("held", SETS[:4], ids=lambda held: ",".join(sorted(held)) or "none")
def test_a_map_type_wants_what_the_table_says_and_no_less(held):
    may(set(NAMES) | {rights.SYS_ADMIN})
    known = [type for type in range(1, 32) if make(type) == 0]
    assert len(known) > 15
    refused = {type for type in known if capabilities.with_only(held, make, type)}
    assert refused == {type for type in known if set(rights.of_map(type)) - held}


@pytest.mark.parametrize("command", rights.COMMANDS_OF_ROOT)
def test_what_only_root_may_ask(command):
    may(set(NAMES) | {rights.SYS_ADMIN})

    def ask() -> int:
        fd = probes.bpf(command, bytes(64))
        if fd > 0:
            os.close(fd)
        return fd

    assert capabilities.with_only(NAMES, ask) == -errno.EPERM
    assert capabilities.with_only([rights.SYS_ADMIN], ask) != -errno.EPERM


def test_a_perf_event_wants_what_the_course_says(net):
    may({rights.PERFMON})
    with pytest.raises(
        announce.AnnounceError, match="perf event wants CAP_PERFMON, and .* without"
    ):
        capabilities.with_only([rights.BPF], announce.announced, net, 1)


def link(program: int, target: int, kind: int) -> int:
    """bpf(2), LINK_CREATE: a file descriptor, or an error number below 0."""
    return probes.bpf(28, struct.pack("=IIII", program, target, kind, 0))


def raw_tracepoint(program: int) -> int:
    name = ctypes.create_string_buffer(b"kfree_skb")
    return probes.bpf(17, struct.pack("=QI", ctypes.addressof(name), program))


def perf_event(_: int, type: int = 1, configs: Sequence[int] = (0,)) -> int:
    """perf_event_open(2), 298 on this machine's ABI: by default a clock on processor 0."""
    first, *others = configs  # config, config1, config2
    attributes = ctypes.create_string_buffer(struct.pack("=IIQQ", type, 112, first, 1000), 112)
    for number, config in enumerate(others):
        struct.pack_into("=Q", attributes, 56 + 8 * number, config)
    fd = ctypes.CDLL(None, use_errno=True).syscall(298, attributes, -1, 0, -1, 8)
    # It answers EACCES where others answer EPERM.
    return -errno.EPERM if fd < 0 and ctypes.get_errno() == errno.EACCES else fd


def attached_socket(program: int) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.setsockopt(socket.SOL_SOCKET, 50, program)  # SO_ATTACH_BPF
        except OSError as error:
            return -error.errno
        return os.dup(program)


@contextmanager
def group() -> Iterator[int]:
    """An empty cgroup, open."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    root = next(where for _, where, kind, *_ in mounts if kind == "cgroup2")
    folder = Path(tempfile.mkdtemp(prefix="course-", dir=root))
    target = os.open(folder, os.O_RDONLY)
    try:
        yield target
    finally:
        os.close(target)
        folder.rmdir()


# How a program of which type is attached there.
PLACES = {
    "a socket": (1, attached_socket),
    "a raw tracepoint": (17, raw_tracepoint),
    "a perf event": (7, perf_event),
    "a cgroup": (8, None),
}


@pytest.mark.parametrize("place", PLACES)
def test_attaching_wants_what_the_table_says_and_no_less(place):
    may({*NAMES, rights.SYS_ADMIN})
    type, attach = PLACES[place]
    with syscall.load_program(probes.RETURN_0, type) as program, ExitStack() as stack:
        if place == "a cgroup":
            target = stack.enter_context(group())
            attach = partial(link, target=target, kind=0)
        for held in SETS:

            def tried() -> int:
                fd = attach(program.fd)
                if fd >= 0:
                    os.close(fd)
                return fd

            may_attach = set(rights.of_attachment(place)) <= held
            assert (capabilities.with_only(held, tried) >= 0) == may_attach, held
            if not may_attach:
                said = capabilities.with_only(held, rights.not_attached, place)
                assert said.startswith(f"Attaching a program to {place} wants CAP_")


EVENTS = Path("/sys/bus/event_source/devices")
SET_BPF = 0x40042408  # ioctl(2), PERF_EVENT_IOC_SET_BPF
READ_ID = "mount -t tracefs none /sys/kernel/tracing && cat /sys/kernel/tracing/events/{}/id"
# What is opened as a perf event: by which place of the table, its configs, and for programs of
# which type.
OPENED = {
    "tracepoint": ("a perf event", lambda keep: (tracepoint("skb/kfree_skb"),), 5),
    "kprobe": ("a perf event", lambda keep: (0, keep(b"do_exit"), 0), 2),
    "uprobe": ("a uprobe", lambda keep: (0, keep(os.fsencode(sys.executable)), 0), 2),
}


def tracepoint(name: str) -> int:
    """Its number; tracefs is mounted for that alone."""
    command = ["unshare", "--mount", "sh", "-c", READ_ID.format(name)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.parametrize("kind", [kind for kind in OPENED if (EVENTS / kind).is_dir()])
def test_probes_and_tracepoints_are_perf_events_whose_program_wants_nothing_more(kind):
    """Opening one wants what the table says; then anybody gives it a program."""
    may({*NAMES, rights.SYS_ADMIN})
    texts = []

    def keep(text: bytes) -> int:
        texts.append(ctypes.create_string_buffer(text))
        return ctypes.addressof(texts[-1])

    place, configs, type = OPENED[kind]
    source, configs = int((EVENTS / kind / "type").read_text()), configs(keep)

    def opened() -> int:
        fd = perf_event(0, source, configs)
        if fd >= 0:
            os.close(fd)
        return fd

    if kind == "uprobe" and capabilities.with_only([rights.PERFMON], opened) >= 0:
        pytest.skip("this kernel is from before July 2025")
    for held in [*SETS, {rights.SYS_ADMIN}]:
        may_open = not rights.lacking(rights.of_attachment(place), capabilities.mask(*held))
        assert (capabilities.with_only(held, opened) >= 0) == may_open, held
    event = perf_event(0, source, configs)
    try:
        with syscall.load_program(probes.RETURN_0, type) as program:
            assert capabilities.with_only([], fcntl.ioctl, event, SET_BPF, program.fd) == 0
    finally:
        os.close(event)


def written(folder: Path, section: str) -> Path:
    """A program that does nothing, for that section, compiled."""
    source = folder / "program.c"
    source.write_text(
        "#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n"
        f'SEC("{section}") int f(void *ctx) {{ return 0; }}\n'
        'char LICENSE[] SEC("license") = "GPL";\n'
    )
    return toolchain.compile_bpf(source, folder / "program.o")


def refusal(path: Path, held: Iterable[str]) -> str:
    """What is said of loading it with these capabilities, "" if it is loaded."""
    try:
        capabilities.with_only(held, loader.load, path).close()
    except loader.LoadError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("section", ["tp_btf/kfree_skb", "iter/task", "fentry/kfree_skbmem"])
def test_a_tracing_program_wants_at_loading_what_the_table_says(tmp_path, section):
    may({*NAMES, rights.SYS_ADMIN})
    path, wanted = written(tmp_path, section), set(rights.of_program(26))
    for held in SETS:
        said = refusal(path, held)
        if missing := sorted(wanted - held):
            assert f"tried without {rights.listed(missing)}, which" in said, held
        else:  # fentry is refused on some kernels, for a reason that is no capability
            assert not said or (section.startswith("fentry") and "lacks" not in said), held
            assert "tried without" not in said


def test_a_loaded_tracing_program_is_attached_by_anybody_who_holds_it(tmp_path):
    may({*NAMES, rights.SYS_ADMIN})
    with loader.load(written(tmp_path, "tp_btf/kfree_skb")) as loaded:
        asked = struct.pack("=QI", 0, loaded.program("f").fd)
        link = capabilities.with_only([], probes.bpf, 17, asked)  # RAW_TRACEPOINT_OPEN
    assert link >= 0
    os.close(link)


@pytest.mark.parametrize(("way", "type", "kind"), [("XDP", 6, 37), ("tcx", 3, 46)])
def test_a_link_to_an_interface_wants_nothing_of_who_holds_the_program(way, type, kind):
    may({*NAMES, rights.SYS_ADMIN})
    article = "an" if way == "XDP" else "a"
    assert rights.of_attachment(f"an interface, by {article} {way} link") == ()
    # No interface has this number: who may not attach is told so before.
    with syscall.load_program(probes.RETURN_0, type) as program:
        answer = capabilities.with_only([], link, program.fd, 0x7FFFFFFF, kind)
    assert answer in (-errno.ENODEV, -errno.EINVAL)


def test_what_refuses_an_attachment_over_netlink_is_a_capability():
    assert "wants CAP_NET_ADMIN" in tc.explain(errno.EPERM, "XDP on lo")


SECTIONS = {
    "xdp": ("an XDP program", "CAP_NET_ADMIN"),
    "tc": ("a tc program", "CAP_NET_ADMIN"),
    "kprobe/do_exit": ("a kprobe program", "CAP_PERFMON"),
    "tracepoint/skb/kfree_skb": ("a tracepoint program", "CAP_PERFMON"),
    "raw_tp/kfree_skb": ("a raw tracepoint program", "CAP_PERFMON"),
    "perf_event": ("a perf event program", "CAP_PERFMON"),
    "tp_btf/kfree_skb": ("a tracing program", "CAP_PERFMON"),
    "sockops": ("a sockops program", "CAP_NET_ADMIN"),
}


@pytest.mark.parametrize("section", SECTIONS)
def test_a_refused_program_is_told_what_it_lacks_and_not_what_it_has(tmp_path, section):
    may({rights.BPF})
    path = written(tmp_path, section)
    with pytest.raises(loader.LoadError) as caught:
        capabilities.with_only([rights.BPF], loader.load, path)
    said, (what, lacking) = str(caught.value), SECTIONS[section]
    assert said.startswith(f"Loading {what}")
    assert f"wants CAP_BPF and {lacking}, and " in said
    assert "lacks CAP_BPF" not in said and "without CAP_BPF" not in said
    if os.geteuid() == 0:  # who has it, and has only not lent it to this load
        assert "start as root" not in said
        assert f'holding=("CAP_BPF", "{lacking}")' in said


def test_a_map_and_a_program_by_bpf_alone():
    may({rights.BPF})
    with pytest.raises(syscall.SyscallError, match="Making a map of type 2 wants CAP_BPF, and"):
        capabilities.with_only([], syscall.create_map, syscall.ARRAY, 4, 8, 1)
    with pytest.raises(
        syscall.SyscallError, match="XDP program wants .* without CAP_NET_ADMIN|lacks"
    ):
        capabilities.with_only([rights.BPF], syscall.load_program, probes.RETURN_0, syscall.XDP)


LOAD = "import sys; from helpers import loader; loader.load(sys.argv[1])"


def last_line(command: list[str], **options: object) -> str:
    done = subprocess.run(command, capture_output=True, text=True, cwd=stored.COURSE, **options)
    return done.stderr.splitlines()[-1]


def test_who_was_started_without_is_told_so(sockex1_object):
    said = last_line([*without_bpf(), sys.executable, "-c", LOAD, str(sockex1_object)])
    assert "Making the map bytes_by_protocol (array) wants CAP_BPF, and this process lacks" in said
    assert "holding=" not in said
    if os.geteuid() == 0:  # the tests take it out of the bounding set, as a container does
        assert "with --cap-add BPF" in said


def test_a_user_namespace_is_named(sockex1_object):
    if subprocess.run(["unshare", "--user", "true"], capture_output=True).returncode:
        pytest.skip("this kernel makes no user namespaces")
    said = last_line(
        ["unshare", "--user", "--map-root-user", sys.executable, "-c", LOAD, str(sockex1_object)]
    )
    assert "lives in a user namespace" in said


def test_a_seccomp_filter_is_named(sockex1_object):
    command = [sys.executable, "-c", LOAD, str(sockex1_object)]
    assert "seccomp filter" in last_line(command, preexec_fn=no_bpf_call())


def machine(root: Path, **files: str) -> Path:
    """A root directory whose /proc says what is not to be had here; the rest is this one's."""
    (root / "proc").mkdir(parents=True)
    for name in ("thread-self", "self"):
        (root / "proc" / name).symlink_to(f"/proc/{name}")
    known = {"kernel": "cap_last_cap", "user": "unprivileged_bpf_disabled"}
    (root / "proc/sys/kernel").mkdir(parents=True)
    for key, name in known.items():
        there = Path("/proc/sys/kernel") / name
        (root / "proc/sys/kernel" / name).write_text(files.get(key, there.read_text()))
    (root / "sys/kernel/security").mkdir(parents=True)
    (root / "sys/kernel/security/lockdown").write_text(files.get("lockdown", "[none]"))
    return root


def test_where_anybody_may_use_bpf_only_some_types_want_a_capability(tmp_path):
    root = machine(tmp_path, user="0\n")
    assert rights.of_program(1, root) == rights.of_map(2, root) == ()
    assert rights.of_program(6, root) == (rights.BPF, rights.NET_ADMIN)
    assert rights.of_map(9, root) == (rights.BPF,)


def test_before_5_8_sys_admin_is_what_is_wanted(tmp_path):
    root = machine(tmp_path, kernel="37\n", user="1\n")
    assert rights.of_program(1, root) == (rights.SYS_ADMIN,)
    assert rights.of_program(17, root) == (rights.SYS_ADMIN,)
    assert rights.of_program(6, root) == (rights.SYS_ADMIN, rights.NET_ADMIN)


def test_the_setting_that_shuts_others_out_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)  # as in a terminal
    said = rights.cure([rights.BPF], machine(tmp_path, user="1\n"))
    assert said.startswith("./course lab hands it on")
    assert said.endswith("since kernel.unprivileged_bpf_disabled is 1")
    may({rights.PERFMON})
    assert "./course lab --tracing hands it on" in rights.cure([rights.PERFMON], tmp_path)
    may({rights.NET_ADMIN})
    assert "start as root" in rights.cure([rights.NET_ADMIN], tmp_path)


@pytest.mark.parametrize("mode", ["integrity", "confidentiality"])
def test_a_kernel_that_is_locked_down_says_so_and_is_not_accused(tmp_path, mode):
    may({rights.BPF})
    root = machine(tmp_path, lockdown=f"none [{mode}]\n")
    said = rights.refusal("loading a socket filter", (rights.BPF,), root=root)
    assert f"locked down ({mode}), which may be what refuses it" in said


def test_what_cannot_be_found_out_is_not_guessed(tmp_path):
    may({rights.BPF})
    said = rights.refusal("loading a socket filter", (rights.BPF,), root=machine(tmp_path))
    assert "which this process holds, and still the kernel answers" in said
    assert "the course does not know" in said


@pytest.mark.parametrize("way", ["an object file", "bytes"])
def test_the_verifiers_page_tells_root_what_to_hold_for_xdp(way):
    may({rights.BPF, rights.NET_ADMIN})
    if way == "bytes":
        show, what = verifier.show_bytes, (probes.RETURN_0, syscall.XDP)
    else:
        show, what = verifier.show, (toolchain.compile_bpf("protocols_xdp_kern.c"),)
    with pytest.raises((loader.LoadError, syscall.SyscallError)) as caught:
        show(*what)
    assert 'holding=("CAP_BPF", "CAP_NET_ADMIN")' in str(caught.value)
    assert "start as root" not in str(caught.value)
    verdict = show(*what, holding=(rights.BPF, rights.NET_ADMIN))  # whichever it is
    assert isinstance(verdict, verifier.KernelVerdict)
