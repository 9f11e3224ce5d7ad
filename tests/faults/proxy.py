"""Bad lines: a TCP proxy between the service and the simulated NAS, with Toxiproxy's words for what goes wrong."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from conftest import PATIENCE_SECONDS

_READ_BYTES = 65536
_TICKS_PER_SECOND = 20
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Toxics:
    """What is done to the answers on their way; several at once are one bad line.

    `latency` and `jitter` are seconds before each piece, `bandwidth` is bytes in a second, `slicer` bytes in a piece,
    `slow_close` seconds before an end is passed on. After `limit_data` bytes on a connection it is closed; with
    `reset_peer` it is reset instead, with `timeout` nothing comes any more and it stays open. These two strike at
    once where no limit is given.
    """

    latency: float = 0.0
    jitter: float = 0.0
    bandwidth: float = 0.0
    slicer: int = 0
    slow_close: float = 0.0
    limit_data: int | None = None
    reset_peer: bool = False
    timeout: bool = False

    @property
    def limit(self) -> int | None:
        return 0 if self.limit_data is None and (self.reset_peer or self.timeout) else self.limit_data


class Proxy:
    """Carries connections to `upstream`, a port of this machine. `toxics` may be changed from any thread at any time,
    also for connections that stand; what they have carried counts from the change on.
    """

    def __init__(self, upstream: int) -> None:
        self.upstream = upstream
        self.port = 0
        self.connections = 0
        self.toxics = Toxics()
        self._rng = random.Random(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), name="proxy")

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(PATIENCE_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def down(self) -> None:
        """Cuts every connection and refuses new ones."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)

    def up(self) -> None:
        """Listens again, on the same port."""
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(10)

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        await self._open()
        self._ready.set()
        await self._stopping.wait()
        await self._close()

    async def _open(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        self._loop.add_reader(self._listener, self._accept)

    async def _close(self) -> None:
        self._loop.remove_reader(self._listener)
        await asyncio.sleep(0)  # a task that never began would not close its connection
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._listener.close()
        await asyncio.sleep(0)  # in which the transports close their sockets

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        self.connections += 1
        task = self._loop.create_task(self._carry(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, connection: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=connection)
        beyond: asyncio.StreamWriter | None = None
        try:
            answers, beyond = await asyncio.open_connection("127.0.0.1", self.upstream)
            ways = [self._forth(reader, beyond), self._back(answers, writer)]
            both = [self._loop.create_task(way) for way in ways]
            try:
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in both:
                    way.cancel()
                await asyncio.gather(*both, return_exceptions=True)
        except OSError:
            pass  # the NAS is off: the connection ends
        finally:
            for end in (writer, beyond):
                if end is not None:
                    end.close()

    async def _forth(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_READ_BYTES):
            writer.write(data)
            await writer.drain()

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        toxics, carried = self.toxics, 0
        with suppress(ConnectionError):  # of the NAS: an end like any other
            while data := await reader.read(_READ_BYTES):
                while data:
                    if toxics is not self.toxics:
                        toxics, carried = self.toxics, 0
                    if toxics.limit is not None and carried >= toxics.limit:
                        await self._end(toxics, writer)
                        return
                    piece = data[: self._piece_bytes(toxics, carried)]
                    data = data[len(piece) :]
                    await asyncio.sleep(self._delay(toxics, len(piece)))
                    writer.write(piece)
                    await writer.drain()
                    carried += len(piece)
                if toxics.limit is not None and carried >= toxics.limit and toxics is self.toxics:
                    await self._end(toxics, writer)
                    return
        await asyncio.sleep(toxics.slow_close)

    def _piece_bytes(self, toxics: Toxics, carried: int) -> int:
        most = toxics.slicer or _READ_BYTES
        if toxics.bandwidth:
            most = min(most, max(1, int(toxics.bandwidth / _TICKS_PER_SECOND)))
        return most if toxics.limit is None else min(most, toxics.limit - carried)

    def _delay(self, toxics: Toxics, length: int) -> float:
        wait = toxics.latency + self._rng.uniform(-toxics.jitter, toxics.jitter)
        return max(0.0, wait) + (length / toxics.bandwidth if toxics.bandwidth else 0.0)

    async def _end(self, toxics: Toxics, writer: asyncio.StreamWriter) -> None:
        if toxics.timeout:
            await asyncio.Event().wait()  # until somebody else ends the connection
        elif toxics.reset_peer:
            peer: socket.socket = writer.get_extra_info("socket")
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            writer.transport.abort()
