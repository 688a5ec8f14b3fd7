# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Units of every type and in every state as services of an application, and what systemd itself shows of them."""

from __future__ import annotations

import hashlib
import pathlib
import tempfile

import pytest

from tests.faults.steady_host import SteadyHost, copy_modules, require_module_success
from tests.fleet import fleet, hosts

KIND = "debian12+apache2,libapache2-mod-wsgi-py3,libpam-systemd,python3-venv,supervisor,uwsgi-core,uwsgi-plugin-python3"
FIRST = "1-py3.11"
LOCK = hashlib.sha256(b"").hexdigest()
STATE = "/var/lib/oxzep7"
WAIT = '-c "import time; time.sleep(1000000)"'


class UnitHost(SteadyHost):
    """A host with systemd and the interpreter of its operating system."""

    def install(self):
        with tempfile.TemporaryDirectory(prefix="oxzep7-units-") as directory:
            folder = pathlib.Path(directory, "faults")
            folder.mkdir()
            copy_modules(folder)
            hosts.copy_to_host(folder, self.name, "/root/faults")
        self.run_script(f"mkdir -p -m 700 {STATE} && mkdir -m 700 {STATE}/locks && : >{STATE}/locks/{LOCK}.txt")

    def create_application(self, name, services, **more):
        """Create the environment of an application and a generation beside it; returns its declaration."""
        self.run_script(f"mkdir -p /srv/{name} && python3 -m venv --without-pip /srv/{name}/venv")
        application = {"name": name, "environment": f"/srv/{name}/venv", "services": services, "user": "root", **more}
        options = {"application": application, "interpreter": "/usr/bin/python3", "version": "3.11", "lock": LOCK}
        require_module_success(self.run_actions(["module", "environment", options])[0])
        return application

    def write_units(self, directory="/etc/systemd/system", **units):
        """Write units; ``_`` in a name stands for a hyphen, and the last one for a dot."""
        for name, text in units.items():
            stem, _separator, suffix = name.rpartition("_")
            hosts.write_file(self.name, f"{directory}/{stem.replace('_', '-')}.{suffix}", text)

    def promote(self, application, generation=FIRST, kind="upgrade", **more):
        options = {
            "application": application,
            "generation": generation,
            "kind": kind,
            "timeout": 5,
            "stability_window": 0.2,
            "dead_man_interval": 1,
            **more,
        }
        return self.run_actions(["module", "promotion", options])[0]

    def find_problems(self, application):
        """Key and detail of the findings of preflight that are not about space."""
        step = {
            "application": application["name"],
            "lock": LOCK,
            "interpreter": {"source": "existing", "version": "3.11", "path": "/usr/bin/python3"},
        }
        (answer,) = self.run_actions(["module", "preflight", {"applications": [application], "steps": [step]}])
        found = require_module_success(answer)["findings"]
        return {entry["key"]: entry for entry in found if entry["key"] not in ("disk-space-short", "inodes-short")}

    def read_states(self, *units):
        return self.run_script(f"systemctl is-active {' '.join(units)} || true").split()

    def ask_user(self, user, words):
        """What the systemd of *user* answers."""
        script = f"export XDG_RUNTIME_DIR=/run/user/$(id -u); systemctl --user {words}"
        return self.run_script(f"runuser -u {user} -- sh -c '{script}'").strip()

    def read_property(self, name, unit):
        return self.run_script(f"systemctl show --property={name} --value {unit}").strip()


@pytest.fixture(scope="module")
def host():
    fleet.start_fleet([KIND])
    found = UnitHost("host1")
    found.install()
    yield found
    fleet.stop_fleet()


def service(name, *, before="", more=""):
    """The text of a unit that sleeps on the Python of application *name*."""
    return f"[Unit]\nDescription=It sleeps\n{before}[Service]\nExecStart=/srv/{name}/venv/bin/python {WAIT}\n{more}"


