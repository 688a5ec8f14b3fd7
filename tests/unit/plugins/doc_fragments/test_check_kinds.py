# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A kind of health check needs nothing but its class: options, documentation and evaluation follow from it."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.oxzep7.python.plugins.doc_fragments.application import build_documentation
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import ApplicationError
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._complete import (
    parse_application,
    validate_declaration,
)
from ansible_collections.oxzep7.python.plugins.module_utils._health._evaluation import (
    estimate_check_seconds,
    evaluate_check,
)
from ansible_collections.oxzep7.python.plugins.module_utils._health._probe import DowntimeProbe
from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._base import CheckContext, CheckKind, Verdict
from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._registry import (
    list_check_kinds,
    register_check_kind,
    unregister_check_kind,
)


class FileCheck(CheckKind):
    name = "file"
    options = {
        "type": "dict",
        "options": {"path": {"type": "str", "required": True}, "words": {"type": "int", "default": 1}},
    }
    documentation = """
description: Count the words of a file.
type: dict
suboptions:
  path:
    description: File to read.
    type: str
    required: true
  words:
    description: Minimum number of words.
    type: int
    default: 1
"""

    def validate(self, options):
        if options["words"] < 1:
            raise ValueError("words must be positive")

    def estimate_seconds(self, options):
        return 2.5

    def build_probe_options(self, options):
        return dict(options, words=1)

    def evaluate(self, options, context):
        with open(options["path"], encoding="utf-8") as stream:
            count = len(stream.read().split())
        return Verdict(count >= options["words"], f"{count} words", {"words": count})


@pytest.fixture
def file_kind():
    register_check_kind(FileCheck())
    yield
    unregister_check_kind("file")


def declare(**options):
    return validate_declaration({"name": "a", "environment": "/e", "checks": [dict(options, name="it")]})


def test_a_registered_kind_is_accepted_and_evaluated(file_kind, tmp_path):
    path = tmp_path / "words"
    path.write_text("one two")
    declaration = declare(file={"path": str(path)})
    checks = parse_application(declaration).checks
    result = evaluate_check(checks[0], CheckContext())
    assert (result["kind"], result["passed"], result["evidence"]) == ("file", True, "2 words")
    assert result["measured"] == {"words": 2}
    assert estimate_check_seconds(checks) == 2.5
    missing = evaluate_check(declare(file={"path": str(tmp_path / "none")})["checks"][0], CheckContext())
    assert not missing["passed"] and "FileNotFoundError" in missing["evidence"]
    assert DowntimeProbe(checks).start().stop() == 0


def test_a_registered_kind_validates_its_options(file_kind):
    with pytest.raises(ApplicationError, match="check it: words must be positive"):
        parse_application(declare(file={"path": "/x", "words": 0}))
    with pytest.raises(ApplicationError, match="missing required arguments: path"):
        declare(file={})
    with pytest.raises(ApplicationError, match="mutually exclusive"):
        declare(file={"path": "/x"}, port={"port": 1})


def test_a_registered_kind_is_documented(file_kind):
    application = yaml.safe_load(build_documentation())["options"]["application"]
    assert application["suboptions"]["checks"]["suboptions"]["file"] == yaml.safe_load(FileCheck.documentation)


def test_a_kind_that_is_not_registered_is_refused():
    with pytest.raises(ApplicationError, match="file"):
        declare(file={"path": "/x"})


@pytest.mark.parametrize("kind", list_check_kinds(), ids=lambda kind: kind.name)
def test_kinds_document_the_options_that_they_accept(kind):
    documented = yaml.safe_load(kind.documentation)
    assert documented["type"] == kind.options["type"]
    assert sorted(documented["suboptions"]) == sorted(kind.options["options"])
    for name, option in kind.options["options"].items():
        row = dict(documented["suboptions"][name])
        assert row.pop("description")
        assert row == option, name


def test_time_for_evaluation_covers_every_request():
    checks = declare(http={"url": "https://x", "timeout": 3, "at_most": "2x", "tls_days": 1})["checks"]
    assert estimate_check_seconds(checks) == 18.0
    assert estimate_check_seconds(declare(port={"port": 1})["checks"]) == 120.0
