"""The board's data base: pseudonyms and events, for a day."""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import re
import secrets
import sqlite3
import time
from collections import Counter, defaultdict
from pathlib import Path

DAY = 86_400  # seconds
LONGEST = 300  # characters of a mistake
STATUSES = ("not attempted", "not yet", "right")
KINDS = ("exercise", "prediction", "help", "done", "name", "forget")
COLOURS = "amber azure coral green ivory olive plum rose silver violet white yellow"
BIRDS = "crane dove falcon finch heron ibis kite lark owl robin stork swift tern wren"
TOLD = "kind IN ('exercise', 'prediction')"  # of the table's rows, those that the page shows
TABLES = """
CREATE TABLE IF NOT EXISTS learner
    (mark TEXT PRIMARY KEY, pseudonym TEXT UNIQUE, name TEXT, help REAL, done REAL);
CREATE TABLE IF NOT EXISTS event
    (mark TEXT, time REAL, kind TEXT, chapter TEXT, number INTEGER, said TEXT, happened TEXT);
CREATE TABLE IF NOT EXISTS round (place TEXT PRIMARY KEY, time REAL);
"""


class Refused(ValueError):
    """An event is not of the form that the course sends."""


def checked(event: object) -> dict:
    """An event with nothing in it but what an event may have. Errors: Refused."""
    if not isinstance(event, dict) or event.get("kind") not in KINDS:
        raise Refused("no event")
    found = {"kind": event["kind"], "on": bool(event.get("on", True))}
    if found["kind"] not in ("exercise", "prediction"):
        return found
    chapter, number = event.get("chapter"), event.get("number")
    if not (isinstance(chapter, str) and re.fullmatch(r"\d\d", chapter)):
        raise Refused("no chapter")
    if type(number) is not int or number not in range(1, 100):
        raise Refused("no number")
    found |= {"chapter": chapter, "number": number}
    if found["kind"] == "prediction":
        letters = {name: event.get(name, "") for name in ("said", "happened")}
        if not all(isinstance(e, str) and re.fullmatch("[a-z]?", e) for e in letters.values()):
            raise Refused("no letter")
        return found | letters
    mistake = event.get("mistake", "")
    if event.get("status") not in STATUSES or not isinstance(mistake, str):
        raise Refused("no status")
    return found | {"said": event["status"], "happened": mistake[:LONGEST]}


