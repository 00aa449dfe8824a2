"""ONC RPC (RFC 5531) over TCP with AUTH_SYS as root: many calls at once, and again those that a broken connection lost."""

import errno
import socket
import struct

PRIVILEGED_PORTS = range(1023, 599, -1)
BATCH = 64
TRIES = 8
SECONDS = 5
LAST_FRAGMENT = 0x80000000
AUTH_SYS, AUTH_NONE = 1, 0
CALL, REPLY, ACCEPTED, SUCCESS = 0, 1, 0, 0

# stamp 0, a machine name of 3 letters, uid 0, gid 0, no further groups
CREDENTIAL = struct.pack("!II4sIII", 0, 3, b"lab", 0, 0, 0)


class Unreachable(Exception):
    """The server does not answer, so nothing is known."""


def opaque(data):
    return struct.pack("!I", len(data)) + data + b"\0" * (-len(data) % 4)


class Reader:
    """XDR, from the front to the back."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        values = struct.unpack_from("!" + form, self.data, self.at)
        self.at += struct.calcsize("!" + form)
        return values if len(values) > 1 else values[0]

    def skip(self, count):
        self.at += count

    def opaque(self):
        count = self.take("I")
        data = self.data[self.at:self.at + count]
        self.at += count + -count % 4
        return data


def call_message(xid, call):
    """A call is (program, version, procedure, arguments)."""
    program, version, procedure, arguments = call
    return (struct.pack("!IIIIII", xid, CALL, 2, program, version, procedure) +
            struct.pack("!I", AUTH_SYS) + opaque(CREDENTIAL) + struct.pack("!II", AUTH_NONE, 0) + arguments)


def reply_body(message):
    """What follows a reply's header; None if the RPC layer itself refused the call."""
    reader = Reader(message)
    _, kind, state = reader.take("III")
    if kind != REPLY or state != ACCEPTED:
        return None
    reader.take("I")
    reader.opaque()
    status = reader.take("I")
    return message[reader.at:] if status == SUCCESS else None


def bind_below_1024(sock):
    for port in PRIVILEGED_PORTS:
        try:
            sock.bind(("", port))
            return
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    raise Unreachable("no port below 1024 is free")


class Connection:
    """One TCP connection to one program, made again when it breaks."""

    def __init__(self, server, port, privileged=True):
        self.server, self.port, self.privileged = server, port, privileged
        self.sock = None
        self.next_xid = 1

    def connect(self):
        self.close()
        try:
            self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            self.sock.settimeout(SECONDS)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.privileged:
                bind_below_1024(self.sock)
            self.sock.connect((self.server, self.port))
        except OSError as error:
            self.close()
            raise Unreachable(f"cannot connect to {self.server} port {self.port}: {error}") from error

    def close(self):
        if self.sock is not None:
            self.sock.close()
            self.sock = None

    def receive(self, count):
        data = bytearray()
        while len(data) < count:
            part = self.sock.recv(count - len(data))
            if not part:
                raise ConnectionResetError("closed by the server")
            data += part
        return bytes(data)

    def receive_message(self):
        message = b""
        while True:
            mark = struct.unpack("!I", self.receive(4))[0]
            message += self.receive(mark & ~LAST_FRAGMENT)
            if mark & LAST_FRAGMENT:
                return message

    def exchange(self, waiting, answers):
        """Sends the calls that wait, {xid: call}; moves each that is answered to `answers`."""
        messages = [call_message(xid, call) for xid, call in waiting.items()]
        self.sock.sendall(b"".join(struct.pack("!I", LAST_FRAGMENT | len(message)) + message for message in messages))
        while waiting:
            message = self.receive_message()
            xid = struct.unpack_from("!I", message)[0]
            if waiting.pop(xid, None) is not None:
                answers[xid] = reply_body(message)

    def batch(self, calls):
        waiting = {self.next_xid + number: call for number, call in enumerate(calls)}
        order = list(waiting)
        self.next_xid += len(calls)
        answers = {}
        for _ in range(TRIES):
            try:
                if self.sock is None:
                    self.connect()
                self.exchange(waiting, answers)
                return [answers[xid] for xid in order]
            except (OSError, ValueError, struct.error):
                self.close()
        raise Unreachable(f"{len(waiting)} calls to port {self.port} were sent {TRIES} times and never answered")

    def once(self, call):
        """For a call that may make the server hang up, which is a refusal too."""
        self.connect()
        answers = {}
        try:
            self.exchange({1: call}, answers)
        except (OSError, ValueError, struct.error):
            self.close()
        return answers.get(1)

    def run(self, calls):
        """One body, or None, for each call."""
        calls = list(calls)
        bodies = []
        for start in range(0, len(calls), BATCH):
            bodies += self.batch(calls[start:start + BATCH])
        return bodies


def null_over_udp_is_answered(server, port, program, version, seconds=3):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        bind_below_1024(sock)
        sock.settimeout(seconds)
        sock.connect((server, port))
        try:
            sock.send(call_message(1, (program, version, 0, b"")))
            return reply_body(sock.recv(4096)) is not None
        except OSError:
            return False
