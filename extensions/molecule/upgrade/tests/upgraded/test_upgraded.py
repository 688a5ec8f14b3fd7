# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""After the upgrade to 3.11."""

from conftest import assert_whole


def test_runs_wholly_on_the_target(ledger):
    assert_whole(ledger, "3-py3.11", "3.11.7")


def test_every_generation_is_kept_and_works(ledger):
    for generation, version in (
        ("0-py3.8", "3.8.18"),
        ("1-py3.9", "3.9.18"),
        ("2-py3.10", "3.10.13"),
        ("3-py3.11", "3.11.7"),
    ):
        python = f"/srv/ledger/venv.generations/{generation}/bin/python"
        code = "import platform, oxzep7_vendor, sqlalchemy; print(platform.python_version())"
        assert (
            ledger.run(f"setpriv --reuid=ledger --regid=ledger --clear-groups {python} -c '{code}'").strip() == version
        )


def test_vendor_modules_import_compiled_and_pure(ledger):
    code = "from oxzep7_vendor import _native, checksum; print(_native.fletcher(bytes(3)), checksum(bytes(3)))"
    assert ledger.run(f"/srv/ledger/venv/bin/python -c '{code}'").split() == ["0", "0000"]


def test_cron_job_works(ledger):
    """The real daemon runs it once a minute."""
    ledger.run("rm -f /srv/ledger/data/cron.stamp")
    ledger.run("timeout 90 sh -c 'until [ -e /srv/ledger/data/cron.stamp ]; do sleep 0.5; done'")


def test_service_books_and_worker_draws(ledger):
    ledger.run(
        'curl -fsS -d \'{"account": "rent", "cents": 100}\' -H \'Content-Type: application/json\' '
        "http://127.0.0.1:8001/entries"
    )
    ledger.run("timeout 10 sh -c 'until ls /srv/ledger/data/receipts/*.png; do sleep 0.2; done'")


def test_state_is_private(ledger):
    assert ledger.run("stat -c '%a %U' /var/lib/oxzep7 /var/lib/oxzep7/applications/ledger/state.json").split() == [
        "700",
        "root",
        "600",
        "root",
    ]


def test_files_belong_to_the_owner_of_the_old_environment(ledger):
    assert ledger.run("find /srv/ledger/venv.generations -not -user ledger").strip() == ""


def test_downtime_was_measured_at_every_step(ledger):
    history = ledger.state()["history"]
    assert [(entry["from"], entry["to"]) for entry in history] == [
        ("0-py3.8", "1-py3.9"),
        ("1-py3.9", "2-py3.10"),
        ("2-py3.10", "3-py3.11"),
    ]
    assert all(0 < entry["downtime_ms"] < 60000 for entry in history)
