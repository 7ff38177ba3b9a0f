"""bpf(2) by hand: maps, programs and test runs, and one sentence for each refusal."""

from __future__ import annotations

import ctypes
import errno
import gc
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from unwelcome import without_bpf

from chapters.ch06 import check as ch06
from helpers import counters, objfile, sockets, syscall, traffic
from helpers.syscall import call, descriptors, errors, forms, maps, programs

kernel = pytest.mark.kernel

RETURN_0 = bytes.fromhex("b700000000000000 9500000000000000")
RETURN_7 = bytes.fromhex("b700000007000000 9500000000000000")
BYTE_23 = bytes.fromhex("bf16000000000000 3000000017000000 9500000000000000")
EXIT = RETURN_0[8:]
LENGTH = bytes.fromhex("6110000000000000 9500000000000000")  # r0 = skb->len


def key(number: int) -> bytes:
    return number.to_bytes(4, sys.byteorder)


def value(number: int) -> bytes:
    return number.to_bytes(8, sys.byteorder)


def refused(function, *arguments, **more) -> syscall.SyscallError:
    with pytest.raises(syscall.SyscallError) as caught:
        function(*arguments, **more)
    return caught.value


def fds() -> set[str]:
    return {fd.name for fd in Path("/proc/self/fd").iterdir()}


# Without the kernel


def test_every_explanation_is_one_sentence_with_a_cure():
    texts = [*errors.ANY.values()]
    texts += [text for known in errors.EXPLAINED.values() for text in known.values()]
    for text in texts:
        assert ": " in text and text[-1] in ".?" and ". " not in text, text


def test_a_number_that_the_course_has_not_met_is_named():
    text = errors.explain(syscall.Command.MAP_CREATE, errno.EXDEV)
    assert "MAP_CREATE" in text and os.strerror(errno.EXDEV) in text


@pytest.mark.parametrize(("said", "expected"), [("0\n", 1), ("0-3\n", 4), ("0,2-3\n", 3)])
def test_possible_cpus(tmp_path, said, expected):
    (tmp_path / "possible").write_text(said)
    assert syscall.possible_cpus(tmp_path / "possible") == expected


def test_a_processor_whose_number_is_not_known(monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "pdp11")
    error = refused(syscall.create_map, syscall.ARRAY, 4, 8, 1)
    assert error.number == errno.ENOSYS and "pdp11" in str(error)


@pytest.mark.parametrize("machine", ["i686", "x86_64"])
def test_a_program_of_32_bits_has_the_number_of_such_a_kernel(monkeypatch, machine):
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr("sys.maxsize", (1 << 31) - 1)
    assert call.call_number() == 357


def test_where_c_aligns_64_bits_to_4_the_kernels_layout_is_kept():
    # So <linux/bpf.h> has them: __aligned_u64 lies at a multiple of 8 on every machine.
    fields = [("map_fd", forms.U32), ("key", forms.U64), ("value", forms.U64)]
    on_32_bits = forms.padded(fields, aligned=4)
    assert [name for name, _ in on_32_bits] == ["map_fd", "_before_key", "key", "value"]
    members = {"_pack_": 4, "_fields_": on_32_bits}
    packed = type("Packed", (ctypes.Structure,), members)
    assert (packed.key.offset, packed.value.offset) == (8, 16)
    assert forms.padded(fields, aligned=8) == fields


def test_one_form_alone_needs_padding_on_32_bits():
    made = [each for each in vars(forms).values() if isinstance(each, type)]
    shifted = {
        form
        for form in made
        if issubclass(form, ctypes.Structure)
        and len(forms.padded(form._fields_, aligned=4)) > len(form._fields_)
    }
    assert shifted <= {forms.MapElement}
    assert len(forms.padded(forms.MapElement._fields_, aligned=4)) == 5


