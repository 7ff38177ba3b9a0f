"""./course site [--serve [PORT]]: see the package's docstring."""

from __future__ import annotations

import functools
import http.server
import json
import os
import shutil
import sys
from pathlib import Path

from helpers.errors import CourseError
from helpers.toolchain import BUILD, COURSE
from tools.private_apt import alone, cache, workplace
from tools.site import book, guest, notebooks, parts

HELP = """\
Usage: ./course site [--notebooks | --serve [PORT]]

Builds the folder site/: a page in a browser tab that counts four pings on a real Linux kernel, as
static files that any web server can give out. --notebooks adds the chapters, to read and to run
there; that is in the making, and docs/site.md says what was seen to work. --serve shows what was
built, to this machine alone, at port 8877 or another. What the site is made of stays below
~/.cache/packet-tracing-with-bpf/site; remove that folder, and it is fetched and made anew."""
SITE = COURSE / "site"
PAGE = Path(__file__).with_name("page")
PORT = 8877
FOLDERS = ("files/", "lab/", "book/")
CURE = "build the site first, by ./course site."


def build(folder: Path, site: Path, with_notebooks: bool) -> dict:
    """Make the site, which appears when it is whole. Result: its manifest.

    Arguments: where parts are kept; where the site is to be; whether the chapters are in it, to
        read and to run. Errors: SiteError, CompileError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    machines = [parts.for_run(folder)]
    machines += [notebooks.machine(folder)] if with_notebooks else []
    v86 = parts.emulator(folder)
    with alone(BUILD / "site"), workplace(BUILD / "site") as scratch:
        new = scratch / "site"
        shutil.copytree(PAGE, new)
        for name in ("build/libv86.mjs", "build/v86.wasm", "LICENSE"):
            to = new / "v86" / Path(name).name
            to.parent.mkdir(exist_ok=True)
            shutil.copyfile(v86 / name, to)
        guests = {machine.name: lay_out(machine, new) for machine in machines}
        if with_notebooks:
            notebooks.build_lab(folder, scratch, new / "lab")
            book.build(folder, scratch, new / "book")
        # What a page needs to start is short; the sums of all the rest are a file of their own.
        sums = checksums(new)
        rest = {name: sums.pop(name) for name in list(sums) if name.startswith(FOLDERS)}
        (new / "checksums.json").write_text(json.dumps(rest, indent=1) + "\n")
        manifest = {
            "kernel": machines[0].kernel,
            "guests": guests,
            "v86": parts.V86,
            "debian": guest.SUITE,
            "packages": guest.versions(folder, ["guest", *["notebooks"] * with_notebooks]),
            "pypi": notebooks.versions(folder) if with_notebooks else {},
            "sources": "Debian's packages: deb-src of the suite and versions named here; v86: its "
            "package on npm, licence beside it; PyPI's packages: their sources there.",
            "files": sums | checksums(new, "checksums.json"),
        }
        (new / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
        shutil.rmtree(site, ignore_errors=True)
        new.rename(site)
    return manifest


def checksums(site: Path, which: str = "**/*") -> dict[str, dict[str, int | str]]:
    """Length and SHA-256 of files by name."""
    return {
        str(file.relative_to(site)): {
            "bytes": file.stat().st_size,
            "sha256": parts.digest(file.read_bytes()),
        }
        for file in sorted(site.glob(which))
        if file.is_file()
    }


def lay_out(machine: parts.Machine, site: Path) -> dict:
    """Put what a guest needs into the site. Result: what the page has to know of it."""
    state = f"{machine.name}-{parts.digest(machine.state.read_bytes())[:16]}.zst"
    shutil.copyfile(machine.state, site / state)
    told = {
        "state": state,
        "memory_megabytes": machine.megabytes,
        "vga_memory_megabytes": parts.VGA_MEGABYTES,
    }
    if machine.files:
        told["files"] = "files/"
        (site / "files").mkdir()
        for name in machine.file_names:
            give(machine.files / name, site / "files" / name)
    return told


def give(kept: Path, target: Path) -> None:
    """The same file once more, without a copy where that can be."""
    try:
        os.link(kept, target)
    except OSError:  # the cache is on another disk
        shutil.copyfile(kept, target)


def serve(site: Path, port: int) -> None:
    """Give out the site to this machine alone, until it is interrupted. Errors: SiteError."""
    if not (site / "manifest.json").is_file():
        raise parts.SiteError(f"There is no site in {site}: {CURE}")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=site)
    try:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        raise parts.SiteError(
            f"Port {port} cannot be had ({error.strerror}): name another, ./course site --serve "
            f"{port + 1}."
        ) from error
    with server:
        print(
            f"http://127.0.0.1:{server.server_port}/ shows the site; Ctrl-C stops it.", flush=True
        )
        server.serve_forever()


def main(arguments: list[str]) -> int:
    """Build, or show what was built."""
    serving, with_notebooks = arguments[:1] == ["--serve"], arguments == ["--notebooks"]
    rest = arguments[1:] if serving or with_notebooks else arguments
    if len(rest) > serving or not all(each.isdigit() for each in rest):
        print(HELP)
        return 0 if arguments in (["-h"], ["--help"]) else 2
    try:
        if serving:
            serve(SITE, int(rest[0]) if rest else PORT)
        manifest = build(cache() / "site", SITE, with_notebooks)
    except CourseError as error:
        print(f"course: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0 if serving else 130
    size = sum(file.stat().st_size for file in SITE.rglob("*") if file.is_file()) / 1e6
    print(f"{SITE} is built, {size:.1f} MB, with {manifest['kernel']}: ./course site --serve")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
