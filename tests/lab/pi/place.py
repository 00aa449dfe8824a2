"""The board's place on the segment: first a namespace and a veth with the board's MAC, later a tap for QEMU."""

import hashlib
import os
import pathlib
import socket
import subprocess

from .processes import enter_namespace
from .wire import PACKET_AUXDATA, SOL_PACKET

BRIDGE = "br0"
ETH_P_ALL = 3


def ip(*words, lines=()):
    subprocess.run(["ip", *words], check=True, input="\n".join(lines), text=True)


class Place:
    """Names are made of the segment's and the board's, so that runs and boards never meet."""

    def __init__(self, segment, name, mac):
        self.segment, self.mac = segment, mac
        self.namespace = f"{segment}-{name}"
        short = hashlib.sha256(self.namespace.encode()).hexdigest()[:10]
        self.port, self.tap = f"v{short}", f"t{short}"

    def plug_in(self):
        """Returns a packet socket on the board's interface. The namespace's kernel stays silent: no address, no IPv6."""
        ip("netns", "add", self.namespace)
        ip("-n", self.segment, "-batch", "-", lines=(
            f"link add {self.port} type veth peer name eth0 address {self.mac} netns {self.namespace}",
            f"link set {self.port} master {BRIDGE} up"))
        home = os.open("/proc/self/ns/net", os.O_RDONLY)
        there = os.open(f"/run/netns/{self.namespace}", os.O_RDONLY)
        try:
            enter_namespace(there)
            return self._open_socket()
        finally:
            enter_namespace(home)
            os.close(home)
            os.close(there)

    def _open_socket(self):
        try:
            pathlib.Path("/proc/sys/net/ipv6/conf/all/disable_ipv6").write_text("1", encoding="ascii")
        except FileNotFoundError:
            pass                    # a kernel without IPv6
        ip("link", "set", "eth0", "arp", "off", "up")
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        sock.bind(("eth0", ETH_P_ALL))
        return sock

    def hand_over(self):
        """The ROM's interface goes, the machine's comes."""
        ip("-n", self.segment, "link", "del", self.port)
        self.plug_machine_in()

    def plug_machine_in(self):
        ip("-n", self.segment, "-batch", "-", lines=(
            f"tuntap add dev {self.tap} mode tap", f"link set {self.tap} master {BRIDGE} up"))

    def unplug(self):
        """Removes whatever is there; says nothing about what is not."""
        for words in (["-n", self.segment, "link", "del", self.port], ["-n", self.segment, "link", "del", self.tap],
                      ["netns", "del", self.namespace]):
            subprocess.run(["ip", *words], check=False, stderr=subprocess.DEVNULL)
