"""The ROM's TFTP client: stop and wait, a source port for each request, probes that end with `Early terminate`."""

import dataclasses
import struct
import time

from .record import BootFailure

SERVER_PORT = 69
RRQ, DATA, ACKNOWLEDGE, ERROR, OACK = 1, 3, 4, 5, 6
RRQ_SECONDS = 2.0
EARLY_TERMINATE = b"\0\5\0\0Early terminate\0"

FOUND, MISSING, SILENT, UNUSABLE = "found", "missing", "silent", "unusable"


@dataclasses.dataclass
class Manners:
    """How one stage asks."""
    tsize: bool
    blksize: int = 0                # 0: not asked for, so 512
    file_seconds: float = 30.0      # without any progress
    needs_options: bool = True      # data without an OACK is read and then not used
    asks_twice: bool = False        # each request goes out two times at once
    hangs_on_duplicates: bool = False   # a packet that comes again is the end
    loses_requests: int = 0         # each so-manieth request is lost on its way; 0: none
    loses_packets: int = 0          # each so-manieth other packet, of either side; 0: none


class Hang(BootFailure):
    """The firmware waits for ever: nothing but a power cycle helps."""


@dataclasses.dataclass
class Result:
    status: str
    data: bytes = b""
    detail: str = ""


def parse_oack(payload):
    words = payload[2:].split(b"\0")[:-1]
    return {name.decode("ascii", "replace").lower(): value.decode("ascii", "replace")
            for name, value in zip(words[::2], words[1::2])}


