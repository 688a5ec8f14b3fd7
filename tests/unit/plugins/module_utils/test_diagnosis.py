# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Profiles, logs and variables of two generations are compared, and secrets are not shown."""

import copy
import inspect
import os

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._checked import parse_checked_declaration
from ansible_collections.oxzep7.python.plugins.module_utils._diagnosis import (
    _diagnose,
    _differences,
    _explanation,
    _logs,
    _profile_probe,
    _run_probe,
    _runs,
    _sides,
    _variables,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import get_current_identity
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import CommandResult

NAMES = ("1-py3.9", "2-py3.9")
PLACES = ("/srv/app/venv.generations/1-py3.9", "/srv/app/venv.generations/2-py3.9")
LIVE = "/srv/app/venv"


def make_profile(place, version="3.9.18"):
    minor = version.rpartition(".")[0]
    base = f"/opt/oxzep7/interpreters/{version}"
    return {
        "version": version,
        "implementation": "cpython",
        "executable": f"{place}/bin/python",
        "real": f"{base}/bin/python{minor}",
        "prefix": place,
        "base": base,
        "library": f"{base}/lib/python{minor}",
        "directory": "/",
        "path": [f"{base}/lib/python{minor}", f"{place}/lib/python{minor}/site-packages"],
        "absent": [],
        "flags": {"optimize": 0, "utf8_mode": 0},
        "environ": {"PATH": f"{place}/bin:/usr/bin", "HOME": "/srv/app"},
        "start": {},
        "site_files": {},
        "packages": {},
        "scripts": {"app": [f"#!{place}/bin/python{minor}", True]},
        "defaults": {"encoding of files": "utf-8", "multiprocessing start method": "fork", "umask": "0022"},
        "build": {"Py_DEBUG": 0, "CONFIG_ARGS": f"'--prefix={base}' '--enable-shared'"},
        "modules": {},
        "tls": {"OpenSSL": "OpenSSL 3.0.19 27 Jan 2026", "TLS minimum version": "TLSv1_2"},
        "versions": {"SQLite": "3.40.1"},
        "unresolved": [],
    }


def compare(change=None, versions=("3.9.18", "3.9.18")):
    profiles = [make_profile(place, version) for place, version in zip(PLACES, versions)]
    if change:
        change(profiles[1])
    found = _differences.compare_profiles(NAMES, tuple(profiles), PLACES, LIVE)
    return [culprit.tell() for culprit in _differences.order_differences(found)]


def test_equal_profiles_do_not_differ():
    assert compare() == []


def test_another_minor_version_alone_is_one_difference():
    assert compare(versions=("3.9.18", "3.10.13")) == [
        "version mismatch: 1-py3.9 has cpython 3.9.18, 2-py3.9 has cpython 3.10.13"
    ]


CHANGES = [
    (lambda one: one["tls"].update(OpenSSL="OpenSSL 1.1.1w  11 Sep 2023"), "other version of a library: OpenSSL is"),
    (
        lambda one: one["defaults"].update({"multiprocessing start method": "forkserver"}),
        "changed default: multiprocessing start method is fork in 1-py3.9, forkserver in 2-py3.9",
    ),
    (lambda one: one["build"].update(Py_DEBUG=1), "build flags: Py_DEBUG is 0 in 1-py3.9, 1 in 2-py3.9"),
    (
        lambda one: one["build"].update(CONFIG_ARGS=f"'--prefix={one['base']}'"),
        "build flags: CONFIG_ARGS is --enable-shared in 1-py3.9, nothing more in 2-py3.9",
    ),
    (lambda one: one["modules"].update(_lzma="absent"), "missing dependency: module _lzma of the standard library"),
    (lambda one: one["versions"].update(SQLite="3.7.17"), "other version of a library: SQLite"),
    (lambda one: one["unresolved"].append(["libpq.so.5", "/x/_pq.so"]), "missing library: /x/_pq.so needs libpq.so.5"),
    (lambda one: one["path"].reverse(), "path: sys.path has another order in 2-py3.9"),
    (lambda one: one.update(tls="ImportError: no _ssl"), "missing library: ssl is"),
    (
        lambda one: one.update(version="3.9.2"),
        "version mismatch: 1-py3.9 has cpython 3.9.18, 2-py3.9 has cpython 3.9.2",
    ),
]


@pytest.mark.parametrize(("change", "text"), CHANGES)
def test_a_difference_is_named_first(change, text):
    assert compare(change)[0].startswith(text), compare(change)


def test_what_a_new_python_brings_stands_behind_what_was_changed():
    def change(profile):
        profile["defaults"]["multiprocessing start method"] = "forkserver"
        profile["environ"]["LD_LIBRARY_PATH"] = "/opt/lib"

    lines = compare(change, ("3.9.18", "3.14.0"))
    assert lines[0] == "path: LD_LIBRARY_PATH is not set in 1-py3.9, /opt/lib in 2-py3.9"
    assert lines[1].startswith("changed default: multiprocessing start method")


def test_the_live_path_and_that_of_the_generation_are_the_same():
    def change(profile):
        profile["scripts"]["app"] = [f"#!{LIVE}/bin/python3.9", True]
        profile["environ"]["PATH"] = f"{LIVE}/bin:/usr/bin"

    assert compare(change) == []


def test_a_shebang_of_another_generation_is_named():
    lines = compare(lambda one: one["scripts"].update(app=[f"#!{PLACES[0]}/bin/python3.9", True]))
    assert lines[0].startswith("shebang: app begins with ")


def test_values_that_may_be_secret_are_not_shown():
    def change(profile):
        profile["environ"]["BILLING"] = "hunter2hunter2"
        profile["environ"]["AWS_SECRET_ACCESS_KEY"] = "hunter2hunter3"
        profile["environ"]["PYTHONPATH"] = "https://user:hunter2hunter4@index/"

    lines = compare(change)
    assert len(lines) == 3 and not any("hunter2" in line for line in lines)
    assert "environment variable: BILLING differs: not set in 1-py3.9, set in 2-py3.9" in lines


def test_only_known_names_are_shown():
    assert _variables.show_value("LANG", "C") == "C"
    assert _variables.show_value("PASSWORD_PATH", "/x") == "set"
    assert _variables.show_value("ANYTHING", "x") == "set" and _variables.show_value("ANYTHING", None) == "not set"


def test_secrets_of_variables_are_those_to_hide_in_output():
    found = _variables.list_secrets({"API_TOKEN": "abcdefgh", "DSN": "https://u:password1@h/", "HOME": "/srv/app"})
    assert {"abcdefgh", "password1"} <= found and "/srv/app" not in found
    assert _variables.list_secrets({"PWD": "/srv/app"}) == frozenset()


def test_a_running_process_decides_what_the_unit_sets():
    merged = _variables.merge_running(
        {"PATH": "/new", "MODE": "b", "OWN": "1"},
        {"PATH": "/old", "MODE": "a", "INVOCATION_ID": "7", "PYTHONPATH": "/x"},
        frozenset({"MODE"}),
    )
    assert merged == {"PATH": "/old", "MODE": "a", "OWN": "1", "PYTHONPATH": "/x"}


def test_paths_below_the_live_one_are_moved_and_no_others():
    text = "/srv/app/venv/bin:/srv/app/venv2/bin:/srv/app/venv.generations/1:/srv/app/venv"
    assert _variables.move_path(text, LIVE, "/g") == "/g/bin:/srv/app/venv2/bin:/srv/app/venv.generations/1:/g"


def test_settings_as_systemd_prints_them():
    text = (
        'Environment=A=1 "B=two words" C=x=y\n'
        "EnvironmentFiles=/etc/default/app (ignore_errors=yes)\n"
        "EnvironmentFiles=/etc/app/more env (ignore_errors=no)\nMainPID=0\n"
    )
    values = _sides.parse_properties(text)
    assert values["EnvironmentFiles"] == [
        "/etc/default/app (ignore_errors=yes)",
        "/etc/app/more env (ignore_errors=no)",
    ]
    words = _sides.split_words(values["Environment"][0])
    assert _variables.split_assignments(words) == {"A": "1", "B": "two words", "C": "x=y"}
    assert _sides.unquote_word("LANG=$'it\\'s'") == "LANG=it's" and _sides.unquote_word("A=b") == "A=b"


def test_files_with_variables_are_read_as_systemd_does():
    text = '# a comment\n; another\nA=1\nB = \'two words\'\nC="a \\"b\\""\n\nD=one\\\ntwo\nbad line\nE=\n'
    assert _sides.parse_environment_file(text) == {"A": "1", "B": "two words", "C": 'a "b"', "D": "onetwo", "E": ""}


def test_variables_of_a_process_of_another_account_are_not_read():
    me = get_current_identity()
    assert _sides.read_process_variables(os.getpid(), me)["PATH"]
    assert _sides.read_process_variables(os.getpid(), me._replace(uid=me.uid + 1)) is None
    assert _sides.read_process_variables(0, me) is None


RECORD = {
    "application": "app",
    "current": "1-py3.9",
    "generations": [
        {"id": "0-py3.8", "path": "/g/0"},
        {"id": "1-py3.9", "path": "/g/1"},
        {"id": "2-x", "path": "/g/2"},
    ],
    "history": [
        {"event": "promoted", "from": "0-py3.8", "to": "1-py3.9", "time": "2026-11-20T10:00:00Z"},
        {"event": "reverted", "from": "1-py3.9", "to": "2-x", "time": "2026-11-21T10:00:00Z"},
        {"event": "drilled", "time": "2026-11-22T10:00:00Z"},
    ],
}


def test_the_newest_promotion_is_compared_also_when_it_was_undone():
    pair = _diagnose.choose_pair(RECORD, "", "")
    assert (pair.before["id"], pair.after["id"], pair.promotion["event"]) == ("1-py3.9", "2-x", "reverted")
    named = _diagnose.choose_pair(RECORD, "0-py3.8", "1-py3.9")
    assert (named.before["id"], named.promotion) == ("0-py3.8", None)


def test_generations_that_do_not_exist_are_refused():
    with pytest.raises(_diagnose.DiagnosisError, match="generation 7-x does not exist any more; name one of 0-py3.8"):
        _diagnose.choose_pair(RECORD, "7-x", "")
    with pytest.raises(_diagnose.NothingToCompareError, match="no promotion is recorded"):
        _diagnose.choose_pair(dict(RECORD, history=[]), "", "")


def test_times_before_and_since_a_promotion_are_of_the_same_length():
    entry = {"event": "promoted", "time": "1970-01-01T01:00:00Z"}
    assert _diagnose.choose_windows(entry, 3600 + 50, 600) == (3550, 3600, 3650)
    assert _diagnose.choose_windows(entry, 3600 + 5000, 600) == (3000, 3600, 4200)
    begin, middle, end = _diagnose.choose_windows(dict(entry, event="reverted"), 9000, 600)
    assert (middle - begin, end - 1 - middle, end - 1) == (600, 600, 3600)


def test_lines_of_logs_are_compared_without_what_always_differs():
    before = "\n".join(["10.0.0.7:5123 GET /a 200 in 12 ms", "started worker 17", "app.service: Deactivated."])
    after = "\n".join(["10.0.0.9:80 GET /a 200 in 1 ms", "started worker 21", *(["ERROR 5: no answer"] * 3)])
    found = _logs.compare_logs(before, after)
    assert [(one.kind, one.example, one.before, one.after) for one in found] == [("new", "ERROR 5: no answer", 0, 3)]


def test_lines_of_logs_that_are_gone_or_come_more_often():
    found = _logs.compare_logs("ready\nretry 1\n", "retry 2\n" * 30)
    assert [(one.kind, one.before, one.after) for one in found] == [("more often", 1, 30), ("gone", 1, 0)]
    assert _logs.compare_logs("retry\n" * 9, "retry\n" * 20) == []


CAUSES = [
    ("AttributeError: module 'inspect' has no attribute 'getargspec' (/x.py, line 1)", "inspect.getargspec"),
    ("ImportError: cannot import name 'Mapping' from 'collections' (/usr/lib/x.py)", "collections.Mapping"),
    ("ModuleNotFoundError: No module named 'distutils.util' (/x.py, line 1)", "distutils.util"),
    ("python: No module named imp", "imp"),
    ("ValueError: planted", None),
]


@pytest.mark.parametrize(("cause", "name"), CAUSES)
def test_what_a_module_does_not_have_is_read_from_the_cause(cause, name):
    found = _explanation.find_missing_name(cause)
    assert (found and found.describe()) == name


def test_costs_differ_only_when_much_and_by_a_multiple():
    sides = tuple(_sides.Side(name, place, {}) for name, place in zip(NAMES, PLACES))

    def find(before, after):
        runs = (_runs.Run(0, "", "", *before), _runs.Run(0, "", "", *after))
        return [one.culprit for one in _runs.compare_runs("x", sides, runs, None, LIVE)]

    assert find((0.1, 9000), (2.0, 60000)) == []
    assert find((10.0, 400 << 10), (20.0, 600 << 10)) == []
    assert find((1.0, 20 << 10), (9.0, 200 << 10)) == ["time", "memory"]
    assert find((None, None), (9.0, 200 << 10)) == []


def test_warnings_are_compared_without_their_places():
    sides = tuple(_sides.Side(name, place, {}) for name, place in zip(NAMES, PLACES))
    texts = [f"{place}/lib/a.py:{number}: UserWarning: old\n  call()\n" for number, place in enumerate(PLACES)]
    runs = tuple(_runs.Run(0, "", text, None, None) for text in texts)
    assert _runs.compare_runs("x", sides, runs, None, LIVE) == []
    newer = runs[1]._replace(stderr=texts[1] + "/y.py:3: DeprecationWarning: planted\n")
    found = _runs.compare_runs("x", sides, (runs[0], newer), None, LIVE)
    assert [one.text for one in found] == ["warning: x of 2-py3.9 prints DeprecationWarning: planted"]


def test_given_commands_come_before_checks_and_those_before_scripts():
    profile = make_profile(PLACES[0])
    profile["packages"] = {"app": {"scripts": {"app": "app:main", "gone": "app:gone"}}}
    other = copy.deepcopy(profile)
    checks = [{"name": "works", "command": {"cmd": "app --check", "timeout": 5}}, {"name": "port", "tcp": {}}]

    def find(commands, declared):
        found = _runs.list_requests(commands, declared, (profile, other), str.split, 60)
        return [(one.words, one.timeout) for one in found]

    assert find([["app", "--test"]], checks) == [(["app", "--test"], 60)]
    assert find([], checks) == [(["app", "--check"], 5)]
    assert find([], checks[1:]) == [(["app", "--help"], 60)]


@pytest.mark.parametrize("program", [_profile_probe, _run_probe])
def test_programs_for_other_interpreters_can_be_arguments_in_any_locale(program):
    # Python 3.6 encodes arguments in ASCII where the locale is C.
    source = inspect.getsource(program)
    assert source.encode("ascii", "replace").decode("ascii") == source


def test_what_tools_install_is_named_last():
    def change(profile):
        site = f"{profile['prefix']}/lib/python3.9/site-packages"
        profile["site_files"] = {f"{site}/_virtualenv.pth": ["import _virtualenv"]}
        profile["start"] = {"_virtualenv": [f"{site}/_virtualenv.py", 900, ""]}
        profile["environ"]["TZ"] = "UTC"

    lines = compare(change)
    assert lines[0] == "environment variable: TZ is not set in 1-py3.9, UTC in 2-py3.9" and len(lines) == 3


def test_a_package_of_another_version_is_no_effect_of_what_runs_at_the_start():
    def change(profile):
        profile["site_files"] = {f"{profile['prefix']}/lib/python3.9/site-packages/x.pth": ["import x"]}
        profile["packages"]["lib"]["version"] = "2.0"

    package = {"version": "1.0", "needs": [], "scripts": {}, "points": {}, "tops": [], "directory": "/site"}
    profiles = [make_profile(place) for place in PLACES]
    for profile in profiles:
        profile["packages"] = {"lib": dict(package)}
    change(profiles[1])
    found = _differences.order_differences(_differences.compare_profiles(NAMES, tuple(profiles), PLACES, LIVE))
    assert [one.difference.culprit for one in found] == [".pth", "version mismatch"]


class Units:
    """Answers of systemctl for a unit that runs as *user*."""

    def __init__(self, user):
        self.text = f"User={user}\nEnvironment=TOKEN=planted\nUMask=0027\nMainPID=0\nWorkingDirectory=!/\n"

    def run(self, _user, words, _timeout):
        text = self.text if words[0] == "show" else "PATH=/usr/bin\nLANG=C\n"
        return _sides_result(text)


def _sides_result(text):
    return CommandResult([], 0, text, "")


@pytest.mark.parametrize(("user", "given"), [("", False), ("someone-else", False), (None, True)])
def test_only_the_account_of_a_unit_gets_what_the_unit_is_given(monkeypatch, user, given):
    me = get_current_identity()._replace(name="billing", uid=4711)
    monkeypatch.setattr(_sides, "run_systemctl", Units("billing" if user is None else user).run)
    monkeypatch.setattr(_sides, "is_systemd_running", lambda: True)
    application = parse_checked_declaration({"name": "app", "environment": LIVE, "services": [{"name": "app.service"}]})
    found = _sides.read_settings(application, me)
    assert (found.variables.get("TOKEN") == "planted") is given
    if given:
        assert (found.umask, found.directory, found.variables["HOME"]) == (0o027, "/", me.home)
        assert found.origin == "app.service" and found.variables["LANG"] == "C"


def test_a_line_of_a_log_that_is_no_exception_is_not_first():
    found = _diagnose._describe_log([], "ERROR could not reach mail")
    assert found[0].rank < _differences.PACKAGES
    assert _diagnose._describe_log([], "KeyError: 'x' (/a.py, line 1)")[0].rank > _differences.MISSING_LIBRARY
