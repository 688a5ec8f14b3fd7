# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs that do not start, and the cause of each."""

# Source of the program, and what the cause must be; {file} is its path, {package} that of a module it imports.
PROGRAMS = {
    "missing module": ("import nothing_here", "ModuleNotFoundError: No module named 'nothing_here' ({file}, line 1)"),
    "missing name": (
        "from inspect import getnothing",
        "ImportError: cannot import name 'getnothing'",
    ),
    "missing attribute": (
        "import collections\ncollections.Nothing",
        "AttributeError: module 'collections' has no attribute 'Nothing' ({file}, line 2)",
    ),
    "in a package": ("import package", "ModuleNotFoundError: No module named 'gone' ({package}, line 2)"),
    "in the standard library": ("import json\njson.loads('{')", "({file}, line 2)"),
    "keyword": ("open(nothing=1)", "TypeError: "),
    "syntax": ("x = 1\nprint 'x'\n", "SyntaxError: "),
    "syntax in a package": ("import broken", "SyntaxError: "),
    "indentation": ("if 1:\nx = 1\n", "IndentationError: expected an indented block"),
    "no message": ("raise ValueError", "ValueError ({file}, line 1)"),
    "message of several lines": ("raise ValueError('first\\nsecond')", "ValueError: first ({file}, line 1)"),
    "own exception": (
        "class Gone(Exception):\n    pass\n\n\nraise Gone('no region')",
        "__main__.Gone: no region ({file}, line 5)|Gone: no region ({file}, line 5)",
    ),
    "while another was handled": (
        "try:\n    1 / 0\nexcept ZeroDivisionError:\n    raise KeyError('x')",
        "KeyError: 'x' ({file}, line 4)",
    ),
    "raised from another": (
        "try:\n    import nothing_here\nexcept ImportError as error:\n    raise RuntimeError('no settings') from error",
        "RuntimeError: no settings ({file}, line 4); caused by ModuleNotFoundError: No module named 'nothing_here' "
        "({file}, line 2)",
    ),
    "recursion": ("def f():\n    return f()\n\n\nf()", "RecursionError: maximum recursion depth exceeded"),
    "in a thread": (
        "import threading\n\n\ndef work():\n    raise OSError(5, 'disk')\n\n\nthread = threading.Thread(target=work)\n"
        "thread.start()\nthread.join()",
        "OSError: [Errno 5] disk ({file}, line 5)",
    ),
    "logged": (
        "import logging\nlogging.basicConfig(format='%(asctime)s %(levelname)s %(message)s')\ntry:\n    {{}}['a']\n"
        "except KeyError:\n    logging.exception('no start')\n    raise SystemExit(1)",
        "KeyError: 'a' ({file}, line 4)",
    ),
    "each line with a prefix": (
        "import sys, traceback\ntry:\n    [][1]\nexcept IndexError:\n"
        "    for line in traceback.format_exc().splitlines():\n        print('host app[12]: ' + line, file=sys.stderr)",
        "IndexError: list index out of range ({file}, line 3)",
    ),
    "stopped by the keyboard afterwards": (
        "import traceback\ntry:\n    1 / 0\nexcept ZeroDivisionError:\n    traceback.print_exc()\n"
        "raise KeyboardInterrupt",
        "ZeroDivisionError: division by zero ({file}, line 3)",
    ),
    "address in use": (
        "import socket\nfirst = socket.socket()\nfirst.bind(('127.0.0.1', 0))\nfirst.listen(1)\n"
        "socket.socket().bind(first.getsockname())",
        "OSError: [Errno 98] Address already in use ({file}, line 5)",
    ),
    "no permission": ("open('/proc/1/nothing/x')", "({file}, line 1)"),
    "assertion": ("assert False, 'settings'", "AssertionError: settings ({file}, line 1)"),
    "argument": (
        "import argparse\nparser = argparse.ArgumentParser(prog='web')\nparser.parse_args(['--no-such'])",
        "web: error: unrecognized arguments: --no-such",
    ),
    "deprecated call": (
        "import warnings\nwarnings.simplefilter('error')\nwarnings.warn('old')",
        "UserWarning: old ({file}",
    ),
    "encoding": ("'\\xe4'.encode('ascii')", "UnicodeEncodeError: 'ascii' codec can't encode character"),
    "exit with a message": ("raise SystemExit('web: error: no settings')", "web: error: no settings"),
    "logged error": (
        "import sys\nsys.stderr.write('loading\\nCRITICAL:root:no database\\nbye\\n')\nsys.exit(3)",
        "CRITICAL:root:no database",
    ),
}
# Modules that they import.
PACKAGES = {"package.py": "import os\nimport gone\n", "broken.py": "print 'x'\n"}


def get_source(name):
    """The source of the program *name*."""
    return PROGRAMS[name][0].replace("{{}}", "{}")


def get_expected_texts(name, file, site):
    """Of these, the cause of the program *name*, as *file*, has one; its modules are in *site*."""
    return [text.format(file=file, package=site + "/package.py") for text in PROGRAMS[name][1].split("|")]