class Transfer:
    """One RRQ and what follows."""

    def __init__(self, client, name, port, probe):
        self.client, self.nic, self.record, self.manners = client, client.nic, client.record, client.manners
        self.server, self.name, self.port, self.probe = client.server, name, port, probe
        self.peer_port = None
        self.blksize = 512
        self.size = None
        self.options_agreed = False
        self.blocks = []
        self.expected = 1

    def request(self):
        """The bytes of the RRQ: tsize before blksize, nothing else."""
        words = [self.name.encode(), b"octet"]
        if self.manners.tsize:
            words += [b"tsize", b"0"]
        if self.manners.blksize:
            words += [b"blksize", str(self.manners.blksize).encode()]
        return struct.pack("!H", RRQ) + b"\0".join(words) + b"\0"

    def send(self, payload):
        if not self.client.is_lost(payload):
            self.nic.send(self.server, self.port, self.peer_port or SERVER_PORT, payload)

    def acknowledge(self, block):
        self.send(struct.pack("!HH", ACKNOWLEDGE, block))

    def receive(self, until):
        """The next packet of the server for this transfer; other peers are ignored."""
        while datagram := self.nic.receive(until):
            fits = datagram.port == self.port and datagram.source == self.server and len(datagram.payload) >= 4
            if fits and self.client.is_lost(datagram.payload):
                continue
            if fits and self.peer_port in (None, datagram.source_port):
                return datagram
        return None

    def run(self):
        try:
            first = self.ask()
        except TimeoutError as error:
            return Result(SILENT, detail=str(error))
        if first is None:
            return Result(SILENT, detail="no answer")
        self.peer_port = first.source_port
        return self.follow(first.payload)

    def ask(self):
        """RRQ every 2 seconds from the same port until something comes."""
        deadline = time.monotonic() + self.manners.file_seconds
        while time.monotonic() < deadline:
            for _ in range(2 if self.manners.asks_twice else 1):
                self.send(self.request())
            answer = self.receive(min(time.monotonic() + RRQ_SECONDS, deadline))
            if answer:
                return answer
        return None

    def follow(self, payload):
        """Handles packets until a result is there."""
        while True:
            result = self.handle(payload)
            if result:
                return result
            datagram = self.receive(time.monotonic() + self.manners.file_seconds)
            if datagram is None:
                return Result(SILENT, detail=f"stopped before block {self.expected}")
            payload = datagram.payload

    def handle(self, payload):
        code = struct.unpack_from("!H", payload)[0]
        if code == ERROR:
            return self.take_error(payload)
        if code == OACK:
            return self.take_oack(payload)
        if code == DATA:
            return self.take_data(payload)
        return None

    def take_error(self, payload):
        number = struct.unpack_from("!H", payload, 2)[0]
        text = payload[4:].rstrip(b"\0").decode("ascii", "replace")
        if self.blocks or self.options_agreed:
            return Result(UNUSABLE, detail=f"error {number} {text} in the middle")
        return Result(MISSING, detail=f"error {number} {text}")

    def take_oack(self, payload):
        if self.options_agreed or self.blocks:
            self.duplicate("OACK")
            return None
        problem = self.agree(parse_oack(payload))
        if problem:
            return Result(UNUSABLE, detail=problem)
        self.options_agreed = True
        if self.probe:
            return self.end_early()
        self.acknowledge(0)
        return None

    def agree(self, options):
        """Takes over what the server says; returns what is wrong with it."""
        asked = {"tsize": self.manners.tsize, "blksize": self.manners.blksize}
        for name, value in options.items():
            if not asked.get(name):
                return f"OACK has {name}, which was not asked for"
            if not value.isdecimal():
                return f"OACK has {name}={value!r}"
        if self.manners.tsize and "tsize" not in options:
            self.record.anomaly(f"{self.name}: OACK has no tsize")
        self.size = int(options["tsize"]) if "tsize" in options else None
        self.blksize = int(options.get("blksize", 512))
        if self.manners.blksize and not 8 <= self.blksize <= self.manners.blksize:
            return f"OACK has blksize={self.blksize}, asked was {self.manners.blksize}"
        return None

    def end_early(self):
        self.send(EARLY_TERMINATE)
        return Result(FOUND, detail=f"{self.size} bytes" if self.size is not None else "")

    def take_data(self, payload):
        block, data = struct.unpack_from("!H", payload, 2)[0], payload[4:]
        if block != self.expected & 0xffff:
            return self.take_wrong_block(block)
        if self.probe and not self.options_agreed:
            return self.end_early()
        self.blocks.append(data)
        self.acknowledge(block)
        self.expected += 1
        return self.finish() if len(data) < self.blksize else None

    def take_wrong_block(self, block):
        """A duplicate of the last block is acknowledged again; anything else is not ours to answer."""
        if self.expected > 1 and block == (self.expected - 1) & 0xffff:
            self.duplicate(f"block {block}")
            self.acknowledge(block)
        return None

    def duplicate(self, what):
        """Newer firmware gets over it: none of it is certain to."""
        self.record.anomaly(f"{self.name}: {what} came again")
        if self.manners.hangs_on_duplicates:
            raise Hang("hung", f"{self.name}: {what} came again")

    def finish(self):
        data = b"".join(self.blocks)
        if self.manners.needs_options and self.manners.tsize and not self.options_agreed:
            return Result(UNUSABLE, detail="the server knows no options: the file is ignored")
        if self.size is not None and self.size != len(data):
            self.record.anomaly(f"{self.name}: tsize was {self.size}, {len(data)} bytes came")
        return Result(FOUND, data)


class Client:
    """The requests of one boot: source ports count up."""

    def __init__(self, nic, server, record, manners, first_port=49152):
        self.nic, self.server, self.record, self.manners = nic, server, record, manners
        self.next_port = first_port
        self.requests = self.packets = 0

    def is_lost(self, payload):
        """The cable's turn: requests and other packets are counted apart."""
        if payload[:2] == struct.pack("!H", RRQ):
            self.requests += 1
            lost = self.manners.loses_requests and self.requests % self.manners.loses_requests == 0
        else:
            self.packets += 1
            lost = self.manners.loses_packets and self.packets % self.manners.loses_packets == 0
        if lost:
            self.record.step("lost", f"packet of opcode {payload[1]}")
        return bool(lost)

    def transfer(self, name, probe):
        port, self.next_port = self.next_port, self.next_port + 1
        started = time.monotonic()
        self.record.step("tftp-ask", f"{name} from port {port}")
        result = Transfer(self, name, port, probe).run()
        detail = result.detail or f"{len(result.data)} bytes"
        verb = "tftp-probe" if probe else "tftp-read"
        self.record.step(verb, f"{name} {result.status} {detail} in {time.monotonic() - started:.2f} s")
        return result
