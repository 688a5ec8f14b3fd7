# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two real environments that differ in one thing: the first line of a diagnosis names it, and two equal ones none."""

from __future__ import annotations

import json
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._checked import parse_checked_declaration
from ansible_collections.oxzep7.python.plugins.module_utils._diagnosis import _diagnose
from ansible_collections.oxzep7.python.plugins.module_utils._diagnosis._sides import Side
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    build_process_environment,
    get_current_identity,
)

from tests.demo.machine import find_free_port

VERSIONS = pathlib.Path.home() / ".pyenv" / "versions"
TOOL = """
import sys
def main():
    import argparse
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", action="store_true")
    if parser.parse_args().work:
        import greeter.lazy
        greeter.lazy.work()
    print("done")
"""


def find_python(minor):
    found = sorted(VERSIONS.glob(f"{minor}.*/bin/python{minor}"))
    if not found:
        pytest.skip(f"this machine has no Python {minor}")
    return str(found[-1])


def make_environment(python, path):
    """An environment of *python* at *path* with the package "greeter", which has a console script."""
    subprocess.run([python, "-m", "venv", "--without-pip", path], check=True)
    site = next(path.glob("lib/python*/site-packages"))
    add_package(site, "greeter", "1.0", {"__init__.py": TOOL, "lazy.py": "def work(): pass\n"}, needs=("helper>=1",))
    add_package(site, "helper", "1.2", {"__init__.py": "value = 1\n"})
    script = path / "bin" / "greet"
    script.write_text(f"#!{path}/bin/python\nimport greeter\ngreeter.main()\n")
    script.chmod(0o755)
    info = site / "greeter-1.0.dist-info" / "entry_points.txt"
    info.write_text("[console_scripts]\ngreet = greeter:main\n[greeter.plugins]\nbasic = greeter\n")


def add_package(site, name, version, files, needs=()):
    (site / name).mkdir(exist_ok=True)
    for file, text in files.items():
        (site / name / file).write_text(text)
    info = site / f"{name}-{version}.dist-info"
    info.mkdir()
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {name}",
        f"Version: {version}",
        *(f"Requires-Dist: {need}" for need in needs),
    ]
    (info / "METADATA").write_text("\n".join(lines) + "\n\n")
    (info / "top_level.txt").write_text(f"{name}\n")


class Pair:
    """Two equal environments, in the second of which a test plants a difference."""

    def __init__(self, root, templates):
        self.root = root
        self.before, self.after = (root / "venv.generations" / name for name in ("1-before", "2-after"))
        for template, path in zip(templates, (self.before, self.after), strict=True):
            shutil.copytree(template, path, symlinks=True)
            for script in (path / "bin").iterdir():
                if not script.is_symlink():
                    script.write_text(script.read_text().replace(str(template), str(path)))
        (root / "venv").symlink_to(self.before)
        self.user = get_current_identity()
        self.variables = [build_process_environment(self.user) for _side in (0, 1)]
        self.masks = [0o022, 0o022]
        self.logs = ("", "")

    @property
    def site(self):
        return next(self.after.glob("lib/python*/site-packages"))

    def write_lazy(self, text, both=True):
        for path in (self.before, self.after) if both else (self.after,):
            (next(path.glob("lib/python*/site-packages")) / "greeter" / "lazy.py").write_text(text)

    def wrap_interpreter(self, *lines, options=""):
        """Put a shell script in the place of the second interpreter, as vendors do."""
        python = self.after / "bin" / "python"
        real = os.readlink(python)
        python.unlink()
        target = f"{self.after}/bin/{pathlib.Path(real).name}" if "/" not in real else real
        name = self.after / "bin" / "python.real"
        name.symlink_to(target)
        python.write_text("\n".join(["#!/bin/sh", *lines, f'exec {name} {options} "$@"']) + "\n")
        python.chmod(0o755)

    def diagnose(self, *commands, checks=()):
        application = parse_checked_declaration(
            {
                "name": "greeter",
                "environment": str(self.root / "venv"),
                "user": self.user.name,
                "checks": list(checks),
            }
        )
        sides = tuple(
            Side(path.name, str(path), variables, "/", mask)
            for path, variables, mask in zip((self.before, self.after), self.variables, self.masks, strict=True)
        )
        request = _diagnose.Request("", "", [list(words) for words in commands], 60.0, 600.0)
        return _diagnose.compare_sides(application, sides, self.user, request, self.logs)


