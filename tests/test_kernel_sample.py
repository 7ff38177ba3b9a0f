"""./course kernel-sample: the kernel tree's own sockex1, in parts; with --kernels all of it."""

from __future__ import annotations

import lzma
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from helpers import toolchain
from tools import packages
from tools.kernel_sample import __main__ as start
from tools.kernel_sample import build, compare, run, source
from tools.kernels.results import FIVE_LINES
from tools.private_apt import FetchError

MAKEFILE = """\
tprogs-y := sock_example
tprogs-y += sockex1
sockex1-objs := sockex1_user.o
always-y := $(tprogs-y)
always-y += sockex1_kern.o
always-y += tracex3_kern.o
"""


def sample(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tools.kernel_sample", *options]
    return subprocess.run(command, cwd=toolchain.COURSE, capture_output=True, text=True)


def shows_the_five_lines(result: subprocess.CompletedProcess[str]) -> None:
    assert result.returncode == 0, result.stderr
    printed = [line.strip() for line in result.stdout.splitlines() if line.startswith("  TCP")]
    assert printed[-5:] == FIVE_LINES
    assert "the same five lines" in result.stdout
    assert "r0 = *(u8 *)skb[23]   " in result.stdout


@pytest.mark.kernels
def test_the_short_way_prints_the_five_lines():
    shows_the_five_lines(sample("--short"))


@pytest.mark.kernels("full")
@pytest.mark.timeout(3600)
def test_the_articles_way_prints_the_five_lines_and_a_broken_build_is_mended():
    shows_the_five_lines(sample())
    built = next(source.folder().glob("linux-source-*/samples/course"))
    (built / build.OBJECT).write_bytes(b"\x7fELF" + bytes(396))
    again = sample()
    assert "an unfinished build is there" in again.stdout
    shows_the_five_lines(again)


def test_a_folder_that_is_no_kernel_tree_is_refused(tmp_path):
    result = sample("--source", str(tmp_path))
    assert result.returncode == 1
    assert "name a kernel tree" in result.stderr


def test_help_explains_the_git_way_too():
    assert "git clone --depth 1" in sample("--help").stdout


def test_two_listings_side_by_side():
    rows = compare.side_by_side(["r0 = 1", "exit"], ["r0 = 2", "r1 = 3", "exit"])
    assert [row.split() for row in rows[1:]] == [
        ["|", "r0", "=", "1", "r0", "=", "2"],
        ["|", "r1", "=", "3"],
        ["exit", "exit"],
    ]


def test_a_whole_build_is_told_from_a_broken_one(tmp_path, sockex1_object):
    assert build.incomplete(tmp_path) == "sockex1 is missing"
    (tmp_path / "sockex1").touch()
    assert "no object file" in build.incomplete(tmp_path)
    (tmp_path / "sockex1_kern.o").write_bytes(bytes(400))
    assert "not an ELF file" in build.incomplete(tmp_path)
    empty = tmp_path / "empty.c"
    empty.write_text("")
    toolchain.compile_bpf(empty, tmp_path / "sockex1_kern.o")
    assert "holds no program" in build.incomplete(tmp_path)
    (tmp_path / "sockex1_kern.o").write_bytes(sockex1_object.read_bytes())
    assert build.incomplete(tmp_path) == ""


def test_the_copy_builds_one_sample_and_the_original_stays(tmp_path):
    (tmp_path / "samples/bpf").mkdir(parents=True)
    (tmp_path / "samples/bpf/Makefile").write_text(MAKEFILE)
    copy = build.only_sockex1(tmp_path) / "Makefile"
    assert copy.read_text().splitlines() == [
        "tprogs-y := sockex1",
        "always-y := sockex1 sockex1_kern.o",
        "sockex1-objs := sockex1_user.o",
    ]
    assert (tmp_path / "samples/bpf/Makefile").read_text() == MAKEFILE


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("a.h:1:10: fatal error: asm/types.h: No such file or directory", "asm/types.h is missing"),
        ("x.c:1:2: fatal error: 'generated/autoconf.h' file not found", "autoconf.h is missing"),
        ("cc1: error: write: No space left on device", "the disk is full"),
        ("make: *** [Makefile:1: x] Error 2", "start again, and the build goes on"),
        ("", "it gave no reason"),
    ],
)
def test_a_make_that_fails_is_one_sentence(tmp_path, said, sentence):
    (tmp_path / "course.log").write_text(said)
    assert sentence in build.explain(tmp_path, "2 of 4")


