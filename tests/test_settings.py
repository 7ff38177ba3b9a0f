"""./course test --settings: the course under settings that a learner's machine may have.

A virtual machine for each, a minute or so on a quiet machine; the run writes the table of
docs/kernels.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from helpers import toolchain
from helpers.features import WORKS
from tools import packages
from tools.kernels import attempts, fetch, inside, machine, settings

pytestmark = [pytest.mark.settings, pytest.mark.timeout(1200)]
kept: list[dict] = []


@pytest.fixture(scope="module")
def sockex1() -> Iterator[None]:
    """The object file, compiled where the processor is real; at the end the table is written."""
    packages.need("qemu-system-x86", "debian-archive-keyring")
    toolchain.compile_bpf(attempts.OBJECT.with_suffix(".c").name)
    yield
    if len(kept) == len(settings.SETTINGS):
        settings.keep(kept)


@pytest.fixture(scope="module", params=settings.SETTINGS, ids=lambda setting: setting.name)
def found(request: pytest.FixtureRequest, sockex1: None) -> dict:
    """What the course does under one setting."""
    setting = request.param
    lines = machine.run(
        fetch.kernel(settings.SUITE),
        settings.command(setting, inside.in_machine("settings")),
        900,
        setting.memory,
        setting.processors,
        options=setting.options,
    )
    (entry,) = [json.loads(line) for line in lines]
    kept.append(entry | {"name": setting.name})
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(json.dumps(kept[-1]), flush=True)  # progress, past what pytest keeps
    return kept[-1]


NO_IPV6 = "IPv6 not in the kernel: ipv6.disable=1"


def test_the_five_lines_are_right_under_each(found):
    assert found["five"] == WORKS


def test_it_counts_to_the_byte_or_says_what_is_missing(found):
    if found["name"] == NO_IPV6:
        assert "IPv6" in found["exact"] and found["exact"].endswith(".")
    else:
        assert found["exact"] == WORKS


def test_a_private_network_takes_user_namespaces(found):
    forbidding = {
        "no user namespaces: user.max_user_namespaces=0",
        "no user namespaces for users: kernel.unprivileged_userns_clone=0",
        "AppArmor that forbids user namespaces",
    }
    warned = any(row["what"] == "network" for row in found["rows"])
    assert warned == (found["name"] in forbidding)


def test_the_report_has_a_cure_for_what_it_names(found):
    for row in found["rows"]:
        assert row["cure"].endswith("."), row
    assert not [row for row in found["rows"] if row["status"] == "missing"]
