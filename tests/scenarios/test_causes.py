# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services that do not start on a new generation, and the cause that a promotion names; systemd runs them."""

from __future__ import annotations

import json

import pytest
from ansible_collections.oxzep7.python.tests.unit.plugins.module_utils.failing_programs import (
    PACKAGES,
    PROGRAMS,
    get_expected_texts,
    get_source,
)

from tests.faults.steady_host import (
    FIRST,
    ORIGINAL,
    build_promotion_options,
    expect_generation,
    start_steady_hosts,
)
from tests.fleet import fleet
from tests.fleet.hosts import write_file

GENERATION = f"/srv/steady/venv.generations/{FIRST}"
SITE = f"{GENERATION}/lib/python3.9/site-packages"
LIVE_SITE = "/srv/steady/venv/lib/python3.9/site-packages"
DROP_IN = "/etc/systemd/system/steady-web.service.d/broken.conf"
# Only the new generation has what this imports.
PROGRAM = """
import runpy, sys
if sys.version_info[:2] == (3, 9):
    import late
runpy.run_path("/srv/steady/app.py", run_name="__main__")
"""
BOOT = "ExecStart=\nExecStart=/srv/steady/venv/bin/python /srv/steady/boot.py"
# What is written where, the lines of a drop-in for the unit, and the cause.
CASES = {
    "removed name": (
        {f"{SITE}/late.py": "from inspect import getargspec_\n"},
        BOOT,
        "ImportError: cannot import name 'getargspec_' from 'inspect' (",
    ),
    "package of the generation": (
        {
            f"{SITE}/late/__init__.py": "import os\nfrom late import part\n",
            f"{SITE}/late/part.py": "import collections\n\n\nclass Part(collections.Mapping_):\n    pass\n",
        },
        BOOT,
        f"AttributeError: module 'collections' has no attribute 'Mapping_' ({LIVE_SITE}/late/part.py, line 4)",
    ),
    "syntax": (
        {f"{SITE}/late.py": "async = 1\n"},
        BOOT,
        f"SyntaxError: invalid syntax ({LIVE_SITE}/late.py, line 1)",
    ),
    "program missing": (
        {},
        "ExecStart=\nExecStart=/bin/sh -c 'test -e /srv/steady/venv/lib/python3.9 && exec /srv/steady/venv/bin/gunicorn"
        "; exec /srv/steady/venv/bin/python /srv/steady/app.py'",
        "/srv/steady/venv/bin/gunicorn: not found",
    ),
    "last words": (
        {},
        "ExecStartPre=/bin/sh -c 'test ! -e /srv/steady/venv/lib/python3.9 || { echo the licence has expired >&2;"
        " exit 3; }'",
        "the licence has expired (Control process exited, code=exited, status=3/NOTIMPLEMENTED)",
    ),
    "killed afterwards": (
        {},
        "ExecStartPost=/bin/sh -c 'test ! -e /srv/steady/venv/lib/python3.9 || kill -9 $MAINPID'",
        "Main process exited, code=killed, status=9/KILL",
    ),
    "killed before": (
        {},
        "ExecStartPre=/bin/sh -c 'test ! -e /srv/steady/venv/lib/python3.9 || kill -SEGV $$$$'",
        "Control process exited, code=killed, status=11/SEGV",
    ),
}


@pytest.fixture(scope="module")
def prepared():
    (host,) = start_steady_hosts(kind=fleet.EQUIPPED_KIND)
    yield host
    fleet.stop_fleet()


@pytest.mark.parametrize("case", CASES)
def test_the_cause_is_what_the_journal_says(prepared, case):
    files, drop_in, expected = CASES[case]
    prepared.run_actions(["reset"])
    prepared.run_script(f"mkdir -p {DROP_IN.rpartition('/')[0]}")
    write_file(prepared.name, "/srv/steady/boot.py", PROGRAM)
    for path, text in files.items():
        prepared.run_script(f"mkdir -p {path.rpartition('/')[0]}")
        write_file(prepared.name, path, text)
    write_file(prepared.name, DROP_IN, f"[Service]\n{drop_in}\n" if drop_in else "")
    prepared.run_script("systemctl daemon-reload")
    failed, seen = prepared.run_actions(
        ["module", "promotion", {**build_promotion_options(FIRST, "upgrade"), "timeout": 20}], ["look"]
    )
    prepared.run_script(f"rm -rf {DROP_IN} {SITE}/late {SITE}/late.py && systemctl daemon-reload")
    assert failed["outcome"] == "reverted", failed
    assert expected in failed["cause"], json.dumps(failed, indent=1)
    assert failed["cause"] in failed["msg"] and failed["record"]["cause"] == failed["cause"]
    expect_generation(seen, ORIGINAL)


PLANTED = "/srv/planted/lib/python3.11/site-packages"
# Runs each program as a unit, and prints the cause that its journal names; words: the names of units.
RUN_UNITS = """
import json, subprocess, sys, time
from ansible_collections.oxzep7.python.plugins.module_utils._cause import find_cause
from ansible_collections.oxzep7.python.plugins.module_utils._services.unit import UnitService
found = {}
for name in sys.argv[1:]:
    begin = time.time()
    command = ["/usr/bin/python3", "/srv/planted/%s.py" % name]
    words = ["systemd-run", "--quiet", "--wait", "--unit", name, "--setenv=PYTHONPATH=" + "%(site)s"]
    subprocess.run(words + ["--setenv=LC_ALL=C.UTF-8"] + command)
    units = [UnitService(name + ".service")]
    UnitService.flush_log(units)
    log = UnitService.read_log(units, begin, time.time())
    found[name] = [find_cause(log), log]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def told(prepared):
    """The cause that the journal of each program names, and that journal, by the unit of the program."""
    prepared.run_script(f"mkdir -p {PLANTED}")
    for name, text in PACKAGES.items():
        write_file(prepared.name, f"{PLANTED}/{name}", text)
    units = [f"planted{number}" for number in range(len(PROGRAMS))]
    for unit, name in zip(units, PROGRAMS, strict=True):
        write_file(prepared.name, f"/srv/planted/{unit}.py", get_source(name))
    write_file(prepared.name, "/root/run_units.py", RUN_UNITS.replace("%(site)s", PLANTED))
    words = f"cd /root/faults/lib && PYTHONPATH=. python3 /root/run_units.py {' '.join(units)}"
    return json.loads(prepared.run_script(words))


@pytest.mark.parametrize("number", range(len(PROGRAMS)), ids=list(PROGRAMS))
def test_the_journal_of_a_program_names_its_cause(told, number):
    cause, log = told[f"planted{number}"]
    expected = get_expected_texts(list(PROGRAMS)[number], f"/srv/planted/planted{number}.py", PLANTED)
    assert cause and any(text in cause for text in expected), (cause, log)


def test_there_are_thirty_failures_at_the_start():
    assert len(CASES) + len(PROGRAMS) >= 30
