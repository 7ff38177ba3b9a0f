"""Names and numbers, rates, and the memory-mapped counters."""

from __future__ import annotations

import dataclasses
import sys

import numpy as np
import pytest

from helpers import counters, loader, protocols, sockets, toolchain, traffic


@pytest.mark.parametrize(("number", "name"), [(6, "TCP"), (0, "HOPOPT"), (58, "ICMPv6")])
def test_a_protocol_has_a_name_and_the_name_a_number(number, name):
    assert protocols.name(number) == name
    assert protocols.number(name) == number


def test_a_protocol_without_a_name_is_its_number():
    assert protocols.name(200) == "200"
    assert protocols.number("200") == 200


@pytest.mark.parametrize("name", ["Tcp", "256", "-1", ""])
def test_there_is_no_such_protocol(name):
    with pytest.raises(protocols.ProtocolError, match="0 to 255"):
        protocols.number(name)


def reading(**grown: int) -> np.ndarray:
    values = np.zeros(256, dtype=np.uint64)
    for name, size in grown.items():
        values[protocols.NUMBERS[name]] = size
    return values


def test_a_rate_is_the_difference_by_the_measured_time():
    rates = counters.rate(reading(TCP=1000), reading(TCP=1000, UDP=7100), 0.5)
    assert rates.shape == (256,)
    assert rates[17] == 14_200
    assert rates.sum() == 14_200


def test_large_counters_keep_every_byte():
    rates = counters.rate(reading(TCP=2**63), reading(TCP=2**63 + 196), 1.0)
    assert rates[6] == 196


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_no_time_no_rate(seconds):
    with pytest.raises(counters.CounterError, match="same moment"):
        counters.rate(reading(), reading(), seconds)


def test_a_counter_that_shrinks_is_not_taken_for_a_flood():
    with pytest.raises(counters.CounterError, match="shrunk"):
        counters.rate(reading(UDP=2), reading(UDP=1), 1.0)


@pytest.mark.kernel
def test_mapped_memory_agrees_with_256_lookups(net, sockex1):
    counter_map = sockex1.map("bytes_by_protocol")
    with (
        counters.Counters(counter_map) as mapped,
        sockets.packet_socket(net, sockex1.program("count_bytes").fd),
    ):
        traffic.udp(net, count=3, size=100)
        traffic.echo(net, to="::1")
        looked_up = [counter_map.lookup(key.to_bytes(4, sys.byteorder)) for key in range(256)]
        values = mapped.read()
    assert values.dtype == np.uint64
    assert values.tolist() == [int.from_bytes(value, sys.byteorder) for value in looked_up]
    assert values[17] == 3 * 142


@pytest.mark.kernel
def test_a_reading_is_a_copy(net, sockex1):
    with (
        counters.Counters(sockex1.map("bytes_by_protocol")) as mapped,
        sockets.packet_socket(net, sockex1.program("count_bytes").fd),
    ):
        before = mapped.read()
        traffic.udp(net)
        assert before.sum() == 0
        assert mapped.read().sum() == 142


@pytest.mark.kernel
def test_closed_counters_say_so(sockex1):
    mapped = counters.Counters(sockex1.map("bytes_by_protocol"))
    mapped.close()
    with pytest.raises(counters.CounterError, match="are closed"):
        mapped.read()
    mapped.close()


@pytest.mark.kernel
def test_values_that_are_no_counters_are_refused(sockex1):
    narrow = dataclasses.replace(sockex1.map("bytes_by_protocol"), value_size=4)
    with pytest.raises(counters.CounterError, match="4 bytes"):
        counters.Counters(narrow)


@pytest.mark.kernel
def test_a_map_that_may_not_be_mapped_is_refused_with_the_cure(tmp_path):
    source = (toolchain.SOURCES / "sockex1_kern.c").read_text()
    flag = "__uint(map_flags, BPF_F_MMAPABLE);"
    assert flag in source
    (tmp_path / "plain_kern.c").write_text(source.replace(flag, ""))
    plain = toolchain.compile_bpf(tmp_path / "plain_kern.c", tmp_path / "plain.o")
    with (
        loader.load(plain) as loaded,
        pytest.raises(counters.CounterError, match="BPF_F_MMAPABLE"),
    ):
        counters.Counters(loaded.map("bytes_by_protocol"))
