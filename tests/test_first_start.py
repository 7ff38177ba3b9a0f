"""The comparison of first starts: what is timed, and what stands in the table."""

from __future__ import annotations

import io
import subprocess
import tarfile

import pytest
from stored import COURSE

from tools.debian import first_start, roots

SAID = [
    (10.0, "begin"),
    (10.5, "Installing system packages, a minute or two: clang ..."),
    (30.5, "Installing Python packages, a minute or less ..."),
    (40.0, "TCP 0 UDP 0 ICMP 0 bytes"),
    (41.0, "TCP 0 UDP 0 ICMP 196 bytes"),
    (42.0, "TCP 0 UDP 0 ICMP 784 bytes"),
    (42.1, "lab"),
    (47.1, "address"),
]


def test_each_part_is_the_time_between_two_lines():
    times = [first_start.seconds(SAID, *lines) for lines in first_start.PARTS.values()]
    assert times == [20.0, 9.5, 32.0, 5.0]


def test_the_table_has_medians_and_their_ratio():
    runs = {
        "pip": [dict.fromkeys(first_start.PARTS, took) for took in (80.0, 90.0, 1000.0)],
        "uv": [dict.fromkeys(first_start.PARTS, took) for took in (1.0, 30.0, 31.0)],
    }
    rows = first_start.table(runs).splitlines()
    assert rows[2] == "| system packages | 90 s | 30 s | 0.33 |"
    assert len(rows) == 2 + len(first_start.PARTS)


def test_a_commit_is_packed_as_git_has_it(tmp_path):
    git = ["git", "-C", COURSE, "show", "HEAD:course"]
    archive = io.BytesIO()
    roots.pack(archive, {"etc/one": "text"}, "HEAD")
    inside = roots.PLACE.relative_to("/")
    with tarfile.open(fileobj=archive) as tar:
        course = tar.extractfile(f"{inside}/course")
        assert course.read() == subprocess.check_output(git)
        assert tar.getmember(f"{inside}/course").mode & 0o100
        assert tar.extractfile("etc/one").read() == b"text"


def test_a_commit_that_is_not_there_is_one_sentence():
    with pytest.raises(roots.RootError, match="no commit 0123456 here"):
        roots.pack(io.BytesIO(), {}, "0123456")


@pytest.mark.parametrize("lines", [SAID[:4], [*SAID[:7]]])
def test_a_start_that_did_not_get_there_is_no_number(monkeypatch, lines):
    def run(root, *command, stdout, **more) -> int:
        subprocess.run(["printf", "%s\n", *(line for _, line in lines)], stdout=stdout)
        return 0

    monkeypatch.setattr(roots.Root, "run", run)
    with pytest.raises(roots.RootError, match="did not come to its end"):
        first_start.first_start(roots.find("12"), "")


def test_the_page_has_a_run_with_every_part():
    page = first_start.PAGE.read_text()
    assert all(f"| {part} |" in page for part in first_start.PARTS)
