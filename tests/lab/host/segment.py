"""One Ethernet segment: a network namespace of the run's own with a bridge in it. The host's network is never touched."""

import os
import pathlib
import re
import secrets

from . import processes

BRIDGE = "br0"
NAMESPACES = pathlib.Path("/run/netns")
OURS = re.compile(r"lab-(\d+)-[0-9a-f]{6}(-.*)?$")


class Segment:
    """The namespace is named after our process, so that what a killed run left behind can be told and removed."""

    def __init__(self):
        self.name = f"lab-{os.getpid()}-{secrets.token_hex(3)}"

    async def create(self):
        await remove_abandoned()
        await processes.run(["ip", "netns", "add", self.name])
        await self.configure(
            f"link add {BRIDGE} type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
            f"link set {BRIDGE} up", "link set lo up")

    async def configure(self, *lines):
        """Gives `ip` several commands at once."""
        await processes.run(["ip", "-n", self.name, "-batch", "-"], "\n".join(lines) + "\n")

    async def add_tap(self, tap):
        await self.configure(f"tuntap add dev {tap} mode tap", f"link set {tap} master {BRIDGE} up")

    async def delete(self):
        """Also what a board that had to be killed left behind."""
        for entry in NAMESPACES.glob(f"{self.name}*"):
            await processes.run(["ip", "netns", "del", entry.name])


async def remove_abandoned():
    """Removes namespaces of runs that were killed: their process is gone and nothing lives in them."""
    if not NAMESPACES.is_dir():
        return
    for entry in NAMESPACES.iterdir():
        match = OURS.match(entry.name)
        if not match or pathlib.Path("/proc", match.group(1)).exists():
            continue
        if not (await processes.run(["ip", "netns", "pids", entry.name])).strip():
            await processes.run(["ip", "netns", "del", entry.name])
