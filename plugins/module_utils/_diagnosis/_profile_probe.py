# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run by the Python of a generation: prints what that Python is, as one line of JSON behind ``MARK``.

What is read before anything else is imported: the modules that were loaded at the start, and the filters of warnings.
Python 3.6 and later.
"""

import sys

LOADED = dict(sys.modules)

import io  # noqa: E402
import os  # noqa: E402

if sys.path and sys.path[0] == "":
    del sys.path[0]

import codecs  # noqa: E402
import importlib  # noqa: E402
import json  # noqa: E402
import locale  # noqa: E402
import warnings  # noqa: E402
from typing import Any, Callable, Dict, List, Optional, Tuple  # noqa: E402

FILTERS = []
for _entry in warnings.filters:
    _module: Any = _entry[3]
    FILTERS.append([str(_entry[0]), getattr(_entry[2], "__name__", ""), getattr(_module, "pattern", _module) or ""])
MARK = "oxzep7-profile "
READ_LIMIT, LINE_LIMIT, LIST_LIMIT = 1 << 20, 300, 5000
BUILD_NAMES = (
    "CONFIG_ARGS",
    "HOST_GNU_TYPE",
    "MULTIARCH",
    "OPT",
    "Py_DEBUG",
    "Py_ENABLE_SHARED",
    "Py_GIL_DISABLED",
    "Py_TRACE_REFS",
    "WITH_DOC_STRINGS",
    "WITH_PYMALLOC",
)
# Parts of the standard library that an interpreter can be built without.
OPTIONAL_MODULES = (
    "_bz2",
    "_crypt",
    "_ctypes",
    "_curses",
    "_dbm",
    "_decimal",
    "_elementtree",
    "_gdbm",
    "_hashlib",
    "_lzma",
    "_multiprocessing",
    "_posixshmem",
    "_sqlite3",
    "_ssl",
    "_tkinter",
    "_uuid",
    "pyexpat",
    "readline",
    "zlib",
)


def read_file(path: str) -> str:
    """The text of the regular file *path*, or nothing."""
    try:
        if not os.path.isfile(path):
            return ""
        with io.open(path, "rb") as stream:
            return stream.read(READ_LIMIT).decode("utf-8", "replace")
    except OSError:
        return ""


def name_encoding(name: Optional[str]) -> Optional[str]:
    """The name of an encoding in one form."""
    try:
        return codecs.lookup(name).name if name else None
    except LookupError:
        return name


def list_names(directory: str) -> List[str]:
    """The names in *directory*, sorted."""
    try:
        return sorted(os.listdir(directory))[:LIST_LIMIT]
    except OSError:
        return []


def parse_entry_points(text: str) -> Tuple[Dict[str, str], Dict[str, str]]:
    """Console scripts, and the other entry points, that ``entry_points.txt`` lists."""
    scripts: Dict[str, str] = {}
    others: Dict[str, str] = {}
    group = ""
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("[") and line.endswith("]"):
            group = line[1:-1].strip()
        elif "=" in line and group and not line.startswith(("#", ";")):
            name, _sign, target = line.partition("=")
            if group in ("console_scripts", "gui_scripts"):
                scripts[name.strip()] = target.strip()
            else:
                others["%s: %s" % (group, name.strip())] = target.strip()
    return scripts, others


def read_packages() -> Dict[str, Any]:
    """The packages that ``sys.path`` offers, by name: version, needs without conditions, scripts, entry points."""
    found: Dict[str, Any] = {}
    for directory in sys.path:
        for entry in list_names(directory):
            path = os.path.join(directory, entry)
            if entry.endswith(".dist-info"):
                text = read_file(os.path.join(path, "METADATA"))
            elif entry.endswith(".egg-info"):
                text = read_file(os.path.join(path, "PKG-INFO") if os.path.isdir(path) else path)
            else:
                continue
            headers = text.replace("\r\n", "\n").split("\n\n", 1)[0].splitlines()
            fields = [line.partition(":") for line in headers if line[:1].strip()]
            values: Dict[str, List[str]] = {}
            for name, _colon, value in fields:
                values.setdefault(name.lower(), []).append(value.strip())
            if "name" not in values or "version" not in values:
                continue
            name = "-".join(filter(None, values["name"][0].lower().replace("_", "-").replace(".", "-").split("-")))
            scripts, others = parse_entry_points(read_file(os.path.join(path, "entry_points.txt")))
            needs = [need for need in values.get("requires-dist", []) if ";" not in need]
            tops = read_file(os.path.join(path, "top_level.txt")).split()
            package = {"version": values["version"][0], "needs": needs, "scripts": scripts, "points": others}
            found.setdefault(name, dict(package, tops=tops, directory=directory))
    return found


def read_site_files() -> Dict[str, List[str]]:
    """The lines of each ``.pth`` in directories of ``sys.path``, by path."""
    found: Dict[str, Any] = {}
    for directory in sys.path:
        for entry in list_names(directory):
            if entry.endswith(".pth"):
                lines = read_file(os.path.join(directory, entry)).splitlines()
                told = [line[:LINE_LIMIT] for line in lines if line.strip() and not line.startswith("#")]
                found[os.path.join(directory, entry)] = told[:50]
    return found


def read_scripts() -> Dict[str, Any]:
    """The first line of each script beside the interpreter that has an interpreter of its own, by name."""
    found: Dict[str, Any] = {}
    directory = os.path.join(sys.prefix, "bin")
    for entry in list_names(directory):
        path = os.path.join(directory, entry)
        if os.path.isfile(path) and not os.path.islink(path):
            line = read_file(path)[:READ_LIMIT].split("\n", 1)[0]
            if line.startswith("#!"):
                found[entry] = [line[:LINE_LIMIT], os.path.exists((line[2:].split() or ["/"])[0])]
    return found


def read_start() -> Dict[str, Any]:
    """What was loaded at the start from outside the standard library, by name: its file and the size of that."""
    library = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
    found: Dict[str, Any] = {}
    for name, module in sorted(LOADED.items()):
        path = getattr(module, "__file__", None)
        if not path or name == "__main__" or not isinstance(path, str):
            continue
        inside = path.startswith(library) and not path[len(library) :].startswith("site-packages" + os.sep)
        if name in ("sitecustomize", "usercustomize") or not inside:
            text = read_file(path)
            found[name] = [path, len(text), "".join(text.splitlines()[:1])[:LINE_LIMIT] if len(text) < 200 else ""]
    return found


def try_modules() -> Dict[str, str]:
    """Optional parts of the standard library that cannot be imported, with the reason."""
    found: Dict[str, Any] = {}
    for name in OPTIONAL_MODULES:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name == name:
                found[name] = "absent"
        except Exception as error:
            found[name] = "%s: %s" % (type(error).__name__, error)
    return found


def ask(function: Callable[[], Any]) -> Any:
    """What *function* returns, or how it failed."""
    try:
        return function()
    except Exception as error:
        return "%s: %s" % (type(error).__name__, error)


def read_tls() -> Dict[str, Any]:
    """The TLS that this Python has."""
    import ssl

    context = ssl.create_default_context()
    return {
        "OpenSSL": ssl.OPENSSL_VERSION,
        "TLS minimum version": getattr(getattr(context, "minimum_version", None), "name", None),
        "TLS security level": getattr(context, "security_level", None),
        "TLS verify flags": str(getattr(context.verify_flags, "name", None) or int(context.verify_flags)),
        "TLS certificate file": ssl.get_default_verify_paths().cafile,
        "TLS certificate directory": ssl.get_default_verify_paths().capath,
    }


def read_multiprocessing() -> str:
    """How processes are started."""
    import multiprocessing

    return multiprocessing.get_start_method()


def read_defaults() -> Dict[str, Any]:
    """Defaults that releases of Python, their builds or code that runs at the start change."""
    import asyncio
    import gc
    import hashlib
    import pickle
    import resource
    import tarfile
    import tempfile
    import threading

    mask = os.umask(0o22)
    os.umask(mask)
    with io.open(os.devnull) as stream:
        opened = name_encoding(stream.encoding)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loop = ask(lambda: type(asyncio.get_event_loop_policy()).__name__)
    return {
        "locale": ask(lambda: locale.setlocale(locale.LC_ALL, "")),
        "encoding of files": opened,
        "encoding of file names": name_encoding(sys.getfilesystemencoding()),
        "encoding errors of file names": getattr(sys, "getfilesystemencodeerrors", lambda: None)(),
        "encoding of standard input": name_encoding(getattr(sys.stdin, "encoding", None)),
        "encoding of standard output": name_encoding(getattr(sys.__stdout__, "encoding", None)),
        "encoding errors of standard output": getattr(sys.__stdout__, "errors", None),
        "encoding errors of standard error": getattr(sys.__stderr__, "errors", None),
        "buffering of standard output": getattr(sys.__stdout__, "line_buffering", None),
        "multiprocessing start method": ask(read_multiprocessing),
        "recursion limit": sys.getrecursionlimit(),
        "limit of digits of integers": getattr(sys, "get_int_max_str_digits", lambda: None)(),
        "switch interval": sys.getswitchinterval(),
        "garbage collection": [gc.isenabled()] + list(gc.get_threshold()),
        "stack size of threads": threading.stack_size(),
        "hash algorithm": sys.hash_info.algorithm,
        "event loop policy": loop,
        "pickle protocol": pickle.DEFAULT_PROTOCOL,
        "tarfile filter": str(getattr(tarfile.TarFile, "extraction_filter", None) and "set"),
        "digests": sorted(hashlib.algorithms_available),
        "temporary directory": tempfile.gettempdir(),
        "umask": "%04o" % mask,
        "limit of open files": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        "default of warnings": FILTERS,
        "options of warnings": list(sys.warnoptions),
        "except hook": sys.excepthook is sys.__excepthook__,
    }


def read_build() -> Dict[str, Any]:
    """How this Python was built."""
    import sysconfig

    return {name: sysconfig.get_config_var(name) for name in BUILD_NAMES}


def list_flags() -> Dict[str, int]:
    """The flags of the interpreter."""
    names = [name for name in dir(sys.flags) if not name.startswith(("_", "n_")) and name not in ("count", "index")]
    return {name: int(getattr(sys.flags, name) or 0) for name in names}


def read_versions() -> Dict[str, Any]:
    """Versions of libraries in the standard library."""
    found: Dict[str, Any] = {}
    for label, module, name in (
        ("SQLite", "sqlite3", "sqlite_version"),
        ("zlib", "zlib", "ZLIB_RUNTIME_VERSION"),
        ("expat", "pyexpat", "EXPAT_VERSION"),
    ):
        found[label] = ask(lambda: getattr(importlib.import_module(module), name))  # noqa: B023
    return found


def main() -> None:
    """Print the profile."""
    answers = os.fdopen(os.dup(1), "w")
    environ = dict(os.environ)
    paths = list(sys.path)
    profile = {
        "version": "%d.%d.%d" % sys.version_info[:3],
        "implementation": sys.implementation.name,
        "executable": sys.executable,
        "real": os.path.realpath(sys.executable),
        "prefix": sys.prefix,
        "base": sys.base_prefix,
        "library": os.path.dirname(os.path.abspath(os.__file__)),
        "directory": ask(os.getcwd),
        "path": paths,
        "absent": [entry for entry in paths if not os.path.exists(entry)],
        "flags": list_flags(),
        "environ": environ,
        "start": read_start(),
        "site_files": read_site_files(),
        "packages": read_packages(),
        "scripts": read_scripts(),
        "defaults": read_defaults(),
        "build": read_build(),
        "modules": try_modules(),
        "tls": ask(read_tls),
        "versions": read_versions(),
    }
    answers.write("\n" + MARK + json.dumps(profile, default=str) + "\n")
    answers.flush()
    os._exit(0)  # threads that an import started must not keep this process


if __name__ == "__main__":
    main()
