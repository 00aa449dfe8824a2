"""Starting and ending processes: each is ended by its own id, and none outlives the process that started it."""

import asyncio
import ctypes
import signal

PR_SET_PDEATHSIG = 1
GRACE_SECONDS = 5

_libc = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    """Something the person who runs the lab must know; printed without a traceback."""


def die_with_parent():
    """Runs in the child before exec: the kernel ends it when its parent is gone."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def in_namespace(name, command):
    """The command line that runs `command` in the network namespace `name`, with the same process id."""
    return ["ip", "netns", "exec", name, *command]


async def start(command, **options):
    """Starts a process in a session of its own, so that a terminal's Ctrl-C reaches only us."""
    return await asyncio.create_subprocess_exec(
        *map(str, command), start_new_session=True, preexec_fn=die_with_parent, **options)


async def run(command, input_text=None):
    """Runs a short command to its end; raises LabError with its own words if it fails."""
    process = await start(command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                          stderr=asyncio.subprocess.STDOUT)
    output, _ = await process.communicate((input_text or "").encode())
    if process.returncode != 0:
        raise LabError(f"{' '.join(map(str, command))}: {output.decode(errors='replace').strip()}")
    return output.decode(errors="replace")


async def stop(process):
    """SIGTERM, then SIGKILL after a grace period; returns when it is gone."""
    if process is None or process.returncode is not None:
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            process.send_signal(number)
            await asyncio.wait_for(process.wait(), GRACE_SECONDS)
            return
        except asyncio.TimeoutError:
            continue
        except ProcessLookupError:
            return