def test_what_stops_with_a_service_is_started_again(host):
    application = host.create_application("chain", [{"name": "chain-web.service"}])
    host.write_units(
        chain_web_service=service("chain"),
        chain_needs_service=service("chain", before="Requires=chain-web.service\nAfter=chain-web.service\n"),
        chain_part_service=service("chain", before="PartOf=chain-web.service\n"),
        chain_bound_service=service("chain", before="BindsTo=chain-web.service\nAfter=chain-web.service\n"),
        chain_far_service=service("chain", before="Requires=chain-needs.service\nAfter=chain-needs.service\n"),
        chain_off_service=service("chain", before="Requires=chain-web.service\nAfter=chain-web.service\n"),
    )
    running = [f"chain-{name}.service" for name in ("web", "needs", "part", "bound", "far")]
    host.run_script(f"systemctl daemon-reload && systemctl start {' '.join(running)}")
    found = host.find_problems(application)
    finding = found["dependents-not-declared"]
    assert not finding["blocking"] and finding["severity"] == "warning"
    assert all(name in finding["detail"] for name in running[1:]) and "chain-off" not in finding["detail"]
    before = [host.read_property("MainPID", name) for name in running]
    require_module_success(host.promote(application))
    assert host.read_states(*running, "chain-off.service") == ["active"] * 5 + ["inactive"]
    after = [host.read_property("MainPID", name) for name in running]
    assert not set(before) & set(after)
    # One of them that does not come back is the end of the promotion, and the way back starts all of them.
    host.run_script(
        "mkdir -p /etc/systemd/system/chain-far.service.d && printf '[Service]\\nExecCondition=/bin/sh -c "
        '"readlink /srv/chain/venv | grep -q 1-py"\\nRemainAfterExit=no\\n\' '
        ">/etc/systemd/system/chain-far.service.d/x.conf && systemctl daemon-reload"
    )
    failed = host.promote(application, "previous", "rollback")
    assert failed["failed"] and failed["outcome"] == "reverted" and "chain-far.service" in failed["msg"], failed
    assert host.read_states(*running, "chain-off.service") == ["active"] * 5 + ["inactive"]


def test_unit_files_that_systemd_would_not_start_again_as_they_are(host):
    name = "filed-web.service"
    application = host.create_application("filed", [{"name": name}])
    host.write_units(
        "/usr/lib/systemd/system", filed_web_service=service("filed", more="[Install]\nWantedBy=multi-user.target\n")
    )
    host.run_script(f"systemctl daemon-reload && systemctl start {name}")
    (finding,) = host.find_problems(application).values()
    assert (finding["key"], finding["severity"], finding["blocking"]) == ("service-not-enabled", "warning", False)
    host.run_script(f"systemctl mask --quiet {name}")
    found = host.find_problems(application)
    assert list(found) == ["service-masked"] and found["service-masked"]["blocking"]
    assert f"{name} is masked" in host.promote(application)["msg"]
    host.run_script(f"systemctl unmask --quiet {name} && systemctl enable --quiet {name}")
    assert host.find_problems(application) == {}
    host.run_script(f"echo '# changed' >>/usr/lib/systemd/system/{name}")
    assert host.read_property("NeedDaemonReload", name) == "yes"
    found = host.find_problems(application)
    assert list(found) == ["unit-file-changed"] and found["unit-file-changed"]["blocking"]
    before = host.read_property("MainPID", name)
    refused = host.promote(application)
    assert refused["failed"] and f"the files of {name} were changed" in refused["msg"], refused
    assert host.read_property("MainPID", name) == before
    # Changed while the promotion is open: it is named with the failure.
    host.run_script("systemctl daemon-reload")
    old = "sh -c 'test ! /srv/filed/venv -ef /srv/filed/venv.generations/1-*'"
    fails = {
        **application,
        "drain": [f"sh -c 'echo >>/usr/lib/systemd/system/{name}'"],
        "checks": [{"name": "old", "command": {"cmd": old}}],
    }
    failed = host.promote(fails)
    assert failed["outcome"] == "reverted" and f"the files of {name} were changed" in failed["msg"], failed
    assert host.read_states(name) == ["active"]


