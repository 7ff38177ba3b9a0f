"""A bundle: what --from makes of a good one, of a damaged one, and of one for another machine.

What is in it is a package of this test's own; ./course is a stand-in that says how it was started.
tools/bundle/tried.py does it all for real, in bare Debians without a network.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from stored import COURSE

from tools import setup
from tools.bundle import make, tried

VERSION = re.search(r'^VERSION_ID="?(\w+)', Path("/etc/os-release").read_text(), re.MULTILINE)[1]
CONTROL = """\
Package: course-test-package
Version: 1.2
Architecture: all
Maintainer: nobody <nobody@example.org>
Description: nothing
"""
COURSE_SCRIPT = '#!/bin/sh\nprintf "%s\\n" "$@" "$APT_CONFIG" "$PIP_FIND_LINKS" "$PIP_NO_INDEX"\n'


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A course in a folder with an awkward name."""
    folder = tmp_path / "mein Kurs"
    (folder / "tools/bundle").mkdir(parents=True)
    shutil.copy(COURSE / "tools/bundle/use.sh", folder / "tools/bundle")
    (folder / "course").write_text(COURSE_SCRIPT)
    (folder / "course").chmod(0o755)
    return folder


def packed(folder: Path, target: Path, release: str = VERSION, machine: str | None = None) -> Path:
    """A bundle with one package in it."""
    place = folder / "debian" / release
    (folder / "deb/DEBIAN").mkdir(parents=True)
    (folder / "deb/DEBIAN/control").write_text(CONTROL)
    place.mkdir(parents=True)
    build = ["dpkg-deb", "--root-owner-group", "--build", folder / "deb", place]
    subprocess.run(build, check=True, capture_output=True)
    shutil.rmtree(folder / "deb")
    (place / "Packages").write_text("\n".join(map(make.entry, place.glob("*.deb"))))
    about = {"architecture": machine or make.machine(), "releases": {}}
    (folder / make.CONTENTS).write_text(json.dumps(about, indent=1))
    make.written(folder, target)
    return target


def used(checkout: Path, *words: object, **more: str) -> subprocess.CompletedProcess[str]:
    command = [checkout / "tools/bundle/use.sh", *words]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | more)


def test_apt_finds_the_bundles_packages_and_no_others(checkout, tmp_path):
    bundle = packed(tmp_path / "made", tmp_path / "b.tar")
    ran = used(checkout, bundle, "--port=1", PIP_INDEX_URL="https://example.org")
    assert ran.returncode == 0, ran.stderr
    verb, option, apt, links, alone = ran.stdout.splitlines()
    assert (verb, option, alone) == ("lab", "--port=1", "1")
    assert links == f"file://{str(checkout).replace(' ', '%20')}/build/bundle/wheels"
    environ = os.environ | {"APT_CONFIG": apt}
    subprocess.run(["apt-get", "update", "-qq"], env=environ, check=True)
    listed = subprocess.check_output(["apt-cache", "dumpavail"], env=environ, text=True)
    assert re.findall("^Package: (.*)", listed, re.MULTILINE) == ["course-test-package"]
    simulated = ["apt-get", "-s", "install", "-y", "course-test-package"]
    assert "Inst course-test-package (1.2 " in subprocess.check_output(
        simulated, env=environ, text=True
    )


def test_it_is_unpacked_once(checkout, tmp_path):
    bundle = packed(tmp_path / "made", tmp_path / "b.tar")
    assert "Unpacking" in used(checkout, bundle).stderr
    assert "Unpacking" not in used(checkout, bundle).stderr
    other = packed(tmp_path / "other", tmp_path / "c.tar", machine=make.machine())
    (tmp_path / "other/new").touch()
    make.written(tmp_path / "other", other)
    assert "Unpacking" in used(checkout, other).stderr


def test_a_damaged_one_is_not_used(checkout, tmp_path):
    bundle = packed(tmp_path / "made", tmp_path / "b.tar")
    content = bundle.read_bytes()
    bundle.write_bytes(content.replace(b'"releases"', b'"RELEASES"'))
    ran = used(checkout, bundle)
    assert ran.returncode == 1 and ran.stderr.splitlines()[-1].startswith("course: the bundle is d")
    assert not (checkout / "build/bundle").exists() and ran.stdout == ""
    bundle.write_bytes(content[: len(content) // 2])
    assert used(checkout, bundle).returncode == 1
    assert not (checkout / "build/bundle").exists()


@pytest.mark.parametrize(
    ("of", "said"),
    [
        ({"release": "99"}, "nothing for this release"),
        ({"machine": "m68k"}, "another kind of processor"),
    ],
    ids=str,
)
def test_one_for_another_machine_says_so(checkout, tmp_path, of, said):
    ran = used(checkout, packed(tmp_path / "made", tmp_path / "b.tar", **of))
    assert ran.returncode == 1 and said in ran.stderr and ran.stdout == ""


@pytest.mark.parametrize("words", [[], ["/nowhere"], [COURSE / "README.md"]], ids=str)
def test_what_is_no_bundle_is_one_sentence(checkout, words):
    ran = used(checkout, *words)
    assert ran.returncode == 1 and len(ran.stderr.splitlines()) == 1
    assert ran.stderr.startswith("course: ")


def test_a_bundle_has_what_the_script_installs_and_every_python_package():
    names = make.wanted()
    assert {"clang", "python3-venv", "python3-bpfcc"} <= set(names)
    assert f"linux-headers-cloud-{make.machine()}" in names
    text = (COURSE / "course").read_text()
    assert all(re.search(rf"[( ]{re.escape(name)}[ )\n]", text) for name in names[:-1])
    assert len(setup.requirements("lab")) > 10 and set(make.PYTHONS) < set(make.SUITES)


def test_a_wheel_is_told_to_its_python():
    def fits(name: str) -> bool:
        return make.fits(Path(name), "3.11", {"numpy", "pyzmq", "jupyterlab"})

    assert fits("numpy-2.4.1-cp311-cp311-manylinux_2_28_x86_64.whl")
    assert not fits("numpy-2.4.1-cp313-cp313-manylinux_2_28_x86_64.whl")
    assert fits("pyzmq-27.1.0-cp312-abi3-manylinux_2_28_x86_64.whl")
    assert fits("jupyterlab-4.6.0-py3-none-any.whl") and not fits("uv-0.13.0-py3-none-any.whl")


def test_the_script_pleases_shellcheck():
    subprocess.run(["shellcheck", COURSE / "tools/bundle/use.sh"], check=True)


def test_what_apt_says_of_bytes_is_read():
    said = "Need to get 0 B/161 MB of archives."
    assert tried.megabytes(said, "of archives") == 161
    assert tried.megabytes("After this operation, 1,003 MB of additional", "of addit") == 1003
    about = {"python": "3.11", "wheel_bytes": 120_000_000}
    found = {
        "apt": said,
        "disk": "After this operation, 1.2 GB of additional",
        "environment": "400",
    }
    row = tried.row("12", about, found)
    assert row == "| Debian 12 | 3.11 | 161 MB | 120 MB | 281 MB | 1,600 MB |"
