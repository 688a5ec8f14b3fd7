# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recognizes the files of a project: requirements, locks, and pipelines that name a version of Python."""

import re
from typing import Any, Dict, List, Optional

INPUT_FILES = {
    "pyproject.toml": "pyproject",
    "setup.cfg": "setup.cfg",
    "setup.py": "setup.py",
    "Pipfile": "Pipfile",
    "environment.yml": "conda",
    "environment.yaml": "conda",
}
LOCK_FILES = {
    "Pipfile.lock": "Pipfile.lock",
    "poetry.lock": "poetry.lock",
    "uv.lock": "uv.lock",
    "pdm.lock": "pdm.lock",
    "pylock.toml": "pylock",
}
REQUIREMENTS_FILE = re.compile(r"^(?:.*[-_.])?(?:requirements|constraints)(?:[-_.].*)?\.(?:txt|in)$")
PIN_FILES = {".python-version": "python-version", ".tool-versions": "tool-versions", "runtime.txt": "runtime.txt"}
PIPELINE_FILES = {
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
CONTAINER_FILE = re.compile(r"^(?:(?:Dockerfile|Containerfile)(?:\..+)?|.+\.(?:[Dd]ockerfile|containerfile))$")
PROJECT_FILES = dict(INPUT_FILES, **LOCK_FILES, **PIN_FILES, **PIPELINE_FILES)
PIPELINE_KINDS = set(PIPELINE_FILES.values()) | {"dockerfile", "github", "circleci"}
VERSION_PATTERN = r"(\d\.\d+(?:\.\d+)?)"
IMAGE_VERSION = re.compile(r"(?:^|[\s/\"'=])(?:python|pypy|cimg/python|circleci/python):%s" % VERSION_PATTERN)
NAMED_VERSION = re.compile(r"\bpython[-_ ]?%s(?![\d.]*%%)" % VERSION_PATTERN)
VERSION_SETTING = re.compile(r"\bpython[-_]?version(?:s|Spec)?\b[\"']?\s*[:=]\s*(.*)", re.IGNORECASE)
AZURE_SETTING = re.compile(r"\bversionSpec\s*:\s*(.*)")
VERSION_NUMBER = re.compile(r"(?<![\d.])([23]\.\d+(?:\.\d+)?)(?![\d.]*\.\d)")
TOX_FACTOR = re.compile(r"\bpy([23])(\d{1,2})\b")
NOX_SETTING = re.compile(r"\bpython\s*=\s*(.*)")
LIST_ITEM = re.compile(r"^\s*-\s*[\"']?([23]\.\d+(?:\.\d+)?)[\"']?\s*$")
REQUIRES_PYTHON = re.compile(r"^\s*(?:requires-python|python_requires|python)\s*=\s*[\"']?([^\"'#\n]+)", re.MULTILINE)


def detect_project_file(name: str, directory: str) -> Optional[str]:
    """The kind of input, lock, pin or pipeline that the file *name* in *directory* is, or None."""
    kind = PROJECT_FILES.get(name)
    if kind:
        return kind
    if name.endswith((".txt", ".in")):
        if REQUIREMENTS_FILE.match(name) or directory.endswith("/requirements"):
            return "requirements"
    elif CONTAINER_FILE.match(name):
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


def describe_project_file(name: str, kind: str, text: str) -> Dict[str, Any]:
    """The file *name* of *kind* as the inventory has it; ``python`` is the version that it pins or requires."""
    entry: Dict[str, Any] = {"name": name, "kind": kind}
    if kind in PIN_FILES.values():
        entry["python"] = parse_pin(kind, text)
    elif kind in ("pyproject", "setup.cfg", "setup.py"):
        entry["python"] = parse_requires_python(text)
    return entry


def parse_pin(kind: str, text: str) -> Optional[str]:
    """The version of Python that the pin file *text* of *kind* names."""
    for line in text.splitlines():
        if kind == "tool-versions":
            words = line.split()
            if line.startswith("python ") and len(words) > 1:
                return words[1]
        elif line.strip() and not line.startswith("#"):
            return line.strip()
    return None


def parse_requires_python(text: str) -> Optional[str]:
    """The versions of Python that the project file *text* requires."""
    match = REQUIRES_PYTHON.search(text)
    return match.group(1).strip() if match else None


def find_version_references(kind: str, text: str) -> List[Dict[str, Any]]:
    """Each version of Python that the pipeline file *text* of *kind* names: ``{line, version}``, lines from 1."""
    found: List[Dict[str, Any]] = []
    setting = -1
    for number, line in enumerate(text.splitlines(), 1):
        code = line.split(" #", 1)[0]
        if code.lstrip().startswith(("#", "//")):
            continue
        versions = IMAGE_VERSION.findall(code)
        if kind == "dockerfile":
            versions += NAMED_VERSION.findall(code)
        else:
            versions += [version for version in NAMED_VERSION.findall(code) if version not in versions]
            match = VERSION_SETTING.search(code) or (AZURE_SETTING.search(code) if kind == "azure" else None)
            if match:
                versions += VERSION_NUMBER.findall(match.group(1))
                setting = number if not match.group(1).strip() else -1
            elif setting > 0 and LIST_ITEM.match(code):
                versions += LIST_ITEM.findall(code)
            elif code.strip():
                setting = -1
            if kind == "tox":
                versions += ["%s.%s" % pair for pair in TOX_FACTOR.findall(code)]
            if kind == "nox" and NOX_SETTING.search(code):
                versions += VERSION_NUMBER.findall(code)
        found += [{"line": number, "version": version} for version in dict.fromkeys(versions)]
    return found