def test_timers_jobs_paths_and_targets_as_services(host):
    application = host.create_application("timed", [{"name": "timed-job.timer"}])
    job = f"[Service]\nType=oneshot\nExecStart=/srv/timed/venv/bin/python {WAIT}\n"
    host.write_units(
        timed_job_timer="[Timer]\nOnCalendar=yearly\n[Install]\nWantedBy=timers.target\n",
        timed_job_service=job.replace(WAIT, '-c \'open("/run/timed", "w")\''),
        timed_long_service=job,
        timed_long_path="[Path]\nPathExists=/run/never\n",
        timed_all_target="[Unit]\nWants=timed-long.path timed-web.service\n",
        timed_web_service=service("timed"),
    )
    host.run_script("systemctl daemon-reload && systemctl enable --quiet --now timed-job.timer")
    assert host.find_problems(application) == {}
    results = {entry["name"]: entry for entry in require_module_success(host.promote(application))["checks"]}
    assert "not tried: timed-job.service, which timed-job.timer triggers" in results["timed-job.timer"]["evidence"]
    assert host.read_states("timed-job.timer", "timed-job.service") == ["active", "inactive"]
    assert host.run_script("ls /run/timed 2>&1 || true").startswith("ls:")
    # A job alone, which is idle, and a target whose job is at work.
    application["services"] = [{"name": "timed-job.service"}, {"name": "timed-all.target"}]
    host.run_script("systemctl start timed-all.target && systemctl start --no-block timed-long.service")
    before = [host.read_property("MainPID", name) for name in ("timed-web.service", "timed-long.service")]
    back = require_module_success(host.promote(application, "previous", "rollback"))
    names = ["timed-job.service", "timed-long.service", "timed-long.path", "timed-web.service", "timed-all.target"]
    assert [entry["name"] for entry in back["checks"]][:5] == names
    assert "not tried" in back["checks"][0]["evidence"] and back["checks"][1]["evidence"] == "at work"
    after = [host.read_property("MainPID", name) for name in ("timed-web.service", "timed-long.service")]
    assert not {*before, "0"} & set(after)
    assert host.read_states(*names) == ["inactive", "activating", "active", "active", "active"]


# Imports a compiled module of the environment, and answers with its place.
EMBEDDED = """
import sys
import native._json

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [native._json.__file__.encode()]
"""
SITE = """
Listen 127.0.0.1:8006
WSGIDaemonProcess embed python-home=/srv/embed/venv
WSGIScriptAlias / /srv/embed/app.py process-group=embed application-group=%{GLOBAL}
<Directory /srv/embed>
Require all granted
</Directory>
"""


def install_native_module(host, environment):
    """Put a package with a module that was compiled for Python 3.11 into *environment*."""
    target = f"{environment}/lib/python3.11/site-packages/native"
    host.run_script(
        f"mkdir {target} && touch {target}/__init__.py && cp /usr/lib/python3.11/lib-dynload/_json.* {target}"
    )


