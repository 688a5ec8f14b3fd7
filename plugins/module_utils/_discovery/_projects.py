# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recognizes the files of a project: requirement inputs, locks, and pipelines that name a version of Python. Text in, data out."""

import re
from typing import Any, Dict, List, Optional

INPUTS = {
    "pyproject.toml": "pyproject",
    "setup.cfg": "setup.cfg",
    "setup.py": "setup.py",
    "Pipfile": "Pipfile",
    "environment.yml": "conda",
    "environment.yaml": "conda",
}
LOCKS = {
    "Pipfile.lock": "Pipfile.lock",
    "poetry.lock": "poetry.lock",
    "uv.lock": "uv.lock",
    "pdm.lock": "pdm.lock",
    "pylock.toml": "pylock",
}
REQUIREMENTS = re.compile(r"^(?:.*[-_.])?(?:requirements|constraints)(?:[-_.].*)?\.(?:txt|in)$")
PINS = {".python-version": "python-version", ".tool-versions": "tool-versions", "runtime.txt": "runtime.txt"}
PIPELINES = {
    ".gitlab-ci.yml": "gitlab",
    "Jenkinsfile": "jenkins",
    "azure-pipelines.yml": "azure",
    "azure-pipelines.yaml": "azure",
    "tox.ini": "tox",
    "noxfile.py": "nox",
    ".pre-commit-config.yaml": "pre-commit",
    "Makefile": "make",
    "GNUmakefile": "make",
    "makefile": "make",
}
CONTAINER = re.compile(r"^(?:(?:Dockerfile|Containerfile)(?:\..+)?|.+\.(?:[Dd]ockerfile|containerfile))$")
KNOWN = dict(INPUTS, **LOCKS, **PINS, **PIPELINES)
PIPELINE_KINDS = set(PIPELINES.values()) | {"dockerfile", "github", "circleci"}
VERSION = r"(\d\.\d+(?:\.\d+)?)"
IMAGE = re.compile(r"(?:^|[\s/\"'=])(?:python|pypy|cimg/python|circleci/python):%s" % VERSION)
NAMED = re.compile(r"\bpython[-_ ]?%s(?![\d.]*%%)" % VERSION)
SETTING = re.compile(r"\bpython[-_]?version(?:s|Spec)?\b[\"']?\s*[:=]\s*(.*)", re.IGNORECASE)
AZURE = re.compile(r"\bversionSpec\s*:\s*(.*)")
NUMBER = re.compile(r"(?<![\d.])([23]\.\d+(?:\.\d+)?)(?![\d.]*\.\d)")
TOX = re.compile(r"\bpy([23])(\d{1,2})\b")
NOX = re.compile(r"\bpython\s*=\s*(.*)")
LIST_ITEM = re.compile(r"^\s*-\s*[\"']?([23]\.\d+(?:\.\d+)?)[\"']?\s*$")
REQUIRES = re.compile(r"^\s*(?:requires-python|python_requires|python)\s*=\s*[\"']?([^\"'#\n]+)", re.MULTILINE)


def kind_of(name: str, directory: str) -> Optional[str]:
    """What the file *name* in *directory* is to a project: the kind of an input, lock, pin or pipeline, or None."""
    known = KNOWN.get(name)
    if known:
        return known
    if name.endswith((".txt", ".in")):
        if REQUIREMENTS.match(name) or directory.endswith("/requirements"):
            return "requirements"
    elif CONTAINER.match(name):
        return "dockerfile"
    elif name.endswith((".yml", ".yaml")):
        if directory.endswith("/.github/workflows"):
            return "github"
        if directory.endswith("/.circleci"):
            return "circleci"
    return None


def is_pipeline(kind: str) -> bool:
    """Whether files of *kind* are read for references to a version of Python."""
    return kind in PIPELINE_KINDS


def requires(text: str) -> Optional[str]:
    """What the project file *text* says of the versions of Python it needs."""
    match = REQUIRES.search(text)
    return match.group(1).strip() if match else None


def references(kind: str, text: str) -> List[Dict[str, Any]]:
    """Each version of Python that the pipeline file *text* of *kind* names: ``{line, version}``, lines from 1."""
    found: List[Dict[str, Any]] = []
    setting = -1
    for number, line in enumerate(text.splitlines(), 1):
        code = line.split(" #", 1)[0]
        if code.lstrip().startswith(("#", "//")):
            continue
        versions = IMAGE.findall(code)
        if kind == "dockerfile":
            versions += NAMED.findall(code)
        else:
            versions += [version for version in NAMED.findall(code) if version not in versions]
            match = SETTING.search(code) or (AZURE.search(code) if kind == "azure" else None)
            if match:
                versions += NUMBER.findall(match.group(1))
                setting = number if not match.group(1).strip() else -1
            elif setting > 0 and LIST_ITEM.match(code):
                versions += LIST_ITEM.findall(code)
            elif code.strip():
                setting = -1
            if kind == "tox":
                versions += ["%s.%s" % pair for pair in TOX.findall(code)]
            if kind == "nox" and NOX.search(code):
                versions += NUMBER.findall(code)
        found += [{"line": number, "version": version} for version in dict.fromkeys(versions)]
    return found
