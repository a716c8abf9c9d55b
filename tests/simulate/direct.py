"""asyncpg without the event loop: a statement is sent and its answer read on the spot.

Only one actor runs at a time, so nobody loses by the wait, and most of the cost of a short
statement (two rounds of the loop, a pool with its tasks, three layers of wrappers) is gone. The
driver's own encoding, decoding, prepared statements, errors and transactions stay.
"""

import asyncio
import socket
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
from tortoise import Tortoise
from tortoise.backends.asyncpg import client as asyncpg_client
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.context import TortoiseContext
from tortoise.exceptions import IntegrityError, OperationalError

from amends import database

_CHUNK = 1 << 18
# The flows know more statements than the driver's cache of 100 keeps.
_STATEMENTS = 2_000


class Wire:
    """The driver's transport: a blocking Unix socket."""

    def __init__(self, protocol: Any, path: str) -> None:
        self.protocol = protocol
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)

    def write(self, data: bytes) -> None:
        self.socket.sendall(data)

    def writelines(self, buffers: list[bytes]) -> None:
        self.socket.sendall(b"".join(buffers))

    def read(self) -> None:
        """Block until the server said something, and hand it to the driver."""
        data = self.socket.recv(_CHUNK)
        if data:
            self.protocol.data_received(data)
        else:
            self.protocol.connection_lost(ConnectionResetError("the server went away"))

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self.socket if name == "socket" else default

    def close(self) -> None:
        self.socket.close()

    abort = close

    def is_closing(self) -> bool:
        return self.socket.fileno() < 0

    def pause_reading(self) -> None:
        """Nothing is read unless somebody waits for it."""

    resume_reading = pause_reading


class Answer:
    """Stands in for the driver's future: whoever awaits it reads the socket."""

    __slots__ = ("_error", "_loop", "_ready", "_value")

    def __init__(self, loop: "Loop") -> None:
        self._loop, self._ready = loop, False
        self._value: Any = None
        self._error: BaseException | None = None

    def done(self) -> bool:
        return self._ready

    def cancelled(self) -> bool:
        return False

    def cancel(self) -> bool:
        return False

    def set_result(self, value: Any) -> None:
        self._value, self._ready = value, True

    def set_exception(self, error: BaseException) -> None:
        self._error, self._ready = error, True

    def exception(self) -> BaseException | None:
        return self._error

    def add_done_callback(self, callback: Callable[[Any], object]) -> None:
        """The driver asks for this to notice a cancellation; there is none."""

    def __await__(self) -> Generator[Any, None, Any]:
        while not self._ready:
            assert self._loop.wire is not None
            self._loop.wire.read()
        if self._error is not None:
            raise self._error
        return self._value
        yield  # A generator, as the interpreter asks of an awaitable.


class Loop:
    """What the driver wants of a loop, for one connection."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.wire: Wire | None = None

    def create_future(self) -> Answer:
        return Answer(self)

    async def create_unix_connection(
        self, factory: Callable[[], Any], path: str
    ) -> tuple[Wire, Any]:
        protocol = factory()
        self.wire = Wire(protocol, path)
        protocol.connection_made(self.wire)
        return self.wire, protocol

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)


class Connection(asyncpg.Connection):  # type: ignore[misc]
    """The driver's connection, and its prepared statements by their text."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.prepared: dict[str, Any] = {}

    async def run(self, query: str, values: list[Any], status: bool) -> Any:
        """The rows; with `status`, also what the server says it did."""
        statement = self.prepared.get(query)
        if statement is None:
            statement = self.prepared[query] = await self._get_statement(query, None)
        return await self._protocol.bind_execute(statement, values, "", 0, status, None)


class Pool:
    """As many connections as are held at the same time."""

    def __init__(self, **how: Any) -> None:
        self._how = how
        self._free: list[asyncpg.Connection] = []

    async def acquire(self) -> asyncpg.Connection:
        return self._free.pop() if self._free else await self._connect()

    async def release(self, connection: asyncpg.Connection) -> None:
        self._free.append(connection)

    async def _connect(self) -> asyncpg.Connection:
        return await asyncpg.connect(**self._how, connection_class=Connection, loop=Loop())

    async def close(self) -> None:
        for each in self._free:
            each.terminate()
        self._free.clear()

    terminate = close


class Client(asyncpg_client.AsyncpgDBClient):
    """Tortoise's client over this pool."""

    async def create_pool(self, **how: Any) -> Any:
        for name in ("min_size", "max_size", "loop", "connection_class"):
            how.pop(name, None)
        how |= {"statement_cache_size": _STATEMENTS, "max_cached_statement_lifetime": 0}
        return Pool(**how)


client_class = Client
_WRITES = ("UPDATE", "DELETE", "INSERT")


async def _fetch(client: Any, query: str, values: list[Any] | None, status: bool) -> Any:
    """One statement on the transaction's connection, or on any; errors as the mapper has them."""
    within = isinstance(client, TransactionWrapper)
    connection = client._connection if within else await client._pool.acquire()
    try:
        return await connection.run(query, values or [], status)
    except (asyncpg.SyntaxOrAccessError, asyncpg.exceptions.DataError) as error:
        raise OperationalError(error) from error
    except asyncpg.IntegrityConstraintViolationError as error:
        raise IntegrityError(error) from error
    finally:
        if not within:
            await client._pool.release(connection)


async def _execute_query(
    client: Any, query: str, values: list[Any] | None = None
) -> tuple[int, list[Any]]:
    if query.lstrip()[:6].upper() in _WRITES:
        _, status, _ = await _fetch(client, query, values, True)
        words = status.decode().split(" ")
        # The mapper takes the second word: the count of an update, 0 of an insert.
        return (int(words[1]) if len(words) > 1 else 0), []
    rows = await _fetch(client, query, values, False)
    return len(rows), rows


async def _execute_query_dict(
    client: Any, query: str, values: list[Any] | None = None
) -> list[dict[str, Any]]:
    return [dict(row) for row in await _fetch(client, query, values, False)]


async def _execute_insert(client: Any, query: str, values: list[Any]) -> Any:
    rows = await _fetch(client, query, values, False)
    return rows[0] if rows else None


_SHORTER = {
    "execute_query": _execute_query,
    "execute_query_dict": _execute_query_dict,
    "execute_insert": _execute_insert,
}


@contextmanager
def shorter() -> Iterator[None]:
    """The same statements with fewer layers between the mapper and the driver."""
    originals = {name: getattr(AsyncpgDBClient, name) for name in _SHORTER}
    for name, function in _SHORTER.items():
        setattr(AsyncpgDBClient, name, function)
    try:
        yield
    finally:
        for name, function in originals.items():
            setattr(AsyncpgDBClient, name, function)


async def open(url: str) -> TortoiseContext:
    """Connect Tortoise to the database of `url` in this way."""
    config = database.config(url)
    config["connections"]["default"]["engine"] = __name__
    return await Tortoise.init(config=config, _enable_global_fallback=True)
