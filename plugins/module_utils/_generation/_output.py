# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads failures from the output of programs: tests, installers and services."""

import re
from typing import Any, Dict, List

# The name of a module that a traceback ends with.
MISSING_MODULE = re.compile(r"(?:ModuleNotFoundError|ImportError): No module named '?([\w.]+)'?")
EXCEPTION_LINE = re.compile(r"^(?:[A-Za-z_]\w*\.)*([A-Za-z_]\w*(?:Error|Exception|Exit|Interrupt|Warning)?)(?::|$)")
TRACEBACK_PATH = re.compile(r"(?:File \"|^)(\S+?\.py)(?:\", line|:)\d*", re.MULTILINE)
ERROR_LINE = re.compile(r"^E  |\b\w*(?:Error|Exception)\b(?!.*Warning)|^(?:FAILED|ERROR)\b")
MAX_ERROR_LINES = 30
MAX_FRAMES = 40


def extract_errors(text: str) -> str:
    """The lines of the output *text* that name an error; the last lines if none does."""
    lines = text.strip().splitlines()
    errors = [line.strip() for line in lines if ERROR_LINE.search(line)]
    return "\n".join(errors[-MAX_ERROR_LINES:] or lines[-MAX_ERROR_LINES:])


def list_traceback_paths(text: str) -> List[str]:
    """The paths that tracebacks in *text* name, deepest last."""
    return TRACEBACK_PATH.findall(text)[-MAX_FRAMES:]


def parse_failure(text: str) -> Dict[str, Any]:
    """The failure that the output *text* of a program tells, in the form of a failed import."""
    errors = extract_errors(text)
    last = errors.splitlines()[-1] if errors else ""
    exception = EXCEPTION_LINE.match(last)
    missing = MISSING_MODULE.findall(errors)
    return {
        "text": errors,
        "exception": exception.group(1) if exception else "",
        "frames": list_traceback_paths(text),
        "missing": missing[-1] if missing else None,
    }