@pytest.mark.parametrize(
    ("text", "words"),
    [("0x01 02", "'0x01'"), ("01,02", "'01,02'"), ("01 2", "'2'"), ("01 023", "'023'")],
)
def test_what_spoils_a_text_in_hex_is_named(text, words):
    said = ch06.from_hex(text)
    assert isinstance(said, str) and said.startswith(words)


def test_hex_as_text_and_as_bytes():
    assert ch06.from_hex("01\u00a0ff\n 02") == ch06.from_hex(b"\x01\xff\x02") == b"\x01\xff\x02"
    assert ch06.from_hex(None) == ch06.from_hex(" \n") == b""


@pytest.mark.parametrize("name", ["sixteen_letters_", "two words", "größe", "a/b"])
def test_a_name_that_the_kernel_would_not_take(name):
    error = refused(syscall.create_map, syscall.ARRAY, 4, 8, 1, name=name)
    assert error.number == errno.EINVAL and repr(name) in str(error)
    assert repr(name) in str(refused(syscall.load_program, RETURN_0, name=name))


def test_a_size_that_is_none():
    assert "-1" in str(refused(syscall.create_map, syscall.ARRAY, 4, -1, 1))
    assert str(1 << 32) in str(refused(syscall.create_map, syscall.ARRAY, 4, 8, 1 << 32))


def test_instructions_that_are_cut_off():
    assert "15 is no multiple" in str(refused(syscall.load_program, RETURN_0[:-1]))


def test_a_frame_for_a_test_run_has_14_zeros_in_front():
    assert syscall.frame_for_test_run(b"abc") == bytes(14) + b"abc"


# Maps


@kernel
def test_an_array_is_written_and_read():
    with syscall.create_map(syscall.ARRAY, 4, 8, 256, name="counters") as array:
        assert array.lookup(key(6)) == bytes(8)
        array.update(key(6), value(98))
        assert array.lookup(key(6)) == value(98)
        assert list(array.keys()) == [key(number) for number in range(256)]
        info = array.info()
        assert (info.type, info.key_size, info.value_size, info.max_entries) == (2, 4, 8, 256)
        assert (info.name, info.flags) == ("counters", 0)
        assert info.id > 0


@kernel
def test_a_hash_loses_what_is_deleted():
    with syscall.create_map(syscall.HASH, 4, 8, 3) as table:
        assert list(table.keys()) == []
        for number in (7, 8, 9):
            table.update(key(number), value(number))
        table.delete(key(8))
        assert sorted(table.keys()) == [key(7), key(9)]
        for gone in (table.lookup, table.delete):
            with pytest.raises(KeyError):
                gone(key(8))


