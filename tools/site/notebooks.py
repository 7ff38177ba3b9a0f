"""The notebooks in a page: their guest, with the files that it reads over 9p, and JupyterLite.

Laboratory equipment. The guest's memory is kept with real ipykernels ready in it (kernels.py), and
the files that a notebook reads later are fetched when it does. JupyterLite shows the course's own
notebooks, and hands what they run to the guest (lab_extension/).
Source: JupyterLite's documentation; v86's docs/filesystem.md.
"""

from __future__ import annotations

import ast
import json
import re
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from helpers import toolchain
from helpers.toolchain import COURSE
from tools import package_sources, setup, sources, workspace
from tools.debian.roots import tracked
from tools.kernels import initramfs, modules
from tools.private_apt import alone, workplace
from tools.site import guest, parts, tree
from tools.site.parts import SiteError

# Pure packages for the guest's Python 3.11, beside Debian's.
PURE = ("ipykernel==6.29.*", "comm==0.2.*", "nest_asyncio==1.6.*", "ipywidgets==8.1.*")
PURE += ("scapy==2.8.*",)
PACKAGES = "usr/lib/python3/dist-packages"
WIDGETS = "widgetsnbextension==4.0.*", "jupyterlab_widgets==3.0.*"
LITE = ("jupyterlite-core[contents]==0.8.*", WIDGETS[1])
EXTENSION = Path(__file__).with_name("lab_extension")
MEGABYTES = 512
MODULES = re.compile(
    r"lib/modules/[^/]+/(modules\.builtin"
    r"|kernel/(fs/(9p|netfs|fscache)|net|lib|crypto|arch|drivers/(virtio|char|net))/.*)"
)
WANTED = ("virtio_pci", "virtio_console", "9pnet_virtio", "9p")
# Of the course: what is tracked below these.
KEPT = re.compile(
    r"(helpers|chapters)/.*|bpf/.*\.[ch]|notebooks/.*|pyproject\.toml"
    r"|tools/(__init__|demo|progress|site/(__init__|kernels))\.py"
)
# Programs that chapters compile as they are; what is changed in a page has none.
COMPILED = re.compile(r"bpf/[^/]*_kern\.c")
REPLACED = re.compile(r'\.replace\(("(?:[^"\\]|\\.)*"), ("(?:[^"\\]|\\.)*")\)')
INIT = """#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t devtmpfs devtmpfs /dev
for module in {modules}; do $b insmod /modules/$module.ko; done
$b mount -t 9p -o trans=virtio,version=9p2000.L,cache=loose host9p /root
$b mount --move /dev /root/dev
$b umount /proc
exec $b switch_root /root /start
"""
START = """#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
for place in /dev/shm /tmp /run /root /course/work /course/build; do
    mount -t tmpfs tmpfs $place
done
chmod 1777 /tmp /dev/shm
mount -t bpf bpf /sys/fs/bpf
cp -r /course/notebooks/images /course/work/
ip link set lo up
hostname page
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 PYTHONPATH=/course
export PYTHONDONTWRITEBYTECODE=1 OPENBLAS_NUM_THREADS=1
export MPLCONFIGDIR=/tmp/matplotlib IPYTHONDIR=/tmp/ipython
cd /course/work
stty -echo -opost </dev/ttyS0
python3 -m tools.site.kernels </dev/null >/dev/ttyS0 2>&1
echo 'agent: failed: it ended' >/dev/ttyS0
exec sleep infinity
"""


