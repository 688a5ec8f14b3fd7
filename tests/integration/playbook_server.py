# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs ``ansible-playbook`` many times without loading Ansible each time.

Run as a program, it loads Ansible and forks for each line of standard input, a JSON object with ``arguments``,
``folder``, ``environment`` and ``output``. It answers with a line that is the exit status.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

SETTINGS = {"ANSIBLE_LOCALHOST_WARNING": "0", "ANSIBLE_STDOUT_CALLBACK": "default", "ANSIBLE_NOCOLOR": "1"}


class PlaybookServer:
    """The program, started for a ``with`` block."""

    def __enter__(self):
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **SETTINGS},
        )
        return self

    def __exit__(self, kind, error, trace):
        self._process.stdin.close()
        self._process.wait()

    def run(self, folder, *arguments):
        """Run ``ansible-playbook`` in *folder*; returns its exit status and what it printed."""
        with tempfile.NamedTemporaryFile("r", encoding="utf-8", errors="replace") as output:
            request = {
                "arguments": ["ansible-playbook", *arguments],
                "folder": str(folder),
                "environment": {**os.environ, **SETTINGS},
                "output": output.name,
            }
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            return int(self._process.stdout.readline()), output.read()


def run_playbook(request):
    """Run one request in this process; does not return."""
    from ansible.cli.playbook import main

    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    descriptor = os.open(request["output"], os.O_WRONLY)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (descriptor, 1), (descriptor, 2)):
        os.dup2(source, target)
    status = 1
    try:
        main(request["arguments"])
    except SystemExit as ended:
        status = ended.code or 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def serve():
    """Answer every request."""
    import ansible.cli.playbook
    import ansible.executor.task_executor
    import ansible.plugins.strategy.linear  # noqa: F401

    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            run_playbook(json.loads(line))
        _pid, state = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(state), flush=True)


if __name__ == "__main__":
    serve()