@kernel
@pytest.mark.parametrize("kind", [syscall.ARRAY, syscall.HASH, syscall.LRU_HASH])
@pytest.mark.parametrize("entries", [1, 5, 1000])
def test_batch_is_what_lookup_says_of_each_key(kind, entries):
    with syscall.create_map(kind, 4, 12, entries) as filled:
        for number in range(0, entries, 2):
            filled.update(key(number), struct.pack("3I", number, 1, 2))
        batch = filled.batch()
        assert batch == {each: filled.lookup(each) for each in list(filled.keys())}
        assert len(batch) == (entries if kind == syscall.ARRAY else (entries + 1) // 2)


@kernel
def test_batch_of_an_empty_hash_is_empty():
    with syscall.create_map(syscall.HASH, 16, 8, 10) as empty:
        assert empty.batch() == {}


@kernel
@pytest.mark.parametrize("kind", [syscall.PERCPU_ARRAY, syscall.PERCPU_HASH])
def test_a_per_cpu_value_has_a_padded_slot_for_each_possible_cpu(kind):
    cpus = syscall.possible_cpus()
    with syscall.create_map(kind, 4, 12, 2) as per_cpu:
        assert per_cpu.slots_size == 16 * cpus
        slots = b"".join(struct.pack("4I", cpu, 1, 2, 0) for cpu in range(cpus))
        per_cpu.update(key(1), slots)
        found = per_cpu.lookup(key(1))
        assert len(found) == 16 * cpus
        assert [found[at : at + 12] for at in range(0, len(found), 16)] == [
            slots[at : at + 12] for at in range(0, len(slots), 16)
        ]
        assert f"has {16 * cpus} bytes" in str(refused(per_cpu.update, key(1), bytes(12)))


@kernel
def test_per_cpu_batch():
    with syscall.create_map(syscall.PERCPU_HASH, 4, 8, 4) as per_cpu:
        per_cpu.update(key(3), value(5) * syscall.possible_cpus())
        assert per_cpu.batch() == {key(3): value(5) * syscall.possible_cpus()}


@kernel
def test_an_array_is_mapped_into_memory_and_follows_the_kernel():
    with syscall.create_map(syscall.ARRAY, 4, 8, 256, syscall.MMAPABLE) as array:
        memory = array.mapped()
        assert len(memory) == 256 * 8
        array.update(key(255), value(7))
        assert memory[255 * 8 :] == value(7)
        with counters.Counters(array) as seen:  # chapter 04's reader takes such a map, too
            assert seen.read()[255] == 7
        memory.close()


@kernel
def test_memory_outlives_the_descriptor():
    with syscall.create_map(syscall.ARRAY, 4, 8, 1, syscall.MMAPABLE) as array:
        array.update(key(0), value(7))
        memory = array.mapped()
    assert memory[:8] == value(7)
    memory.close()


@kernel
def test_a_map_that_cannot_be_mapped_says_which_flag_it_lacks():
    with syscall.create_map(syscall.ARRAY, 4, 8, 1) as array:
        assert "flags=MMAPABLE" in str(refused(array.mapped))


@kernel
def test_sizes_are_checked_before_the_kernel_reads_past_them():
    with syscall.create_map(syscall.ARRAY, 4, 8, 1) as array:
        assert "has 4 bytes, this one has 2" in str(refused(array.lookup, bytes(2)))
        assert "has 8 bytes, this one has 4" in str(refused(array.update, key(0), bytes(4)))


def full_hash() -> syscall.Map:
    table = syscall.create_map(syscall.HASH, 4, 8, 1)
    table.update(key(0), value(0))
    return table


MAP_REFUSALS = {
    "type": (lambda: syscall.create_map(9999, 4, 8, 1), errno.EINVAL, "map type"),
    "key": (lambda: syscall.create_map(syscall.ARRAY, 8, 8, 1), errno.EINVAL, "keys of 4 bytes"),
    "large": (lambda: syscall.create_map(syscall.HASH, 1 << 31, 8, 1), errno.E2BIG, "larger"),
    "past": (
        lambda: syscall.create_map(syscall.ARRAY, 4, 8, 256).update(key(256), value(1)),
        errno.E2BIG,
        "max_entries",
    ),
    "full": (lambda: full_hash().update(key(1), value(1)), errno.E2BIG, "hash takes no more"),
    "there": (lambda: full_hash().update(key(0), value(1), 1), errno.EEXIST, "NOEXIST"),
    "not there": (lambda: full_hash().update(key(1), value(1), 2), errno.ENOENT, "EXIST"),
    "flag": (lambda: full_hash().update(key(0), value(1), 99), errno.EINVAL, "no such flag"),
    "delete": (
        lambda: syscall.create_map(syscall.ARRAY, 4, 8, 1).delete(key(0)),
        errno.EINVAL,
        "for life",
    ),
    "ring": (
        lambda: syscall.create_map(syscall.RING_BUFFER, 0, 0, 65536).batch(),
        errors.NOT_SUPPORTED,
        "another type",
    ),
    "info of no descriptor": (lambda: maps.ask_about(-1, forms.MapFacts()), errno.EBADFD, "closed"),
    "info of a file": (lambda: maps.ask_about(0, forms.MapFacts()), errno.EINVAL, "of a map"),
}


@kernel
@pytest.mark.parametrize("case", MAP_REFUSALS)
def test_a_refused_map_command_has_its_number_and_its_sentence(case):
    action, number, words = MAP_REFUSALS[case]
    error = refused(action)
    assert (error.number, error.log) == (number, "")
    assert words in str(error)


@kernel
def test_a_closed_map_says_so():
    array = syscall.create_map(syscall.ARRAY, 4, 8, 1)
    array.close()
    array.close()
    for action in (lambda: array.lookup(key(0)), array.batch, array.info, lambda: [*array.keys()]):
        assert "closed" in str(refused(action))


@kernel
def test_too_many_descriptors():
    script = (
        "import resource; from helpers import syscall\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (30, 30))\n"
        "kept = [syscall.create_map(syscall.ARRAY, 4, 8, 1) for _ in range(40)]"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "close maps and programs" in result.stderr.splitlines()[-1]


@kernel
def test_what_is_held_is_found_and_goes_with_its_descriptor():
    gc.collect()  # or what an earlier test's exception still holds goes away in between
    before = syscall.held()  # what other tests' fixtures keep
    with syscall.create_map(syscall.ARRAY, 4, 8, 1) as array:
        with_map = before | {array.fd: "anon_inode:bpf-map"}
        with syscall.load_program(RETURN_0) as program:
            assert syscall.held() == with_map | {program.fd: "anon_inode:bpf-prog"}
        assert syscall.held() == with_map
    assert syscall.held() == before


@kernel
def test_a_descriptor_that_is_gone_before_it_was_read_is_left_out(monkeypatch):
    """As when another thread closes its file between the list and the look."""
    with syscall.create_map(syscall.ARRAY, 4, 8, 1) as array:
        gone = Path("/proc/self/fd/999999")
        listed = [gone, Path(f"/proc/self/fd/{array.fd}"), gone]
        monkeypatch.setattr(descriptors.Path, "iterdir", lambda self: iter(listed))
        assert syscall.held() == {array.fd: "anon_inode:bpf-map"}


# Programs


@kernel
def test_a_program_is_loaded_run_and_asked_about():
    with syscall.load_program(RETURN_7, name="seven") as program:
        assert syscall.test_run(program, bytes(14)).value == 7
        info = program.info()
        assert (info.type, info.name, info.map_ids) == (syscall.SOCKET_FILTER, "seven", ())
        assert info.id > 0 and len(info.tag) == 16
        assert info.xlated.endswith(EXIT)
        assert program.log == ""


@kernel
@pytest.mark.parametrize("level", [1, 2])
def test_an_accepted_program_keeps_its_log(level):
    with syscall.load_program(RETURN_0, log_level=level) as program:
        assert "processed 2 insns" in program.log
        assert ("R0" in program.log) == (level == 2)


@kernel
def test_a_refused_program_has_a_log_although_none_was_asked_for():
    error = refused(syscall.load_program, EXIT)
    assert error.number == errno.EACCES
    assert "R0" in error.log and ".log" in str(error)
    assert "R0" in refused(syscall.load_program, EXIT, log_level=2).log


@kernel
def test_a_log_that_needs_more_room_is_kept_whole():
    # Straight-line code of n instructions: at level 2 each is printed with its registers.
    with syscall.load_program(RETURN_0[:8] * 4000 + EXIT, log_level=2) as program:
        assert len(program.log) > programs.LOG_SIZES[0]
        assert "processed 4001 insns" in program.log


@kernel
def test_programs_that_are_none():
    assert refused(syscall.load_program, b"").number == errno.E2BIG
    error = refused(syscall.load_program, RETURN_0, 9999)
    assert (error.number, error.log) == (errno.EINVAL, "")
    assert "program type" in str(error)


def test_a_signal_in_the_middle_is_survived(monkeypatch):
    answers = iter([-errno.EAGAIN, -errno.EAGAIN, 5])
    monkeypatch.setattr(programs, "bpf", lambda command, form: next(answers))
    assert programs._patiently(forms.ProgLoad()) == 5


@kernel
def test_xdp_needs_no_prefix_where_it_may_be_loaded():
    """Its packet begins where the test's packet begins: r2 = data, r3 = end, one byte."""
    code = bytes.fromhex(
        "6112000000000000 6113040000000000 b700000000000000 bf24000000000000 0704000001000000"
        "2d34010000000000 7120000000000000 9500000000000000"
    )
    try:
        program = syscall.load_program(code, syscall.XDP)
    except syscall.SyscallError as error:
        assert error.number == errno.EPERM  # XDP takes CAP_NET_ADMIN
        return
    with program:
        run = syscall.test_run(program, b"\x2a" + bytes(59))
        assert (run.value, run.data) == (0x2A, b"\x2a" + bytes(59))


# Test runs


@kernel
def test_a_test_run_cuts_14_bytes_off_and_the_prefix_makes_up_for_it():
    frame = bytes(range(98))
    with syscall.load_program(BYTE_23) as program, syscall.load_program(LENGTH) as length:
        assert syscall.test_run(program, frame).value == 14 + 23
        assert syscall.test_run(program, syscall.frame_for_test_run(frame)).value == 23
        assert syscall.test_run(length, syscall.frame_for_test_run(frame)).value == 98
        assert syscall.test_run(program, frame).data == bytes(14) + frame[14:]


@kernel
def test_repeating_gives_a_mean_time():
    with syscall.load_program(RETURN_0) as program:
        run = syscall.test_run(program, bytes(64), repeat=1000)
        assert run.value == 0
        assert 0 <= run.nanoseconds < 1_000_000


@kernel
@pytest.mark.parametrize("length", [0, 13, 100_000])
def test_a_packet_that_a_test_does_not_take(length):
    with syscall.load_program(RETURN_0) as program:
        error = refused(syscall.test_run, program, bytes(length))
        # Linux 7.3 has no memory for a packet that is too long; 6.18 calls it invalid.
        too_long = {errno.EINVAL, errno.ENOMEM}
        assert error.number in (too_long if length == 100_000 else {errno.EINVAL})
        assert "14 bytes or more" in str(error)


# The whole road, without a library


@kernel
def test_sockex1_counts_196_bytes_a_ping_with_its_map_filled_in_by_hand(sockex1_object, net):
    found = objfile.read(sockex1_object)
    wanted = found.map("bytes_by_protocol")
    sizes = (wanted.type, wanted.key_size, wanted.value_size, wanted.max_entries)
    with syscall.create_map(*sizes, wanted.map_flags, "by_hand") as counted:
        code = found.sections["socket"].data
        (place,) = [each for each in found.relocations if each.symbol == "bytes_by_protocol"]
        code = syscall.relocate(code, place.offset, counted.fd)
        with (
            syscall.load_program(code, license=found.license, name="count_bytes") as program,
            sockets.packet_socket(net, program.fd),
        ):
            assert program.info().map_ids == (counted.info().id,)
            sums = []
            for _ in range(4):
                traffic.echo(net)
                sums.append(int.from_bytes(counted.lookup(key(1)), sys.byteorder))
    assert sums == [196, 392, 588, 784]


# Nothing is left behind


@kernel
def test_descriptors_are_given_back_even_without_close():
    before = fds()
    with syscall.create_map(syscall.ARRAY, 4, 8, 1), syscall.load_program(RETURN_0):
        assert len(fds()) == len(before) + 2
    syscall.create_map(syscall.ARRAY, 4, 8, 1)
    syscall.load_program(RETURN_0)
    refused(syscall.load_program, EXIT)
    assert fds() == before


@kernel
def test_an_ordinary_user_is_told_how_to_start():
    script = "from helpers import syscall; syscall.create_map(2, 4, 8, 1)"
    command = [*without_bpf(), sys.executable, "-c", script]
    result = subprocess.run(command, capture_output=True, text=True)
    assert "this process lacks CAP_BPF" in result.stderr.splitlines()[-1]
