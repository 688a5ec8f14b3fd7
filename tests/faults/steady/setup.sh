#!/bin/sh
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs the application "steady" on a bare host: an environment of Python 3.8, a web service and a worker.
# No service may start more than twice a day unless somebody asks for it: a fast machine meets systemd's own limit, this one makes every machine meet it.
set -eu
mkdir -p /opt/oxzep7/interpreters
for archive in /root/faults/*.tar.gz; do tar -C /opt/oxzep7/interpreters -xzf "$archive"; done
# What modules import is compiled once, and not by each of their many runs.
python3 -m compileall -q /root/faults/lib
useradd --system --create-home --home-dir /srv/steady --shell /usr/sbin/nologin steady
chmod 755 /srv/steady
cp /root/faults/app.py /srv/steady/app.py
runuser -u steady -- /opt/oxzep7/interpreters/oxzep7-3.8.*/bin/python3.8 -m venv --without-pip /srv/steady/venv
unit() {
    printf '[Unit]\nDescription=%s\nStartLimitIntervalSec=86400\nStartLimitBurst=2\n[Service]\nUser=steady\nExecStart=/srv/steady/venv/bin/python %s\nRestart=no\n[Install]\nWantedBy=multi-user.target\n' \
        "$1" "$2" > "/etc/systemd/system/$1.service"
}
unit steady-web /srv/steady/app.py
unit steady-worker "-c 'import time; time.sleep(1000000)'"
systemctl daemon-reload
systemctl enable --quiet --now steady-web.service steady-worker.service
