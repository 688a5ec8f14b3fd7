#!/bin/sh
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs three applications on a fresh host, each with an environment of an Oxzep7 Python 3.8 and a service; which of them run, a test decides.
set -eu
mkdir -p /opt
tar -C /opt -xzf /root/python.tar.gz
python=$(ls /opt/oxzep7-3.8.*/bin/python3.8)
chmod -R a+rX /root
for name in board tickets feeds; do
    useradd --system --create-home --home-dir "/srv/$name" --shell /usr/sbin/nologin "$name"
    mkdir "/srv/$name/app"
    cp "/root/trio/$name/$name.py" "/srv/$name/app/"
    chown -R "$name:" "/srv/$name"
    chmod 755 "/srv/$name"
    as() { setpriv --reuid="$name" --regid="$name" --init-groups env HOME="/srv/$name" "$@"; }
    as "$python" -m venv --system-site-packages "/srv/$name/venv"
    as "/srv/$name/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps --find-links /root/wheels \
        --requirement "/root/trio/$name/requirements.txt"
    cat >"/etc/systemd/system/$name.service" <<UNIT
[Unit]
Description=$name
After=network.target

[Service]
User=$name
WorkingDirectory=/srv/$name/app
ExecStart=/srv/$name/venv/bin/python $name.py
Restart=on-failure

[Install]
WantedBy=multi-user.target
UNIT
done
chmod 700 /root
systemctl daemon-reload
rm -rf /root/trio /root/wheels /root/python.tar.gz /root/provision.sh
