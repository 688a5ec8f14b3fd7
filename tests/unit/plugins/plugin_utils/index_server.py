# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A package index on this machine, for uv and for the collection: with TLS, credentials and failures if wanted."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import html
import http.server
import pathlib
import ssl
import threading
import urllib.parse
import zipfile
from collections.abc import Iterator

from ansible_collections.oxzep7.python.plugins.module_utils._packages._wheel_build import WheelBuildError
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._builder import RequiredWheel
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._index import PackageIndex
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._metadata import read_wheel_metadata
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._resolver import (
    ResolutionRequest,
    ResolvedLock,
    Resolver,
    find_uv,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._sources import PackageSources
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._transport import Transport
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._wheels import WheelStore
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._locking import StepLocker

PLATFORM = "x86_64-manylinux_2_28"


def write_wheel(
    folder: pathlib.Path,
    name: str,
    version: str,
    requires: tuple[str, ...] = (),
    tag: str = "py3-none-any",
    text: str = "",
    python: str = "",
) -> pathlib.Path:
    """A wheel of *name* with one module in *folder*; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    module = name.replace("-", "_").replace(".", "_")
    path = folder / f"{module}-{version}-{tag}.whl"
    info = f"{module}-{version}.dist-info"
    headers = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    headers += [f"Requires-Python: {python}"] if python else []
    headers += [f"Requires-Dist: {line}" for line in requires]
    extras = {line.split("extra ==")[1].strip(" '\"") for line in requires if "extra ==" in line}
    headers += [f"Provides-Extra: {extra}" for extra in sorted(extras)]
    files = {
        f"{module}.py": text or f"VERSION = {version!r}\n",
        f"{info}/METADATA": "\n".join(headers) + "\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    rows = [f"{file},," for file in [*files, f"{info}/RECORD"]]
    with zipfile.ZipFile(path, "w") as archive:
        for file, content in {**files, f"{info}/RECORD": "\n".join(rows) + "\n"}.items():
            archive.writestr(zipfile.ZipInfo(file, (2020, 1, 1, 0, 0, 0)), content)
    return path


class IndexServer:
    """Serves the wheels of ``folder`` as ``/simple/``; ``asked`` has the path and the credentials of each request.

    ``failures`` are answered first: a status with headers, or None for a connection that is closed without an answer.
    ``yanked`` are names of files, ``redirect`` is where another host serves the files.
    ``hashes`` says whether pages have them, ``metadata`` whether ``.metadata`` is served, ``headers`` go to pages.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.login: tuple[str, str] | None = None
        self.failures: list[tuple[int, dict[str, str]] | None] = []
        self.asked: list[tuple[str, str | None]] = []
        self.headers: dict[str, str] = {}
        self.hashes = True
        self.metadata = False
        self.redirect = ""
        self.yanked: set[str] = set()
        self.url = ""

    def list_paths(self, ending: str = "") -> list[str]:
        """The paths that were asked for and end with *ending*, sorted."""
        return sorted(path for path, _login in self.asked if path.endswith(ending))

    def format_page(self, name: str) -> str | None:
        """The page of the package *name*."""
        rows = []
        for path in sorted(self.folder.glob("*.whl")):
            if path.name.split("-")[0].replace("_", "-").replace(".", "-").lower() == name:
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                shown = f"#sha256={digest}" if self.hashes else ""
                yanked = ' data-yanked="broken"' if path.name in self.yanked else ""
                bound = html.escape(read_wheel_metadata(path).requires_python)
                yanked += f' data-requires-python="{bound}"' if bound else ""
                address = self.redirect + "/files/" + urllib.parse.quote(path.name)
                rows.append(f'<a href="{address}{shown}"{yanked}>{path.name}</a>')
        return "<html><body>" + "\n".join(rows) + "</body></html>" if rows else None


class _Handler(http.server.BaseHTTPRequestHandler):
    """Answers for ``index``."""

    index: IndexServer

    def do_GET(self) -> None:
        header = self.headers.get("Authorization")
        login = base64.b64decode(header.split()[1]).decode() if header else None
        self.index.asked.append((self.path, login))
        # A client of a proxy names the whole address.
        self.path = urllib.parse.urlsplit(self.path).path
        if self.index.failures:
            failure = self.index.failures.pop(0)
            if failure is None:
                self.close_connection = True
            else:
                self._answer(failure[0], b"", failure[1])
        elif self.index.login and login != ":".join(self.index.login):
            self._answer(401, b"", {"WWW-Authenticate": 'Basic realm="index"'})
        elif self.path.startswith("/simple/"):
            self._serve_page(self.path.split("/")[2])
        else:
            self._serve_file(self.index.folder / urllib.parse.unquote(self.path.removeprefix("/files/")))

    do_HEAD = do_GET

    def _serve_page(self, name: str) -> None:
        page = self.index.format_page(name)
        tag = f'"{hashlib.sha256((page or "").encode()).hexdigest()}"'
        if page is None:
            self._answer(404, b"", {})
        elif self.headers.get("If-None-Match") == tag:
            self._answer(304, b"", {"ETag": tag})
        else:
            self._answer(200, page.encode(), {"Content-Type": "text/html", "ETag": tag, **self.index.headers})

    def _serve_file(self, path: pathlib.Path) -> None:
        if path.is_file():
            self._answer(200, path.read_bytes(), {"Content-Type": "application/octet-stream"})
        elif self.index.metadata and path.name.endswith(".metadata"):
            with zipfile.ZipFile(path.with_suffix("")) as archive:
                name = next(name for name in archive.namelist() if name.endswith("/METADATA"))
                self._answer(200, archive.read(name), {})
        else:
            self._answer(404, b"", {})

    def _answer(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD" and status != 304:
            self.wfile.write(data)

    def log_message(self, *_arguments: object) -> None:
        pass


@contextlib.contextmanager
def serve_index(
    folder: pathlib.Path, context: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> Iterator[IndexServer]:
    """Serve *folder* while the block runs, with TLS by *context*."""
    index = IndexServer(folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"index": index}))
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    index.url = f"{'https' if context else 'http'}://{host}:{server.server_port}/simple"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield index
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class NoBuilder:
    """Builds nothing."""

    def get_wheel(self, wanted: RequiredWheel) -> tuple[str, str]:
        """As `WheelBuilder.get_wheel`."""
        raise WheelBuildError(f"{wanted.name} {wanted.version} cannot be built here")


class Controller:
    """The parts of a controller with the cache directory *cache* that uses the index at *url*."""

    def __init__(self, url: str, cache: pathlib.Path, folders: tuple[str, ...] = ()) -> None:
        self.told: list[str] = []
        self.waits: list[float] = []
        sources = PackageSources((("own", url),), folders)
        transport = Transport(sources, self.told.append, self.waits.append)
        index = PackageIndex(sources, cache, transport=transport)
        self.store = WheelStore(cache, sources, index, transport)
        self.resolver = Resolver(cache, find_uv(), sources, self.store, index, self.told.append, self.waits.append)
        self.locker = StepLocker(self.resolver, index, NoBuilder())

    def lock(self, *requirements: str, **more) -> ResolvedLock:
        """What *requirements* resolve to on Python 3.11."""
        return self.resolver.lock(
            ResolutionRequest(requirements, (3, 11), PLATFORM, more.pop("constraints", ()), **more)
        )