@pytest.fixture(scope="module")
def templates(tmp_path_factory):
    made = {}

    def get(minor):
        if minor not in made:
            made[minor] = tmp_path_factory.mktemp("template") / minor
            make_environment(find_python(minor), made[minor])
        return made[minor]

    return get


@pytest.fixture
def pair(tmp_path, templates):
    return Pair(tmp_path, [templates("3.12"), templates("3.12")])


@pytest.fixture
def upgrade(tmp_path, templates):
    return lambda before, after: Pair(tmp_path, [templates(before), templates(after)])


def expect_first_line(found, *patterns):
    assert found["lines"], found
    for pattern in patterns:
        assert re.search(pattern, found["lines"][0]), found["lines"]


WORK = ("greet", "--work")


def test_equal_environments_have_no_difference(pair):
    assert pair.diagnose()["lines"] == []
    found = pair.diagnose(WORK, (sys.executable, "-c", "import os, time; print(os.getpid(), time.time())"))
    assert (found["lines"], found["differences"], found["log"]) == ([], [], [])
    assert [run["before"]["rc"] for run in found["runs"]] == [0, 0]


# Each: what is done to the second environment, what is run, and what the first line must have.
def plant_encoding(pair):
    for variables in pair.variables:
        variables["PYTHONUTF8"] = "0"
    pair.wrap_interpreter("export LC_ALL=C")


def plant_library_path(pair):
    pair.wrap_interpreter("export LD_LIBRARY_PATH=/opt/vendor/lib")


def plant_path_file(pair):
    (pair.root / "extra").mkdir()
    (pair.site / "vendor.pth").write_text(f"{pair.root}/extra\n")


def plant_code_file(pair):
    (pair.site / "hook.pth").write_text("import sys; sys.setrecursionlimit(300)\n")


def plant_missing_library(pair):
    """Both have an extension that needs a library beside it, and one of them has not got that."""
    for path in (pair.before, pair.after):
        folder = next(path.glob("lib/python*/site-packages")) / "greeter"
        (folder / "native.libs").mkdir()
        (folder / "empty.c").write_text("int planted(void) { return 0; }\n")
        (folder / "user.c").write_text("int planted(void); int use(void) { return planted(); }\n")
        library = folder / "native.libs" / "libplanted.so.7"
        link = ["gcc", "-shared", "-fPIC", "-Wl,-rpath,$ORIGIN/native.libs"]
        subprocess.run([*link, "-Wl,-soname,libplanted.so.7", "-o", library, folder / "empty.c"], check=True)
        subprocess.run([*link, "-o", folder / "_native.so", folder / "user.c", library], check=True)
    library.unlink()


def plant_start_method(pair):
    (pair.site / "sitecustomize.py").write_text(
        "import multiprocessing\nmultiprocessing.set_start_method('forkserver')\n"
    )


def plant_recursion_limit(pair):
    (pair.site / "sitecustomize.py").write_text("import sys\nsys.setrecursionlimit(200)\n")


def plant_removed_package(pair):
    for entry in pair.site.glob("helper*"):
        shutil.rmtree(entry)


def plant_other_version(pair):
    info = pair.site / "helper-1.2.dist-info"
    info.rename(pair.site / "helper-0.9.dist-info")
    path = pair.site / "helper-0.9.dist-info" / "METADATA"
    path.write_text(path.read_text().replace("1.2", "0.9"))


def plant_shebang(pair):
    script = pair.after / "bin" / "greet"
    script.write_text(script.read_text().replace(f"{pair.after}/bin/python", "/opt/gone/bin/python3"))


def plant_gone_script(pair):
    (pair.after / "bin" / "greet").unlink()


def plant_entry_point(pair):
    path = pair.site / "greeter-1.0.dist-info" / "entry_points.txt"
    path.write_text(path.read_text().replace("basic = greeter\n", ""))


