# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run by the Python of the environment under test: imports modules one by one.

Reads a JSON list of names from standard input and writes, after each import, one JSON line ``[name, failure,
warnings]``. A failure is null or ``{"text": text, "frames": [paths, deepest last], "missing": name of the missing
module, or null}``; warnings are the deprecations that the import reported, as ``"path:line: text"``. Output of the
modules is discarded. Python 3.6 and later.
"""

import importlib
import json
import os
import sys
import traceback
import warnings

MAX_FRAMES = 40
MAX_WARNINGS = 50


def main() -> None:
    """Import every name; one whose module ends the process has no answer."""
    names = json.load(sys.stdin)
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    heard = []
    warnings.simplefilter("ignore")
    for category in (DeprecationWarning, PendingDeprecationWarning):
        warnings.simplefilter("default", category)
    warnings.showwarning = lambda message, category, filename, lineno, *_rest: heard.append(
        "%s:%d: %s" % (filename, lineno, message)
    )
    for name in names:
        del heard[:]
        try:
            importlib.import_module(name)
            failure = None
        except BaseException as error:  # a module may raise SystemExit, or worse, when it is imported
            trace = traceback.extract_tb(sys.exc_info()[2])
            frames = [frame for frame in trace if not frame.filename.startswith("<frozen")]
            where = "%s:%d: " % (frames[-1].filename, frames[-1].lineno or 0) if frames else ""
            failure = {
                "text": "%s%s: %s" % (where, type(error).__name__, error),
                "frames": [frame.filename for frame in frames[-MAX_FRAMES:]],
                "missing": error.name if isinstance(error, ImportError) else None,
            }
        answers.write(json.dumps([name, failure, heard[:MAX_WARNINGS]]) + "\n")
    answers.flush()
    os._exit(0)  # threads that an import started must not keep this process


if __name__ == "__main__":
    main()