class Store:
    """Events by learner, whose names are kept only where they asked for it."""

    def __init__(self, folder: Path) -> None:
        secret = folder / "board.key"
        if not secret.exists():
            secret.touch(0o600)
            secret.write_bytes(secrets.token_bytes(32))
        self._key = secret.read_bytes()
        self._data = sqlite3.connect(folder / "board.sqlite", isolation_level=None)
        self._data.executescript(TABLES)
        self.forget_older()

    def close(self) -> None:
        self._data.close()

    def mark(self, name: str) -> str:
        """What stands for a learner."""
        return hmac.digest(self._key, name.encode(), hashlib.sha256).hex()

    def take(self, learner: str, events: list[object], name: str = "", behind: float = 0.0) -> None:
        """Keep what a learner's server sends, all of it or nothing. Errors: Refused.

        learner: who it is; name: what they are called, by default the same; behind: the seconds
        that their clock is behind this one.
        """
        good = [(checked(event), moment(event, behind)) for event in events]
        for event, when in good:
            self._take(self.mark(learner), name or learner, event, when)

    def vote_again(self, place: str) -> None:
        """From now on, votes for a prediction, such as "03.1", are of another round."""
        self._data.execute("INSERT OR REPLACE INTO round VALUES (?, ?)", [place, time.time()])

    def _take(self, mark: str, name: str, event: dict, when: float) -> None:
        kind, run = event["kind"], self._data.execute
        if kind == "forget":
            run("DELETE FROM event WHERE mark = ?", [mark])
            run("DELETE FROM learner WHERE mark = ?", [mark])
            return
        self._know(mark)
        if kind in ("help", "done"):
            stands = when if event["on"] else None
            run(f"UPDATE learner SET {kind} = ? WHERE mark = ?", [stands, mark])
        elif kind == "name":
            run("UPDATE learner SET name = ? WHERE mark = ?", [name if event["on"] else None, mark])
            # With a time, so that it is kept for a day, by a board that starts again, too.
            run("INSERT INTO event VALUES (?, ?, ?, '', 0, '', '')", [mark, when, kind])
        else:
            fields = [event[each] for each in ("chapter", "number", "said", "happened")]
            run("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?)", [mark, when, kind, *fields])

    def _know(self, mark: str) -> None:
        """Give a learner a pseudonym, unless they have one."""
        if self._data.execute("SELECT 1 FROM learner WHERE mark = ?", [mark]).fetchone():
            return
        taken = {each for (each,) in self._data.execute("SELECT pseudonym FROM learner")}
        free = [
            f"{c} {b}" for c in COLOURS.split() for b in BIRDS.split() if f"{c} {b}" not in taken
        ]
        chosen = secrets.choice(free) if free else f"learner {len(taken) + 1}"
        self._data.execute("INSERT INTO learner VALUES (?, ?, NULL, NULL, NULL)", [mark, chosen])

    def forget_older(self, seconds: float = DAY) -> None:
        """Forget what is older than a day, and learners of whom nothing is left."""
        run = self._data.execute
        run("DELETE FROM event WHERE time < ?", [time.time() - seconds])
        run("DELETE FROM round WHERE time < ?", [time.time() - seconds])
        run("DELETE FROM learner WHERE mark NOT IN (SELECT mark FROM event) AND help IS NULL")

    def clear(self) -> None:
        """Forget everything."""
        tables = ("event", "learner", "round")
        self._data.executescript("".join(f"DELETE FROM {each};" for each in tables) + "VACUUM;")

    def state(self) -> dict:
        """What the page shows: learners with their exercises, mistakes, and predictions."""
        rows = self._data.execute(f"SELECT * FROM event WHERE {TOLD} ORDER BY time").fetchall()
        learners = {
            mark: {
                "who": name or pseudonym,
                "help": help,
                "done": done,
                "last": None,
                "reached": {},
            }
            for mark, pseudonym, name, help, done in self._data.execute(
                "SELECT * FROM learner ORDER BY pseudonym"
            )
        }
        begun = dict(self._data.execute("SELECT place, time FROM round").fetchall())
        votes: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
        before: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
        for mark, when, kind, chapter, number, said, happened in rows:
            learner, place = learners[mark], f"{chapter}.{number}"
            learner["last"] = when
            if kind == "prediction":
                rounds = before if when < begun.get(place, 0) else votes
                rounds[place][mark] = (said, happened)
                continue
            known = learner["reached"].get(place, {"status": STATUSES[0], "since": when})
            if STATUSES.index(said) < STATUSES.index(known["status"]):
                continue  # what was right stays right
            since = known["since"] if said == known["status"] else when
            learner["reached"][place] = {"status": said, "mistake": happened, "since": since}
        return {
            "now": time.time(),
            "learners": list(learners.values()),
            "mistakes": mistakes(learners.values()),
            "predictions": {
                place: {
                    "said": counted(votes[place]),
                    "before": counted(before[place]),
                    "happened": next(
                        (h for _, h in (*votes[place].values(), *before[place].values()) if h), ""
                    ),
                }
                for place in sorted({*votes, *before})
            },
        }

    def as_csv(self) -> str:
        """All events, a row each, under pseudonyms. Source: RFC 4180."""
        out = io.StringIO()
        rows = csv.writer(out)
        rows.writerow(["learner", "time", "kind", "chapter", "number", "said", "happened"])
        found = self._data.execute(
            "SELECT coalesce(name, pseudonym), time, kind, chapter, number, said, happened "
            f"FROM event JOIN learner USING (mark) WHERE {TOLD} ORDER BY time"
        )
        for row in found:
            rows.writerow([plain(each) for each in row])
        return out.getvalue()


def counted(votes: dict[str, tuple[str, str]]) -> dict[str, int]:
    """How many said which letter."""
    return dict(Counter(said or "none" for said, _ in votes.values()))


def moment(event: dict, behind: float = 0.0) -> float:
    """When it happened, by the notebook's clock set to this machine's; never in the future."""
    said = event.get("time")
    return min(float(said) + behind, time.time()) if type(said) in (int, float) else time.time()


def mistakes(learners: list[dict]) -> dict[str, dict[str, int]]:
    """By exercise, how many are held up by which mistake now."""
    found: dict[str, Counter] = defaultdict(Counter)
    for learner in learners:
        for place, each in learner["reached"].items():
            if each["status"] == "not yet":
                found[place][each["mistake"] or "in words that are not the check's own"] += 1
    return {place: dict(counts.most_common()) for place, counts in sorted(found.items())}


def plain(value: object) -> object:
    """A value that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in tuple("=+-@\t\r") else value
