"""The pages of ./course site in a browser, with what goes wrong; with --site, their kernel, too."""

from __future__ import annotations

import functools
import hashlib
import http.server
import json
import re
import shutil
import stat
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import SourcelessFileLoader
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from helpers import toolchain
from tools.demo import FIVE_LINES
from tools.site import __main__ as site
from tools.site import book, guest, notebooks, parts, runs, tree

browser = pytest.mark.browser
whole = [pytest.mark.site, pytest.mark.timeout(1200)]
FOREIGN = re.compile(r"^(?!http://127\.0\.0\.1:|blob:http://127\.0\.0\.1:|data:,$)")
MEMORY = b"no memory of any machine"
KEPT = "async () => (await (await caches.open('machine')).keys()).length"
CONNECTED = "() => self.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.info"
RUN_CELL = """async at => {
    const content = jupyterapp.shell.currentWidget.content;
    content.activeCellIndex = at;
    await jupyterapp.commands.execute("notebook:run-cell");
    return content.widgets[at].model.toJSON().outputs;
}"""
# Cells of chapter 03 that show a descriptor, an address' scope, a time, or what a queue lost.
DIFFERS = re.compile(
    r"fdinfo|program_fd, map_fd|-brief|print\(ping|tcpdump|PACKET_STAT|others, ours"
)
NO_STORAGE = "self.caches.open = async () => { throw new DOMException('no', 'SecurityError'); };"
NO_WEBASSEMBLY = "delete self.WebAssembly;"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def served(folder: Path, handler: type[Quiet] = Quiet) -> Iterator[str]:
    """The address at which a folder is given out."""
    made = functools.partial(handler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), made) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def lay_out(folder: Path, memory: bytes) -> Path:
    """The page's own files, with a manifest that promises MEMORY, and what there is instead."""
    shutil.copytree(site.PAGE, folder)
    (folder / "v86").mkdir()
    (folder / "state-0.zst").write_bytes(memory)
    names = ("v86/libv86.mjs", "v86/v86.wasm")
    files = {name: {"bytes": 1_000_000, "sha256": ""} for name in names}
    files["state-0.zst"] = {
        "bytes": len(MEMORY),
        "sha256": hashlib.sha256(MEMORY).hexdigest(),
    }
    guest = {"state": "state-0.zst", "memory_megabytes": 256, "vga_memory_megabytes": 2}
    manifest = {"kernel": "Linux 6.1.0 i686", "guests": {"run": guest, "notebooks": guest}}
    manifest["files"] = files
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture
def screen(chromium: BrowserContext) -> Iterator[tuple[Page, list[str]]]:
    """A page of a browser that has seen nothing, and the addresses that it asked for."""
    with chromium.browser.new_context(viewport={"width": 360, "height": 700}) as context:
        asked: list[str] = []
        context.on("request", lambda request: asked.append(request.url))
        yield context.new_page(), asked


# Without the page


def test_a_changed_package_is_not_unpacked(tmp_path):
    with tarfile.open(tmp_path / "v86.tgz", "w:gz") as tar:
        tar.add(__file__, "package/file")
    with pytest.raises(parts.SiteError, match="is not the file it was"):
        parts.unpack(tmp_path / "v86.tgz", tmp_path, parts.V86_SUM)
    assert not (tmp_path / "package").exists()
    parts.unpack(tmp_path / "v86.tgz", tmp_path, parts.digest((tmp_path / "v86.tgz").read_bytes()))
    assert (tmp_path / "package/file").read_bytes() == Path(__file__).read_bytes()


def test_nothing_to_show_and_no_port_are_one_sentence(tmp_path):
    with pytest.raises(parts.SiteError, match="There is no site in .*: build the site first"):
        site.serve(tmp_path, 0)
    (tmp_path / "manifest.json").touch()
    with served(tmp_path) as address:
        port = int(address.rstrip("/").rpartition(":")[2])
        with pytest.raises(parts.SiteError, match=f"Port {port} cannot be had .*: name another"):
            site.serve(tmp_path, port)


@pytest.mark.parametrize(
    "arguments", [["--server"], ["--serve", "x"], ["80"], ["--serve", "1", "2"]]
)
def test_what_it_does_not_know_is_answered_with_its_help(arguments, capsys):
    assert site.main(arguments) == 2
    assert capsys.readouterr().out.startswith("Usage: ./course site")


