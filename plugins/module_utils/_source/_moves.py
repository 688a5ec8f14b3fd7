# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the names of ``six.moves`` and ``future.moves`` stand for on Python 3, in plain and in vendored copies."""

from typing import Dict

MOVED_NAMES: Dict[str, str] = {
    "BaseHTTPServer": "http.server",
    "CGIHTTPServer": "http.server",
    "SimpleHTTPServer": "http.server",
    "StringIO": "io.StringIO",
    "UserDict": "collections.UserDict",
    "UserList": "collections.UserList",
    "UserString": "collections.UserString",
    "_dummy_thread": "_thread",
    "cPickle": "pickle",
    "cStringIO": "io.StringIO",
    "collections_abc": "collections.abc",
    "dbm_gnu": "dbm.gnu",
    "dbm_ndbm": "dbm.ndbm",
    "email_mime_base": "email.mime.base",
    "email_mime_image": "email.mime.image",
    "email_mime_multipart": "email.mime.multipart",
    "email_mime_nonmultipart": "email.mime.nonmultipart",
    "email_mime_text": "email.mime.text",
    "filterfalse": "itertools.filterfalse",
    "getcwd": "os.getcwd",
    "getcwdb": "os.getcwdb",
    "html_entities": "html.entities",
    "html_parser": "html.parser",
    "http_client": "http.client",
    "http_cookiejar": "http.cookiejar",
    "http_cookies": "http.cookies",
    "intern": "sys.intern",
    "reduce": "functools.reduce",
    "reload_module": "importlib.reload",
    "shlex_quote": "shlex.quote",
    "tkinter_tix": "tkinter.tix",
    "urllib_error": "urllib.error",
    "urllib_parse": "urllib.parse",
    "urllib_robotparser": "urllib.robotparser",
    "xmlrpc_client": "xmlrpc.client",
    "xmlrpc_server": "xmlrpc.server",
    "zip_longest": "itertools.zip_longest",
}
# These are functions of the language there.
BUILTIN_NAMES = frozenset(["filter", "input", "map", "range", "xrange", "zip"])


def resolve_moved_name(name: str) -> str:
    """The dotted *name* as Python 3 has it; without the packages around, if it lies in a copy of six."""
    if "six" not in name and "moves" not in name:
        return name
    parts = name.split(".")
    if "six" in parts:
        parts = parts[parts.index("six") :]
    if parts[0] not in ("six", "future") or parts[1:2] != ["moves"] or len(parts) < 3:
        return ".".join(parts)
    if parts[2] in BUILTIN_NAMES:
        return "builtins." + ".".join(parts[2:])
    return ".".join([MOVED_NAMES.get(parts[2], parts[2])] + parts[3:])
