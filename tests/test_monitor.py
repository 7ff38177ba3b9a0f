"""Chapter 14: the traffic, what a monitor is held against, the report, and ./course verify."""

from __future__ import annotations

import ipaddress
import re
import subprocess
import sys

import pytest

from chapters.ch14 import acceptance, check, packed, program, report, traffic
from helpers import capabilities, sockets, toolchain
from helpers import traffic as helpers_traffic
from tools import verify
from tools.kernels import fetch, machine

NAME, NUMBER, SEED = "Ada", 7, 11
privileged = pytest.mark.skipif(
    not {"CAP_BPF", "CAP_NET_ADMIN"} <= set(capabilities.held()),
    reason="needs CAP_BPF and CAP_NET_ADMIN, to load programs for traffic control",
)
IN_TC = pytest.param("tc", marks=privileged)


def test_every_class_has_its_milestone():
    named = [name for names in traffic.MILESTONES for name in names]
    assert sorted(named) == sorted(traffic.CLASSES)


def test_traffic_is_the_same_for_one_name_and_another_for_the_next():
    assert traffic.made(NAME, NUMBER) == traffic.made(NAME, NUMBER)
    assert report.counts_of(NAME, NUMBER) != report.counts_of("Bob", NUMBER)
    assert report.counts_of(NAME, NUMBER) != report.counts_of(NAME, NUMBER + 1)
    classes = traffic.made(NAME, NUMBER)
    assert {each.name for each in classes} == set(traffic.CLASSES)
    counted = sum(counts[0] + counts[2] for counts in traffic.whole(classes).values())
    assert counted == sum(bool(each.table) for each in classes) * traffic.FRAMES_OF_A_CLASS


@pytest.fixture(scope="module")
def objects(tmp_path_factory):
    """The reference monitors, compiled; tests change neither."""
    folder = tmp_path_factory.mktemp("monitors")
    made = {}
    for design, source in packed.references().items():
        (folder / f"{design}.c").write_text(source)
        made[design] = toolchain.compile_bpf(folder / f"{design}.c", folder / f"{design}.o")
    return made


@pytest.mark.kernel
@pytest.mark.parametrize("design", ["socket", IN_TC])
def test_two_designs_meet_the_specification(design, objects):
    outcome = acceptance.judged(objects[design], NAME, NUMBER)
    assert (outcome.wrong, outcome.frames) == ((), 450)
    assert outcome.sentence() == "All 18 classes of frames are counted to the byte."


@pytest.mark.kernel
@pytest.mark.parametrize("fault", packed.wrong())
def test_a_wrong_monitor_fails_for_its_own_reason(fault):
    wrong = packed.wrong()[fault]
    assert wrong.source != packed.references()["socket"]
    with program.of_source(wrong.source) as monitor:
        assert wrong.class_name in acceptance.wrong_classes(monitor, traffic.made(NAME, NUMBER))


def test_one_class_is_named_and_a_slow_monitor_is_told_its_cost():
    one = acceptance.Outcome(("two VLAN tags",), 1.0, 450)
    assert one.sentence() == "The specification is met but for one class of frames: two VLAN tags."
    slow = acceptance.Outcome((), 9.0, 450)
    assert not slow.met and "9.0 times what the reference takes: the limit is 4." in slow.sentence()


@pytest.mark.kernel
def test_at_a_real_socket_it_counts_the_same(objects, net):
    """On lo a frame is seen going out and coming in, so twice; a tag would be taken out there."""
    chosen = [each for each in traffic.made(NAME, NUMBER) if "tag" not in each.name]
    with program.opened(objects["socket"]) as monitor:
        with sockets.packet_socket(net, monitor.program.fd):
            for each in chosen:
                helpers_traffic.frames(net, each.frames)
        twice = traffic.total([*traffic.whole(chosen).items()] * 2)
        assert monitor.read() == twice


@pytest.mark.kernel
def test_a_monitor_that_is_right_and_slow_is_refused():
    lookups = "#pragma unroll\n\tfor (int n = 0; n < 100; n++)\n\t\tbpf_ktime_get_ns();\n"
    start = "\tif (LOAD(at, &type))\n\t\treturn 0;\n#pragma"
    source = packed.references()["socket"].replace(start, f"{lookups}{start}", 1)
    with program.compiled(source) as path:
        outcome = acceptance.judged(path, NAME, NUMBER)
    assert not outcome.wrong and not outcome.met
    assert "times what the reference takes: the limit is 4." in outcome.sentence()


SPOILT = [
    ("talks SEC", "talk_table SEC", 'no map "talks"'),
    ("__u32 reply; }", "__u32 reply, more; }", "a key of 40 and a value of 16 bytes"),
    ("max_entries, 4096", "max_entries, 100", "room for 100 pairs"),
    ("max_entries, 4096", "max_entries, 9000000", "Its maps take 468,000,000 bytes"),
    ('SEC("socket")', 'SEC("xdp")', 'The program is in section "xdp"'),
    ("pair.reply = reply;", "pair.reply = 3;", "say 3, and are to say 0 or 1"),
]