@pytest.fixture
def embedding(host):
    """An application whose environment uWSGI and mod_wsgi embed, as Debian packages them."""
    uwsgi = (
        "/usr/bin/uwsgi-core --plugin python3 --http-socket 127.0.0.1:8005 --virtualenv /srv/embed/venv --master "
        "--processes 1 --wsgi-file /srv/embed/app.py --pidfile /run/embed.pid --die-on-term"
    )
    host.run_script("mkdir -p /srv/embed")
    hosts.write_file(host.name, "/srv/embed/app.py", EMBEDDED)
    hosts.write_file(host.name, "/etc/apache2/sites-enabled/000-default.conf", SITE)
    services = [{"name": "embed-uwsgi.service"}, {"name": "apache2.service"}]
    checks = [
        {"name": str(port), "http": {"url": f"http://127.0.0.1:{port}/", "body": "_json"}} for port in (8005, 8006)
    ]
    application = host.create_application("embed", services, checks=checks)
    for environment in ("/srv/embed/venv", f"/srv/embed/venv.generations/{FIRST}"):
        install_native_module(host, environment)
    host.write_units(embed_uwsgi_service=f"[Service]\nExecStart={uwsgi}\n[Install]\nWantedBy=multi-user.target\n")
    host.run_script(
        "systemctl daemon-reload && systemctl enable --quiet --now embed-uwsgi && systemctl restart apache2"
    )
    host.run_script("until curl -sf http://127.0.0.1:8005/ && curl -sf http://127.0.0.1:8006/; do sleep 0.1; done")
    return application


def test_programs_that_embed_python_are_proved_by_what_they_map(host, embedding):
    new = f"/srv/embed/venv.generations/{FIRST}"
    results = {entry["name"]: entry for entry in require_module_success(host.promote(embedding))["checks"]}
    evidence = results["processes"]["evidence"]
    for name in ("embed-uwsgi.service", "apache2.service"):
        assert (
            f"processes of {name}: runs /usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0 with 1 files of {new}"
            in evidence
        )
    # One that goes on as it was is found by what it maps.
    kept = {"name": "kept", "start": "true", "stop": "true", "status": "true", "pidfile": "/run/embed.pid"}
    failed = host.promote({**embedding, "services": [kept]}, "previous", "rollback")
    assert failed["outcome"] == "reverted" and "of kept still maps " + new in failed["msg"], failed
    # What uses no Python at all is not taken for proof, and does not fail either.
    host.write_units(embed_other_service="[Service]\nExecStart=/usr/bin/sleep 1000000\n")
    host.run_script("systemctl daemon-reload && systemctl start embed-other")
    other = {**embedding, "services": [{"name": "embed-other.service"}], "checks": []}
    back = require_module_success(host.promote(other, "previous", "rollback"))
    assert "not shown: none of the 1 processes of embed-other.service" in back["checks"][-1]["evidence"]


def test_units_of_the_same_name_are_told_apart(host):
    host.run_script("useradd --create-home one && useradd --create-home two")
    application = host.create_application("same", [{"name": "same.service", "user": "one"}])
    for environment in ("/srv/same/venv", f"/srv/same/venv.generations/{FIRST}"):
        install_native_module(host, environment)
    text = "[Service]\nExecStart=/srv/same/venv/bin/python -c 'import native._json, time; time.sleep(1000000)'\n"
    host.write_units(same_service=text)
    host.run_script("systemctl daemon-reload && systemctl start same.service && mkdir -p /var/lib/systemd/linger")
    pids = {}
    for user in ("one", "two"):
        host.run_script(
            f"touch /var/lib/systemd/linger/{user}"
            f" && cd /home/{user} && mkdir -p .config/systemd/user"
            f" && cp /etc/systemd/system/same.service .config/systemd/user/ && chown -R {user}: ."
            f" && systemctl start user@$(id -u {user}).service"
        )
        pids[user] = host.ask_user(user, "start same.service && systemctl --user show --property=MainPID --value same")
    before = host.read_property("MainPID", "same.service")
    promoted = require_module_success(host.promote(application))
    # The others go on with the old environment, and are not this service.
    assert "1 of 1 processes of same.service of one" in promoted["checks"][-1]["evidence"]
    assert host.read_property("MainPID", "same.service") == before
    show = "show --property=MainPID --value same.service"
    assert host.ask_user("two", show) == pids["two"] and host.ask_user("one", show) != pids["one"]
    application["services"][0]["user"] = "two"
    (problem,) = host.promote(application, "previous", "rollback")["checks"][-1:]
    assert "1 of 1 processes of same.service of two" in problem["evidence"]
