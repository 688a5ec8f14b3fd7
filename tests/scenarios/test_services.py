# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every way in which an application may be started, and what those who use it notice of a promotion."""

from __future__ import annotations

import contextlib
import json
import subprocess

import pytest

from tests.faults.steady_host import (
    APPLICATION,
    FIRST,
    ORIGINAL,
    build_promotion_options,
    expect_generation,
    require_module_success,
    start_steady_hosts,
)
from tests.fleet import fleet
from tests.fleet.hosts import build_command, write_file
from tests.fleet.paths import get_podman_environment

# Behind a socket, as systemd passes it (sd_listen_fds(3)); what it has begun to answer, it ends before it goes.
FRONT = """
import http.server, json, platform, signal, socket, socketserver, sys, threading

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"python": platform.python_version()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments):
        pass

class Server(http.server.HTTPServer):
    def __init__(self):
        socketserver.BaseServer.__init__(self, ("127.0.0.1", 8004), Handler)
        self.socket = socket.socket(fileno=3)

server = Server()
signal.signal(signal.SIGTERM, lambda *arguments: threading.Thread(target=server.shutdown).start())
server.serve_forever(0.01)
"""
# Asks every 10 ms, each time anew, and says when what was answered; ends when it is told to.
PROBER = """
import json, sys, threading, time, urllib.request
url, found, asking = sys.argv[1], [], []

def ask():
    began = time.monotonic()
    try:
        with urllib.request.urlopen(url, timeout=30) as stream:
            answer = json.load(stream)["python"]
    except OSError as error:
        answer = None
    found.append((began, time.monotonic(), answer))

ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
while not ended.is_set():
    asking.append(threading.Thread(target=ask))
    asking[-1].start()
    time.sleep(0.01)
for thread in asking:
    thread.join()
print(json.dumps(sorted(found)))
"""


@pytest.fixture(scope="module")
def prepared():
    (host,) = start_steady_hosts(kind=fleet.EQUIPPED_KIND)
    write_file(host.name, "/srv/steady/front.py", FRONT)
    unit = "[Unit]\\nDescription=%s\\n[Service]\\nUser=steady\\nExecStart=/srv/steady/venv/bin/python %s\\n"
    part = unit % ("part %i", '-c "import time; time.sleep(1000000)"')
    host.run_script(f"printf '{unit}' front /srv/steady/front.py >/etc/systemd/system/steady-front.service")
    host.run_script(
        "printf '[Socket]\\nListenStream=127.0.0.1:8004\\n[Install]\\nWantedBy=sockets.target\\n' "
        ">/etc/systemd/system/steady-front.socket"
    )
    write_file(host.name, "/etc/systemd/system/steady-part@.service", part.replace("\\n", "\n"))
    host.run_script(
        "systemctl daemon-reload && systemctl enable --quiet --now steady-front.socket"
        " && systemctl start steady-part@one steady-part@two"
    )
    yield host
    fleet.stop_fleet()


@pytest.fixture
def host(prepared):
    prepared.run_actions(["reset"])
    return prepared


def asked(services, generation=FIRST, kind="upgrade", **application):
    return {
        **build_promotion_options(generation, kind),
        "application": {**APPLICATION, "services": services, **application},
    }