def plant_hash_seed(pair):
    pair.variables[1]["PYTHONHASHSEED"] = "0"


def plant_python_path(pair):
    (pair.root / "shadow").mkdir()
    pair.variables[1]["PYTHONPATH"] = str(pair.root / "shadow")


def plant_path(pair):
    pair.variables[1]["PATH"] = "/usr/bin:/bin"


def plant_mask(pair):
    pair.masks[1] = 0o077


def plant_optimization(pair):
    pair.wrap_interpreter(options="-O")


def plant_locale(pair):
    pair.variables[1].update(LANG="C", LC_ALL="C")


def plant_warnings(pair):
    pair.variables[1]["PYTHONWARNINGS"] = "error"


def plant_isolation(pair):
    pair.wrap_interpreter(options="-X dev")


def plant_digits(pair):
    pair.variables[1]["PYTHONINTMAXSTRDIGITS"] = "640"


def plant_secret(pair):
    pair.variables[0]["BILLING_TOKEN"] = "first-secret-value"
    pair.variables[1]["BILLING_TOKEN"] = "second-secret-value"


def plant_temporary_directory(pair):
    pair.variables[1]["TMPDIR"] = "/var/tmp"


def plant_collector(pair):
    (pair.site / "quick.pth").write_text("import gc; gc.disable()\n")


def plant_tls(pair):
    (pair.site / "sitecustomize.py").write_text(
        "import ssl\nssl.SSLContext.minimum_version = property(lambda self: ssl.TLSVersion.TLSv1)\n"
    )


def plant_openssl_configuration(pair):
    pair.variables[1]["OPENSSL_CONF"] = "/etc/vendor/openssl.cnf"


def plant_broken_interpreter(pair):
    python = pair.after / "bin" / "python"
    python.unlink()
    python.symlink_to("/opt/gone/bin/python3")


PLANTS = [
    (plant_encoding, "LC_ALL is C.UTF-8 in 1-before, C in 2-after; with it:.*encoding of files is ascii"),
    (plant_library_path, "LD_LIBRARY_PATH is not set in 1-before, /opt/vendor/lib in 2-after"),
    (plant_path_file, r"\.pth: .*vendor\.pth is only in 2-after", "sys.path"),
    (plant_code_file, r"\.pth: .*hook\.pth is only in 2-after", "recursion limit is 300, before 1000"),
    (plant_missing_library, r"missing library: .*_native\.so needs libplanted\.so\.7"),
    (plant_start_method, "sitecustomize", "multiprocessing start method is forkserver, before fork"),
    (plant_recursion_limit, "sitecustomize", "recursion limit is 200, before 1000"),
    (plant_removed_package, "missing dependency: helper 1.2 .* not installed in 2-after; greeter 1.0 needs helper>=1"),
    (plant_other_version, "version mismatch: package helper is 1.2 in 1-before, 0.9 in 2-after"),
    (plant_shebang, "shebang: greet begins with .*#!/opt/gone/bin/python3 in 2-after, which does not exist"),
    (plant_gone_script, "console script greet of 1-before is not in 2-after"),
    (plant_entry_point, "entry points of greeter .*greeter.plugins: basic"),
    (plant_hash_seed, "PYTHONHASHSEED is not set in 1-before, 0 in 2-after", "hash randomization"),
    (plant_python_path, "PYTHONPATH is not set in 1-before", "sys.path"),
    (plant_path, "path: PATH is .* in 1-before, /usr/bin:/bin in 2-after"),
    (plant_mask, "umask is 0022 in 1-before, 0077 in 2-after"),
    (plant_optimization, r"optimization \(-O\) is 0 in 1-before, 1 in 2-after"),
    (plant_locale, "(LANG|LC_ALL) is C.UTF-8 in 1-before, C in 2-after"),
    (plant_warnings, "PYTHONWARNINGS is not set in 1-before, error in 2-after"),
    (plant_isolation, "development mode"),
    (plant_digits, "PYTHONINTMAXSTRDIGITS", "limit of digits of integers is 640, before 4300"),
    (plant_secret, "BILLING_TOKEN differs"),
    (plant_temporary_directory, "TMPDIR is not set in 1-before, /var/tmp in 2-after"),
    (plant_collector, r"quick\.pth", "garbage collection"),
    (plant_tls, "sitecustomize", "TLS minimum version is TLSv1, before TLSv1_2"),
    (plant_openssl_configuration, "OPENSSL_CONF is not set in 1-before, /etc/vendor/openssl.cnf in 2-after"),
    (plant_broken_interpreter, "interpreter of 2-after does not answer: .*No such file"),
]


