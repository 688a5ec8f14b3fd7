# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings that forbid to upgrade an application."""

import os
import pwd
import struct

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._complete import (
    parse_application,
    validate_declaration,
)
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._applications import (
    collect_application_findings,
    describe_application,
)


@pytest.fixture
def environment(tmp_path):
    """An environment whose interpreter is a file of its own."""
    interpreter = tmp_path / "python3.8"
    interpreter.write_text("")
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    (tmp_path / "venv" / "pyvenv.cfg").write_text("home = %s\n" % tmp_path)
    os.symlink(str(interpreter), str(tmp_path / "venv" / "bin" / "python"))
    return tmp_path / "venv", str(interpreter)


def keys(environment):
    user = pwd.getpwuid(os.geteuid()).pw_name
    declared = parse_application(validate_declaration({"name": "a", "environment": str(environment), "user": user}))
    return {entry["key"]: entry for entry in collect_application_findings(declared, "/opt/oxzep7/interpreters")}


def test_an_interpreter_with_file_capabilities_forbids_and_names_what_to_do(environment):
    live, interpreter = environment
    assert keys(live) == {}
    try:
        # VFS_CAP_REVISION_2, effective; permitted: number 10, cap_net_bind_service.
        os.setxattr(interpreter, "security.capability", struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0))
    except OSError:
        pytest.skip("this account cannot give capabilities to files here")
    found = keys(live)["file-capabilities"]
    assert found["blocking"] and "cap_net_bind_service" in found["detail"]
    assert (
        "AmbientCapabilities=CAP_NET_BIND_SERVICE" in found["remediation"]
        and "setcap -r " + interpreter in found["remediation"]
    )


@pytest.mark.parametrize("until, expected", [("2001-02-03", ["stay-expired"]), ("2999-02-03", [])])
def test_a_day_until_which_an_application_stays_is_told_when_it_is_past(environment, tmp_path, until, expected):
    user = pwd.getpwuid(os.geteuid()).pw_name
    options = {"name": "a", "environment": str(environment[0]), "user": user}
    stay = {"reason": "its vendor ends it", "until": until}
    declared = parse_application(validate_declaration(dict(options, stay=stay)))
    found = describe_application(declared, {"python": "3.8.1"}, str(tmp_path / "state"), "/opt/oxzep7/interpreters")
    assert [entry["key"] for entry in found["findings"]] == expected
    assert all("its vendor ends it" in entry["detail"] and not entry["blocking"] for entry in found["findings"])
    # What is not there is a finding whether or not it stays.
    lost = describe_application(declared, None, str(tmp_path / "state"), "/opt/oxzep7/interpreters")
    assert "environment-unreadable" in [entry["key"] for entry in lost["findings"]]
