# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Importing modules in another process."""

import inspect
import os
import pathlib
import sys

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._generation import (
    _compile,
    _import_probe,
    _imports,
    _source_probe,
)
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
        "hangs": "import time; time.sleep(1000)",
        "prints": "while True: print('x' * 1000)",
        "complains": "import sys\nwhile True: sys.stderr.write('x' * 1000)",
        "closes": "import os; os.closerange(0, 100)",
        "forks": "import os; os.fork()",
        "leaves_a_child": "import os, time\nif not os.fork(): time.sleep(1000)",
        "kills_all": "import os, signal; os.killpg(0, signal.SIGKILL)",
        "kills_parent": "import os, signal, time; os.kill(os.getppid(), signal.SIGKILL); time.sleep(1)",
        "package": "value = 1\nclass Thing:\n    method = 2",
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


@pytest.mark.parametrize("program", [_compile, _import_probe, _source_probe])
def test_programs_for_other_interpreters_can_be_arguments_in_any_locale(program):
    # Python 3.6 encodes arguments in ASCII where the locale is C.
    source = inspect.getsource(program)
    assert source.encode("ascii", "replace").decode("ascii") == source


def run(environment, *batches, **options):
    return _imports.run_imports(environment, list(batches), get_current_identity(), **options)


def test_modules_that_do_not_come_to_an_end_are_ended(environment):
    names = ["hangs", "good", "prints", "complains", "closes", "bad"]
    answers = run(environment, _imports.ImportBatch(names, 1.0))
    assert answers.tried == set(names) and sorted(answers.failed) == ["bad", "closes", "complains", "hangs", "prints"]
    assert answers.failed["hangs"]["text"] == "still importing after 1 seconds" and answers.failed["hangs"]["ended"]
    assert not answers.failed["bad"]["ended"]


def test_processes_that_an_import_starts_do_not_outlive_the_probe(environment):
    marker = environment + "/modules/leaves_a_child.py"
    with open(marker, "w") as stream:
        stream.write("import os\nif not os.fork():\n    os.execl('/bin/sleep', 'sleep-of-%s', '1000')\n" % os.getpid())
    assert run(environment, _imports.ImportBatch(["leaves_a_child", "forks", "good"], 30.0)).failed == {}
    commands = [pathlib.Path("/proc", pid, "cmdline") for pid in os.listdir("/proc") if pid.isdigit()]
    texts = [path.read_bytes() for path in commands if path.exists()]
    assert not any(text.startswith(b"sleep-of-%d" % os.getpid()) for text in texts)


@pytest.mark.parametrize("killer", ["kills_all", "kills_parent"])
def test_a_module_that_kills_its_processes_is_blamed_and_the_rest_is_tried(environment, killer):
    names = ["good", "package", killer, "bad"]
    answers = run(environment, _imports.ImportBatch(names, 30.0), _imports.ImportBatch(["json"], 30.0))
    assert answers.tried == {*names, "json"} and sorted(answers.failed) == ["bad", killer]
    assert answers.failed[killer]["ended"]


def test_attributes_and_modules_below_are_names_too(environment):
    names = ["package:value", "package:Thing.method", "xml:dom", "package:gone", "package:Thing.gone", "bad:value"]
    failed = run(environment, _imports.ImportBatch(names, 30.0)).failed
    assert sorted(failed) == ["bad:value", "package:Thing.gone", "package:gone"]
    assert "cannot import name 'gone' from 'package'" in failed["package:gone"]["text"]
    assert failed["package:gone"]["missing"] == "package" and failed["package:gone"]["exception"] == "ImportError"


def test_the_first_cause_of_a_failure_is_among_its_frames(environment):
    with open(environment + "/modules/lazy.py", "w") as stream:
        stream.write(
            "try:\n    import bad\nexcept ImportError as error:\n    raise RuntimeError('no backend') from error\n"
        )
    failure = run(environment, _imports.ImportBatch(["lazy"], 30.0)).failed["lazy"]
    assert failure["text"].endswith("RuntimeError: no backend") and failure["missing"] == "nothing_of_that_name"
    assert failure["frames"][-1].endswith("bad.py")


def test_what_the_budget_does_not_reach_is_not_tried(environment):
    with open(environment + "/modules/slow.py", "w") as stream:
        stream.write("import time; time.sleep(1.5)\n")
    batches = [
        _imports.ImportBatch(["good", "slow", "package"], 1000.0, shared=True),
        _imports.ImportBatch(["victim"], 1000.0),
    ]
    # The import that the end of the budget meets is finished.
    assert run(environment, *batches, budget=1.0).tried == {"good", "slow", "victim"}
    assert run(environment, *batches, budget=0.0).tried == {"victim"}
    assert run(environment, *batches).tried == {"good", "slow", "package", "victim"}


def test_each_batch_has_a_share_of_the_budget_and_what_others_leave():
    remaining = [(10.0, 0.0, 2), (10.0, 1.0, 1)]
    assert [_import_probe.compute_share(*numbers) for numbers in remaining] == [5.0, 9.0]
    assert _import_probe.compute_share(10.0, 11.0, 3) == 0.0


def test_directories_are_searched_first_and_nothing_is_written_into_them(environment, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "good.py").write_text("raise ValueError('of the source')\n")
    (source / "here.py").write_text("import os\nassert os.getcwd() == %r\n" % str(source))
    answers = run(environment, _imports.ImportBatch(["good", "here"], 30.0, (str(source),)))
    assert list(answers.failed) == ["good"] and sorted(os.listdir(source)) == ["good.py", "here.py"]


def test_a_directory_that_is_gone_hides_no_failure(environment, tmp_path):
    answers = run(environment, _imports.ImportBatch(["good", "bad"], 30.0, (str(tmp_path / "gone"),)))
    assert answers.tried == {"good", "bad"} and list(answers.failed) == ["bad"]


def test_a_library_that_many_modules_miss_is_sought_once(environment):
    modules = pathlib.Path(environment) / "modules"
    (modules / "seeker.py").write_text(
        "import ctypes.util\nasked = []\nctypes.util.find_library = lambda name: asked.append(name)\n"
    )
    (modules / "first.py").write_text("import ctypes.util\nctypes.util.find_library('gdal')\n")
    (modules / "second.py").write_text("import ctypes.util\nctypes.util.find_library('gdal')\n")
    (modules / "told.py").write_text("import seeker\nraise ImportError(' '.join(seeker.asked))\n")
    batch = _imports.ImportBatch(["seeker", "first", "second", "told"], 30.0)
    failed = run(environment, batch).failed
    assert list(failed) == ["told"] and failed["told"]["text"].endswith("ImportError: gdal")


def test_what_a_module_writes_to_the_probe_is_not_believed(environment):
    with open(environment + "/modules/lies.py", "w") as stream:
        stream.write("import os\nfor handle in range(3, 30):\n    try:\n        os.write(handle, b'[1, 2]\\n')\n"
                     "    except OSError:\n        pass\n")  # fmt: skip
    assert "bad" in run(environment, _imports.ImportBatch(["lies"], 30.0), _imports.ImportBatch(["bad"], 30.0)).failed