def test_the_course_and_its_object_are_among_the_guests_files():
    kept = {str(guest.INSIDE / name) for name in guest.tracked() if guest.KEPT.fullmatch(name)}
    entries = {name: content for name, _, content, _ in guest.course()}
    assert kept <= entries.keys() and "course/tools/site/agent.py" in kept
    made = guest.INSIDE / toolchain.made_before(toolchain.SOURCES / "sockex1_kern.c").relative_to(
        toolchain.COURSE
    )
    assert entries[str(made)].startswith(b"\x7fELF")
    # A folder comes before what lies in it.
    names = list(entries)
    assert all(names.index(str(Path(name).parent)) < at for at, name in enumerate(names) if at)


def test_an_index_names_each_file_by_what_is_in_it_and_a_file_is_made_once(tmp_path):
    folder, file, link = stat.S_IFDIR | 0o755, stat.S_IFREG | 0o644, stat.S_IFLNK | 0o777
    entries = [
        tree.Entry("a", folder),
        tree.Entry("a/one", file, b"the same", changed=7),
        tree.Entry("b/c/two", file, b"the same"),
        tree.Entry("a/one", file, b"a later one of that name"),
        tree.Entry("a/to", link, target="one"),
    ]
    index, names = tree.blobs(entries, tmp_path)
    (name,) = names
    assert name == f"{hashlib.sha256(b'the same').hexdigest()[:20]}.zst"
    assert [each.name for each in tmp_path.iterdir()] == names
    said = subprocess.run(["zstd", "-dc", tmp_path / name], capture_output=True, check=True)
    assert said.stdout == b"the same"
    one, to = ["one", 8, 7, file, 0, 0, name], ["to", 0, 0, link, 0, 0, "one"]
    c = ["c", 0, 0, folder, 0, 0, [["two", 8, 0, file, 0, 0, name]]]
    root = [["a", 0, 0, folder, 0, 0, [one, to]], ["b", 0, 0, folder, 0, 0, [c]]]
    assert index == {"fsroot": root, "version": 3, "size": 16}


def test_a_module_is_compiled_for_pythons_of_the_guests_version(tmp_path, monkeypatch):
    monkeypatch.setattr(tree, "PYTHON", sys.version_info[:2])
    entry = tree.Entry("a/b.py", stat.S_IFREG | 0o644, b"answer = 6 * 7")
    first, second = tree.with_compiled([entry])
    assert first == entry and re.fullmatch(r"a/__pycache__/b\.cpython-\d+\.pyc", second.path)
    (tmp_path / "b.pyc").write_bytes(second.data)
    found: dict = {}
    exec(SourcelessFileLoader("b", str(tmp_path / "b.pyc")).get_code("b"), found)
    assert found["answer"] == 42
    monkeypatch.setattr(tree, "PYTHON", (2, 7))
    assert list(tree.with_compiled([entry])) == [entry]


def test_sockex1_is_compiled_beforehand_as_chapter_03_changes_it():
    texts = list(notebooks.changed())
    original = (toolchain.SOURCES / "sockex1_kern.c").read_text()
    both_ways = original.replace("skb->pkt_type != PACKET_OUTGOING", "0")
    first_34 = original.replace("return 0;\n}", "return 34;\n}")
    assert {both_ways, first_34} <= set(texts) and original not in texts


def test_a_chapter_to_read_links_to_the_one_to_run_and_its_anchors_are_the_books():
    text = book.page("03_load_attach_count.ipynb").decode()
    assert "../lab/lab/index.html?path=03_load_attach_count.ipynb" in text
    links = re.findall(r"\]\([\w.]*#([^)]+)\)", text)
    assert len(links) > 10 and all(re.fullmatch(r"[a-z0-9_-]+", link) for link in links)
    assert (
        book.anchor("Exercise-2:-two-sockets,-one-program") == "exercise-2-two-sockets-one-program"
    )
    assert "](../bpf/" not in text and "](../lab/files/bpf/" in text


