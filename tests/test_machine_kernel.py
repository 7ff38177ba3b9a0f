"""The machine against the real kernel: the same program, the same packets, the same outcome."""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import re
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import compared
import generated
import pytest
import waiting
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chapters.ch07.translator import translate
from helpers import loader, machine, netlab, objfile, sockets, syscall, toolchain, traffic
from helpers.bcc import program as bcc_program
from helpers.machine import Machine
from helpers.machine.maps import MachineMap
from helpers.machine.packet import HOST, OUTGOING, Packet
from helpers.machine.state import World
from helpers.syscall.maps import possible_cpus

pytestmark = pytest.mark.kernel

PROGRAMS = 2000
ETHERNET = bytes(14)  # what a test run of a socket filter cuts off
FORMS = {
    generated.OUT_FD: (syscall.ARRAY, 4, generated.OUT_SIZE, 4),
    generated.HASH_FD: (syscall.HASH, 4, 8, 4),
    generated.CPU_FD: (syscall.PERCPU_ARRAY, 4, 8, 3),
}


def packets() -> list[bytes]:
    """Frames of several lengths, their bytes drawn once and for all."""
    draw = random.Random(7)
    return [draw.randbytes(size) for size in (14, 42, 98)]


def seen(frame: bytes) -> Packet:
    """What a program sees of a frame in a test run: see helpers.syscall.test_run."""
    return Packet(frame, pkt_type=HOST, protocol=0x0400)


class Kernel:
    """Maps in the kernel that generated programs use, one after the other."""

    def __init__(self) -> None:
        self.maps = {fd: syscall.create_map(*form) for fd, form in FORMS.items()}
        self.fds = {fd: each.fd for fd, each in self.maps.items()}


def contents(each: MachineMap | syscall.Map) -> dict[bytes, bytes]:
    return {key: each.lookup(key) for key in list(each.keys())}


Maps = Mapping[int, "MachineMap | syscall.Map"]


def left_behind(run: Callable[[bytes], int], maps: Maps) -> tuple[list[int], dict]:
    """What a program returns for each packet, and what the maps have then, empty before."""
    for each in maps.values():
        for key, value in contents(each).items():
            if each.type == syscall.HASH:
                each.delete(key)
            elif any(value):
                each.update(key, bytes(len(value)))
    values = [run(frame) for frame in packets()]
    return values, {fd: contents(each) for fd, each in maps.items()}


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    found = Kernel()
    yield found
    for each in found.maps.values():
        each.close()


@pytest.fixture(scope="module")
def newest() -> bool:
    """Whether this kernel has the instructions that came with Linux 6.6."""
    try:
        syscall.load_program(bytes.fromhex("b700000007000000 3700010003000000 9500000000000000"))
    except syscall.SyscallError:
        return False
    return True


@pytest.fixture(scope="module")
def strict() -> bool:
    """Whether this process lacks CAP_PERFMON (and CAP_SYS_ADMIN). The verifier then also follows
    what a processor might do on a wrong guess: loops and many jumps are too much for it."""
    status = Path("/proc/self/status").read_text()
    held = int(re.search(r"CapEff:\s*([0-9a-f]+)", status)[1], 16)
    return not held & (1 << 38 | 1 << 21)


@pytest.fixture(scope="module")
def cpu() -> Iterator[int]:
    """This process on one processor, so that per-CPU maps are comparable; its number."""
    before = os.sched_getaffinity(0)
    one = min(before)
    os.sched_setaffinity(0, {one})
    yield one
    os.sched_setaffinity(0, before)


def test_generated_programs_leave_the_same_behind(
    kernel: Kernel, newest: bool, strict: bool, cpu: int
) -> None:
    refused, opcodes = [], set()

    forms = {fd: (f"map_{fd:x}", *form, possible_cpus()) for fd, form in FORMS.items()}

    @settings(
        max_examples=PROGRAMS,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.binary(min_size=160, max_size=500))
    def the_same(data: bytes) -> None:
        code = generated.program(data, newest, strict)
        try:
            loaded = syscall.load_program(generated.with_fds(code, kernel.fds))
        except syscall.SyscallError as refusal:
            refused.append(refusal)
            return
        with loaded:
            theirs = left_behind(
                lambda frame: syscall.test_run(loaded, ETHERNET + frame).value, kernel.maps
            )
        maps = {fd: MachineMap(*form) for fd, form in forms.items()}
        program = Machine(code, maps, world=World(cpu))
        for run in (program.run, translate(program).run):
            assert left_behind(lambda frame, run=run: run(seen(frame)), maps) == theirs
        opcodes.update(i.opcode for i in program.instructions)
        compared.count(programs=1, packets=len(packets()))

    the_same()
    if not strict:
        missing = generated.opcodes() - opcodes
        assert not missing, missing
    assert len(refused) < PROGRAMS / 10, refused[0].log[-2000:]


