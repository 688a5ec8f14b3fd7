# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs of a worker."""

import datetime

import pytz
from celery import Celery, chord, group

app = Celery("jobs", broker="redis://127.0.0.1:6379/0", backend="redis://127.0.0.1:6379/1")
app.conf.update(timezone="Europe/Berlin", result_expires=datetime.timedelta(hours=1))


@app.task
def describe_python():
    import platform

    return platform.python_version()


@app.task
def convert_time(text, zone):
    return datetime.datetime.fromisoformat(text).astimezone(pytz.timezone(zone)).isoformat()


@app.task
def add_up(numbers):
    return sum(numbers)


@app.task
def square(number):
    return number * number


def sum_squares(numbers):
    """Square each of *numbers* by a job of its own; a last job adds them up."""
    return chord(group(square.s(number) for number in numbers))(add_up.s())
