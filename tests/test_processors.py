"""./course test --processors: the course on i386 and arm64, emulated, with Debian's kernels.

The run writes the table of docs/machines.md.
"""

from __future__ import annotations

import json

import pytest

from helpers import features, toolchain
from tools.kernels import attempts, clinic, machine, processors, refusals, results

pytestmark = [pytest.mark.processors, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What the machines load, compiled here: an object file of BPF is the same for each."""
    newer = tmp_path_factory.mktemp("newer") / "newer_kern.c"
    newer.write_text(attempts.NEWER_SOURCE)
    refusals.compile()
    clinic.compile()
    for source in attempts.FILTERS:
        toolchain.compile_bpf(source)
    toolchain.compile_bpf(newer, attempts.NEWER)


@pytest.fixture(scope="module", params=processors.ARCHITECTURES)
def found(request: pytest.FixtureRequest, objects: None) -> dict:
    """What one machine was found to do; the table keeps it."""
    processors.need(request.param)
    findings = []
    for line in processors.tried(request.param):
        assert line.startswith("{"), line
        findings.append(json.loads(line))
        with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            print(line, flush=True)  # progress, past what pytest keeps
    entry = results.entry(processors.SUITE, machine.BOARDS[request.param].qemu, findings)
    processors.keep(request.param, entry)
    return entry


def test_it_counts_and_prints_the_five_lines(found):
    assert found["checks"]["five lines"] == features.WORKS
    assert found["checks"]["exact"] == features.WORKS


def test_an_ordinary_user_may_load_every_socket_filter(found):
    assert found["checks"]["filters"] == features.WORKS


def test_the_reader_of_refusals_is_never_wrong(found):
    assert found["refusals"]["wrong"] == []
