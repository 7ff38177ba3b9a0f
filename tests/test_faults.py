"""The roads of chapter 08 with a fault in each: their symptoms, and where each shows."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chapters.ch08 import check as ch08
from chapters.ch08 import faults
from helpers import asm, objfile, toolchain

pytestmark = pytest.mark.kernel
NUMBERS = range(1, len(faults.FAULTS))
BY_NAME = {fault.name: number for number, fault in enumerate(faults.FAULTS)}


@pytest.fixture
def road(request):
    with faults.road(BY_NAME[request.param]) as built:
        yield built


def on(name):
    return pytest.mark.parametrize("road", [name], indirect=True)


def printed(road, capsys) -> str:
    road.ping()
    return capsys.readouterr().out.strip()


def listeners(road) -> list[str]:
    lines = road.net.run(["ss", "-0", "-n"]).stdout.splitlines()[1:]
    return [line.split()[3] for line in lines]


def rights(road) -> int:
    status = Path(f"/proc/self/task/{road.thread}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in status if line.startswith("CapEff:")), 16)


ZEROS = "4 pings sent, 4 answered. TCP 0 UDP 0 ICMP 0 bytes"
NOT_LOADED = "4 pings sent, 4 answered. Nothing was loaded."


@on("none")
def test_the_healthy_road(road, capsys):
    assert printed(road, capsys) == "4 pings sent, 4 answered. TCP 0 UDP 0 ICMP 784 bytes"
    assert printed(road, capsys) == "4 pings sent, 4 answered. TCP 0 UDP 0 ICMP 784 bytes"
    assert road.error == road.log == ""
    assert listeners(road) == ["*:lo"]
    assert rights(road) == 1 << 39
    ids = road.map_ids()
    assert ids["the program's"] == [ids["read"]]
    assert road.tcpdump("lo").count("ICMP echo") == 8
    assert road.counters() == {1: 3 * 784}
    with pytest.raises(faults.FaultError, match="eth7"):
        road.tcpdump("eth7")


@on("none")
def test_a_frame_that_tcpdump_has_lost_is_not_waited_for_for_ever(road, monkeypatch):
    answered = road._answered
    monkeypatch.setattr(road, "_answered", lambda: answered() + 1)
    monkeypatch.setattr(faults, "SECONDS_TO_SHOW", 1)
    with pytest.raises(faults.FaultError, match="tcpdump showed 8 of 10 frames"):
        road.tcpdump("lo")


def test_a_road_that_was_taken_down_says_so():
    road = faults.road(0)
    road.close()
    for use in (road.ping, road.counters, road.map_ids):
        with pytest.raises(faults.FaultError, match="build it anew"):
            use()


@on("stale map")
def test_a_stale_map(road, capsys):
    assert printed(road, capsys) == ZEROS
    ids = road.map_ids()
    assert ids["the program's"] != [ids["read"]]
    assert ids["read"] < ids["the program's"][0]  # the older one
    assert listeners(road) == ["*:lo"]


@on("wrong interface")
def test_the_wrong_interface(road, capsys):
    assert printed(road, capsys) == ZEROS
    assert listeners(road) == ["*:eth0"]
    assert road.tcpdump("lo").count("ICMP echo") == 8
    assert "ICMP echo" not in road.tcpdump("eth0")


@on("wrong section name")
def test_the_wrong_section_name(road, capsys):
    assert printed(road, capsys) == NOT_LOADED
    assert road.error and "socket1" in road.log
    assert "socket1" in objfile.read(road.object).sections
    assert rights(road) == 1 << 39


@on("IPv6")
def test_ipv6(road, capsys):
    assert printed(road, capsys) == ZEROS
    assert road.counters() == {0: 4 * 2 * 118}
    assert road.tcpdump().count("IP6 ::1 > ::1") == 8


@on("socket closed")
def test_a_closed_socket(road, capsys):
    assert printed(road, capsys) == ZEROS
    assert listeners(road) == []
    assert "[closed]" in repr(road.sock)


@on("missing capability")
def test_a_missing_capability(road, capsys):
    assert printed(road, capsys) == NOT_LOADED
    assert "not permitted" in road.log or "-EPERM" in road.log  # as libbpf says it from 1.7 on
    assert rights(road) == 0


@on("wrong byte order")
def test_the_wrong_byte_order(road, capsys):
    assert printed(road, capsys) == ZEROS
    assert road.counters() == {}
    assert listeners(road) == ["*:lo"]
    text = asm.listing(objfile.read(road.object).program("count_bytes"))
    assert "skb->protocol != ETH_P_IP ||" in text and "htons" not in text


@on("another network")
def test_another_network(road, capsys):
    assert printed(road, capsys) == ZEROS
    assert listeners(road) == []
    assert road.sock.getsockname()[0] == "lo"


@on("wrong protocol in bind")
def test_the_wrong_protocol(road, capsys):
    assert printed(road, capsys) == ZEROS
    assert listeners(road)[0] in ("ip:lo", "[2048]:lo")
    assert road.sock.getsockname()[1] == 0x0800


@on("firewall")
def test_a_firewall(road, capsys):
    assert printed(road, capsys) == "4 pings sent, 0 answered. TCP 0 UDP 0 ICMP 0 bytes"
    assert road.tcpdump() == "no frame\n"
    assert "policy drop" in road.net.run(["nft", "list", "ruleset"]).stdout


@pytest.mark.parametrize("number", NUMBERS)
def test_only_the_right_name_passes(number):
    name = faults.FAULTS[number].name
    others = next(roads for roads in ch08.ASKED if number in roads)
    right = {other: faults.FAULTS[other].name for other in others}
    for said in faults.NAMES:
        verdict = repr(ch08.diagnosed({**right, number: said}))
        assert verdict.startswith("Right." if said == name else "Not yet."), said
        assert said == name or faults.FAULTS[number].hint in verdict
    assert repr(ch08.diagnosed({**right, number: f" {name.upper()} "})).startswith("Right.")


def test_a_road_left_out_is_not_found():
    assert "2 of 3 found. Road 3" in repr(ch08.diagnosed({1: "stale map", 2: "wrong interface"}))
    for none in (None, {}):
        assert repr(ch08.diagnosed(none)).startswith("Not attempted yet.")
    for other in (["stale map"], {"1": "stale map"}, {11: "IPv6"}, {3: "IPv6", 4: "IPv6"}):
        assert "numbers of the roads" in repr(ch08.diagnosed(other))


def test_diagnoses_that_are_none():
    assert repr(ch08.diagnosed({1: None, 2: None})).startswith("Not attempted yet.")
    assert "what is your diagnosis?" in repr(ch08.diagnosed({1: None, 2: "wrong interface"}))
    assert "not one of faults.NAMES" in repr(ch08.diagnosed({1: "gremlins"}))
    for number in (-1, 11, "1", None):
        with pytest.raises(faults.FaultError, match="0 to 10"):
            faults.road(number)


def test_there_are_ten_faults_of_different_names_and_some_that_do_not_occur():
    names = [fault.name for fault in faults.FAULTS]
    assert len(names) == len(set(names)) == 11
    assert set(names[1:]) < set(faults.NAMES) and not set(faults.DECOYS) & set(names)


def test_what_a_learner_sees_does_not_name_the_fault():
    for number in NUMBERS:
        with faults.road(number) as built:
            assert faults.FAULTS[number].name not in repr(built) + built.error + str(built.object)


def test_nothing_is_left_when_the_process_is_killed(tmp_path):
    script = (
        "import sys; from chapters.ch08 import faults; road = faults.road(2)\n"
        "print(road.net._control.pid, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=toolchain.COURSE,
        env={"TMPDIR": str(tmp_path), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"},
    ) as process:
        inside = int(process.stdout.readline())
        watched = os.pidfd_open(inside)
        process.send_signal(signal.SIGKILL)
        assert select.select([watched], [], [], 10)[0], "the network outlived its owner"
        os.close(watched)
    assert list(tmp_path.iterdir()) == []
