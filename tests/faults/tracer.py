# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a command and its child processes under ptrace(2), and ends it before a chosen system call with an effect.

``python3 tracer.py POINT ACTION LOG DIRECTORY … -- COMMAND …``: system calls that change something below the
directories, and messages that systemd's own tools send, are counted over all processes in the order in which they
begin. At number POINT (1 is the first; 0: never) ACTION happens before the call: ``kill`` kills every process with
SIGKILL, ``freeze`` leaves them stopped for ever. Each counted call is a line of LOG. For x86_64; standard library only,
because it runs on the host.
"""

import ctypes
import os
import signal
import struct
import sys
import time
from typing import TextIO

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
LIBC.ptrace.restype = ctypes.c_long
TRACEME, GETREGS, SYSCALL, SETOPTIONS, GETEVENTMSG = 0, 12, 24, 0x4200, 0x4201
# TRACESYSGOOD, TRACEFORK, TRACEVFORK, TRACECLONE, TRACEEXEC. Processes that outlive the command continue untraced.
OPTIONS = 0x1 | 0x2 | 0x4 | 0x8 | 0x10
WALL = 0x40000000
WORD = 8
# user_regs_struct of x86_64, in words.
R8, R10, RDX, RSI, RDI, ORIG_RAX = 9, 7, 12, 13, 14, 15
# Number: name, and which argument is a path or (negative) a descriptor; 99 stands for none.
CALLS = {
    2: ("open", 0),
    257: ("openat", 1),
    85: ("creat", 0),
    1: ("write", -1),
    18: ("pwrite64", -1),
    20: ("writev", -1),
    77: ("ftruncate", -1),
    76: ("truncate", 0),
    82: ("rename", 1),
    264: ("renameat", 3),
    316: ("renameat2", 3),
    83: ("mkdir", 0),
    258: ("mkdirat", 1),
    84: ("rmdir", 0),
    87: ("unlink", 0),
    263: ("unlinkat", 1),
    86: ("link", 1),
    265: ("linkat", 3),
    88: ("symlink", 1),
    266: ("symlinkat", 2),
    90: ("chmod", 0),
    91: ("fchmod", -1),
    268: ("fchmodat", 1),
    92: ("chown", 0),
    93: ("fchown", -1),
    94: ("lchown", 0),
    260: ("fchownat", 1),
    74: ("fsync", -1),
    188: ("setxattr", 0),
    189: ("lsetxattr", 0),
    190: ("fsetxattr", -1),
    133: ("mknod", 0),
    259: ("mknodat", 1),
    280: ("utimensat", 1),
    46: ("sendmsg", 99),
    44: ("sendto", 99),
}
# A relative path of these is one below the directory whose descriptor is the argument before it.
DIRECTORY_CALLS = (257, 264, 316, 258, 263, 265, 266, 268, 260, 259, 280)
OPEN_CALLS = {2: 1, 257: 2}
WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
SERVICE_TOOLS = ("systemctl", "systemd-run")
QUERY_COMMANDS = ("show", "is-active", "is-enabled", "list-units", "list-timers", "cat", "status")


def call_ptrace(request: int, pid: int, data: int = 0) -> None:
    """One ptrace(2) call; a process that is gone meanwhile does not matter."""
    LIBC.ptrace(request, pid, None, data)


class Tracer:
    """One run of a command."""

    def __init__(self, point: int, action: str, log: TextIO, directories: list[str]) -> None:
        self.point = point
        self.action = action
        self.directories = directories
        self.count = 0
        self.known: set[int] = set()
        self.inside: set[int] = set()
        self.names: dict[int, str] = {}
        self.log = log
        self.registers = ctypes.create_string_buffer(27 * WORD)

    def run(self, command: list[str]) -> int:
        """Run *command*; its status, or 137 when it was killed, or 0 after a freeze that never ends."""
        first = os.fork()
        if first == 0:
            call_ptrace(TRACEME, 0)
            os.kill(os.getpid(), signal.SIGSTOP)
            os.execvp(command[0], command)
        os.waitpid(first, WALL)
        call_ptrace(SETOPTIONS, first, OPTIONS)
        call_ptrace(SYSCALL, first)
        self.known.add(first)
        while self.known:
            try:
                pid, state = os.waitpid(-1, WALL)
            except ChildProcessError:
                break
            if os.WIFEXITED(state) or os.WIFSIGNALED(state):
                self.known.discard(pid)
                self.inside.discard(pid)
                if pid == first:
                    return os.WEXITSTATUS(state) if os.WIFEXITED(state) else 128 + os.WTERMSIG(state)
                continue
            if self._handle_stop(pid, state):
                return 137
        return 0

    def _handle_stop(self, pid: int, state: int) -> bool:
        """Deal with one stop of *pid*; True when everything was ended."""
        self.known.add(pid)
        number = os.WSTOPSIG(state)
        deliver = 0
        if number == signal.SIGTRAP | 0x80:
            if pid in self.inside:
                self.inside.discard(pid)
            else:
                self.inside.add(pid)
                if self._handle_entry(pid):
                    return True
        elif number == signal.SIGTRAP:
            if state >> 16 == 4:
                self.names.pop(pid, None)
        elif number != signal.SIGSTOP:
            deliver = number
        call_ptrace(SYSCALL, pid, deliver)
        return False

    def _handle_entry(self, pid: int) -> bool:
        call_ptrace(GETREGS, pid, ctypes.addressof(self.registers))
        words = struct.unpack("27Q", self.registers.raw)
        call = words[ORIG_RAX]
        if call not in CALLS:
            return False
        name, where = CALLS[call]
        arguments = [words[RDI], words[RSI], words[RDX], words[R10], words[R8]]
        if call in OPEN_CALLS and not arguments[OPEN_CALLS[call]] & WRITE_FLAGS:
            return False
        place = self._describe_call(pid, call, where, arguments)
        if place is None:
            return False
        self.count += 1
        self.log.write(f"{self.count} {pid} {name} {place}\n")
        self.log.flush()
        if self.count != self.point:
            return False
        if self.action == "freeze":
            with open(self.log.name + ".frozen", "w", encoding="utf-8"):
                pass
            while True:
                time.sleep(60)
        for tracee in self.known:
            try:
                os.kill(tracee, signal.SIGKILL)
            except OSError:
                continue
        return True

    def _describe_call(self, pid: int, call: int, where: int, arguments: list[int]) -> str | None:
        """What the call is about, if that is of interest."""
        if where == 99:
            if pid not in self.names:
                try:
                    self.names[pid] = self._read_service_command(pid)
                except OSError:
                    return None
            return self.names[pid] or None
        try:
            path = (
                os.readlink(f"/proc/{pid}/fd/{arguments[0]}")
                if where < 0
                else self._read_path(pid, call, arguments, where)
            )
        except OSError:
            return None
        return path if any(path.startswith(directory) for directory in self.directories) else None

    def _read_path(self, pid: int, call: int, arguments: list[int], where: int) -> str:
        """The path that a call is about. Raises OSError."""
        path = self._read_text(pid, arguments[where]) if arguments[where] else ""
        if path.startswith("/"):
            return path
        descriptor = ctypes.c_int(arguments[where - 1]).value if call in DIRECTORY_CALLS else -1
        return os.path.join(
            os.readlink(f"/proc/{pid}/fd/{descriptor}" if descriptor >= 0 else f"/proc/{pid}/cwd"), path
        )

    @staticmethod
    def _read_service_command(pid: int) -> str:
        """What *pid* is told to do to services, if it is a tool that does; nothing for one that only asks."""
        if os.path.basename(os.readlink(f"/proc/{pid}/exe")) not in SERVICE_TOOLS:
            return ""
        with open(f"/proc/{pid}/cmdline", "rb") as stream:
            words = stream.read().decode("utf-8", "replace").split("\0")
        return "" if any(word in QUERY_COMMANDS for word in words[1:3]) else " ".join(words[:2])

    @staticmethod
    def _read_text(pid: int, address: int) -> str:
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            memory.seek(address)
            # A path may end just before memory that is not mapped.
            data = b""
            while b"\0" not in data and len(data) < 4096:
                data += memory.read(256 - (address + len(data)) % 256)
        return data.partition(b"\0")[0].decode("utf-8", "replace")


def main() -> None:
    """The command line."""
    split = sys.argv.index("--")
    point, action, log, *directories = sys.argv[1:split]
    with open(log, "w", encoding="utf-8") as stream:
        sys.exit(Tracer(int(point), action, stream, directories).run(sys.argv[split + 1 :]))


if __name__ == "__main__":
    main()
