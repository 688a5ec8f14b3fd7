# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dotted names in strings that a program imports: settings of Django and Celery, configurations of logging, Paste."""

import ast
import re
from typing import Any, Iterator, List, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._source._syntax import LITERAL_FIELDS, read_literal_text

DOTTED_PATH = re.compile(r"^(?:ext://)?([A-Za-z_]\w*(?:[.:][A-Za-z_]\w*)*)$")
# Names that are assigned texts, lists or dictionaries with such paths in them.
SETTING_NAMES = frozenset(
    [
        "ASGI_APPLICATION",
        "AUTHENTICATION_BACKENDS",
        "AUTH_PASSWORD_VALIDATORS",
        "CACHES",
        "CELERY_IMPORTS",
        "CELERY_INCLUDE",
        "DEFAULT_FILE_STORAGE",
        "EMAIL_BACKEND",
        "FILE_UPLOAD_HANDLERS",
        "FORM_RENDERER",
        "INSTALLED_APPS",
        "MIDDLEWARE",
        "MIDDLEWARE_CLASSES",
        "PASSWORD_HASHERS",
        "REST_FRAMEWORK",
        "ROOT_URLCONF",
        "SESSION_ENGINE",
        "SESSION_SERIALIZER",
        "SPIDER_MIDDLEWARES",
        "DOWNLOADER_MIDDLEWARES",
        "ITEM_PIPELINES",
        "STATICFILES_FINDERS",
        "STATICFILES_STORAGE",
        "STORAGES",
        "TEMPLATES",
        "TEMPLATE_CONTEXT_PROCESSORS",
        "TEMPLATE_LOADERS",
        "TEST_RUNNER",
        "WSGI_APPLICATION",
        "imports",
        "include",
    ]
)
# Settings whose entries need no dot.
MODULE_SETTINGS = frozenset(["CELERY_IMPORTS", "CELERY_INCLUDE", "INSTALLED_APPS", "imports", "include"])
# Keys of dictionaries, the value of which is one path.
PATH_KEYS = frozenset(["()", "class", "task", "BACKEND", "ENGINE"])
# Functions that import what their first argument names.
PATH_FUNCTIONS = frozenset(
    [
        "django.utils.module_loading.import_string",
        "mock.patch",
        "monkeypatch.setattr",
        "pkgutil.resolve_name",
        "pydoc.locate",
        "unittest.mock.patch",
        "werkzeug.utils.import_string",
    ]
)
# One of these words is in each Python source that has such paths.
MARKER_WORDS = SETTING_NAMES | {
    "class",
    "task",
    "factory",
    "import_string",
    "locate",
    "patch",
    "resolve_name",
    "setattr",
}
FACTORY_KEY = re.compile("[\"']\\(\\)[\"']")
INI_SUFFIXES = (".ini", ".cfg", ".conf")
INI_SECTION = re.compile(r"^\[([^\]]+)\]")
INI_OPTION = re.compile(r"^([\w.]+)\s*[=:]\s*(.*?)\s*$")
LOGGING_SECTIONS = ("handler_", "formatter_")
PASTE_SECTIONS = ("app:", "composite:", "filter:", "pipeline:", "server:")


def parse_dotted_path(text: Optional[str], dotted: bool) -> str:
    """The dotted name in *text*, ``a.b:c`` as ``a.b.c``; empty for another text, and with *dotted* for ``a``."""
    match = DOTTED_PATH.match(text or "")
    name = match.group(1).replace(":", ".") if match else ""
    return "" if dotted and "." not in name else name


def list_texts(node: Any) -> Iterator[Tuple[str, Any]]:
    """Each string in the expression *node* with its node."""
    for inner in ast.walk(node):
        text = read_literal_text(inner) if type(inner).__name__ in LITERAL_FIELDS else None
        if text is not None:
            yield text, inner


def list_ini_paths(text: str) -> List[Tuple[str, int]]:
    """The dotted names and lines in the configuration file *text* that logging.config and Paste import."""
    found = []
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        header = INI_SECTION.match(line)
        if header:
            section = header.group(1).strip()
            continue
        option = INI_OPTION.match(line)
        if option is None:
            continue
        key, value = option.groups()
        if section.startswith(LOGGING_SECTIONS) and key == "class":
            # The names of the package logging count first.
            name = parse_dotted_path(value, True)
            if name and name.split(".")[0] not in ("handlers", "config"):
                found.append((name, number))
        elif section.startswith(PASTE_SECTIONS) and key.endswith("_factory"):
            name = parse_dotted_path(value, True)
            if name:
                found.append((name, number))
    return found