def test_a_make_that_fails_keeps_its_words(tmp_path):
    with pytest.raises(build.BuildError, match="course.log has all of it"):
        build.make(tmp_path, ["nothing"], "1 of 1")
    assert "nothing" in (tmp_path / "course.log").read_text()


def test_what_an_earlier_start_said_is_not_taken_for_this_ones_error(tmp_path, monkeypatch):
    monkeypatch.setattr(packages, "need", lambda *_: None)
    (tmp_path / "course.log").write_text("a.h:1:10: fatal error: old.h: No such file\n")
    (tmp_path / "Makefile").write_text("olddefconfig:\n\t@echo 'x.c: error: the new one'; false\n")
    with pytest.raises(build.BuildError, match="the new one"):
        build.full(tmp_path)
    assert "old.h" not in (tmp_path / "course.log").read_text()


@pytest.mark.parametrize("compiler", ["clang", "gcc"])
def test_a_compiler_that_refuses_names_the_source(tmp_path, monkeypatch, compiler):
    for name in ("clang", "gcc"):
        status = f"echo 'error: no such luck' >&2; exit {int(name == compiler)}"
        stand_in(tmp_path, name, status)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    source_file = {"clang": "sockex1_kern.c", "gcc": "sockex1_user.c"}[compiler]
    with pytest.raises(build.BuildError, match=f"^{compiler} refused {source_file} .no such luck"):
        build.short(tmp_path)


