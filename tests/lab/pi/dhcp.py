"""The ROM's DHCP client: DISCOVER bytes by generation, the wait for an address and for the PXE menu, REQUEST and ACK."""

import dataclasses
import random
import socket
import struct
import time

from .record import BootFailure

SERVER_PORT, CLIENT_PORT = 67, 68
COOKIE = bytes.fromhex("63825363")
DISCOVER, OFFER, REQUEST, ACK, NAK = 1, 2, 3, 5, 6
CONSTANT_XID = 0x26f30339

PARAMETERS_ROM = bytes.fromhex("2b3c43808182838485868742")
PARAMETERS_BOOTCODE = PARAMETERS_ROM + b"\x01\x03"
PARAMETERS_EEPROM = bytes.fromhex("01032b3c42438081828384858687")
VENDOR_CLASS = b"PXEClient:Arch:00000:UNDI:002001"
MENU_TEXT = b"Raspberry Pi Boot"
PADDED_MENU_TEXT = MENU_TEXT + b"   "


@dataclasses.dataclass
class Profile:
    """How one generation asks, and what it takes for an answer."""
    name: str
    parameters: bytes
    identity: bytes                 # option 97 without code and length
    constant_xid: bool = False
    udp_checksum: bool = True
    padded_menu: bool = False       # the length bug of the first mask ROM
    any_chaddr: bool = False        # takes offers for others when they reach it
    asks_for_lease: bool = True
    discover_seconds: float = 4.0
    discovers: int = 0              # 0: as many as fit into total_seconds
    total_seconds: float = 45.0
    locks_up_before: float = 0.0    # an offer sooner than this after the DISCOVER hangs the ROM
    needs_broadcast: bool = False   # sees an offer only when another broadcast frame comes behind it
    class_in_request: bool = True   # early images of the Pi 4 left option 60 out
    chokes_on_padding: bool = False # an option 0 before the end: the offer is lost (EEPROM before 2020-01-17)


@dataclasses.dataclass
class Lease:
    """What the firmware goes on with."""
    address: str
    netmask: str
    gateway: str
    tftp_server: str


@dataclasses.dataclass
class Reply:
    """A decoded message of a server."""
    source: str
    xid: int
    kind: int
    yiaddr: str
    siaddr: str
    chaddr: bytes
    relayed: bool
    padded: bool                    # there is an option 0 before the end
    options: dict

    def address_option(self, code):
        value = self.options.get(code, b"")
        return socket.inet_ntoa(value[:4]) if len(value) >= 4 else None

    def text_address(self, code):
        """An option whose text is a dotted address, as option 66 must be for a board."""
        text = self.options.get(code, b"").rstrip(b"\0 ").decode("ascii", "replace")
        try:
            return socket.inet_ntoa(socket.inet_aton(text)) if text.count(".") == 3 else None
        except OSError:
            return None


def option(code, value):
    return bytes([code, len(value)]) + value


def parse_options(data):
    """Code to value; the first of a code counts. Pads are skipped, the end option ends."""
    options, offset = {}, 0
    while offset < len(data) and data[offset] != 255:
        if data[offset] == 0:
            offset += 1
            continue
        if offset + 2 > len(data):
            break
        length = data[offset + 1]
        options.setdefault(data[offset], data[offset + 2:offset + 2 + length])
        offset += 2 + length
    return options


def has_padding(data):
    """Is there an option 0 before the end?"""
    offset = 0
    while offset < len(data) and data[offset] not in (0, 255):
        offset += 2 + (data[offset + 1] if offset + 1 < len(data) else 0)
    return offset < len(data) and data[offset] == 0