def test_what_runs_is_noted_and_the_other_rows_stay(tmp_path):
    page = tmp_path / "site.md"
    shutil.copyfile(runs.PAGE, page)
    before = runs.read(page)
    assert list(before) == runs.chapters()
    runs.note("05_bcc", 1, 42, 12.6, "BccError: no\nheaders | here", page)
    changed = {"05_bcc": ("1 of 42", "13", "BccError: no headers / here")}
    assert runs.read(page) == before | changed


# The page without a kernel


@browser
def test_the_size_is_said_before_anything_large_is_loaded(tmp_path, screen):
    page, asked = screen
    with served(lay_out(tmp_path / "site", MEMORY)) as address:
        page.goto(address)
        expect(page.locator("#size")).to_have_text(
            "Run loads 2.0 MB once and starts Linux 6.1.0 i686."
        )
        assert not [each for each in asked if each.endswith((".zst", ".wasm"))]
        assert not list(filter(FOREIGN.match, asked))
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@browser
@pytest.mark.parametrize("there", [True, False], ids=["with the chapters", "without"])
def test_the_chapters_are_led_to_where_they_are_and_their_size_is_said(tmp_path, screen, there):
    page, _ = screen
    folder = lay_out(tmp_path / "site", MEMORY)
    if not there:
        manifest = json.loads((folder / "manifest.json").read_text())
        del manifest["guests"]["notebooks"]
        (folder / "manifest.json").write_text(json.dumps(manifest))
    with served(folder) as address:
        page.goto(address)
        expect(page.locator("#run")).to_be_enabled()
        expect(page.locator("#chapters a")).to_have_count(2)
        expect(page.locator("#chapters")).to_be_visible(visible=there)
        if there:
            expect(page.locator("#lab-size")).to_contain_text("asks before it loads its 0.0 MB")


@browser
def test_a_browser_that_keeps_nothing_is_told_that_it_loads_each_time(tmp_path, screen):
    page, _ = screen
    page.add_init_script(NO_STORAGE)
    with served(lay_out(tmp_path / "site", MEMORY)) as address:
        page.goto(address)
        expect(page.locator("#size")).to_have_text(
            "Run loads 2.0 MB each time, for this browser keeps nothing here, "
            "and starts Linux 6.1.0 i686."
        )


@browser
def test_a_browser_without_webassembly_is_told_so(tmp_path, screen):
    page, _ = screen
    page.add_init_script(NO_WEBASSEMBLY)
    with served(lay_out(tmp_path / "site", MEMORY)) as address:
        page.goto(address)
        expect(page.locator("#size")).to_contain_text("This browser has no WebAssembly")
        expect(page.locator("#run")).to_be_disabled()


@browser
@pytest.mark.parametrize(
    ("memory", "said"),
    [
        (MEMORY.upper(), "arrived damaged"),
        (MEMORY + b"!", "arrived damaged"),
        (MEMORY[:-1], "Only a part of the kernel's memory arrived"),
        (None, "could not be loaded"),
    ],
    ids=["changed", "longer", "half", "none"],
)
def test_what_is_wrong_with_the_memory_is_one_sentence_and_nothing_of_it_is_kept(
    tmp_path, screen, memory, said
):
    page, _ = screen
    folder = lay_out(tmp_path / "site", memory or b"")
    if memory is None:
        (folder / "state-0.zst").unlink()
    with served(folder) as address:
        page.goto(address)
        page.locator("#run").click()
        expect(page.locator("#status")).to_contain_text(said)
        expect(page.locator("#run")).to_be_enabled()
        assert page.evaluate(KEPT) == 0


@browser
def test_a_list_that_is_missing_is_one_sentence(tmp_path, screen):
    page, _ = screen
    folder = lay_out(tmp_path / "site", MEMORY)
    (folder / "manifest.json").unlink()
    with served(folder) as address:
        page.goto(address)
        expect(page.locator("#size")).to_contain_text("The list of this site's files could not be")
        expect(page.locator("#run")).to_be_disabled()


# With the kernel in it


def words(outputs: list[dict]) -> str:
    """What a cell said, without pictures."""
    texts = (
        each.get("text") or each.get("data", {}).get("text/plain") or each.get("evalue", "")
        for each in outputs
    )
    return "".join("".join(text) for text in texts)