@contextlib.contextmanager
def probing(host, port, found):
    """Ask what listens on *port* all the while; what was answered is in *found* afterwards."""
    with subprocess.Popen(
        build_command(host.name, "python3", "-c", PROBER, f"http://127.0.0.1:{port}/"),
        env=get_podman_environment(),
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as working:
        yield
        working.stdin.close()
        found += json.loads(working.stdout.read())


@pytest.mark.parametrize("declared", ["steady-front.service", "steady-front.socket"])
def test_no_request_to_a_service_behind_a_socket_is_lost(host, declared):
    services, found = [{"name": declared}], []
    check = [{"name": "answers", "http": {"url": "http://127.0.0.1:8004/", "body": "python"}}]
    with probing(host, 8004, found):
        forward, back = host.run_actions(
            ["module", "promotion", asked(services, checks=check)],
            ["module", "promotion", asked(services, "previous", "rollback", checks=check)],
        )
    require_module_success(forward)
    require_module_success(back)
    assert len(found) > 100 and [began for began, _ended, answer in found if answer is None] == []
    minors = [answer.rsplit(".", 1)[0] for _began, _ended, answer in found]
    assert list(dict.fromkeys(minors)) == ["3.8", "3.9"] and minors[-1] == "3.8"


def test_the_downtime_is_what_somebody_else_measures(host):
    # Each of the two measures in samples: a start that takes a multiple of what a loaded machine adds to one.
    host.run_script(
        "mkdir -p /etc/systemd/system/steady-web.service.d && printf '[Service]\\nExecStartPre=/bin/sleep 5\\n'"
        " >/etc/systemd/system/steady-web.service.d/slow.conf && systemctl daemon-reload"
    )
    found = []
    with probing(host, 8003, found):
        (promoted,) = host.run_actions(["module", "promotion", asked(APPLICATION["services"])])
    host.run_script("rm /etc/systemd/system/steady-web.service.d/slow.conf && systemctl daemon-reload")
    down = [(began, ended) for began, ended, answer in found if answer is None]
    back = min(ended for began, ended, answer in found if answer and began > down[-1][0])
    measured = 1000 * (back - down[0][0])
    assert measured >= 5000, measured
    assert abs(require_module_success(promoted)["downtime_ms"] - measured) <= 1000, (promoted["downtime_ms"], measured)


def test_several_services_stop_backwards_and_start_in_order(host):
    services = [
        {"name": "steady-part@two.service"},
        {"name": "steady-part@one.service"},
        {"name": "steady-web.service"},
    ]
    for unit in ("steady-part@", "steady-web"):
        host.run_script(
            f"mkdir -p /etc/systemd/system/{unit}.service.d && printf '[Service]\nExecStartPre=+sh -c \"echo start "
            '%%n >>/run/order"\n'
            f'ExecStopPost=+sh -c "echo stop %%n >>/run/order"\n\' >/etc/systemd/system/{unit}.service.d/order.conf'
        )
    host.run_script("systemctl daemon-reload; rm -f /run/order")
    (promoted,) = host.run_actions(["module", "promotion", asked(services)])
    require_module_success(promoted)
    names = [service["name"] for service in services]
    assert host.run_script("cat /run/order").splitlines() == [
        *(f"stop {name}" for name in names[::-1]),
        *(f"start {name}" for name in names),
    ]
    for name in ("one", "two"):
        assert "python3.9" in host.run_script(
            f"readlink -f /proc/$(systemctl show --property=MainPID --value steady-part@{name})/exe"
        )


def test_a_unit_of_the_applications_own_systemd(host):
    who = host.run_script("id -u steady").strip()
    mine = {"name": "mine.service", "user": "steady"}
    (refused,) = host.run_actions(["module", "promotion", asked([*APPLICATION["services"], mine])])
    assert refused["failed"] and "loginctl enable-linger steady" in refused["msg"], refused
    host.run_script(
        "mkdir -p /srv/steady/.config/systemd/user && printf '[Service]\\nExecStart=/srv/steady/venv/bin/python -c "
        '"import time; time.sleep(1000000)"\\n\''
        " >/srv/steady/.config/systemd/user/mine.service && chown -R steady: /srv/steady/.config"
    )
    host.run_script(
        "mkdir -p /var/lib/systemd/linger && touch /var/lib/systemd/linger/steady"
        f" && systemctl start user@{who}.service"
    )
    own = f"runuser -u steady -- env XDG_RUNTIME_DIR=/run/user/{who} systemctl --user"
    host.run_script(f"{own} start mine.service")
    promoted, back = host.run_actions(
        ["module", "promotion", asked([*APPLICATION["services"], mine])],
        ["module", "promotion", asked([*APPLICATION["services"], mine], "previous", "rollback")],
    )
    assert [check["name"] for check in require_module_success(promoted)["checks"]][2] == "mine.service"
    assert require_module_success(back)["generation"] == ORIGINAL
    assert "python3.8" in host.run_script(
        f"readlink -f /proc/$({own} show --property=MainPID --value mine.service)/exe"
    )
    # One that does not start on the new environment is put back, too.
    host.run_script(
        "cd /srv/steady/venv.generations/1-py3.9/lib/python3.9/site-packages"
        " && echo 'raise SystemExit(\"cannot\")' >sitecustomize.py"
    )
    failed, seen = host.run_actions(["module", "promotion", asked([mine, *APPLICATION["services"]])], ["look"])
    host.run_script("rm /srv/steady/venv.generations/1-py3.9/lib/python3.9/site-packages/sitecustomize.py")
    assert failed["failed"] and failed["outcome"] == "reverted", failed
    expect_generation(seen, ORIGINAL)
    assert host.run_script(f"{own} is-active mine.service").strip() == "active"


def ask_health(**changes):
    """The action that asks for the health of the application with *changes*, without what `None` stands for."""
    declared = {key: value for key, value in {**APPLICATION, **changes}.items() if value is not None}
    return ["module", "health_check", {"state_dir": None, "run_id": None, "application": declared}]


def test_the_user_of_its_units_checks_what_root_owns(host):
    owned = host.run_script("readlink -f /srv/steady/venv").strip()
    checks = [{"name": "who", "command": {"cmd": ["sh", "-c", 'test "$(id -un)" = steady']}}]
    more = [*APPLICATION["services"], {"name": "systemd-journald.service"}]
    host.run_script(f"chown root: {owned}")
    try:
        healthy, refused, consented = host.run_actions(
            ask_health(user=None, checks=checks),
            ask_health(user=None, checks=checks, services=more),
            ask_health(user="root", checks=checks, services=more),
        )
    finally:
        host.run_script(f"chown steady: {owned}")
    assert healthy["healthy"], healthy
    message = "its services run as different users: root (systemd-journald.service), steady (steady-web.service, "
    assert refused["failed"] and message in refused["msg"], refused
    assert [check["name"] for check in consented["checks"] if not check["passed"]] == ["who"], consented


def test_work_is_kept_away_while_services_are_down(host):
    log = "/run/hooks"
    services = [{"name": "steady-web.service"}]
    note = f"sh -c 'echo $0 $(systemctl is-active steady-web) $(readlink /srv/steady/venv) >>{log}'"
    (promoted,) = host.run_actions(
        ["module", "promotion", asked(services, drain=[f"{note} drain"], undrain=[f"{note} undrain"])]
    )
    require_module_success(promoted)
    assert host.run_script(f"cat {log}; rm {log}").splitlines() == [
        "drain active",
        f"undrain active venv.generations/{FIRST}",
    ]
    failed, seen = host.run_actions(
        ["module", "promotion", asked(services, "previous", "rollback", drain=["false"], undrain=[f"{note} undrain"])],
        ["look"],
    )
    assert failed["failed"] and failed["outcome"] == "reverted" and "drain: false ended with 1" in failed["msg"], failed
    assert host.run_script(f"cat {log}").splitlines() == [f"undrain active venv.generations/{FIRST}"]
    expect_generation({**seen, "executables": seen["executables"][:1]}, FIRST)
