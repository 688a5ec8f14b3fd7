# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prints the contents of the standard library of the interpreter that runs this, Python 3.6 or later, as JSON.

``names`` prints the public names of every module, the methods of every class, and parameters where they are known.
``check`` reads names from standard input and prints those that do not exist, a module's ``__getattr__`` included.
"""

import enum
import importlib
import inspect
import json
import os
import pkgutil
import sys
import types
import warnings

# Tests, demos and tools, and modules whose import runs something or opens a window.
LEFT_OUT = {
    "antigravity",
    "this",
    "idlelib",
    "turtledemo",
    "test",
    "tkinter",
    "lib2to3",
    "turtle",
    "ensurepip",
    "__main__",
    "__hello__",
    "__phello__",
    "pip",
    "setuptools",
    "wheel",
    "_distutils_hack",
    "pkg_resources",
    "distutils.command",
    "distutils.tests",
    "ctypes.test",
    "unittest.test",
    "sqlite3.test",
    "msilib",
    "winreg",
    "winsound",
    "msvcrt",
    "nt",
    "ntpath",
    "genericpath",
    "sre_compile",
    "xxlimited",
    "xxlimited_35",
    "pydoc_data",
    "encodings",
    "curses",
    "concurrent.futures.thread",
    "concurrent.futures.process",
    "venv.__main__",
}


def list_modules():
    """The names of all public modules, submodules included."""
    folder = os.path.dirname(os.__file__)
    names = set(sys.builtin_module_names)
    names.update(entry.name for entry in pkgutil.iter_modules([folder, os.path.join(folder, "lib-dynload")]))
    for name in sorted(names):
        if name in LEFT_OUT or name.startswith("_"):
            continue
        yield name
        try:
            module = importlib.import_module(name)
        except BaseException:
            continue
        for entry in pkgutil.walk_packages(getattr(module, "__path__", []), name + ".", onerror=lambda _name: None):
            if not is_left_out(entry.name):
                yield entry.name


def is_left_out(name):
    """Whether the submodule *name* is private or lies in a module that is left out."""
    if any(part.startswith("_") for part in name.split(".")):
        return True
    return any(name == module or name.startswith(module + ".") for module in LEFT_OUT)


def list_parameters(value):
    """The keyword parameters of *value*, or None where they are unknown."""
    if isinstance(value, enum.EnumMeta):
        return None
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):
        return None
    kinds = [parameter.kind for parameter in signature.parameters.values()]
    if inspect.Parameter.VAR_KEYWORD in kinds:
        return None
    found = []
    for name, parameter in signature.parameters.items():
        is_keyword = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        if is_keyword and not name.startswith("_") and name != "self":
            found.append(name)
    return sorted(found)


def is_own(module, name, value):
    """Whether *name* belongs to *module* and was not merely imported there."""
    if isinstance(value, types.ModuleType):
        return False
    listed = getattr(module, "__all__", None)
    if listed is not None and name in listed:
        return True
    home = getattr(value, "__module__", None)
    if isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType)):
        return (
            home is None
            or home == module.__name__
            or home.lstrip("_") == module.__name__
            or (
                home.split(".")[0].lstrip("_") == module.__name__.split(".")[0]
                and listed is None
                and module.__name__.count(".") == 0
            )
        )
    return listed is None and not isinstance(value, types.MethodType)


def list_module_names(module):
    """Names of the module's functions, classes, class members and other values, and their parameters."""
    found = {}
    for name in sorted(set(dir(module)) | set(getattr(module, "__all__", []))):
        value = getattr(module, name, None)
        if name.startswith("_") or not is_own(module, name, value):
            continue
        full = module.__name__ + "." + name
        found[full] = list_parameters(value) if callable(value) else None
        if isinstance(value, type):
            for member in dir(value):
                if not member.startswith("_"):
                    attribute = getattr(value, member, None)
                    if inspect.isroutine(attribute):
                        found[full + "." + member] = list_parameters(attribute)
    return found


def list_names():
    """Every name, with its parameters where they are known; false for a module that cannot be imported."""
    known = {}
    for name in list_modules():
        try:
            found = list_module_names(importlib.import_module(name))
            known[name] = None
            known.update(found)
        except BaseException:
            known[name] = False
    return known


def find_holder(name):
    """The module that has the dotted *name*, and the number of parts of its own name.

    None and -1 where a module exists and cannot be imported.
    """
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            return importlib.import_module(".".join(parts[:count])), count
        except ModuleNotFoundError as error:
            # The module exists and needs another one that does not.
            if not (error.name and name.startswith(error.name)):
                return None, -1
        except BaseException:
            return None, -1
    return None, 0


def find_absent(wanted):
    """Those of *wanted* that do not exist; names in a module that exists and cannot be imported are left out."""
    found = []
    for name in wanted:
        value, count = find_holder(name)
        if count == 0:
            found.append(name)
        try:
            for part in name.split(".")[count:] if count > 0 else ():
                value = getattr(value, part)
        except AttributeError:
            found.append(name)
        except BaseException:
            continue
    return found


def main():
    """Print the answer to the question in the first argument."""
    warnings.simplefilter("ignore")
    wanted = json.load(sys.stdin) if sys.argv[1] == "check" else None
    out = sys.stdout
    with open(os.devnull, "r+") as nothing:
        sys.stdin = sys.stdout = sys.stderr = nothing
        answer = list_names() if wanted is None else find_absent(wanted)
    sys.stdout = out
    json.dump({"version": ".".join(map(str, sys.version_info[:3])), "answer": answer}, out)


if __name__ == "__main__":
    main()