def build(*words: str) -> Path:
    """The site, built from what the cache has."""
    command = [toolchain.COURSE / "course", "site", *words]
    assert subprocess.run(command, stdin=subprocess.DEVNULL).returncode == 0
    return site.SITE


@pytest.fixture(scope="module")
def built() -> Path:
    return build()


def press_run(page: Page) -> None:
    """Run, and wait for the count."""
    expect(page.locator("#run")).to_be_enabled()
    page.locator("#run").click()
    expect(page.locator("#status")).to_contain_text("Counted by Linux 6.1", timeout=120_000)


@pytest.mark.usefixtures("chromium")
class TestWhole:
    pytestmark = whole

    def test_the_manifest_is_true(self, built):
        manifest = json.loads((built / "manifest.json").read_text())
        rest = json.loads((built / "checksums.json").read_text())
        there = {str(f.relative_to(built)) for f in built.rglob("*") if f.is_file()}
        assert there == {*manifest["files"], *rest, "manifest.json"}
        for name, told in (manifest["files"] | rest).items():
            data = (built / name).read_bytes()
            assert (len(data), hashlib.sha256(data).hexdigest()) == (told["bytes"], told["sha256"])
        states = [
            manifest["files"][guest["state"]]["bytes"] for guest in manifest["guests"].values()
        ]
        assert len(states) == 1 and max(states) < 60_000_000
        assert {"python3.11-minimal", "libbpf1", "iputils-ping"} <= manifest["packages"].keys()
        assert f"linux-image-{manifest['kernel'].split()[1]}" in manifest["packages"]

    def test_the_five_lines_are_exact_twice_and_without_a_network(self, built, screen):
        page, asked = screen
        # The server is one that knows nothing of the site.
        command = [sys.executable, "-u", "-m", "http.server", "--bind", "127.0.0.1", "0"]
        with subprocess.Popen(
            [*command, "--directory", built],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as server:
            address = re.search(r"http://127\.0\.0\.1:\d+/", server.stdout.readline())[0]
            try:
                page.goto(address)
                for _ in range(2):
                    press_run(page)
                    assert page.locator("#lines").inner_text().splitlines() == FIVE_LINES
                page.evaluate("navigator.serviceWorker.ready")
            finally:
                server.terminate()
        asked_online = len(asked)
        page.goto(address)
        expect(page.locator("#size")).to_contain_text("is in this browser already")
        press_run(page)
        assert page.locator("#lines").inner_text().splitlines() == FIVE_LINES
        assert len(asked) > asked_online
        assert not list(filter(FOREIGN.match, asked))

    @pytest.mark.site("full")
    def test_chapter_03_runs_to_its_end_with_the_stored_numbers(self, screen):
        built, (page, asked) = build("--notebooks"), screen
        manifest = json.loads((built / "manifest.json").read_text())
        assert {"ipykernel", "ipywidgets", "jupyterlite_core"} <= manifest["pypi"].keys()
        name = "03_load_attach_count"
        cells = json.loads((toolchain.COURSE / f"notebooks/{name}.ipynb").read_text())["cells"]
        page.set_default_timeout(300_000)
        began = time.monotonic()
        with served(built) as address:
            page.goto(f"{address}lab/lab/index.html?path={name}.ipynb")
            bar = page.locator("#linux-in-this-page")
            bar.get_by_role("button", name="Load it").click()
            expect(bar.get_by_role("status")).to_have_text(
                "Linux 6.1 (i686) in this page", timeout=120_000
            )
            page.wait_for_function(CONNECTED)
            code = [at for at, cell in enumerate(cells) if cell["cell_type"] == "code"]
            outputs = {at: page.evaluate(RUN_CELL, at) for at in code}
        failed = [at for at in code if any(o["output_type"] == "error" for o in outputs[at])]
        first = words(outputs[failed[0]]) if failed else ""
        runs.note(name, len(code) - len(failed), len(code), time.monotonic() - began, first)
        assert not failed, first
        same = {at for at in code if words(outputs[at]) == words(cells[at]["outputs"])}
        assert {at for at in code if at not in same} <= {
            at for at in code if DIFFERS.search("".join(cells[at]["source"]))
        }
        assert not list(filter(FOREIGN.match, asked))
