# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kinds of services document the options that they accept."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.oxzep7.python.plugins.doc_fragments.application import build_documentation
from ansible_collections.oxzep7.python.plugins.module_utils._services._registry import (
    SERVICE_KINDS,
    build_services_option,
)


@pytest.mark.parametrize("kind", SERVICE_KINDS, ids=lambda kind: kind.__name__)
def test_kinds_document_their_options(kind):
    documented = yaml.safe_load(kind.documentation)
    assert sorted(documented) == sorted(kind.options)
    for name, option in kind.options.items():
        row = dict(documented[name])
        assert row.pop("description") and row == option, name


def test_the_application_documents_the_options_of_all_kinds():
    application = yaml.safe_load(build_documentation())["options"]["application"]["suboptions"]
    assert sorted(application["services"]["suboptions"]) == sorted(build_services_option()["options"])
