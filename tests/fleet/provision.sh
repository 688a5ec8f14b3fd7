#!/bin/sh
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs the ledger on a fresh host as it was set up in 2021: an Oxzep7 Python 3.8, an environment that sees its
# vendor modules, two services, a cron job. The argument is the database: sqlite or postgresql.
set -eu
useradd --system --create-home --home-dir /srv/ledger --shell /usr/sbin/nologin ledger
mkdir -p /opt /srv/ledger/data
tar -C /opt -xzf /root/python.tar.gz
python=$(ls /opt/oxzep7-3.8.*/bin/python3.8)
cp -r /root/ledger/app /srv/ledger/app
chown -R ledger: /srv/ledger
chmod 755 /srv/ledger
as_ledger() { setpriv --reuid=ledger --regid=ledger --init-groups env HOME=/srv/ledger "$@"; }
as_ledger "$python" -m venv --system-site-packages /srv/ledger/venv
chmod -R a+rX /root /root/wheels
as_ledger /srv/ledger/venv/bin/python -m pip install --quiet --disable-pip-version-check --no-index --no-deps --upgrade \
    --find-links /root/wheels --requirement /root/ledger/requirements.txt
chmod 700 /root
database=sqlite:////srv/ledger/data/ledger.sqlite3
if [ "$1" = postgresql ]; then
    systemctl start postgresql.service
    until su postgres -c 'psql -qc "SELECT 1"' >/dev/null 2>&1; do sleep 0.2; done
    su postgres -c 'psql -qc "CREATE ROLE ledger LOGIN"' && su postgres -c 'createdb --owner ledger ledger'
    database=postgresql:///ledger
fi
printf 'LEDGER_DATABASE=%s\n' "$database" > /etc/ledger.env
chmod 644 /etc/ledger.env
cp /root/ledger/system/*.service /etc/systemd/system/
cp /root/ledger/system/ledger.cron /etc/cron.d/ledger
chmod 644 /etc/cron.d/ledger
systemctl daemon-reload
systemctl enable --quiet ledger-web.service ledger-worker.service
systemctl start ledger-web.service ledger-worker.service
systemctl stop ledger-web.service ledger-worker.service
[ "$1" = sqlite ] || systemctl stop postgresql.service
rm -rf /root/ledger /root/wheels /root/python.tar.gz /root/provision.sh
