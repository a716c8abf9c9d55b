"""Static files, held in memory, compressed once, under an address that names their content."""

import functools
import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import zstandard
from starlette._utils import get_route_path
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from web import compression

_FOREVER = "public, max-age=31536000, immutable"
_TYPES = {".woff2": "font/woff2", ".js": "text/javascript; charset=utf-8"}
_COMPRESSIBLE = (".css", ".js", ".svg", ".txt")


@dataclass(frozen=True)
class Asset:
    content_type: str
    etag: str
    plain: bytes
    # By encoding; empty where the file is compressed already.
    smaller: Mapping[str, bytes]


class Assets:
    """An ASGI app for `/static`. One hash over all files, so relative links inside CSS hold."""

    def __init__(self, folder: Path) -> None:
        self.files = {
            path.relative_to(folder).as_posix(): _load(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        together = "".join(f"{name}{file.etag}" for name, file in self.files.items())
        self.hash = hashlib.sha256(together.encode()).hexdigest()[:12]

    def url(self, name: str) -> str:
        """The address of a file; an unknown name is a mistake in a template."""
        if name not in self.files:
            raise LookupError(f"No static file {name!r}")
        return f"/static/{self.hash}/{name}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        if request.method not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        response = self._respond(request, get_route_path(scope).lstrip("/"))
        await response(scope, receive, send)

    def _respond(self, request: Request, path: str) -> Response:
        first, _, rest = path.partition("/")
        # A hash of an older or newer release still gets the file, but is not to be kept.
        name = rest if rest in self.files else path
        if name not in self.files:
            raise HTTPException(404)
        cache = _FOREVER if first == self.hash else "no-cache"
        return _answer(request, self.files[name], cache)


def _load(path: Path) -> Asset:
    plain = path.read_bytes()
    kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0]
    if path.suffix in (".css", ".txt"):
        kind = f"{kind}; charset=utf-8"
    small = _smaller(plain) if path.suffix in _COMPRESSIBLE else {}
    etag = f'"{hashlib.sha256(plain).hexdigest()[:16]}"'
    return Asset(kind or "application/octet-stream", etag, plain, small)


@functools.cache
def _smaller(plain: bytes) -> Mapping[str, bytes]:
    """Once in a process, as small as it gets."""
    return {
        compression.ZSTD: zstandard.ZstdCompressor(level=19).compress(plain),
        compression.GZIP: gzip.compress(plain, 9, mtime=0),
    }


def _answer(request: Request, asset: Asset, cache: str) -> Response:
    headers = {"cache-control": cache, "etag": asset.etag, "content-type": asset.content_type}
    if asset.smaller:
        headers["vary"] = "Accept-Encoding"
    if asset.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    encoding = compression.best(request.headers.get("accept-encoding", ""))
    if encoding in asset.smaller:
        return Response(asset.smaller[encoding], headers=headers | {"content-encoding": encoding})
    return Response(asset.plain, headers=headers)
