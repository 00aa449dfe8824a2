"""Ends what we start when we end, however we end."""

import ctypes
import os
import signal

PR_SET_PDEATHSIG = 1
CLONE_NEWNET = 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent():
    """Runs in the child before exec: the kernel ends it when its parent is gone."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def enter_namespace(descriptor):
    """Moves this thread to a network namespace (os.setns exists from Python 3.12 on)."""
    if _libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns: " + os.strerror(ctypes.get_errno()))
