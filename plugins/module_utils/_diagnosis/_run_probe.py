# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run by the Python of a generation, isolated: runs a command and writes what that used to a file.

Arguments: the file, which becomes ``[seconds of a processor, kibibytes of memory]``, and the words of the command. The
exit status is that of the command, or 128 and the number of its signal, as in a shell. Python 3.6 and later.
"""

import json
import os
import sys


def main() -> None:
    """Run the command."""
    child = os.fork()
    if child == 0:
        try:
            os.execvp(sys.argv[2], sys.argv[2:])
        except OSError as error:
            os.write(2, ("%s: %s\n" % (sys.argv[2], error)).encode("utf-8", "replace"))
        finally:
            os._exit(127)
    _pid, status, used = os.wait4(child, 0)
    handle = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(handle, json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss]).encode("ascii"))
    os._exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))


if __name__ == "__main__":
    main()