@pytest.mark.parametrize(("plant", "patterns"), [(plant, patterns) for plant, *patterns in PLANTS])
def test_first_line_names_what_was_planted(pair, plant, patterns):
    plant(pair)
    found = pair.diagnose(("true",))
    expect_first_line(found, *patterns)
    assert "secret-value" not in str(found)


def test_failure_is_told_with_the_difference_that_explains_it(pair):
    pair.write_lazy("def work():\n    import helper\n")
    plant_removed_package(pair)
    found = pair.diagnose(WORK)
    expect_first_line(
        found,
        "^missing dependency: helper 1.2 .* not installed in 2-after",
        "therefore greet --work ends with 0 in 1-before, with 1 in 2-after: ModuleNotFoundError: No module named",
    )
    assert len(found["lines"]) == 1, found["lines"]


FAILURES = [
    (
        "import warnings\ndef work(): warnings.warn('old', DeprecationWarning, stacklevel=1)",
        plant_warnings,
        ("^environment variable: PYTHONWARNINGS", "therefore .*DeprecationWarning: old"),
    ),
    (
        "def work(depth=500):\n    return depth and work(depth - 1)",
        plant_recursion_limit,
        ("sitecustomize", "recursion limit", "RecursionError"),
    ),
    (
        "def work(): int('9' * 2000)",
        plant_digits,
        ("PYTHONINTMAXSTRDIGITS", "therefore .*ValueError: Exceeds the limit"),
    ),
    ("import os\ndef work(): print(chr(233))", plant_encoding, ("LC_ALL", "therefore .*UnicodeEncodeError")),
    (
        "import subprocess\ndef work(): subprocess.run(['planted-program'], check=True)",
        plant_path,
        ("^path: PATH", "therefore .*No such file or directory: 'planted-program'"),
    ),
    (
        "import ctypes, os\ndef work(): ctypes.CDLL(os.path.join(os.path.dirname(__file__), '_native.so'))",
        plant_missing_library,
        ("^missing library: .*libplanted", "therefore .*cannot open shared object file"),
    ),
    ("def work(): assert __debug__", plant_optimization, ("optimization",)),
]


@pytest.mark.parametrize(("text", "plant", "patterns"), FAILURES)
def test_failures_of_every_kind_are_explained(pair, text, plant, patterns):
    pair.write_lazy(text + "\n")
    programs = pair.root / "programs"
    programs.mkdir()
    (programs / "planted-program").symlink_to("/bin/true")
    for variables in pair.variables:
        variables["PATH"] += f":{programs}"
    plant(pair)
    expect_first_line(pair.diagnose(WORK), *patterns)


@pytest.mark.parametrize(
    ("before", "after", "text", "patterns"),
    [
        (
            "3.10",
            "3.11",
            "def work():\n    import inspect\n    inspect.getargspec(work)",
            (
                r"^removed API: inspect.getargspec is in Python 3\.10\.\d+ and not in 3\.11",
                "; used by greeter 1.0 in .*lazy",
            ),
        ),
        ("3.9", "3.10", "def work():\n    from collections import Mapping", (r"^removed API: collections\.Mapping",)),
        ("3.11", "3.12", "def work():\n    import imp", ("^removed API: imp is in Python 3.11",)),
        ("3.12", "3.13", "def work():\n    import cgi", ("^removed API: cgi .*therefore greet --work ends with 0",)),
    ],
)
def test_removed_names_of_the_standard_library(upgrade, before, after, text, patterns):
    pair = upgrade(before, after)
    pair.write_lazy(text + "\n")
    expect_first_line(pair.diagnose(WORK), *patterns)


