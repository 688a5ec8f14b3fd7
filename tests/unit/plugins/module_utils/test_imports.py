# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Importing modules in another process."""

import inspect
import sys

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._generation import _compile, _import_probe, _imports
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import get_current_identity


@pytest.fixture
def environment(tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    modules = tmp_path / "modules"
    modules.mkdir()
    (tmp_path / "bin" / "python").write_text('#!/bin/sh\nPYTHONPATH=%s exec %s "$@"\n' % (modules, sys.executable))
    (tmp_path / "bin" / "python").chmod(0o755)
    for name, text in {
        "good": "print('noise')",
        "bad": "import nothing_of_that_name",
        "leaves": "import sys; sys.exit(3)",
        "dies": "import os; os._exit(7)",
        "crashes": "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
        "poisons": "import sys; sys.modules['victim'] = None",
        "victim": "",
        "threads": "import threading; threading.Thread(target=threading.Event().wait).start()",
    }.items():
        (modules / (name + ".py")).write_text(text + "\n")
    return str(tmp_path)


def failing(environment, *names):
    failures = _imports.find_import_failures(environment, list(names), get_current_identity(), 60)
    return {name: failure["text"] for name, failure in failures.items()}


def test_good_modules_do_not_fail_whatever_they_print_or_start(environment):
    assert failing(environment, "good", "threads", "json") == {}


def test_failures_are_named_with_place_and_reason(environment):
    failed = failing(environment, "good", "bad", "leaves")
    assert sorted(failed) == ["bad", "leaves"]
    assert "bad.py:1" in failed["bad"] and "nothing_of_that_name" in failed["bad"]


def test_a_module_that_kills_the_interpreter_does_not_hide_the_others(environment):
    failed = failing(environment, "dies", "good", "crashes", "bad")
    assert sorted(failed) == ["bad", "crashes", "dies"]
    assert "ended with 7" in failed["dies"] and "ended with -11" in failed["crashes"]


def test_a_module_is_not_blamed_for_what_another_did(environment):
    assert failing(environment, "poisons", "victim") == {}


def test_deprecations_that_imports_meet_are_told_once_with_their_place(environment):
    with open(environment + "/modules/old.py", "w") as stream:
        stream.write(
            "import warnings\nfor _again in range(3):\n    warnings.warn('goes in 3.99', DeprecationWarning)\n"
            "warnings.warn('is noise', UserWarning)\n"
        )
    with open(environment + "/modules/user.py", "w") as stream:
        stream.write("import old\n")
    found = set()
    assert _imports.find_import_failures(
        environment, ["good", "user", "bad"], get_current_identity(), 60, deprecations=found
    ).keys() == {"bad"}
    assert found == {environment + "/modules/old.py:3: goes in 3.99"}


@pytest.mark.parametrize("program", [_compile, _import_probe])
def test_programs_for_other_interpreters_can_be_arguments_in_any_locale(program):
    # Python 3.6 encodes arguments in ASCII where the locale is C.
    source = inspect.getsource(program)
    assert source.encode("ascii", "replace").decode("ascii") == source
