# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The base of all modules: what a module returns and logs has no credentials of URLs."""

import json
import os
import subprocess
import sys

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.oxzep7.python.plugins.module_utils._module import CollectionModule, report_crash

SECRETS = {"password": "Planted7password", "token": "Planted7token"}
URL = "https://me:%s@h/x?token=%s" % (SECRETS["password"], SECRETS["token"])


class EndedError(Exception):
    """The end of a module, with what it returns."""


@pytest.fixture
def run(monkeypatch):
    """Make a module with options, call it, and give back what it returned, its options, and what it logged."""
    logged = []

    def end(self, *words, **values):
        raise EndedError(dict(values, options=self.params, hidden=self.no_log_values))

    def run_module(call=lambda module: module.exit_json(), **options):
        monkeypatch.setattr(AnsibleModule, "_load_params", lambda self: setattr(self, "params", dict(options)))
        spec = {
            "url": {"type": "str"},
            "entries": {"type": "list", "elements": "dict"},
            "run_id": {"default": "manual"},
        }
        with pytest.raises(EndedError) as caught:
            call(CollectionModule(argument_spec=spec, supports_check_mode=True))
        return caught.value.args[0], logged

    monkeypatch.setattr(AnsibleModule, "exit_json", end)
    monkeypatch.setattr(AnsibleModule, "fail_json", end)
    monkeypatch.setattr(AnsibleModule, "log", lambda self, msg, log_args=None: logged.append((msg, log_args)))
    return run_module


def test_a_result_and_the_options_that_ansible_adds_to_it_have_none(run):
    nested = {"a": [URL, {URL: "Basic " + SECRETS["password"]}], "changed": False, "count": 1, "none": None}
    returned, _logged = run(lambda module: module.exit_json(**nested), url=URL, entries=[{"mirror": URL}])
    shown = "https://h/x?token=***"
    assert returned["a"] == [shown, {shown: "Basic ***"}]
    assert (returned["changed"], returned["count"], returned["none"]) == (False, 1, None)
    assert returned["options"]["url"] == shown and returned["options"]["entries"] == [{"mirror": shown}]
    assert set(SECRETS.values()) <= returned["hidden"]


def test_a_failure_has_none(run):
    def fail(module):
        module.fail_json(msg="%s gave no answer to %s" % (URL, SECRETS["token"]), details=[URL])

    returned, _logged = run(fail, url=URL)
    assert returned["msg"] == "https://h/x?token=*** gave no answer to ***"
    assert "Planted7" not in str(returned["details"]) + str(returned["options"])


def test_a_warning_has_none(run, monkeypatch):
    warned = []
    monkeypatch.setattr(AnsibleModule, "warn", lambda self, text: warned.append(text))

    def warn(module):
        module.warn("%s gave no answer to %s" % (URL, SECRETS["token"]))
        module.exit_json()

    run(warn, url=URL)
    assert warned == ["https://h/x?token=*** gave no answer to ***"]


def test_refused_options_are_shown_without(run):
    returned, logged = run(url=URL, run_id="../" + URL)
    assert "the identifier of a run cannot be" in returned["msg"]
    assert "Planted7" not in returned["msg"] + str(returned["options"]) + str(logged)


def test_the_log_on_the_host_has_none(run):
    _returned, logged = run(url=URL, entries=[{"mirror": URL}])
    assert len(logged) == 1 and "Invoked with" in logged[0][0]
    assert "h/x?token=" in str(logged) and "Planted7" not in str(logged)


CRASHING = """
from ansible_collections.oxzep7.python.plugins.module_utils._module import CollectionModule, report_crash

@report_crash
def main():
    module = CollectionModule(argument_spec={"url": {"type": "str"}})
    raise KeyError("%s TOKEN" % module.params["url"])

main()
"""


def test_an_unexpected_error_is_a_result_and_has_none(tmp_path):
    program, options = tmp_path / "crashing.py", tmp_path / "options.json"
    program.write_text(CRASHING.replace("TOKEN", SECRETS["token"]))
    options.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": {"url": URL}}))
    done = subprocess.run(
        [sys.executable, str(program), str(options)],
        env=dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path))),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        check=False,
    )
    result = json.loads(done.stdout)
    assert done.returncode == 1 and result["failed"] and result["crashed"], done
    assert "KeyError" in result["msg"] and str(program) in result["msg"] and "Traceback" in result["traceback"]
    assert not [secret for secret in SECRETS.values() if secret in done.stdout + done.stderr]


def test_a_module_that_ends_as_it_should_is_not_changed(capsys):
    @report_crash
    def main():
        raise SystemExit(0)

    with pytest.raises(SystemExit):
        main()
    assert capsys.readouterr().out == ""
