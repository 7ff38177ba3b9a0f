"""./course doctor --report: what is in it, and that no name, address or home folder is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from stored import COURSE
from unwelcome import with_mounts

from chapters.ch00.readiness import OK, Report, Row
from tools import doctor, report

# Of somebody made up: none of it may be left.
SECRETS = (
    "anas-laptop", "anas-laptop.example.org", "ana", "/home/ana", "ana@example.org", "proxy.intern",
    "192.0.2.17", "2001:db8::17", "02:00:00:aa:bb:cc", "geheim", "wheels.intern",
)  # fmt: skip
LOG = """
== /home/ana/kurs/.venv-a/bin/uv pip install --python /home/ana/kurs/.venv-a/bin/python
error: Failed to fetch: `https://ana:geheim@wheels.intern/simple/numpy/`
  tcp connect to 192.0.2.17:443, [2001:db8::17]:443 through proxy.intern, as ana on anas-laptop
  anas-laptop.example.org 02:00:00:aa:bb:cc, ana@example.org
 + numpy==2.3.4
"""
HOSTS = "127.0.0.1 localhost\n192.0.2.17 anas-laptop.example.org anas-laptop\n"
PASSWD = "root:x:0:0::/root:/bin/sh\nana:x:1000:1000:Ana:/home/ana:/bin/sh\n"
WHOLE = """
import os, sys
from pathlib import Path
from chapters.ch00 import readiness
from tools import report
report.LOG = Path(sys.argv[1])
print(report.left_out(report.text(readiness.report()), os.environ))
"""


def left(text: str) -> list[str]:
    words = text.replace("/", " ").split()
    return [each for each in SECRETS if each in text and (each != "ana" or "ana" in words)]


def test_the_whole_report_names_nobody(tmp_path):
    files = {"hosts": HOSTS, "passwd": PASSWD, "hostname": "anas-laptop\n", "log": LOG}
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    mounts = [f"--bind '{tmp_path}/{name}' /etc/{name}" for name in ("hosts", "passwd", "hostname")]
    named = ["unshare", "--uts", "sh", "-c", 'hostname anas-laptop; exec "$@"', "sh"]
    given = {
        "HOME": "/home/ana", "USER": "ana", "HTTPS_PROXY": "http://ana:geheim@proxy.intern:3128",
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    }  # fmt: skip
    command = [*with_mounts(*mounts), *named, sys.executable, "-c", WHOLE, str(tmp_path / "log")]
    result = subprocess.run(
        command, cwd=COURSE, env=given, capture_output=True, text=True, timeout=100
    )
    assert result.returncode == 0, result.stderr
    assert left(LOG) == list(SECRETS)  # it can find them
    assert left(result.stdout) == []
    assert str(COURSE) not in result.stdout
    for part in ("kernel version", "CONFIG_BPF_SYSCALL: y", "numpy==2.3.4", "Failed to fetch"):
        assert part in result.stdout


@pytest.mark.parametrize("kept", ["127.0.0.1", "::1", "6.18.44-1", "0:00:07", "std::string"])
def test_what_is_no_address_stays(kept):
    assert report.left_out(f"so {kept} it is", {}, Path("/nonexistent")) == f"so {kept} it is"


def test_it_is_written_beside_the_log_and_said(tmp_path, monkeypatch, capsys):
    found = Report([Row("found", OK, "", "part")])
    monkeypatch.setattr(report, "TARGET", tmp_path / "course-report.txt")
    monkeypatch.setattr(doctor.readiness, "report", lambda for_root: found)
    assert doctor.main(["--report"]) == 0
    assert capsys.readouterr().out.startswith("Written: course-report.txt. Names, addresses")
    assert "ok       part  found" in report.TARGET.read_text()
    monkeypatch.setattr(report, "TARGET", tmp_path)
    assert doctor.main(["--report"]) == 0
    assert capsys.readouterr().out.endswith(
        "cannot be written (Is a directory): send what stands above.\n"
    )
