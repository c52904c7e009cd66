"""An SFTP server that follows a script: it may wait, lie, cut the line or change its files at any request."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncssh

from tests.support.servers import SftpFiles, SftpServer

Script = Callable[[str, int], Any]
"""Called before a request is answered with its name (list, lstat, open, read, rename, mkdir) and the offset of a read.

`"hang"`: never answered; `"cut"`: the connection is cut; `"refuse"`: permission denied; bytes: what a read gives.
"""


class ScriptedSftp(SftpServer):
    """Its script, every request it got, and an event that is set when something hangs."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.script: Script = lambda request, offset: None
        self.requests: list[str] = []
        self.hanging = threading.Event()

    async def told(self, files: SftpFiles, request: str, offset: int = 0) -> Any:
        """What the script says about this request."""
        self.requests.append(request)
        wish = self.script(request, offset)
        if wish == "hang":
            self.hanging.set()
            await asyncio.sleep(3600)
        if wish == "cut":
            files.connection.abort()
            raise asyncssh.SFTPConnectionLost("cut")
        if wish == "refuse":
            raise asyncssh.SFTPPermissionDenied("refused")
        return wish

    def order(self, **changed: Any) -> dict[str, Any]:
        """How a child logs in here."""
        found = self.credentials(**changed)
        return {name: getattr(found, name) for name in ("host", "port", "user", "password", "host_key")}


class _Scripted(SftpFiles):
    outer: ScriptedSftp  # type: ignore[assignment]  # its own server, nothing else makes it

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        await self.outer.told(self, "list")
        async for name in super().scandir(path):
            yield name

    async def lstat(self, path: bytes) -> os.stat_result:
        await self.outer.told(self, "lstat")
        return super().lstat(path)  # type: ignore[return-value] # not awaitable in the base class

    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:  # type: ignore[override]
        await self.outer.told(self, "open")
        return super().open(path, pflags, attrs)

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        wish = await self.outer.told(self, "read", offset)
        return wish if isinstance(wish, bytes) else await super().read(file_obj, offset, size)

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        await self.outer.told(self, "rename")
        super().rename(oldpath, newpath)

    async def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        await self.outer.told(self, "mkdir")
        super().mkdir(path, attrs)


ScriptedSftp.files = _Scripted


@contextmanager
def running_scripted_sftp(root: Path) -> Iterator[ScriptedSftp]:
    """A started one over `root`."""
    server = ScriptedSftp(root)
    server.start()
    try:
        yield server
    finally:
        server.stop()