@pytest.mark.kernel
@pytest.mark.parametrize(("old", "new", "said"), SPOILT)
def test_what_is_no_monitor_by_the_specification_is_told_so(old, new, said):
    source = packed.references()["socket"].replace(old, new)
    source = re.sub(r"talks\b", "talk_table", source) if "talk_table" in new else source
    refused = pytest.raises(program.MonitorError, match=re.escape(said))
    with refused, program.of_source(source) as monitor:
        acceptance.wrong_classes(monitor, traffic.made(NAME, NUMBER))


@pytest.mark.parametrize(
    "line",
    [
        '#include "../chapters/ch14/traffic.py"',
        "#include <linux/../../../etc/hostname>",
        "#define FILE <stdio.h>\n#include FILE",
        "#inc\\\nlude </etc/hostname>",
        "# /* */ include </etc/hostname>",
        "%:include </etc/hostname>",
        'asm(".inc" "bin \\"/etc/hostname\\"");',
    ],
)
def test_a_monitor_that_reads_another_file_is_refused(line):
    with pytest.raises(program.MonitorError, match="another file|no other file"):
        acceptance.sources_of_its_own(packed.references()["socket"] + line)


@pytest.mark.kernel
def test_a_monitor_that_could_send_packets_is_refused_before_it_is_loaded():
    sends = packed.references()["tc"].replace(
        "	talk->messages++;", "	bpf_clone_redirect(skb, 1, 0);\n	talk->messages++;"
    )
    said = "calls helper 13, which a monitor has no use for"
    with program.compiled(sends) as path, pytest.raises(program.MonitorError, match=said):
        acceptance.judged(path, NAME, NUMBER)


@pytest.mark.kernel
def test_what_a_learner_begins_with_loads_and_counts_nothing(tmp_path):
    path = tmp_path / "monitor_kern.c"
    assert program.begin(path).startswith("monitor_kern.c is new")
    assert check.monitor(path.read_text()).text.startswith("Milestone 1:")
    path.write_text("mine")
    assert program.begin(path).endswith("stays as it is.")
    assert path.read_text() == "mine"


@pytest.mark.kernel
def test_a_learner_sees_what_is_counted_and_what_is_to_be():
    classes = {each.name: each for each in traffic.made(NAME, NUMBER)}
    right = program.against(packed.references()["socket"], classes["IPv6"])
    assert {row[4] for row in right.rows} == {""}
    assert {row[:2] for row in right.rows} == set(classes["IPv6"].table)
    nothing = program.against(program.START.read_text(), classes["IPv6"])
    assert {row[2:3] + row[4:] for row in nothing.rows} == {("(0, 0, 0, 0)", "no")}
    too_much = program.against(packed.wrong()["any_protocol"].source, classes["TCP"])
    assert {row[3:] for row in too_much.rows} == {("(0, 0, 0, 0)", "no")}


def test_the_report_shows_the_learners_tests_and_is_read_again(tmp_path):
    tests = [([b"\1\2", b"\3"], {("192.0.2.1", "192.0.2.2"): (1, 3, 0, 0)}), ([b"\4"], {})]
    source = packed.references()["socket"]
    page = report.page(NAME, NUMBER, source, acceptance.Outcome((), 1.0, 450), 6, tests)
    assert "## Test 1\n\n```text\n0102\n03\n```" in page
    assert "| 192.0.2.1 | 192.0.2.2 | 1 | 3 | 0 | 0 |" in page and "## Test 2" in page
    (tmp_path / "report.md").write_text(page)
    assert report.read(tmp_path / "report.md").source == source


def handed_in(folder, source, name=NAME):
    outcome = acceptance.Outcome((), 1.0, 450)
    path = folder / "report.md"
    path.write_text(report.page(name, NUMBER, source, outcome, 6))
    return path


@pytest.mark.kernel
@pytest.mark.parametrize("design", ["socket", IN_TC])
def test_verify_accepts_both_designs(design, tmp_path):
    said = verify.verify(handed_in(tmp_path, packed.references()[design]), SEED)
    assert said.startswith("Ada, with seed 11: All 18 classes of frames are counted to the byte.")


def no_machine(kernel, command, seconds):
    """The command of a virtual machine, on the kernel that runs."""
    python = command.index(sys.executable)
    done = subprocess.run(command[python:], cwd=toolchain.COURSE, capture_output=True, text=True)
    yield from done.stdout.splitlines()