def stand_in(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_ctrl_c_is_one_sentence(monkeypatch, capsys):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(start, "built", interrupted)
    assert start.main([]) == 130
    said = capsys.readouterr().err.splitlines()
    assert said[-1] == "course: interrupted: start again, and it goes on."


def test_a_cache_that_cannot_be_written_is_one_sentence(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert start.main([]) == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"course: {tmp_path}/file/")
    assert "(Not a directory): set XDG_CACHE_HOME" in said


def test_the_disk_is_looked_at_first(tmp_path):
    source.check_space(1, tmp_path / "new")
    with pytest.raises(FetchError, match="free some, or set XDG_CACHE_HOME"):
        source.check_space(1 << 60, tmp_path)


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """A kernel's source of two files."""
    tree = tmp_path / "tree/linux-source-9.9"
    (tree / "samples/bpf").mkdir(parents=True)
    (tree / "samples/bpf/sockex1_kern.c").write_text("// the sample\n")
    (tree / "README").write_bytes(os.urandom(100_000))
    with tarfile.open(tmp_path / "linux-source-9.9.tar.xz", "w:xz") as archive:
        archive.add(tree, tree.name)
    return tmp_path / "linux-source-9.9.tar.xz"


@pytest.mark.parametrize("short", [True, False])
def test_it_is_unpacked_whole_or_in_part(packed, tmp_path, short):
    tree = source.unpack(packed, tmp_path, short)
    assert tree.name == ("few-" if short else "") + "linux-source-9.9"
    assert (tree / "samples/bpf/sockex1_kern.c").read_text() == "// the sample\n"
    assert (tree / "README").exists() != short


@pytest.mark.parametrize("damage", [lambda whole: whole[:50_000], lambda whole: b"no archive"])
def test_a_broken_package_is_removed_and_leaves_nothing(packed, tmp_path, damage):
    packed.write_bytes(damage(packed.read_bytes()))
    with pytest.raises(FetchError, match="it is removed, start again"):
        source.unpack(packed, tmp_path, False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tree"]


FULL_DISK = """
for n in $(seq 3000); do echo "tar: file-$n: Cannot write: No space left on device" >&2; done
exec cat >/dev/null"""


@pytest.mark.parametrize(
    ("tar", "sentence"),
    [
        (FULL_DISK, "The disk is full at .*: free 2.5 GB, or set XDG_CACHE_HOME .* is kept"),
        ("kill -TERM $$", "tar was interrupted: linux-source-9.9.tar.xz is kept"),
    ],
)
@pytest.mark.timeout(60)
def test_what_is_not_the_packages_fault_keeps_it(packed, tmp_path, monkeypatch, tar, sentence):
    (tmp_path / "bin").mkdir()
    stand_in(tmp_path / "bin", "tar", tar)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    with pytest.raises(FetchError, match=sentence):
        source.unpack(packed, tmp_path, False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin", packed.name, "tree"]


class Apt:
    """Stands in for PrivateApt: what it fetches is a file that dpkg-deb is asked to unpack."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def update(self) -> None:
        self.folder.mkdir()

    def has(self, name: str) -> bool:
        return True

    def download(self, names: list[str]) -> list[Path]:
        (self.folder / "linux-source.deb").touch()
        return [self.folder / "linux-source.deb"]


UBUNTU = """
mkdir -p "$3/usr/src/linux-source-9.9"
echo packed >"$3/usr/src/linux-source-9.9/linux-source-9.9.tar.bz2"
ln -s linux-source-9.9/linux-source-9.9.tar.bz2 "$3/usr/src/linux-source-9.9.tar.bz2"
"""


@pytest.fixture
def dpkg_deb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Lets dpkg-deb be a script; gives the cache's folder."""
    for name in ("bin", "place"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(source, "PrivateApt", Apt)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")

    def be(script: str) -> Path:
        stand_in(tmp_path / "bin", "dpkg-deb", script)
        return tmp_path / "place"

    return be


def test_ubuntus_link_beside_the_file_is_not_taken_for_it(dpkg_deb):
    place = dpkg_deb(UBUNTU)
    (place / "linux-source-9.9.tar.bz2").symlink_to("gone")  # as an earlier start left it
    packed = source.tarball(place)
    assert packed.parent == place and not packed.is_symlink()
    assert packed.read_text() == "packed\n"


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("echo 'dpkg-deb: error: no room' >&2; exit 2", "cannot be unpacked .*no room.: is the"),
        ('mkdir -p "$3/usr/src" && ln -s gone "$3/usr/src/linux-source-9.tar.xz"', "with git"),
    ],
)
def test_a_package_that_gives_no_source_is_one_sentence(dpkg_deb, script, sentence):
    place = dpkg_deb(script)
    with pytest.raises(FetchError, match=sentence):
        source.tarball(place)
    assert list(place.iterdir()) == []


def test_what_a_killed_one_left_is_removed_and_what_is_under_way_is_not(tmp_path):
    with at_work(tmp_path) as one:
        left = Path(one.stdout.readline().strip())
        with at_work(tmp_path) as two:
            assert two.stdout.readline().startswith("another start is fetching into")
            assert (left / "half").exists()
            one.kill()
            mine = Path(two.stdout.readline().strip())
            assert mine.is_dir() and not left.exists()
            two.stdin.close()
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


WORK = """
import sys
from pathlib import Path
from tools.private_apt import alone, workplace
place = Path(sys.argv[1])
with alone(place), workplace(place) as mine:
    (mine / "half").touch()
    print(mine, flush=True)
    sys.stdin.read()
"""


def at_work(place: Path) -> subprocess.Popen[str]:
    """A process that has begun to fetch, and goes on until its standard input is closed."""
    return subprocess.Popen(
        [sys.executable, "-c", WORK, place],
        cwd=toolchain.COURSE,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_machine_without_the_decompressor_keeps_the_package(packed, tmp_path, monkeypatch):
    def refuse(*names: str) -> None:
        raise packages.PackageError(f"{names} missing")

    monkeypatch.setattr(packages, "need", refuse)
    with pytest.raises(packages.PackageError, match="xz-utils"):
        source.unpack(packed, tmp_path, True)
    assert packed.is_file()


def test_a_source_without_the_sample_is_told(tmp_path):
    packed = tmp_path / "linux-source-9.9.tar.xz"
    packed.write_bytes(lzma.compress(b""))
    with pytest.raises(FetchError, match="sockex1 is not in it"):
        source.unpack(packed, tmp_path, False)


def test_what_is_there_is_not_fetched_again(tmp_path, monkeypatch, packed):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    source.folder().mkdir(parents=True)
    packed.rename(source.folder() / packed.name)
    first = source.tree(short=True)
    assert source.tree(short=True) == first
    assert source.tree(short=False).name == "linux-source-9.9"


@pytest.mark.kernel
def test_a_program_that_fails_is_one_sentence(tmp_path):
    program = tmp_path / "sockex1"
    program.write_text("#!/bin/sh\necho no permission >&2\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(build.BuildError, match="status 1 .no permission"):
        list(run.lines(tmp_path, None))


def test_packages_that_are_not_installed():
    if not Path("/usr/bin/dpkg-query").exists():
        pytest.skip("packages are Debian's")
    assert packages.missing(["dpkg", "no-such-package"]) == ["no-such-package"]


def test_elsewhere_than_on_debian_it_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(packages.PackageError, match="Debian or Ubuntu"):
        packages.need("flex")
