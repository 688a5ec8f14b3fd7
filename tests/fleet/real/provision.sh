#!/bin/sh
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs six applications of PyPI on a fresh host as their documentation said in 2021, each with an account and an
# environment of its own.
set -eu
mkdir -p /opt
tar -C /opt -xzf /root/python.tar.gz
python=$(ls /opt/oxzep7-3.8.*/bin/python3.8)
chmod -R a+rX /root
cd /root/real
for name in httpbin radicale pypiserver celery isso bepasty; do
    useradd --system --create-home --home-dir "/srv/$name" --shell /usr/sbin/nologin "$name"
    chmod 755 "/srv/$name"
    as() { setpriv --reuid="$name" --regid="$name" --init-groups env HOME="/srv/$name" "$@"; }
    as "$python" -m venv "/srv/$name/venv"
    as "/srv/$name/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps \
        --find-links /root/wheels --requirement "/root/real/$name/requirements.txt"
    [ ! -e "$name/$name.service" ] || cp "$name/$name.service" /etc/systemd/system/
done
hash_password() { "/srv/$1/venv/bin/python" -c "from passlib.hash import $2; print('writer:' + $2.hash('sesame'))"; }
mkdir /etc/radicale /etc/uwsgi /var/log/celery /srv/celery/app /srv/pypiserver/packages /srv/bepasty/storage
install -d -o radicale /var/lib/radicale /var/lib/radicale/collections
cp radicale/config /etc/radicale/config
hash_password radicale bcrypt > /etc/radicale/users
hash_password pypiserver apr_md5_crypt > /etc/pypiserver.htpasswd
cp celery/jobs.py celery/ask.py /srv/celery/app/
cp celery/celery.conf /etc/supervisor/conf.d/celery.conf
cp isso/isso.cfg /etc/isso.cfg
cp bepasty/bepasty.ini /etc/uwsgi/bepasty.ini
cp bepasty/bepasty.conf /etc/bepasty.conf
chown celery: /srv/celery/app /var/log/celery
chown pypiserver: /srv/pypiserver/packages
chown bepasty: /srv/bepasty/storage
chmod 700 /root
systemctl daemon-reload
systemctl enable --quiet httpbin radicale pypiserver isso bepasty redis-server supervisor
rm -rf /root/real /root/wheels /root/python.tar.gz /root/provision.sh