@pytest.mark.kernel
def test_verify_asks_other_kernels_and_names_the_one_that_says_no(tmp_path, monkeypatch):
    """What is the same on each kernel is ./course test --kernels' to tell; here is but one."""
    monkeypatch.setattr(fetch, "kernel", lambda suite: fetch.Kernel("", tmp_path, tmp_path / suite))
    monkeypatch.setattr(machine, "run", no_machine)
    right = handed_in(tmp_path, packed.references()["socket"])
    said = verify.verify(right, SEED, ["5.10", "6.1"])
    assert said.endswith("It counts the same on Linux 5.10, 6.1.")
    wrong = toolchain.compile_bpf(
        written(tmp_path, packed.wrong()["any_protocol"].source), tmp_path / "wrong.o"
    )
    with pytest.raises(verify.VerifyError, match="On Linux 5.10 not right: TCP."):
        verify.on_kernel("5.10", wrong, NAME, SEED)
    no_map = packed.references()["socket"].replace("talks", "counts")
    refused = toolchain.compile_bpf(written(tmp_path, no_map), tmp_path / "refused.o")
    with pytest.raises(verify.VerifyError, match='On Linux 5.10: There is no map "talks"'):
        verify.on_kernel("5.10", refused, NAME, SEED)


def written(folder, source):
    path = folder / "monitor_kern.c"
    path.write_text(source)
    return path


def constants(name: str, number: int) -> str:
    """A program that counts frames and puts in, class by class, what is right for one traffic."""
    lines = []
    for at, each in enumerate(traffic.made(name, number)):
        adds = []
        for (client, server), counts in each.table.items():
            both = traffic.ends(traffic.Exchange(client, server, False, b"", 0))
            ends = b"".join(ipaddress.ip_address(end).packed for end in both)
            half = len(ends) // 2
            mapped = bytes(10) + b"\xff\xff" if half == 4 else b""
            key = mapped + ends[:half] + mapped + ends[half:]
            for reply in (0, 1):
                if counts[2 * reply]:
                    values = ", ".join(map(str, (*key, reply)))
                    total, size = counts[2 * reply : 2 * reply + 2]
                    adds.append(f"put((struct key){{{{{values}}}}}, {total}, {size});")
        lines.append(f"if (*n == {1 + 25 * at}) {{ {' '.join(adds)} }}")
    return CONSTANTS % "\n\t".join(lines)


CONSTANTS = """
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct key { __u8 bytes[36]; };
struct talk { __u64 messages, bytes; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4096);
	__type(key, struct key); __type(value, struct talk); } talks SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1);
	__type(key, __u32); __type(value, __u32); } number SEC(".maps");
static __always_inline void put(struct key key, __u64 messages, __u64 bytes)
{
	struct talk new = {messages, bytes}, *old = bpf_map_lookup_elem(&talks, &key);
	if (old) { old->messages += messages; old->bytes += bytes; }
	else bpf_map_update_elem(&talks, &key, &new, 0);
}
SEC("socket") int monitor(struct __sk_buff *skb)
{
	__u32 zero = 0, *n = bpf_map_lookup_elem(&number, &zero);
	if (!n) return 0;
	(*n)++;
	%s
	return 0;
}
char LICENSE[] SEC("license") = "GPL";
"""


@pytest.mark.kernel
def test_verify_refuses_constants_in_place_of_counting(tmp_path):
    with pytest.raises(verify.VerifyError, match="constants stand there in place of counting"):
        verify.verify(handed_in(tmp_path, constants(NAME, NUMBER)), SEED)


@pytest.mark.kernel
def test_verify_refuses_a_wrong_monitor_and_names_the_class(tmp_path):
    with pytest.raises(verify.VerifyError, match="met but for one class of frames: TCP"):
        verify.verify(handed_in(tmp_path, packed.wrong()["any_protocol"].source), SEED)


def test_verify_refuses_anothers_report_and_a_damaged_one(tmp_path, capsys):
    path = handed_in(tmp_path, packed.references()["socket"])
    text = path.read_text()
    path.write_text(text.replace("name: Ada", "name: Bob"))
    assert verify.main([str(path)]) == 1
    assert "is damaged" in capsys.readouterr().err
    body = text.replace("name: Ada", "name: Bob").partition(report.ENDING)[0]
    path.write_text(f"{body}{report.ENDING}{report.checksum(body)}\n")
    assert verify.main([str(path)]) == 1
    assert "it is another's report" in capsys.readouterr().err
    path.write_text("# Something else\n")
    assert verify.main([str(path)]) == 1
    assert "is no report of chapter 14" in capsys.readouterr().err


def test_what_is_compiled_for_verify_finds_no_file_of_the_course(tmp_path):
    found = f'#include "{verify.COURSE}/bpf/flow.h"\n'
    with pytest.raises(verify.VerifyError, match="cannot be compiled, confined: .*not found"):
        verify.compile_confined(found, tmp_path / "monitor.o")
