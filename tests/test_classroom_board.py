"""The room's board: what is sent, when, and what becomes of it. No hub runs here."""

from __future__ import annotations

import asyncio
import importlib
import json
from pathlib import Path

import pytest
import stored

from helpers import board, check, progress
from tools.classroom import install
from tools.classroom.board import store as stores
from tools.classroom.board.store import Refused, Store

NOW = 1_000_000_000.0


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    install.install()


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A learner's folder, whom nobody has asked yet."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.setattr(progress, "WORK", folder)
    monkeypatch.chdir(folder)
    return folder


def agree(work: Path) -> None:
    (work / board.PLACE / board.OUTBOX).mkdir(parents=True)
    (work / board.PLACE / board.AGREED).touch()


def waiting(work: Path) -> list[dict]:
    files = sorted((work / board.PLACE).glob(f"{board.OUTBOX}/*"))
    return [{**json.loads(each.read_bytes()), "time": 0} for each in files]


# --- what leaves a notebook


def test_before_the_learner_agrees_nothing_is_written_and_progress_is_kept(work):
    progress.keep("check.three_big_pings(1)", "chapters.ch03.check", "not yet", "secret")
    assert [each.name for each in work.iterdir() if board.PLACE in each.name] == []
    assert progress.read(work) == {"03": {"1": "not yet"}}


def test_a_verdict_is_written_in_the_checks_own_words(work):
    importlib.import_module("chapters.ch03.check")
    agree(work)
    hint = "The counter counts whole frames: what lies before the data?"
    call = "check.three_big_pings(three_big_pings)"
    progress.keep(call, "chapters.ch03.check", "not yet", hint)
    progress.keep(call, "chapters.ch03.check", "not yet", "my_password = 'hunter2'")
    progress.keep(call, "chapters.ch03.check", "right", "All of it.")
    told = {"kind": "exercise", "chapter": "03", "number": 1, "time": 0}
    assert waiting(work) == [
        told | {"status": "not yet", "mistake": hint},
        told | {"status": "not yet", "mistake": ""},
        told | {"status": "right", "mistake": ""},
    ]


def test_a_prediction_is_written_as_a_letter_and_nothing_else(work):
    agree(work)
    path = next(path for path in stored.CHAPTERS if path.name.startswith("03"))
    cells = progress.predictions(path)
    for said in ("b", " (B) ", None, "a long story", 7):
        progress.predicted(cells[1] + "\n", "chapters.ch03.check", said, "a")
    progress.predicted("predictions.mine(prediction)", "chapters.ch03.check", "x", "a")
    told = {"kind": "prediction", "chapter": "03", "number": 2, "happened": "a", "time": 0}
    assert waiting(work) == [told | {"said": letter} for letter in ("b", "b", "", "", "")]


@pytest.mark.parametrize("path", stored.CHAPTERS, ids=stored.name)
def test_every_prediction_of_a_chapter_is_found_once(path):
    found = progress.predictions(path)
    assert len(set(found)) == len(found) == path.read_text().count('"prediction = None ')


def test_what_an_answer_says_is_a_gap(tmp_path):
    source = tmp_path / "check.py"
    source.write_text('not_yet(f"{shown(answer)} is none of the names, which are: {names}.")')
    text = "'my secret' is none of the names, which are: TCP, UDP."
    assert board.own_words(text, source) == "… is none of the names, which are: …."
    assert board.own_words("my secret", source) == ""


def test_wrong_answers_are_told_in_words_and_none_of_an_answer_is():
    """Of the wrong answers, whose words tests/wrong keeps, most are sentences of a check."""
    known, told = 0, 0
    for path in stored.CHAPTERS:
        module = importlib.import_module(f"chapters.ch{path.name[:2]}.check")
        sources = [Path(module.__file__), Path(check.__file__)]
        parts = {part for each in sources for whole in board.sentences(each) for part in whole}
        for answer in stored.answers(path):
            if answer.verdict == "Not yet.":
                known += 1
                told += any(answer.words in part for part in parts)
    assert known > 300 and told / known > 0.8


def test_cells_do_not_wait_for_the_board(work):
    """A cell writes a file, whether or not a server is there to send it, and however many wait."""
    agree(work)
    for number in range(30):
        board.note(work, {"kind": "exercise", "number": number})
    assert len(waiting(work)) == 30
    assert not list((work / board.PLACE).glob("**/*.unfinished"))


# --- what a server sends


def sender(work: Path):
    from tools.classroom.board.sender import Sender
    from tools.classroom.board.to_hub import ToHub

    return Sender(work / board.PLACE, ToHub("", "token"))


async def served(sender, answer) -> None:
    """Have the sender send once to a board on a Unix socket that answers with a function."""
    from aiohttp import web
    from jupyterhub.httpclient import JupyterHubHTTPClient

    from tools.classroom import room

    JupyterHubHTTPClient.clear_instance()
    app = web.Application()
    app.router.add_post("/events", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    path = sender.folder / "s"
    await web.UnixSite(runner, str(path)).start()
    sender._deliver.address = room.url(path) + "/events"
    try:
        await sender.send()
    finally:
        await JupyterHubHTTPClient.instance().close()
        await runner.cleanup()


def test_what_waits_is_sent_in_order_and_shown_to_the_learner(work):
    from aiohttp import web

    agree(work)
    got = []

    async def answer(request):
        got.append((request.headers["Authorization"], await request.json()))
        return web.Response(status=204)

    mine = sender(work)
    for number in (1, 2):
        mine.put({"kind": "help", "number": number})
    asyncio.run(served(mine, answer))
    ((token, events),) = got
    assert token == "token token" and [each["number"] for each in events] == [1, 2]
    assert list(mine.sent) == events and waiting(work) == []


def test_what_a_board_that_is_away_does_not_take_waits(work):
    from aiohttp import web

    agree(work)

    async def away(request):
        return web.Response(status=503)

    mine = sender(work)
    mine.put({"kind": "help"})
    with pytest.raises(ConnectionError):
        asyncio.run(served(mine, away))
    assert len(waiting(work)) == 1 and not mine.sent


def test_to_turn_it_off_takes_back_what_was_sent(work):
    mine = sender(work)
    assert mine.agreed is None
    mine.agree(True)
    mine.put({"kind": "help"})
    assert mine.agreed is True
    mine.agree(False)
    assert mine.agreed is False
    assert waiting(work) == [{"kind": "forget", "time": 0}]
    board.note(work, {"kind": "exercise"})
    assert len(waiting(work)) == 1, "nothing is written after a no"


def test_a_learner_who_never_agreed_has_nothing_to_take_back(work):
    mine = sender(work)
    mine.agree(False)
    assert waiting(work) == []


# --- what the board makes of it


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stores.time, "time", lambda: NOW)
    made = Store(tmp_path)
    yield made
    made.close()


