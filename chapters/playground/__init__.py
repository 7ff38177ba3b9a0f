"""The playground: one screen of controls to look at traffic through a filter, by any breakdown.

Laboratory equipment, and the course put together: the parser of chapter 12 counts flows, behind a
filter of chapter 09 (program); Python adds them up as asked (breakdown, history); the plot of
chapter 04 draws them (controls, screen); a capture file is counted by the very same program
(capture).
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from chapters.playground import pcap, traffic
from chapters.playground.capture import Beginning, Capture
from chapters.playground.controls import LONGEST_UPLOAD, PlaygroundControls
from chapters.playground.history import History
from chapters.playground.program import FLOWS, Compiles, Counting, Reading
from chapters.playground.screen import Screen
from helpers import cbpf, netlab, rights
from helpers.cbpf import Instruction
from helpers.errors import CourseError
from helpers.live import still
from helpers.live.attachment import AT_TC, Attachment, Interfaces, interfaces
from helpers.live.moving import MovingPlot, dated
from helpers.live.task import LiveError
from helpers.table import Table

__all__ = ["Playground", "open_playground"]

SAY_EVERY = 0.1  # seconds


class Playground(MovingPlot):
    """A plot and a table that move while packets pass. Display it; use its buttons, or its methods.

    Arguments:
        net: the network that the buttons send traffic in; close() closes it.
        at: what can be looked at, given the program's descriptor; see live.interfaces.
        flows: how many flows the map has room for.
        interval: seconds between two readings. clock: the time in seconds.
    Errors: LiveError.
    """

    NOUN = "playground"
    DESCRIPTION = "The playground: a plot and a table that move, with controls."

    def __init__(
        self,
        net: netlab.Network,
        at: Callable[[int], Interfaces] | None = None,
        flows: int = FLOWS,
        interval: float = 0.5,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not isinstance(flows, int) or flows < 1:
            raise LiveError(f"flows={flows!r} is no room: give a whole number, 1 or more.")
        self._at = at or (lambda fd: interfaces(net, fd, both_ways=True, at_tc=lambda: fd))
        self._flows, self._clock, self._last_said = flows, clock, 0.0
        self._told = False  # whose packets a real interface has
        # The program while it counts, on an interface or a file, and what was read of it.
        self._counting: Counting | None = None
        self._history = History()
        # The file that is looked at, if it is no interface; and the paths of what was uploaded.
        self._file: str | Path | None = None
        self._uploads: dict[str, str] = {}
        # Which names are being looked up, if any, and the filter that was made of the last ones.
        self._looking: object | None = None
        self._found: tuple[tuple, Sequence[Instruction]] | None = None
        sends = traffic.sends()
        controls = PlaygroundControls([*self._at(-1)], [*sends], interval, self._act)
        self._screen = Screen(controls)
        super().__init__(controls, {}, net, sends, owns=[net])

    @property
    def reading(self) -> Reading | None:
        """The newest reading, flow by flow; None before the first."""
        return self._history.newest

    async def count_file(self, path: str | Path) -> None:
        """Count a capture file, through the filter, in place of what was counted.

        The same program counts it, frame by frame, as it would count at a socket, behind the
        filter, which libpcap runs as tcpdump -r does. It ends early where it is stopped, or
        something else is begun; another filter counts it anew.
        Errors: PacketFileError, CaptureError, FilterError, CompileError, FeederError, SyscallError;
            LiveError once it is closed.
        """
        self._require_open()
        self._stop()
        self._file = path
        self.controls.list_captures(self._uploads)
        capture = Capture(self._uploads.get(str(path), path), Path(path).name)
        self._release()
        counting = self._counting = Counting("", self._flows)
        try:
            for share in capture.look():
                self._say_at_times(f"Looking through {capture.name}: {share:.0%}.")
                await asyncio.sleep(0)  # the controls' turn
                if self._counting is not counting:
                    return
            filters = await self._filters_for(capture)
            if self._counting is counting:
                await self._count(capture, counting, filters)
        finally:
            if self._counting is counting:
                self._release()

    async def _filters_for(self, capture: Capture) -> dict[Beginning, Sequence[Instruction]]:
        """The filter that was chosen, for each way in which frames of the file begin.

        Names of hosts in it are looked up. Errors: FilterError.
        """
        expression, filters = self.controls.filter.value.strip(), {}
        for link, order in sorted(capture.beginnings) if expression else ():
            compiles = partial(cbpf.compile_for_file, link=link, byte_order=order)
            if cbpf.hosts(expression) and not await self._look_up(expression, compiles):
                return {}
            filters[link, order] = self._once(expression, compiles)(expression)
        return filters

    async def _count(
        self,
        capture: Capture,
        counting: Counting,
        filters: Mapping[Beginning, Sequence[Instruction]],
    ) -> None:
        """Feed a file to a program, with a reading wherever one belongs."""
        expression = self.controls.filter.value.strip()
        history = self._history = History(expression, without_time=not capture.seconds)
        with contextlib.closing(capture.feed(counting.program, filters, counting.room)) as steps:
            for progress in steps:
                if progress.seconds is not None:
                    # Only what passes the filter comes to the program.
                    reading = replace(counting.read(), seen=progress.frames)
                    history.add(progress.seconds, reading)
                done = f"{progress.frames:,} of {capture.frames:,}"
                self._say_at_times(f"Counting {capture.name}: {done} frames.")
                await asyncio.sleep(0)
                if self._counting is not counting:
                    return
        self._say(in_words(capture), error=bool(capture.looked().damage))
        self._draw()
        self._warn_if_full(None)

    def _say_at_times(self, text: str) -> None:
        """How far something has come: nobody reads more of that than a few in a second."""
        if (now := time.monotonic()) - self._last_said >= SAY_EVERY:
            self._last_said = now
            self._say(text)

    def choose(self, **choices: object) -> None:
        """Set a control: interface, filter, breakdown ("protocol", "port", "sender", "receiver",
        "size", "flow"), interval, quantity ("rate", "total"), scale ("linear", "log", "stacked").

        Errors: LiveError for a choice that there is not, an interface that refuses, or once it is
            closed; FilterError, which says where the expression goes wrong.
        """
        self._require_open()
        for name, value in choices.items():
            if name == "filter":
                cbpf.look_at(str(value))
            if name == "interface":  # whoever writes it into a cell has read the text above it
                self._told = True
            was_running = self.running
            self.controls.choose(name, value)
            if was_running and not self.running:
                raise LiveError(self.controls.sentence)

    def table(self, count: int = 8) -> Table:
        """The largest groups of the breakdown, with packets and bytes."""
        return self._history.table(self.controls.breakdown.value, count)

    def rows(self) -> list[tuple[str, int, int]]:
        """Name, packets and bytes of every group of the breakdown, the largest first."""
        return self._history.rows(self.controls.breakdown.value)

    def figure(self) -> still.Still:
        """A still figure of what was counted, as the controls say, with alternative text."""
        return self._screen.still(self._history)

    def save_csv(self, path: str | Path) -> Path:
        """Write every group of the breakdown to a CSV file. Result: its path. Errors: OSError."""
        return self._screen.save(self._history, "csv", path)

    def save_png(self, path: str | Path) -> Path:
        """Write the still figure to a PNG file. Result: its path. Errors: OSError."""
        return self._screen.save(self._history, "png", path)

    async def run(self, seconds: float) -> None:
        """Run for so many seconds, to the first reading after them, then stop.

        Names of hosts in the filter are looked up before.
        Errors: those of start(); whatever ended it early.
        """
        if not self.running and self._names() and not await self._look_up(*self._filter()):
            return
        await super().run(seconds)

    def _program(self, compiles: Compiles) -> Counting:
        """A program with empty maps and the filter that was chosen; no other is left.

        Errors: FilterError, CompileError, SyscallError.
        """
        self._release()
        at_tc = self.controls.interface.value.endswith(AT_TC)
        return Counting(self.controls.filter.value.strip(), self._flows, compiles, at_tc)

    def _filter(self) -> tuple[str, Compiles]:
        """The expression that was chosen, and what compiles it for the interface."""
        expression, at = self.controls.filter.value.strip(), self.controls.interface.value
        tap = self._at(-1).get(at)
        if tap is None:  # it is gone, which attaching will say
            return expression, partial(cbpf.compile_expression)
        return expression, partial(cbpf.compile_for_interface, interface=tap.interface, net=tap.net)

    def _names(self) -> str:
        """The names of hosts in the filter that have to be looked up still, "" if there is none."""
        expression, compiles = self._filter()
        if self._found and self._found[0] == key(expression, compiles):
            return ""
        return " and ".join(name for _, name in cbpf.hosts(expression))

    async def _look_up(self, expression: str, compiles: Compiles) -> bool:
        """Have the filter compiled beside everything else, which looks the names in it up.

        Result: False where it was stopped, or something else begun. Errors: FilterError.
        """
        looking = self._looking = object()
        names = " and ".join(name for _, name in cbpf.hosts(expression))
        self._say(f"Looking up {names}. Stop ends it.")
        try:
            program = await asyncio.to_thread(compiles, expression)
        finally:
            is_wanted = self._looking is looking
            if is_wanted:
                self._looking = None
        if is_wanted:
            self._found = key(expression, compiles), program
        return is_wanted

    def _once(self, expression: str, compiles: Compiles) -> Compiles:
        """What was found is not looked up again: it is good for one start."""
        found, self._found = self._found, None
        if found and found[0] == key(expression, compiles):
            return lambda _: found[1]
        return compiles

    def _start(self) -> None:
        """At once, or once the names of hosts in the filter are known."""
        if self.running or not self._names():
            super()._start()
        else:
            cbpf.look_at(self.controls.filter.value)  # nobody is asked for what is no name
            self._beside(self._start_found)

    async def _start_found(self) -> None:
        if await self._look_up(*self._filter()):
            super()._start()

    def _release(self) -> None:
        """Nothing in the kernel any more; what was recorded stays."""
        self._attachment.close()
        if self._counting:
            self._counting.close()
        self._counting = None

    def close(self, text: str = "") -> None:
        """Stop, and give everything back; the last picture stays. See MovingPlot.close."""
        super().close(text)
        self._screen.forget()

    def _still(self) -> still.Still | None:
        return self.figure() if len(self._history.times) > 1 else None

    def _prepare(self) -> str:
        """Count from zero on the interface that was chosen."""
        self._file = None
        self._counting = self._program(self._once(*self._filter()))
        self._history = History(self._counting.expression)
        try:
            self._attachment = Attachment(self._at(self._counting.program.fd))
            self._attachment.attach(self.controls.interface.value)
        except CourseError:
            self._release()
            raise
        return f"Running on {self._attachment.label}."

    def _step(self) -> None:
        self._look()
        self._record()

    def _stop(self) -> None:
        """A last reading, and the program off the socket; what was recorded stays."""
        looking, self._looking = self._looking, None
        if self.running:
            self._repeat.stop()
            self._attachment.close()
            self._record()
            self._release()
            self._say("Stopped. Another breakdown shows the same frames; Start counts from zero.")
        elif self._counting:
            self._release()
            self._say("Stopped before the end of the file.")
        elif looking:
            self._say("Stopped before anybody answered.")

    def _failed(self, error: Exception) -> None:
        self._attachment.close()
        if isinstance(error, LiveError):  # the interface is gone, the maps are not
            self._record()
        self._release()
        super()._failed(error)

    def _record(self) -> None:
        """One reading, drawn as well."""
        before = self._history.newest
        nearest = self.controls.interval.value / 2
        self._history.add(self._clock(), self._counting.read(), nearest)
        self._draw()
        self._warn_if_full(before)

    def _warn_if_full(self, before: Reading | None) -> None:
        """Say that the map is full, once: where the reading before did not know of it."""
        if self._history.newest.missed["packets"] and not (before and before.missed["packets"]):
            self._say(
                f"The map is full: it has room for {self._flows:,} flows. Frames of more flows are "
                "counted as without room, and by size as ever. A filter lets fewer through.",
                error=True,
            )

    def _draw(self) -> None:
        self._screen.draw(self._history, self.running)

    def _actions(self) -> dict[str, Callable[..., None]]:
        return super()._actions() | {
            "interface": self._move,
            "filter": self._filter_chosen,
            "path": self._name_chosen,
            "file": self._count_chosen,
            "upload": self._keep_upload,
            "csv": lambda: self._save("csv"),
            "png": lambda: self._save("png"),
        }

    def _move(self) -> None:
        """Another interface was chosen: count anew there, but not before it was said whose packets
        those may be. The first that is not the private one waits for Start."""
        label, (home, *_) = self.controls.interface.value, self.controls.interface.options
        if self._told or label.removesuffix(AT_TC) == home:
            self._count_anew()
            return
        self._told = True
        self._stop()
        self._say(f"{rights.OTHERS_PACKETS} Then press Start, which opens {label}.")

    def _count_anew(self) -> None:
        """Another interface or filter: count anew if it runs; a filter is looked at in any case.

        Until it is known what the names in it stand for, and that it is one for this interface, all
        goes on as it was.
        """
        cbpf.look_at(self.controls.filter.value)
        if not self.running:
            return
        if self._names():
            self._beside(self._count_found)
            return
        expression, compiles = self._filter()
        program = self._once(expression, compiles)(expression) if expression else []
        self._found = key(expression, compiles), program
        self._stop()
        self._start()

    def _filter_chosen(self) -> None:
        self._count_anew()
        if self._file is not None:
            self._beside(self.count_file, self._file)

    def _name_chosen(self) -> None:
        """Another file, if it is one and not yet half a name: count it if a file is looked at.

        Its last letters may come later than the press on the button that was made after them:
        Jupyter keeps them back while the kernel has not yet answered to those before.
        """
        name = self.controls.path.value
        is_one = name in self._uploads or pcap.expanded(name).is_file()
        if self._file is not None and is_one:
            self._count_chosen()

    def _count_chosen(self) -> None:
        self._file = self.controls.path.value
        self._beside(self.count_file, self._file)

    def _keep_upload(self) -> None:
        """Count what was uploaded, and keep it until close().

        It lies in a file without a name, which ends with the kernel, however that ends.
        Errors: LiveError for one that is too long.
        """
        for sent in self.controls.upload.value:
            if sent["size"] > LONGEST_UPLOAD * 1_000_000:
                self.controls.upload.value = ()
                raise LiveError(
                    f"{sent['name']} has {sent['size'] / 1_000_000:,.0f} MB, and at most "
                    f"{LONGEST_UPLOAD} MB can be uploaded here: put it beside this notebook with "
                    "JupyterLab's file browser, and write its name into Capture file."
                )
            file = tempfile.TemporaryFile()  # noqa: SIM115
            self._owns.append(file)
            file.write(sent["content"])
            file.flush()
            name = f"{sent['name']} (uploaded)"
            self._uploads[name], self._file = f"/proc/self/fd/{file.fileno()}", None
            self.controls.path.value, self.controls.upload.value = name, ()
            self._count_chosen()

    async def _count_found(self) -> None:
        if await self._look_up(*self._filter()) and self.running:
            self._stop()
            self._start()

    def _save(self, kind: str) -> None:
        if not self._history.newest:
            raise LiveError(
                "Nothing is counted yet, so nothing is saved: press Start or Count file before."
            )
        path = self._screen.save(self._history, kind, dated("playground", kind))
        self._remark(f"Saved to {path.absolute()}.")


def in_words(capture: Capture) -> str:
    """What was counted, and what the file says of itself."""
    file = capture.looked()
    parts = [f"Counted {file.name}, {file.frames:,} frames."]
    if not capture.seconds:
        parts.append("There is no time between them, so there is no rate: the picture has totals.")
    if names := [each.name for each in file.interfaces if each.name]:
        parts.append(f"Interfaces: {', '.join(dict.fromkeys(names))}.")
    if file.comments:
        parts.append(f"Comments: {' | '.join(dict.fromkeys(file.comments))}.")
    parts.append(file.damage or "Another breakdown shows the same.")
    return " ".join(parts)


def key(expression: str, compiles: partial) -> tuple:
    """What a filter was made of, and for where."""
    return expression, compiles.func, tuple(compiles.keywords.items())


def open_playground(**options: object) -> Playground:
    """A playground with a private network of its own, and this machine's interfaces to choose.

    Arguments: options: as for Playground (flows, interval).
    Errors: NetworkError, LiveError. A real interface needs CAP_NET_RAW; ./course lab arranges it.
    """
    with contextlib.ExitStack() as stack:
        net = stack.enter_context(netlab.open_network())
        playground = Playground(net, **options)
        stack.pop_all()  # it is the playground's now
        return playground