@pytest.mark.parametrize(("before", "after"), [("3.8", "3.9"), ("3.9", "3.10"), ("3.11", "3.12"), ("3.12", "3.13")])
def test_upgrade_without_a_difference_of_its_own(upgrade, before, after):
    found = upgrade(before, after).diagnose(("true",))
    assert [one["culprit"] for one in found["differences"] if one["rank"] > 40] in ([], ["changed default"]), found[
        "lines"
    ]
    assert any(line.startswith("version mismatch: 1-before has cpython") for line in found["lines"])


IN_AN_UPGRADE = [
    (plant_path_file, r"^\.pth: .*vendor\.pth"),
    (plant_missing_library, r"^missing library: "),
    (plant_removed_package, "^missing dependency: helper"),
    (plant_shebang, "^shebang: greet"),
    (plant_hash_seed, "^environment variable: PYTHONHASHSEED"),
    (plant_recursion_limit, "^module at the start: sitecustomize .*recursion limit"),
    (plant_optimization, r"^changed default: optimization"),
    (plant_mask, "umask"),
]


@pytest.mark.parametrize(("plant", "pattern"), IN_AN_UPGRADE)
def test_first_line_names_what_was_planted_in_an_upgrade(upgrade, plant, pattern):
    pair = upgrade("3.9", "3.10")
    plant(pair)
    expect_first_line(pair.diagnose(("true",)), pattern)


def test_other_exit_status(pair):
    pair.write_lazy("def work(): raise SystemExit(3)\n", both=False)
    expect_first_line(pair.diagnose(WORK), "^exit status: greet --work ends with 0 in 1-before, with 3 in 2-after")


def test_new_warning(pair):
    pair.write_lazy("import warnings\ndef work(): warnings.warn('planted', UserWarning, stacklevel=1)\n", both=False)
    expect_first_line(pair.diagnose(WORK), "^warning: greet --work of 2-after prints UserWarning: planted")


def test_more_memory(pair):
    pair.write_lazy("def work(): bytearray(300 << 20)\n", both=False)
    expect_first_line(pair.diagnose(WORK), r"^memory: greet --work needs \d+ KiB in 1-before, 3\d{5} KiB in 2-after")


def test_other_output(pair):
    pair.write_lazy("def work(): print('planted')\n", both=False)
    expect_first_line(pair.diagnose(WORK), "^output: greet --work prints 'planted' in 2-after")


def test_output_that_is_never_the_same_is_no_difference(pair):
    pair.write_lazy("import random\ndef work(): print(random.random())\n")
    assert pair.diagnose(WORK)["lines"] == []


def test_checks_run_in_both_and_the_live_path_means_each(pair):
    pair.write_lazy("def work(): raise KeyError('planted')\n", both=False)
    command = [str(pair.root / "venv" / "bin" / "greet"), "--work"]
    found = pair.diagnose(checks=[{"name": "works", "command": {"cmd": command}}])
    expect_first_line(found, "^exit status: check works: .*: KeyError: 'planted'")


def test_console_scripts_are_asked_for_help(pair):
    for path in (pair.before, pair.after):
        assert (path / "bin" / "greet").stat().st_mode & stat.S_IXUSR
    found = pair.diagnose()
    assert [(run["command"], run["after"]["rc"]) for run in found["runs"]] == [("greet --help", 0)]


def test_log_names_the_exception_and_its_difference(pair):
    plant_removed_package(pair)
    trace = (
        "Traceback (most recent call last):\n"
        '  File "/srv/app/web.py", line 7, in <module>\n    import helper\n'
        "ModuleNotFoundError: No module named 'helper'\n"
    )
    pair.logs = ("served 12 requests\n", "served 9 requests\n" + trace)
    found = pair.diagnose(("true",))
    expect_first_line(found, "^missing dependency: helper", "the log has ModuleNotFoundError.*web.py, line 7")
    assert all("requests" not in entry["example"] for entry in found["log"])