LOCAL_CALLS = """
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

unsigned long long load_byte(void *skb, unsigned long long at) asm("llvm.bpf.load.byte");
unsigned long long load_half(void *skb, unsigned long long at) asm("llvm.bpf.load.half");
unsigned long long load_word(void *skb, unsigned long long at) asm("llvm.bpf.load.word");

struct key { __u16 kind; __u8 first, last; };
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32);
	__type(key, struct key);
	__type(value, __u64[2]);
} seen SEC(".maps");

static __attribute__((noinline)) __u64 mixed(__u64 hash, __u32 byte)
{
	hash = (hash ^ byte) * 1099511628211ULL;
	return hash % 1000003 == 0 ? hash / 3 : hash << 5 | hash >> 59;
}

static __attribute__((noinline)) int spread(struct __sk_buff *skb, int from)
{
	__u64 hash = 14695981039346656037ULL;
	char piece[16];

	if (bpf_skb_load_bytes(skb, from, piece, sizeof(piece)))
		return -1;
#pragma clang loop unroll(full)  // an index into the stack is for privileged programs
	for (int i = 0; i < 16; i++)
		hash = mixed(hash, piece[i]);
	return hash ^ hash >> 32;
}

SEC("socket")
int sort(struct __sk_buff *skb)
{
	struct key key = { .kind = load_half(skb, 12), .first = load_byte(skb, 14) };
	__u64 fresh[2] = { 1, skb->len }, *found;

	switch (key.kind % 7) {
	case 0: key.last = 3; break;
	case 1: key.last = load_byte(skb, skb->len - 1); break;
	case 2: key.last = (int)load_word(skb, 10) >> 27; break;
	case 5: return spread(skb, 2);
	}
	found = bpf_map_lookup_elem(&seen, &key);
	if (!found)
		return bpf_map_update_elem(&seen, &key, fresh, BPF_NOEXIST);
	__sync_fetch_and_add(&found[0], 1);
	found[1] += skb->len;
	return spread(skb, found[0]) + mixed(found[1], key.last);
}
"""


GLOBALS = """
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

int count;
static int own = 5;
const volatile int limit = 7;
static const char names[4][4] = {"ab", "cd", "ef", "gh"};
__u64 wide[40] = {1, 2, 3};
static __u16 hidden[9];
struct { int a; char b[6]; } both SEC(".data.more") = { 3, "hey" };

static __attribute__((noinline)) int far(int by)
{
	count += by;
	return own++ + hidden[by & 7];
}

SEC("socket")
int global(struct __sk_buff *skb)
{
	int i = skb->len & 7;

	wide[i] += far(skb->len);
	hidden[i] += 3;
	both.b[i & 3]++;
	__sync_fetch_and_add(&wide[9], skb->len);
	if (count > limit)
		count ^= wide[2];
	return names[(skb->len >> 1) & 3][i & 1] + hidden[3] * 256 + both.a;
}
"""


def of_theirs(maps: Mapping[str, loader.Map], name: str) -> loader.Map:
    """The map of that name; libbpf puts the object's before that of a section."""
    return maps.get(name) or next(m for each, m in maps.items() if each.endswith(name))


def both_directions(source: Path, folder: Path) -> Path:
    """A program without its check of the direction: a test run's packets count as incoming."""
    changed = folder / source.name
    changed.write_text(source.read_text().replace("skb->pkt_type != PACKET_OUTGOING", "0"))
    return changed


def compiled(folder: Path) -> Iterator[tuple[Path, str]]:
    """C programs and the name of the function in them."""
    (folder / "local_calls.c").write_text(LOCAL_CALLS)
    yield folder / "local_calls.c", "sort"
    (folder / "globals.c").write_text(GLOBALS)
    yield folder / "globals.c", "global"
    # tests/test_fuzz_protocols.py holds chapter 12's against the machine; the others of bpf/ have
    # maps that it does not know, are no socket filters, or depend on the processor.
    for file in ("sockex1_kern.c", "icmp_kern.c"):
        source = toolchain.SOURCES / file
        for name in objfile.read(toolchain.compile_bpf(source, folder / "a.o")).programs:
            yield source, name
            yield both_directions(source, folder), name


