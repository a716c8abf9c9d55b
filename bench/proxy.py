"""A round-robin proxy for tests: each connection goes to the next process behind it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Proxy:
    """`behind` are ports of this machine; `taken` counts the connections each one got."""

    url: str = ""
    behind: list[int] = field(default_factory=list)
    taken: dict[int, int] = field(default_factory=dict)

    def next(self) -> int:
        port = min(self.behind, key=lambda each: self.taken.get(each, 0))
        self.taken[port] = self.taken.get(port, 0) + 1
        return port

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.behind:
            writer.close()  # nobody has started yet: the sender comes again
            return
        there, back = await asyncio.open_connection("127.0.0.1", self.next())
        await asyncio.gather(_pipe(reader, back), _pipe(there, writer))


@asynccontextmanager
async def listening() -> AsyncIterator[Proxy]:
    proxy = Proxy()
    server = await asyncio.start_server(proxy.carry, "127.0.0.1", 0)
    proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield proxy


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()
