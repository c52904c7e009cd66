"""A TCP proxy between a task and any server: slows the line down, cuts it, or lets it fall silent, by a rule."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

CHUNK = 1 << 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Passing:
    """Bytes on their way: `up` from the client to the server. `before`: how many passed in this direction already."""

    connection: int
    up: bool
    data: bytes
    before: int


Rule = Callable[[Passing], str | None]
"""None: pass it on. `cut`: drop it and the line. `cut after`: pass it on, then cut. `stall`: silence for ever."""


def after_bytes(verdict: str, count: int, *, up: bool) -> Rule:
    """The verdict on whatever comes behind the first `count` bytes of a direction."""

    def rule(passing: Passing) -> str | None:
        return verdict if passing.up == up and passing.before + len(passing.data) > count else None

    return rule


class Proxy:
    """Listens on loopback. `latency`: seconds that every piece of data takes, in each direction."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._numbers = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self.rule: Rule = lambda passing: None
        self.latency = 0.0
        self.stalled = threading.Event()
        self.cut = threading.Event()
        self.port = 0

    def url(self, of: str) -> str:
        """A server's URL with this proxy in its place."""
        parts = urlsplit(of)
        login, at, _ = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{login}{at}127.0.0.1:{self.port}"))

    def start(self) -> None:
        self._thread.start()
        self._server = self._wait(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        self._wait(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    def _wait(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=20)

    async def _close(self) -> None:
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        number, writers = next(self._numbers), [writer]
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                there, back = await asyncio.open_connection(*self._target)
                writers.append(back)
                ways = (self._pass(number, reader, back, True), self._pass(number, there, writer, False))
                await asyncio.wait([asyncio.ensure_future(way) for way in ways], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in writers:
                each.transport.abort()
            self._tasks.discard(task)

    async def _pass(self, number: int, source: asyncio.StreamReader, sink: asyncio.StreamWriter, up: bool) -> None:
        before = 0
        with contextlib.suppress(OSError):
            while data := await source.read(CHUNK):
                await asyncio.sleep(self.latency)
                verdict = self.rule(Passing(connection=number, up=up, data=data, before=before))
                if verdict == "stall":
                    self.stalled.set()
                    await asyncio.sleep(3600)
                if verdict != "cut":
                    sink.write(data)
                    await sink.drain()
                if verdict is not None:
                    await asyncio.sleep(0.05)
                    self.cut.set()
                    return
                before += len(data)


@contextmanager
def running_proxy(host: str, port: int) -> Iterator[Proxy]:
    """A started proxy in front of a server."""
    proxy = Proxy(host, port)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()