@pytest.mark.parametrize("cpu", ["v1", "v2", "v3"])
@pytest.mark.parametrize("level", ["-O1", "-O2", "-Os"])
def test_compiled_programs_do_the_same(tmp_path: Path, cpu: str, level: str) -> None:
    draw = random.Random(cpu + level)
    frames = [draw.randbytes(draw.randrange(14, 200)) for _ in range(100)]
    for source, name in compiled(tmp_path):
        path = toolchain.compile_bpf(source, tmp_path / "program.o", [f"-mcpu={cpu}", level])
        with loader.load(path) as loaded:
            in_kernel = syscall.Program(os.dup(loaded.program(name).fd), syscall.SOCKET_FILTER)
            values = [syscall.test_run(in_kernel, ETHERNET + frame).value for frame in frames]
            for way in ("run", "translate"):
                program = machine.load(objfile.read(path), name)
                run = program.run if way == "run" else translate(program).run
                assert [run(seen(frame)) for frame in frames] == values
                for each in program.order:
                    for key in list(each.keys()):
                        assert each.lookup(key) == of_theirs(loaded.maps, each.name).lookup(key)
        compared.count(programs=1, packets=len(frames))


# A format, and what is written behind it.
FORMATS = [
    ("len %d", ", skb->len"),
    ("%u|%x|%X", ", skb->len, -7, -7"),
    ("%lld %llu %lx", ", -7LL, -7LL, -7LL"),
    ("%ld %i %u", ", -7LL, -7LL, -7LL"),
    ("%5d|%-5d|%05d", ", skb->len, -7, -7"),
    ("%+d % d", ", skb->len, -7"),
    ("%c%c", ", 65, 66"),
    ("%s|%5s|%-5s|", ', "ab", "cd", "ef"'),
    ("%pI4 %pi4", ", address, address"),
    ("100%%", ""),
    ("", ""),
    # The kernel refuses these when they run.
    ("%k", ", 1"),
    ("abc%", ""),
    ("%sx", ', "ab"'),
    ("%hd", ", 1"),
    ("%.3s", ', "ab"'),
    ("%d%d%d%d", ", 1, 2, 3"),
]
PRINTED = """#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
"""
PRINT = """SEC("socket") int {name}(struct __sk_buff *skb)
{{
	__u32 number = 0x0102037f;
	void *address = &number;
	static const char form[] = "{form}";
	asm volatile("" :: "r"(address) : "memory");
	return bpf_trace_printk(form, sizeof(form){values});
}}
"""
MANY = """SEC("socket") int many(struct __sk_buff *skb)
{ return bpf_printk("%d %d %s %llu %x", skb->len, -1, "hey", 5ULL, 6); }
SEC("socket") int one(struct __sk_buff *skb) { return bpf_printk("%d of %s", skb->len, "lo"); }
"""
INSTANCE = """mount -t tracefs trace "$1" && cd "$1/instances" && mkdir "$2" &&
echo 1 >"$2/events/bpf_trace/bpf_trace_printk/enable" && echo ready && read nothing
echo 0 >"$2/events/bpf_trace/bpf_trace_printk/enable"; rmdir "$2" """


@pytest.fixture
def trace(tmp_path: Path) -> Iterator[Path]:
    """A trace of this test's own, which its process takes away again, whatever becomes of us."""
    (tmp_path / "trace").mkdir()
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", INSTANCE, "sh"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    name = f"course-{os.getpid()}"
    with subprocess.Popen([*command, tmp_path / "trace", name], text=True, **pipes) as holder:
        if holder.stdout.readline() != "ready\n":
            holder.stdin.close()
            pytest.skip("the trace is for root, and for kernels with tracefs")
        yield Path(f"/proc/{holder.pid}/root{tmp_path}/trace/instances/{name}/trace")
        holder.stdin.close()