@pytest.fixture
def reverted(place, module):
    """An application whose promotion was undone, because the new one does not start with what its service is given."""
    broken = place.build_wheel("2.0", "new", before="import planted_dependency")
    built = module("environment", **place.make_build_options(broken))
    assert not built.get("failed"), built
    done = module("promotion", **place.make_promotion_options(built["generation"]))
    assert "reverted" in str(done.get("outcome")) or done["failed"], done
    return place


def test_module_and_playbook_explain_a_promotion_that_was_undone(reverted, module, playbook_server):
    place = reverted
    shown = [name for name in sorted(os.listdir(place.state)) if name != "logs"]
    record = place.read_state()
    options = {
        "application": place.declare_application(),
        "state_dir": str(place.state),
        "commands": [["python", "-m", "greeter", str(find_free_port())]],
        "timeout": 3,
    }
    for check in (True, False):
        found = module("diagnose", check=check, **options)
        assert not found.get("failed") and not found["changed"], found
        assert (found["before"]["id"], found["after"]["id"]) == (
            record["history"][-1]["from"],
            record["history"][-1]["to"],
        )
        expect_first_line(
            found,
            "^version mismatch: package greeter is 1.0 in",
            "therefore .*with 124 in .*, with 1 in .*planted_dependency",
        )
    variables = {
        "oxzep7_become": False,
        "ansible_python_interpreter": sys.executable,
        "oxzep7_applications": [options["application"]],
        "oxzep7_state_dir": options["state_dir"],
        "oxzep7_diagnose_commands": options["commands"],
        "oxzep7_diagnose_timeout": 3,
        "oxzep7_run_id": "why",
        "oxzep7_report_dir": str(place.root / "report"),
    }
    (place.root / "variables.json").write_text(json.dumps(variables), encoding="utf-8")
    words = ["-i", "localhost,", "-c", "local", "-e", f"@{place.root}/variables.json", "oxzep7.python.diagnose"]
    status, printed = playbook_server.run(place.root, *words)
    assert status == 0 and "planted_dependency" in printed, printed
    page = (place.root / "report" / "diagnoses" / "why.html").read_text(encoding="utf-8")
    assert "planted_dependency" in page and "Side by side" in page
    assert place.read_greeting() == "old" and place.read_state() == record
    assert [name for name in sorted(os.listdir(place.state)) if name != "logs"] == shown


def test_application_that_was_never_promoted_is_no_failure(place, module):
    found = module("diagnose", application=place.declare_application(), state_dir=str(place.state))
    assert not found.get("failed") and found["lines"] == [] and "no promotion is recorded" in found["reason"]
    missing = module(
        "diagnose", application=place.declare_application(), state_dir=str(place.state), before="1-x", after="2-x"
    )
    assert missing["failed"] and "generation 1-x does not exist any more" in missing["msg"]


def test_a_module_that_neither_has_is_not_explained_by_a_path(pair):
    plant_path_file(pair)
    pair.write_lazy("import planted_dependency\n", both=False)
    expect_first_line(pair.diagnose(WORK), "^exit status: greet --work .*No module named 'planted_dependency'")


def test_a_module_that_only_a_path_has_is_explained_by_it(pair):
    shared = pair.root / "shared"
    shared.mkdir()
    (shared / "planted_dependency.py").write_text("")
    (next(pair.before.glob("lib/python*/site-packages")) / "shared.pth").write_text(f"{shared}\n")
    pair.write_lazy("import planted_dependency\ndef work(): pass\n")
    expect_first_line(pair.diagnose(WORK), r"^\.pth: .*shared\.pth is only in 1-before", "therefore greet --work")


def test_an_error_inside_a_package_of_another_version_is_explained_by_that(pair):
    pair.write_lazy("def work():\n    import helper\n    helper.answer()\n")
    for path, text in ((pair.before, "def answer(): pass\n"), (pair.after, "def answer(): return {}['planted']\n")):
        (next(path.glob("lib/python*/site-packages")) / "helper" / "__init__.py").write_text(text)
    plant_other_version(pair)
    expect_first_line(
        pair.diagnose(WORK), "^version mismatch: package helper is 1.2", "therefore .*KeyError: 'planted'"
    )