def exercise(status: str, number: int = 1, mistake: str = "", at: float = NOW) -> dict:
    told = {"kind": "exercise", "chapter": "03", "number": number, "time": at}
    return told | {"status": status, "mistake": mistake}


def test_a_learner_is_a_pseudonym_until_they_show_their_name(store, tmp_path):
    store.take("ada", [exercise("not yet")])
    (learner,) = store.state()["learners"]
    assert "ada" not in learner["who"] and "ada" not in store.as_csv()
    assert b"ada" not in (tmp_path / "board.sqlite").read_bytes()
    store.take("ada", [{"kind": "name", "on": True}])
    assert store.state()["learners"][0]["who"] == "ada"
    store.take("ada", [{"kind": "name", "on": False}])
    assert store.state()["learners"][0]["who"] == learner["who"]


def test_what_was_right_stays_right_and_since_when_is_told(store):
    store.take("ada", [exercise("not yet", mistake="a", at=NOW - 90)])
    store.take("ada", [exercise("not yet", mistake="b", at=NOW - 30)])
    reached = store.state()["learners"][0]["reached"]["03.1"]
    assert reached == {"status": "not yet", "mistake": "b", "since": NOW - 90}
    assert store.state()["mistakes"] == {"03.1": {"b": 1}}
    store.take("ada", [exercise("right"), exercise("not yet", mistake="c")])
    assert store.state()["learners"][0]["reached"]["03.1"]["status"] == "right"
    assert store.state()["mistakes"] == {}


def test_thirty_learners_are_thirty_pseudonyms_and_their_last_votes(store):
    for number in range(30):
        vote = {"kind": "prediction", "chapter": "03", "number": 1, "happened": "b"}
        store.take(f"learner-{number}", [vote | {"said": "a"}, vote | {"said": "ab"[number % 2]}])
    state = store.state()
    assert len({each["who"] for each in state["learners"]}) == 30
    assert state["predictions"] == {
        "03.1": {"said": {"a": 15, "b": 15}, "before": {}, "happened": "b"}
    }


def test_help_stands_until_it_is_taken_back(store):
    store.take("ada", [{"kind": "help", "on": True, "time": NOW - 5}])
    assert store.state()["learners"][0]["help"] == NOW - 5
    store.take("ada", [{"kind": "help", "on": False}])
    assert store.state()["learners"][0]["help"] is None


def test_what_is_taken_back_what_is_older_than_a_day_and_all_on_request_is_gone(store, tmp_path):
    store.take("ada", [exercise("right")])
    store.take("eve", [exercise("right", at=NOW - stores.DAY - 1)])
    store.forget_older()
    assert len(store.state()["learners"]) == 1
    store.take("ada", [{"kind": "forget"}])
    assert store.state()["learners"] == []
    store.take("ada", [exercise("not yet", mistake="of a kind")])
    store.clear()
    assert store.state()["learners"] == [] and len(store.as_csv().splitlines()) == 1
    assert b"of a kind" not in (tmp_path / "board.sqlite").read_bytes()


@pytest.mark.parametrize(
    "event",
    [
        None,
        {"kind": "code", "code": "x"},
        exercise("right") | {"chapter": "<b>"},
        exercise("right") | {"number": True},
        exercise("excellent"),
        exercise("not yet") | {"mistake": ["x"]},
        {"kind": "prediction", "chapter": "03", "number": 1, "said": "my answer"},
    ],
    ids=str,
)
def test_what_the_course_does_not_send_is_refused_whole(store, event):
    with pytest.raises(Refused):
        store.take("ada", [exercise("right"), event])
    assert store.state()["learners"] == []


def test_a_spreadsheet_takes_nothing_for_a_formula(store):
    store.take("ada", [exercise("not yet", mistake="=1+1")])
    assert ",'=1+1" in store.as_csv()


def test_who_gave_their_name_has_it_when_the_board_starts_again(tmp_path):
    first = Store(tmp_path)
    first.take("ada", [{"kind": "name", "on": True}])
    first.close()
    second = Store(tmp_path)
    assert [each["who"] for each in second.state()["learners"]] == ["ada"]
    second.forget_older(0)
    assert second.state()["learners"] == []


def test_the_clock_of_a_notebook_is_not_believed_ahead(store):
    store.take("ada", [exercise("right", at=NOW + 1e6)])
    assert store.state()["learners"][0]["last"] == NOW


def test_the_data_base_and_its_key_are_not_for_others(store, tmp_path):
    assert (tmp_path / "board.key").stat().st_mode & 0o077 == 0
    assert (tmp_path / "board.key").stat().st_size == 32
