"""The playground's filter on the wire: tags, loops, names of hosts that are looked up beside it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator

import pytest

from chapters.playground import Playground
from helpers import cbpf, traffic
from helpers import frames as layers
from helpers.cbpf.expression import HostError, UserSpaceError
from helpers.live.attachment import Tap

pytestmark = pytest.mark.kernel
NAMED = "udp and host nas.example"


async def wait_for(condition: Callable[[], object]) -> None:
    """Return once it is true, and let the loop go on meanwhile."""

    async def polled() -> None:
        while not condition():
            await asyncio.sleep(0)

    await asyncio.wait_for(polled(), 10)


@pytest.fixture(autouse=True)
def no_playground_is_left() -> Iterator[None]:
    yield
    if Playground._current:
        Playground._current.close()


def at_right(net) -> Playground:
    return Playground(net, lambda fd: {"right": Tap(net, fd, "right")}, interval=0.05)


class Resolver:
    """In place of libpcap with a name to look up: it answers once `answer` is set."""

    def __init__(self, error: Exception | None = None) -> None:
        self.answer, self.asked, self._error = threading.Event(), 0, error

    def __call__(self, expression, interface, net):
        self.asked += 1
        assert self.answer.wait(10)
        if self._error:
            raise self._error
        return cbpf.compile_expression("udp")


@pytest.fixture
def resolver(monkeypatch) -> Resolver:
    made = Resolver()
    monkeypatch.setattr(cbpf, "compile_for_interface", made)
    return made


def test_tagged_frames_are_selected_where_their_tag_is_gone(veth):
    plain = layers.ethernet(layers.IPV4, layers.ipv4(17, bytes(8)))
    frames = [layers.tagged(plain), layers.tagged(plain, 7), layers.tagged(plain), plain]

    async def main() -> None:
        with at_right(veth) as play:
            for expression, packets in (("vlan", 3), ("vlan 5 and udp", 2), ("not vlan", 1)):
                play.choose(filter=expression)
                play.start()
                traffic.frames(veth, frames, "left")
                play.stop()
                assert (play.reading.packets, play.reading.seen) == (packets, 4), expression

    asyncio.run(main())


def test_a_filter_that_loops_starts_nothing_and_says_why(veth):
    async def main() -> None:
        with at_right(veth) as play:
            play.choose(filter="ip6 protochain 17")
            with pytest.raises(UserSpaceError, match="jumps forward only, .* every filter comes"):
                play.start()
            assert not play.running

    asyncio.run(main())


def test_a_name_is_looked_up_once_and_beside_everything_else(veth, resolver):
    async def main() -> None:
        with at_right(veth) as play:
            play.choose(filter=NAMED)
            assert resolver.asked == 0
            play.start()
            await wait_for(lambda: resolver.asked)
            assert play.controls.sentence == "Looking up nas.example. Stop ends it."
            assert not play.running
            resolver.answer.set()
            await wait_for(lambda: play.running)
            traffic.frames(veth, [layers.ethernet(layers.IPV4, layers.ipv4(17, bytes(8)))], "left")
            play.stop()
            assert (play.reading.packets, resolver.asked) == (1, 1)

    asyncio.run(main())


def test_looking_up_can_be_stopped(veth, resolver):
    async def main() -> None:
        with at_right(veth) as play:
            play.choose(filter=NAMED)
            play.start()
            await wait_for(lambda: resolver.asked)
            play.stop()
            assert play.controls.sentence == "Stopped before anybody answered."
            resolver.answer.set()
            await wait_for(lambda: not play._tasks)
            assert not play.running

    asyncio.run(main())


def test_while_a_name_is_looked_up_it_runs_on_as_it_was(veth, resolver):
    async def main() -> None:
        with at_right(veth) as play:
            play.start()
            counting = play._counting
            play.controls.filter.value = NAMED
            await wait_for(lambda: resolver.asked)
            assert play.running
            assert play._counting is counting
            resolver.answer.set()
            await wait_for(lambda: play._counting is not counting)
            assert play.running
            assert play._counting.expression == NAMED
            play.stop()

    asyncio.run(main())


def test_a_name_that_nobody_knows_is_one_sentence(veth, monkeypatch):
    unknown = Resolver(HostError("Nobody here knows the host nas.example."))
    unknown.answer.set()
    monkeypatch.setattr(cbpf, "compile_for_interface", unknown)

    async def main() -> None:
        with at_right(veth) as play:
            play.choose(filter=NAMED)
            play.start()
            await wait_for(lambda: play.controls.sentence.startswith("Nobody here knows"))
            assert not play.running
            with pytest.raises(HostError):
                await play.run(0.1)

    asyncio.run(main())
