"""The board without a hub: whom a learner's machine speaks to, who may see what, thirty at once."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import re
import socket
import ssl
import statistics
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from stored import COURSE
from waiting import listens, until

from helpers import board, progress
from tools import lab, teaching
from tools.classroom import install
from tools.classroom.board import sender as senders_module
from tools.classroom.board.address import Address, BoardError, is_near, parsed
from tools.classroom.board.join import ToBoard, post
from tools.classroom.board.sender import Sender, questions

LEARNERS = 30
AXE = (resources.files("axe_playwright_python") / "axe.min.js").read_text("utf-8")


@dataclass
class Started:
    """A board as ./course board starts it."""

    process: subprocess.Popen[str]
    address: Address
    page: str
    place: Path

    def state(self) -> dict:
        """What its page is told first."""
        with urllib.request.urlopen(f"{self.page}api/live") as lines:
            return json.loads(next(lines).removeprefix(b"data: "))


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "tools.board", *words]


@contextlib.contextmanager
def opened(place: Path, port: int = 0) -> Iterator[Started]:
    install.for_board()
    words = command("--address=127.0.0.1", f"--port={port or lab.free_port(18_600)}")
    how = {"cwd": COURSE, "env": os.environ | {"COURSE_PLACE": str(place)}, "text": True}
    process = subprocess.Popen(words, stdout=subprocess.PIPE, **how)
    try:
        said = [process.stdout.readline() for _ in range(3)]
        address = parsed(re.search(r"--board (\S+)", said[0])[1])
        yield Started(process, address, re.search(r"http://\S+", said[1])[0], place)
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    with opened(tmp_path_factory.mktemp("board")) as board:
        yield board


@pytest.fixture(autouse=True)
def _empty(request: pytest.FixtureRequest) -> None:
    if "started" in request.fixturenames:
        there = request.getfixturevalue("started")
        urllib.request.urlopen(f"{there.page}clear", data=b"").close()


def message(*events: dict, learner: str = "0" * 32, name: str = "") -> dict:
    return {"learner": learner, "name": name, "now": time.time(), "events": list(events)}


def exercise(status: str, mistake: str = "", number: int = 1) -> dict:
    told = {"kind": "exercise", "chapter": "03", "number": number, "time": time.time()}
    return told | {"status": status, "mistake": mistake}


# --- the address


@pytest.mark.parametrize("host", ["192.168.1.5", "10.0.0.1", "127.0.0.1", "fe80::1", "fd00::2"])
def test_an_address_is_read_as_it_is_written(host):
    address = Address(host, 8444, "abcdefgh", "klmnopqrstuvwx23")
    assert parsed(str(address)) == parsed(f" https://{str(address).upper()}/ ") == address


@pytest.mark.parametrize("text", ["", "192.168.1.5", "board:8444/abcd-efgh", "192.168.1.5:8444/x"])
def test_what_is_no_address_is_one_sentence_with_an_example(text):
    with pytest.raises(BoardError, match="looks like 192.168.1.5:8444/"):
        parsed(text)


def test_a_board_is_in_a_local_network():
    assert not is_near("93.184.215.14") and not is_near("2606:2800:21f::1")
    assert is_near("::ffff:192.168.0.7") and not is_near("::ffff:93.184.215.14")
    with pytest.raises(BoardError, match="not in a local network"):
        parsed("93.184.215.14:8444/abcd-efgh-ijkl-mnop-qrst-uvwx")
    refused = subprocess.run(
        command("--address=93.184.215.14"), cwd=COURSE, capture_output=True, text=True
    )
    assert refused.returncode == 1 and "name this machine's address" in refused.stderr


# --- who may say and see what


def test_with_another_certificate_nothing_is_sent(started):
    false = replace(started.address, fingerprint="a" * 16)
    with pytest.raises(BoardError, match="nothing was sent"):
        post(false, message(exercise("right")))
    assert started.state()["learners"] == []
    post(started.address, message(exercise("right")))
    assert len(started.state()["learners"]) == 1


def test_the_token_is_told_to_nobody_else(tmp_path):
    """A machine in the board's place, with a certificate of its own, hears not a byte."""
    from tools.classroom import certificate

    pem, key = certificate.make(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def listen() -> None:
            with (
                contextlib.suppress(OSError),
                context.wrap_socket(listener.accept()[0], server_side=True) as other,
            ):
                heard.append(other.recv(4096))

        thread = threading.Thread(target=listen)
        thread.start()
        false = Address("127.0.0.1", listener.getsockname()[1], "abcdefgh", "a" * 16)
        with pytest.raises(BoardError):
            post(false, message(exercise("right")))
        thread.join()
    assert b"".join(heard) == b""


@pytest.mark.parametrize(
    "body",
    [{}, {"learner": 7}, message(exercise("excellent")), message(learner="short"), [1]],
    ids=["nothing", "a number", "an unknown status", "a short name", "a list"],
)
def test_what_the_course_does_not_send_is_refused(started, body):
    with pytest.raises(ValueError, match="400"):
        post(started.address, body)
    with pytest.raises(ValueError, match="403"):
        post(replace(started.address, token="abcdefgh"), message(exercise("right")))
    assert started.state()["learners"] == []


def test_the_page_is_this_machines_and_needs_its_path(started):
    origin = started.page.rsplit("/", 2)[0]
    for path in ("/", "/api/live", "/events"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(origin + path)
    port = int(origin.rsplit(":", 1)[1])
    listening = Path("/proc/net/tcp").read_text()
    assert f" 0100007F:{port:04X} 00000000:0000 0A" in listening  # 127.0.0.1, and no other
    assert (started.place / "build/board").stat().st_mode & 0o077 == 0


def test_a_name_is_sent_only_to_be_shown(started, tmp_path, monkeypatch):
    monkeypatch.setenv("LOGNAME", "ada")
    bring = ToBoard(started.address, tmp_path)
    asyncio.run(bring([exercise("right")]))
    assert b"ada" not in (started.place / "build/board/board.sqlite").read_bytes()
    asyncio.run(bring([{"kind": "name", "on": True}]))
    assert [each["who"] for each in started.state()["learners"]] == ["ada"]
    asyncio.run(bring([{"kind": "forget"}]))
    assert started.state()["learners"] == []


def test_a_learners_clock_that_is_wrong_does_not_matter(started):
    slow = message(exercise("not yet") | {"time": 1000.0}) | {"now": 1060.0}
    post(started.address, slow)
    state = started.state()
    (learner,) = state["learners"]
    assert 59 < state["now"] - learner["last"] < 120


def test_after_another_start_the_address_is_the_same_and_clear_takes_all_away(tmp_path):
    with opened(tmp_path) as first:
        post(first.address, message(exercise("right")))
    with opened(tmp_path) as second:
        assert second.address == replace(first.address, port=second.address.port)
        assert len(second.state()["learners"]) == 1
        how = {"cwd": COURSE, "env": os.environ | {"COURSE_PLACE": str(tmp_path)}, "text": True}
        refused = subprocess.run(command("--clear"), **how, capture_output=True)
        assert refused.returncode == 1 and "The board is open: stop it" in refused.stderr
    subprocess.run(command("--clear"), **how, check=True)
    assert not (tmp_path / "build/board").exists()


# --- a learner's side


def agreed(folder: Path) -> Path:
    """A learner's work/ who has agreed."""
    (folder / board.PLACE / board.OUTBOX).mkdir(parents=True)
    (folder / board.PLACE / board.AGREED).touch()
    return folder


def test_a_board_that_accepts_and_never_answers_holds_up_no_cell(tmp_path):
    """While the sender waits for it, cells write what they have to say and go on."""
    work = agreed(tmp_path)

    async def room() -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            silent.setblocking(False)
            address = Address("127.0.0.1", silent.getsockname()[1], "abcdefgh", "a" * 16)
            sender = Sender(work / board.PLACE, ToBoard(address, work / board.PLACE))
            board.note(work, exercise("right"))
            sending = asyncio.create_task(sender.send())
            connection, _ = await asyncio.get_running_loop().sock_accept(silent)
            for number in range(LEARNERS):
                board.note(work, exercise("right", number=number))
                await asyncio.sleep(0)  # the server's own loop goes on as well
            assert not sending.done()
            connection.close()
            with pytest.raises(OSError):
                await sending
        assert len(list((work / board.PLACE / board.OUTBOX).glob("*.json"))) == LEARNERS + 1

    asyncio.run(room())


def test_a_board_that_was_killed_gets_what_waited(tmp_path, monkeypatch):
    monkeypatch.setattr(senders_module, "AGAIN", 0.1)
    work = agreed(tmp_path / "learner")
    place = work / board.PLACE

    async def run(address: Address) -> None:
        sender = Sender(place, ToBoard(address, place))
        running = asyncio.create_task(sender.run(logging.getLogger("test")))
        while not sender.away:  # the board is gone, and the sender knows it
            await asyncio.sleep(0)
        for number in (2, 3):
            board.note(work, exercise("right", number=number))
        with opened(tmp_path / "room", address.port) as again:
            while list((place / board.OUTBOX).glob("*.json")):
                await asyncio.sleep(0.01)
            (learner,) = await asyncio.to_thread(lambda: again.state()["learners"])
        assert sorted(learner["reached"]) == ["03.1", "03.2", "03.3"]
        running.cancel()

    with opened(tmp_path / "room") as first:
        first.process.kill()
        first.process.wait()
        board.note(work, exercise("right"))
        asyncio.run(run(first.address))


def test_another_board_asks_anew_and_no_board_is_forgotten(tmp_path):
    lab.meet(tmp_path, "one")
    agreed(tmp_path / "x")
    (tmp_path / board.PLACE / board.AGREED).touch()
    lab.meet(tmp_path, "one")
    assert board.agreed(tmp_path)
    lab.meet(tmp_path, "another")
    assert not board.agreed(tmp_path)
    lab.leave(tmp_path)
    assert not (tmp_path / board.PLACE).exists()


def test_what_can_be_voted_on_is_what_the_notebooks_compare():
    for path in progress.stored_chapters():
        assert len(teaching.predictions(path)) == len(progress.predictions(path))
    assert len(questions()) > 40 and questions()["03.1"].startswith("Which of the three counters")


def test_a_lab_that_joins_asks_first_and_then_tells(started, tmp_path):
    """JupyterLab itself, by ./course lab's own module, in a folder of its own."""
    words = [sys.executable, "-m", "tools.lab", "--board", str(started.address), "--no-browser"]
    variables = os.environ | {"COURSE_PLACE": str(tmp_path), "JUPYTER_RUNTIME_DIR": str(tmp_path)}
    server = subprocess.Popen(
        words,
        cwd=COURSE,
        env=variables,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        said = next(line for line in server.stdout if "token=" in line)
        threading.Thread(target=server.stdout.read, daemon=True).start()
        url, token = re.search(r"(http://\S+?)/room\?token=(\w+)", said).groups()
        assert listens(int(url.rpartition(":")[2]))

        def room(**form: str) -> str:
            data = urllib.parse.urlencode(form).encode() if form else None
            request = urllib.request.Request(
                f"{url}/room", data, {"Authorization": f"token {token}"}
            )
            return urllib.request.urlopen(request).read().decode()

        work = tmp_path / "work"
        assert 'data-state="asked"' in room() and "Which of the three counters" in room()
        board.note(work, exercise("right"))
        room(do="vote", place="03.1", said="c")
        assert not list((work / board.PLACE).glob("**/*.json"))
        assert 'data-state="on"' in room(do="agree")
        board.note(work, exercise("right"))
        room(do="vote", place="03.1", said="c")
        assert until(lambda: started.state()["predictions"] != {})
        state = started.state()
        assert state["learners"][0]["reached"]["03.1"]["status"] == "right"
        assert state["predictions"]["03.1"]["said"] == {"c": 1}
        assert 'data-state="off"' in room(do="decline")
        assert until(lambda: started.state()["learners"] == [])
    finally:
        server.terminate()
        server.wait(20)
        server.stdout.close()


# --- the room


@pytest.fixture
def senders(started, tmp_path) -> Iterator[list[Path]]:
    """Thirty learners' folders, of whom each has a sender that runs. Result: their work/."""
    works = [agreed(tmp_path / f"learner-{number}") for number in range(LEARNERS)]
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    places = [work / board.PLACE for work in works]
    running = [Sender(place, ToBoard(started.address, place)).run(None) for place in places]
    tasks = [asyncio.run_coroutine_threadsafe(each, loop) for each in running]
    yield works

    async def end() -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for each in others:
            each.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await loop.shutdown_default_executor()

    asyncio.run_coroutine_threadsafe(end(), loop).result(20)
    assert all(each.cancelled() for each in tasks), [
        t.exception() for t in tasks if not t.cancelled()
    ]
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def prediction(said: str) -> dict:
    told = {"kind": "prediction", "chapter": "03", "number": 1, "happened": "c"}
    return told | {"said": said, "time": time.time()}


@pytest.mark.browser
def test_thirty_learners_on_one_page(
    started: Started, senders: list[Path], chromium: BrowserContext
):
    with chromium.new_page() as page:
        page.goto(started.page)
        expect(page.locator("#live")).to_have_text("Live.")
        for number, work in enumerate(senders):
            board.note(
                work, exercise("not yet", mistake="count both ways" if number % 3 else "why")
            )
            board.note(work, prediction("ab"[number % 2]))
        expect(page.locator("#grid tbody tr")).to_have_count(LEARNERS)
        expect(page.locator("#mistakes li").first).to_have_text("20 × count both ways")
        expect(page.locator("#mistakes li").last).to_have_text("10 × why")
        changes_within_a_second(page, senders[:5])
        votes_twice(page, senders)
        assert faults(page) == []
        asks_for_help(page, senders[7])
        leaves(page, started)


def faults(page: Page) -> list[str]:
    """What axe-core finds wrong with a page for those who do not see it."""
    page.add_script_tag(content=AXE)
    return page.evaluate(
        "axe.run().then((found) => found.violations.flatMap("
        "(each) => each.nodes.map((node) => `${each.id}: ${node.html}`)))"
    )


@pytest.mark.browser
@pytest.mark.parametrize("state", ["asked", "on", "off"])
def test_a_learners_page_of_the_room_is_for_everybody(state, chromium):
    text = (COURSE / "tools/classroom/board/room.html").read_text()
    text = text.replace("{STATE}", state).replace("{QUESTIONS}", "<option>03.1: which?</option>")
    with chromium.new_page() as page:
        page.set_content(text)
        shown = page.get_by_role("button", name="I need help").is_visible()
        assert shown == (state == "on")
        assert faults(page) == []


def changes_within_a_second(page: Page, works: list[Path]) -> None:
    """The median of five changes, from the cell's note to the page."""
    took = []
    for done, work in enumerate(works, 1):
        begun = time.monotonic()
        board.note(work, exercise("right"))
        expect(page.locator("#grid td.right")).to_have_count(done)
        took.append(time.monotonic() - begun)
    print(f"on the board after {[round(each, 2) for each in took]} s")
    assert statistics.median(took) < 1.0


def votes_twice(page: Page, works: list[Path]) -> None:
    """Vote, discuss, vote again: bars of both rounds, and only then what happened."""
    bars = page.locator("#predictions li")
    expect(bars).to_have_text(["(a) 15", "(b) 15"])
    page.get_by_role("button", name="Vote again").click()
    expect(bars).to_have_text(["(a) 0, before: 15", "(b) 0, before: 15"])
    for work in works:
        board.note(work, prediction("c"))
    expect(bars).to_have_text(["(a) 0, before: 15", "(b) 0, before: 15", "(c) 30, before: 0"])
    page.get_by_label("show what happened").check()
    expect(bars.last).to_have_text("(c) 30, before: 0, and so it was")
    assert bars.last.locator(".bar").first.bounding_box()["width"] > 400


def asks_for_help(page: Page, work: Path) -> None:
    board.note(work, {"kind": "help", "on": True})
    expect(page.locator("td.help")).to_have_count(1)
    expect(page.locator("td.help")).to_contain_text("help, now")
    board.note(work, {"kind": "help", "on": False})
    board.note(work, {"kind": "done", "on": True})
    expect(page.locator("td.help")).to_have_count(0)
    expect(page.locator("#grid tbody td", has_text=re.compile("^done$"))).to_have_count(1)


def leaves(page: Page, started: Started) -> None:
    """The table as CSV, and everything gone with one button."""
    with page.expect_download() as download:
        page.get_by_role("link", name="as CSV").click()
    rows = Path(download.value.path()).read_text().splitlines()
    assert len(rows) == 1 + LEARNERS + 5 + 2 * LEARNERS  # of each: one not yet, two votes
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Forget everything").click()
    expect(page.locator("#grid tbody tr")).to_have_count(0)
    assert started.state()["predictions"] == {}
