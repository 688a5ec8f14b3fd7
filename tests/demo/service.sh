#!/bin/sh
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Starts, stops or asks the board of one demo host: service.sh start|stop|status DIRECTORY PORT
set -eu
cd "$2"
alive() { [ -s pid ] && grep -qs '^State:[[:space:]]*[^Z]' "/proc/$(cat pid)/status"; }
case $1 in
start)
    alive && exit 0
    [ ! -e refuses ] || export BOARD_REFUSES="$(cat refuses)"
    (cd app && BOARD_FILE=../board.yml exec setsid ../venv/bin/python -m waitress --listen="127.0.0.1:$3" app:app) >>service.log 2>&1 </dev/null &
    echo $! >pid
    ;;
stop)
    alive || exit 0
    kill "$(cat pid)"
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        alive || exit 0
        sleep 0.1
    done
    kill -9 "$(cat pid)" 2>/dev/null || ! alive
    ;;
status) alive ;;
esac