def pip(python: Path, *arguments: str | Path) -> None:
    """Have pip do something. Errors: SiteError."""
    environment = setup.settings()[0]
    wheel = setup.pip_wheel()
    command = [python, *([wheel / "pip"] if wheel else ["-m", "pip"]), *arguments]
    result = subprocess.run(
        command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if result.returncode:
        said = (result.stderr.strip() or "it said nothing").splitlines()[-1]
        raise SiteError(f"PyPI's packages could not be had ({said}): is the network there?")


def wheels(folder: Path) -> list[Path]:
    """The pure packages of PyPI that the guest gets, from the cache or fetched now."""
    target = folder / f"wheels-{guest.key(PURE)}"
    if not target.is_dir():
        print("ipykernel and ipywidgets from PyPI ...", flush=True)
        with alone(folder), workplace(folder) as scratch:
            made = scratch / "made"
            options = ("--no-deps", "--only-binary=:all:", "--python-version=3.11", "-q", "-d")
            pip(Path(sys.executable), "download", *options, made, *PURE)
            made.rename(target)
    return sorted(target.glob("*.whl"))


def course() -> Iterator[tree.Entry]:
    """The course's own files, and the objects that are made beforehand. Errors: CompileError."""
    names = [name for name in tracked() if KEPT.fullmatch(name)]
    for name in names:
        path = COURSE / name
        mode = stat.S_IFREG | (0o755 if path.stat().st_mode & 0o100 else 0o644)
        yield tree.Entry(f"course/{name}", mode, path.read_bytes())
    with tempfile.TemporaryDirectory() as scratch:
        sources = [COURSE / name for name in filter(COMPILED.fullmatch, names)]
        for number, text in enumerate(changed()):
            sources.append(Path(scratch) / f"changed_{number}_kern.c")
            sources[-1].write_text(text)
        for source in sources:
            place = toolchain.made_before(source).relative_to(COURSE)
            try:
                made = toolchain.compile_bpf(source, Path(scratch) / "object.o")
            except toolchain.CompileError:
                continue  # one that is there to be refused, or needs options
            yield tree.Entry(f"course/{place}", stat.S_IFREG | 0o644, made.read_bytes())


def changed() -> Iterator[str]:
    """sockex1's source as cells change it, in one place: `source.replace("this", "that")`."""
    original = (COURSE / "bpf/sockex1_kern.c").read_text("utf-8")
    for name in filter(re.compile(r"notebooks/.*\.ipynb").fullmatch, tracked()):
        for cell in json.loads((COURSE / name).read_bytes())["cells"]:
            for old, new in REPLACED.findall("".join(cell["source"])):
                text = original.replace(ast.literal_eval(old), ast.literal_eval(new))
                if text != original:
                    yield text


def entries(folder: Path) -> Iterator[tree.Entry]:
    """All files of the guest. Errors: SiteError, CompileError."""
    for name in ("dev", "proc", "sys", "tmp", "run", "root", "course/work", "course/build"):
        yield tree.Entry(name, stat.S_IFDIR | 0o755)
    # The kernel says i686, and Debian's folders i386.
    yield tree.Entry("usr/include/i686-linux-gnu", stat.S_IFLNK | 0o777, target="i386-linux-gnu")
    yield tree.Entry("start", stat.S_IFREG | 0o755, START.encode())
    for wheel in wheels(folder):
        yield from tree.with_compiled(tree.of_wheel(wheel, PACKAGES))
    yield from tree.with_compiled(course())
    yield from tree.of_tar(guest.unpacked(folder, "notebooks"))


def first_files(kernel: Path) -> bytes:
    """The initramfs: what it takes to reach the files over 9p."""
    with tempfile.TemporaryDirectory() as scratch, tarfile.open(kernel) as tar:
        for each in tar:
            path = each.name.removeprefix("./")
            if each.isfile() and MODULES.fullmatch(path):
                target = Path(scratch, path)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(tar.extractfile(each).read())
        (release,) = Path(scratch, "lib/modules").iterdir()
        loaded = modules.closure(release, WANTED, initramfs.OPTIONAL)
    busybox = guest.member(kernel, "(usr/)?bin/busybox")[1]
    files = {
        "bin/busybox": busybox,
        "init": INIT.format(modules=" ".join(loaded)).encode(),
        **{f"modules/{name}.ko": data for name, data in loaded.items()},
    }
    return initramfs.archive(
        [
            *((name, stat.S_IFDIR | 0o755, b"", (0, 0)) for name in ("bin", "proc", "dev", "root")),
            ("modules", stat.S_IFDIR | 0o755, b"", (0, 0)),
            ("dev/console", stat.S_IFCHR | 0o600, b"", (5, 1)),
            *((name, stat.S_IFREG | 0o755, data, (0, 0)) for name, data in files.items()),
        ]
    )


def lite(folder: Path) -> Path:
    """An environment with JupyterLite, from the cache or made now. Result: its folder."""
    target = folder / f"lite-{guest.key(LITE)}"
    if not (target / "whole").is_file():
        print("JupyterLite from PyPI ...", flush=True)
        with alone(folder):
            setup.remove(target)
            environ = package_sources.without_how({})
            command = [sys._base_executable, "-m", "venv", "--without-pip", target]
            setup.execute(command, environ)
            setup.install(target / "bin/python", LITE, compiled=False)
            (target / "whole").touch()
    return target


def build_lab(folder: Path, scratch: Path, target: Path) -> None:
    """JupyterLite with the course's notebooks, without their outputs, into a new folder.

    scratch: a folder to work in. Errors: SiteError.
    """
    environment = lite(folder)
    extension = environment / "share/jupyter/labextensions/linux-in-this-page"
    shutil.rmtree(extension, ignore_errors=True)
    (extension / "static").mkdir(parents=True)
    shutil.copyfile(EXTENSION / "package.json", extension / "package.json")
    for file in EXTENSION.glob("*.js"):
        shutil.copyfile(file, extension / "static" / file.name)
    contents = scratch / "contents"
    for name in tracked():
        if name.startswith("notebooks/"):
            inside = contents / name.removeprefix("notebooks/")
            workspace.write(inside, workspace.content(COURSE / name))
    sources.refresh(COURSE, contents)
    settings = {
        "jupyter-lite-schema-version": 0,
        "jupyter-config-data": {
            "appName": "Packet tracing with BPF",
            "defaultKernelName": "python3",
            "disabledExtensions": [
                "@jupyterlite/apputils-extension:service-worker-manager",
                "@jupyterlite/application-extension:service-worker-manager",
            ],
            "exposeAppInBrowser": True,
        },
    }
    (scratch / "jupyter-lite.json").write_text(json.dumps(settings))
    command = [environment / "bin/python", "-m", "jupyterlite_core", "build"]
    command += ["--lite-dir", scratch, "--contents", contents, "--output-dir", target]
    command += ["--apps", "lab", "--apps", "notebooks", "--no-sourcemaps"]
    command += ["--no-libarchive"]
    log = scratch / "log"
    with log.open("w") as said:
        result = subprocess.run(command, cwd=scratch, stdout=said, stderr=said)
    if result.returncode or not (target / "lab/index.html").is_file():
        raise SiteError(f"JupyterLite was not built: {log.read_text().strip()[-300:]}")


def versions(folder: Path) -> dict[str, str]:
    """PyPI's packages in the guest and in the page, by name."""
    found = {file.name.split("-")[0]: file.name.split("-")[1] for file in wheels(folder)}
    for path in lite(folder).glob("lib/python3*/site-packages/jupyterlite_core-*.dist-info"):
        found["jupyterlite_core"] = path.name.removesuffix(".dist-info").partition("-")[2]
    return found


def machine(folder: Path) -> parts.Machine:
    """The notebooks' guest, booted, with kernels ready. Errors: SiteError, CompileError."""
    print("the guest's files ...", flush=True)
    files = folder / "files"
    index, names = tree.blobs(entries(folder), files)
    first = first_files(guest.unpacked(folder, "kernel"))
    whole = json.dumps(index, separators=(",", ":")).encode()
    return parts.machine(folder, "notebooks", MEGABYTES, first, whole, files, tuple(names))