def test_printk_writes_and_answers_as_in_the_kernel(tmp_path: Path, trace: Path) -> None:
    names = [f"print_{number}" for number in range(len(FORMATS))]
    text = PRINTED + MANY
    for name, (form, values) in zip(names, FORMATS, strict=True):
        text += PRINT.format(name=name, form=form, values=values)
    (tmp_path / "print.c").write_text(text)
    quiet = ["-Wno-everything"]
    path = toolchain.compile_bpf(tmp_path / "print.c", tmp_path / "print.o", quiet)
    frame = bytes(40)
    with loader.load(path) as loaded:
        for name in [*names, "many", "one"]:
            trace.write_text("")
            in_kernel = syscall.Program(os.dup(loaded.program(name).fd), syscall.SOCKET_FILTER)
            value = syscall.test_run(in_kernel, ETHERNET + frame).value
            lines = trace.read_text().splitlines()
            said = [line.partition("bpf_trace_printk: ")[2] for line in lines if line[0] != "#"]
            for translated in (False, True):
                stepped = machine.load(objfile.read(path), name)
                run = translate(stepped).run if translated else stepped.run
                assert (run(seen(frame)), stepped.world.trace) == (value, said), name
    compared.count(programs=len(names) + 2, packets=len(names) + 2)


def traffic_of_all_sorts(net: netlab.Network) -> None:
    net.add_address("2a11::1")
    for address in ("127.0.0.1", "::1", "2a11::1"):
        traffic.echo(net, 5, to=address)
        traffic.udp(net, 7, 100, to=address)
    traffic.tcp(net, 100_000)


def caught(witness: socket.socket) -> list[Packet]:
    """Every frame that a packet socket holds ready, with its direction."""
    found = []
    witness.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            data, address = witness.recvfrom(1 << 17)
            found.append(Packet(data, pkt_type=address[2]))
    return found


@contextlib.contextmanager
def witnessed(net: netlab.Network, program_fd: int) -> Iterator[socket.socket]:
    """The program attached, beside a socket that sees the same frames."""
    with (
        net.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as witness,
        sockets.packet_socket(net, program_fd),
    ):
        witness.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 20)
        witness.bind(("lo", sockets.ETH_P_ALL))
        yield witness


def test_sockex1_counts_the_same_on_a_live_lo(net, sockex1, sockex1_object) -> None:
    with witnessed(net, sockex1.program("count_bytes").fd) as witness:
        traffic_of_all_sorts(net)
        frames: list[Packet] = []
        stepped = machine.load(objfile.read(sockex1_object), "count_bytes")
        counts, theirs = stepped.maps["bytes_by_protocol"], sockex1.map("bytes_by_protocol")

        def agree() -> bool:
            new = caught(witness)
            frames.extend(new)
            for packet in new:
                stepped.run(packet)
            return contents(counts) == {key: theirs.lookup(key) for key in contents(counts)}

        # TCP's last acknowledgements may still be under way.
        assert waiting.until(agree)
    translated = machine.load(objfile.read(sockex1_object), "count_bytes")
    run = translate(translated).run
    for packet in frames:
        run(packet)
    assert contents(translated.maps["bytes_by_protocol"]) == contents(counts)
    assert {packet.pkt_type for packet in frames} == {HOST, OUTGOING}
    compared.count(programs=1, packets=len(frames))


@pytest.mark.parametrize(
    ("name", "function", "table"),
    [
        ("ports", "count_ports", "bytes_by_port"),
        ("sizes", "count_sizes", "frames_by_size"),
        ("sockex1", "count_bytes", "bytes_by_protocol"),
    ],
)
def test_bcc_programs_count_the_same_on_a_live_lo(net, name, function, table) -> None:
    with bcc_program.load((toolchain.SOURCES / f"{name}_bcc.c").read_text()) as loaded:
        theirs = loaded.table(table)
        code = loaded.bpf.dump_func(function.encode())
        form = (theirs.map_fd, theirs.ttype, theirs.max_entries)
        sizes = (ctypes.sizeof(theirs.Key), ctypes.sizeof(theirs.Leaf))
        ours = MachineMap(table, form[1], *sizes, form[2])
        program = Machine(code, {form[0]: ours})
        count = 0
        with witnessed(net, loaded.program(function).fd) as witness:
            traffic_of_all_sorts(net)

            def agree() -> bool:
                nonlocal count
                new = caught(witness)
                count += len(new)
                for packet in new:
                    program.run(packet)
                return {key: value for key, value in contents(ours).items() if any(value)} == {
                    bytes(key): bytes(value) for key, value in theirs.items() if any(bytes(value))
                }

            assert waiting.until(agree)
            assert any(map(any, contents(ours).values()))
        compared.count(programs=1, packets=count)