def parse(datagram):
    """A Reply, or None for what is no BOOTP reply with DHCP options."""
    data = datagram.payload
    if len(data) < 240 or data[0] != 2 or data[1:3] != b"\x01\x06" or data[236:240] != COOKIE:
        return None
    options = parse_options(data[240:])
    if len(options.get(53, b"")) != 1:
        return None
    return Reply(datagram.source, struct.unpack_from("!I", data, 4)[0], options[53][0],
                 socket.inet_ntoa(data[16:20]), socket.inet_ntoa(data[20:24]), data[28:34],
                 data[3] != 0 or data[24:28] != b"\0" * 4, has_padding(data[240:]), options)


def menu_texts(options):
    """The texts of the PXE boot menu (option 43, sub-option 9), in order."""
    menu = parse_options(options.get(43, b"")).get(9, b"")
    texts, offset = [], 0
    while offset + 3 <= len(menu):
        length = menu[offset + 2]
        texts.append(menu[offset + 3:offset + 3 + length])
        offset += 3 + length
    return texts


class Client:
    """One DHCP exchange of one generation."""

    def __init__(self, nic, profile, record):
        self.nic, self.profile, self.record = nic, profile, record
        self.xid = CONSTANT_XID if profile.constant_xid else random.getrandbits(32)
        self.address_offer = None
        self.pxe_offer = None
        self.sent = 0.0

    def message(self, kind, *extra):
        """DISCOVER or REQUEST: no flags, no seconds, options in the ROM's order, no padding after the end."""
        header = struct.pack("!BBBBIHH16s6s10s", 1, 1, 6, 0, self.xid, 0, 0, b"", self.nic.mac, b"")
        options = [option(53, bytes([kind])), *extra, option(55, self.profile.parameters), option(93, b"\0\0"),
                   option(94, b"\x01\x02\x01"), option(97, self.profile.identity)]
        if kind == DISCOVER or self.profile.class_in_request:
            options.append(option(60, VENDOR_CLASS))
        options.append(b"\xff")
        return header + b"\0" * 192 + COOKIE + b"".join(options)

    def acquire(self):
        """Runs the exchange; returns a Lease or raises BootFailure."""
        self.nic.forget()
        self.nic.udp_checksums = self.profile.udp_checksum
        self.nic.holds_back = self.profile.needs_broadcast
        deadline = time.monotonic() + self.profile.total_seconds
        self.discover(deadline)
        answer = self.request(deadline) if self.profile.asks_for_lease else self.address_offer
        return self.lease(answer)

    def discover(self, deadline):
        count = 0
        while time.monotonic() < deadline and (not self.profile.discovers or count < self.profile.discovers):
            count += 1
            self.record.step("dhcp-discover", f"{self.profile.name} #{count} xid={self.xid:08x}")
            self.sent = time.monotonic()
            self.nic.broadcast(CLIENT_PORT, SERVER_PORT, self.message(DISCOVER))
            if self.collect_offers(min(self.sent + self.profile.discover_seconds, deadline)):
                return
        lacking = [word for word, offer in (("address", self.address_offer), ("PXE menu", self.pxe_offer))
                   if not offer]
        raise BootFailure("dhcp", f"{self.profile.name}: {count} DISCOVERs and no {' nor '.join(lacking)}")

    def collect_offers(self, until):
        """True once both halves are there; they may come in any order, from one server or two."""
        while not (self.address_offer and self.pxe_offer):
            reply = self.next_reply(until)
            if reply is None:
                return False
            if reply.kind == OFFER:
                self.take_offer(reply)
        return True

    def next_reply(self, until):
        while datagram := self.nic.receive(until):
            if datagram.port != CLIENT_PORT or datagram.source_port != SERVER_PORT:
                continue
            reply = parse(datagram)
            if reply and reply.xid == self.xid and (reply.chaddr == self.nic.mac or self.profile.any_chaddr):
                return reply
        return None

    def take_offer(self, reply):
        self.record.step("dhcp-offer", f"from {reply.source} yiaddr={reply.yiaddr} siaddr={reply.siaddr} "
                         f"server-id={reply.address_option(54)} options={','.join(map(str, reply.options))}")
        if reply.relayed and self.profile.padded_menu:
            self.record.step("dhcp-ignored", "the mask ROM takes no relayed offer")
            return
        if reply.padded and self.profile.chokes_on_padding:
            self.record.step("dhcp-ignored", "the firmware does not get over an option 0")
            return
        if self.address_offer is None and reply.yiaddr != "0.0.0.0":
            self.address_offer = reply
        if self.pxe_offer is None and self.is_pxe(reply):
            self.check_pxe(reply)
            self.pxe_offer = reply

    def is_pxe(self, reply):
        """The PXE half: vendor class and menu text, or option 66 with an address (newer generations only)."""
        if not reply.address_option(54):
            return False
        texts = menu_texts(reply.options)
        if reply.options.get(60, b"").startswith(b"PXEClient") and texts:
            # Old images look at the first entry only.
            return texts[0].startswith(PADDED_MENU_TEXT) if self.profile.padded_menu else MENU_TEXT in texts[0]
        return not self.profile.padded_menu and reply.text_address(66) is not None

    def check_pxe(self, reply):
        """Tells what some boards in the field would stumble over."""
        waited = time.monotonic() - self.sent
        if waited < self.profile.locks_up_before:
            raise BootFailure("locked-up", f"the offer came {waited:.3f} s after the DISCOVER, the ROM hangs")
        if reply.address_option(54) != reply.source:
            self.record.anomaly(f"server id {reply.address_option(54)} is not the source {reply.source}")
        if reply.options.get(97) != self.profile.identity:
            self.record.anomaly("option 97 is not echoed")

    def request(self, deadline):
        """REQUEST and ACK, with the server of the address only."""
        offer = self.address_offer
        extra = (option(50, socket.inet_aton(offer.yiaddr)), option(54, offer.options.get(54, b"")))
        while time.monotonic() < deadline:
            self.record.step("dhcp-request", f"{offer.yiaddr} from {offer.address_option(54)}")
            self.nic.broadcast(CLIENT_PORT, SERVER_PORT, self.message(REQUEST, *extra))
            answer = self.await_answer(min(time.monotonic() + self.profile.discover_seconds, deadline))
            if answer and answer.kind == NAK:
                raise BootFailure("dhcp", f"NAK from {answer.source}")
            if answer:
                self.record.step("dhcp-ack", f"{answer.yiaddr} from {answer.source}")
                return answer
        raise BootFailure("dhcp", f"no ACK from {offer.address_option(54)}")

    def await_answer(self, until):
        while reply := self.next_reply(until):
            ours = reply.options.get(54) == self.address_offer.options.get(54)
            if ours and reply.kind in (ACK, NAK):
                return reply
        return None

    def tftp_server(self):
        """Highest first: option 66, the server of the menu, siaddr. The mask ROM knows only the server's address."""
        if self.profile.padded_menu:
            return self.pxe_offer.address_option(54)
        for reply in (self.pxe_offer, self.address_offer):
            if reply.text_address(66):
                return reply.text_address(66)
        return self.pxe_offer.address_option(54)

    def lease(self, answer):
        lease = Lease(answer.yiaddr, answer.address_option(1) or "255.255.255.0", answer.address_option(3),
                      self.tftp_server())
        self.nic.address, self.nic.netmask = lease.address, lease.netmask
        self.nic.gateway = None if self.profile.padded_menu else lease.gateway
        self.nic.holds_back = False
        self.record.step("lease", f"{lease.address} netmask {lease.netmask} gateway {lease.gateway} "
                         f"tftp {lease.tftp_server}")
        return lease


def static_lease(nic, address, server, record):
    """What an EEPROM with TFTP_IP, CLIENT_IP and SUBNET goes on with."""
    lease = Lease(address, "255.255.255.0", None, server)
    nic.forget()
    nic.address, nic.netmask = lease.address, lease.netmask
    record.step("lease", f"{address} by configuration, tftp {server}")
    return lease
