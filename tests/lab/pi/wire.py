"""Ethernet, ARP, IPv4 and UDP as a boot ROM does them: on frames, because the exact bytes matter.

The interface has no address in its namespace's kernel, so nothing but this code ever answers.
Packets with a bad IP or UDP checksum are dropped silently, as the ROMs do.
"""

import collections
import select
import socket
import struct
import time

BROADCAST_MAC = b"\xff" * 6
BROADCAST_IP = "255.255.255.255"
ETH_IPV4, ETH_ARP = 0x0800, 0x0806
UDP = 17
TTL = 128
ARP_TRIES = 5
# <linux/if_packet.h>: what the kernel says beside a frame. Of a sender on this machine the UDP checksum may be left to a card.
SOL_PACKET, PACKET_AUXDATA, TP_STATUS_CSUMNOTREADY = 263, 8, 1 << 3
AUXDATA_ROOM = socket.CMSG_SPACE(20)

Datagram = collections.namedtuple("Datagram", "source_mac source source_port destination port payload broadcast")


def packed(address):
    return socket.inet_aton(address)


def checksum(data):
    """The internet checksum; over data that holds its own checksum it is zero."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def udp_pseudo_header(source, destination, length):
    return source + destination + struct.pack("!BBH", 0, UDP, length)


def udp_datagram(source, destination, source_port, port, payload, with_checksum):
    """UDP header and payload; a checksum of zero is sent as 0xffff, because zero means none."""
    length = 8 + len(payload)
    value = 0
    if with_checksum:
        header = struct.pack("!HHHH", source_port, port, length, 0)
        value = checksum(udp_pseudo_header(source, destination, length) + header + payload) or 0xffff
    return struct.pack("!HHHH", source_port, port, length, value) + payload


def ip_packet(source, destination, body):
    """An IPv4 header without options: identification 0, no fragments, TTL 128."""
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 0, 0, TTL, UDP, 0, source, destination)
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + body


def lacks_checksum(ancillary):
    return any(level == SOL_PACKET and kind == PACKET_AUXDATA and struct.unpack_from("I", data)[0] & TP_STATUS_CSUMNOTREADY
               for level, kind, data in ancillary)


class Nic:
    """The board's wired interface."""

    def __init__(self, sock, mac, record):
        self.socket, self.record = sock, record
        self.mac = bytes.fromhex(mac.replace(":", ""))
        self.address = "0.0.0.0"
        self.netmask = "255.255.255.0"
        self.gateway = None
        self.udp_checksums = True
        self.answers_arp = True
        self.neighbours = {}
        self.bad_checksums = 0
        self.holds_back = False     # what comes is seen only once a broadcast frame comes behind it
        self.held, self.seen = [], collections.deque()

    def forget(self):
        """What a ROM knows after its start: nothing."""
        self.address, self.gateway, self.neighbours = "0.0.0.0", None, {}
        self.held, self.seen = [], collections.deque()

    def send_frame(self, destination, kind, body):
        self.socket.send(destination + self.mac + struct.pack("!H", kind) + body)

    def broadcast(self, source_port, port, payload):
        self._send_ip(BROADCAST_MAC, BROADCAST_IP, source_port, port, payload)

    def send(self, destination, source_port, port, payload):
        """To one address, by way of the gateway if it is not on the segment; ARP first."""
        self._send_ip(self.resolve(self.next_hop(destination)), destination, source_port, port, payload)

    def _send_ip(self, mac, destination, source_port, port, payload):
        source, target = packed(self.address), packed(destination)
        body = udp_datagram(source, target, source_port, port, payload, self.udp_checksums)
        self.send_frame(mac, ETH_IPV4, ip_packet(source, target, body))

    def on_segment(self, address):
        mask = struct.unpack("!I", packed(self.netmask))[0]
        ours, theirs = (struct.unpack("!I", packed(each))[0] for each in (self.address, address))
        return ours & mask == theirs & mask

    def next_hop(self, destination):
        return destination if self.on_segment(destination) or not self.gateway else self.gateway

    def resolve(self, address):
        """The MAC of a neighbour; five requests, a second apart. Raises TimeoutError."""
        for _ in range(ARP_TRIES):
            if address in self.neighbours:
                return self.neighbours[address]
            self._send_arp(1, BROADCAST_MAC, b"\0" * 6, address)
            deadline = time.monotonic() + 1
            while address not in self.neighbours and time.monotonic() < deadline:
                self._read_frame(deadline)
        if address in self.neighbours:
            return self.neighbours[address]
        raise TimeoutError(f"no ARP answer from {address}")

    def _send_arp(self, operation, mac, target_mac, target):
        body = struct.pack("!HHBBH6s4s6s4s", 1, ETH_IPV4, 6, 4, operation, self.mac, packed(self.address),
                           target_mac, packed(target))
        self.send_frame(mac, ETH_ARP, body)

    def receive(self, deadline):
        """The next UDP datagram for us, or None at the deadline (time.monotonic)."""
        while time.monotonic() < deadline:
            datagram = self._read_frame(deadline)
            if datagram and self.holds_back:
                self.held.append(datagram)
            elif datagram:
                self.seen.append(datagram)
            if self.seen:
                return self.seen.popleft()
        return None

    def _read_frame(self, deadline):
        """Reads one frame at most; answers ARP by itself; returns a datagram or None."""
        readable, _, _ = select.select([self.socket], [], [], max(deadline - time.monotonic(), 0))
        if not readable:
            return None
        frame, ancillary, _, origin = self.socket.recvmsg(65536, AUXDATA_ROOM)
        if origin[2] == socket.PACKET_OUTGOING or len(frame) < 34 or frame[:6] not in (self.mac, BROADCAST_MAC):
            return None
        if frame[:6] == BROADCAST_MAC:
            self.seen.extend(self.held)
            self.held = []
        kind = struct.unpack_from("!H", frame, 12)[0]
        if kind == ETH_ARP:
            self._handle_arp(frame[14:42])
        elif kind == ETH_IPV4:
            return self._parse_ip(frame, lacks_checksum(ancillary))
        return None

    def _handle_arp(self, body):
        if len(body) < 28:
            return
        _, _, _, _, operation, mac, sender, _, target = struct.unpack("!HHBBH6s4s6s4s", body)
        if self.address == "0.0.0.0" or target != packed(self.address):
            return
        self.neighbours[socket.inet_ntoa(sender)] = mac
        if operation == 1 and self.answers_arp:
            self._send_arp(2, mac, mac, socket.inet_ntoa(sender))

    def _is_ours(self, destination):
        """Before it has an address, a board takes whatever reaches its MAC."""
        return self.address == "0.0.0.0" or destination in (packed(self.address), packed(BROADCAST_IP))

    def _parse_ip(self, frame, lacks_udp_checksum):
        packet = frame[14:]
        header_length = (packet[0] & 15) * 4
        total, identification, fragment = struct.unpack_from("!HHH", packet, 2)
        if packet[0] >> 4 != 4 or packet[9] != UDP or fragment & 0x3fff or total > len(packet):
            return None
        if checksum(packet[:header_length]) != 0:
            return self._drop("IP")
        source, destination = packet[12:16], packet[16:20]
        datagram = packet[header_length:total]
        if len(datagram) < 8 or not self._is_ours(destination):
            return None
        source_port, port, length, value = struct.unpack_from("!HHHH", datagram)
        datagram = datagram[:length]
        if value and not lacks_udp_checksum and checksum(udp_pseudo_header(source, destination, length) + datagram) != 0:
            return self._drop("UDP")
        return Datagram(frame[6:12], socket.inet_ntoa(source), source_port, socket.inet_ntoa(destination), port,
                        datagram[8:], frame[:6] == BROADCAST_MAC)

    def _drop(self, kind):
        self.bad_checksums += 1
        self.record.anomaly(f"dropped a packet with a bad {kind} checksum")
