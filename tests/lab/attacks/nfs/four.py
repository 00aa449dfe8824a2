"""NFS version 4.2 (RFC 8881, RFC 7862): the calls of calls.Nfs that only look, as compounds of a session of its own."""

import os
import struct
import time

from .calls import LISTING_BYTES, NFS, NFS_PORT, READ_BYTES, Attributes, Entry
from .rpc import Connection, Reader, Unreachable, opaque

COMPOUND, MINOR = 1, 2
GETATTR, GETFH, LOOKUP, LOOKUPP, PUTFH, PUTROOTFH, READ, READDIR, READLINK = 9, 10, 15, 16, 22, 24, 25, 26, 27
EXCHANGE_ID, CREATE_SESSION, SEQUENCE, RECLAIM_COMPLETE = 42, 43, 53, 58
SLOTS = 32
LARGEST = 65536
OPERATIONS = 8
# NFS4ERR_DELAY, NFS4ERR_GRACE (RFC 8881 section 15.1): no answer yet, as while nfsd waits for mountd; it is asked again.
NOT_YET = (10008, 10013)
TRIES, PAUSE = 20, 0.5
# Attributes by their bits: type, size, fsid, fileid; of a directory's entries: rdattr_error, filehandle.
LOOKED_AT = struct.pack("!II", 1, 1 << 1 | 1 << 4 | 1 << 8 | 1 << 20)
OF_ENTRIES = struct.pack("!II", 1, 1 << 11 | 1 << 19)


def operation(number, arguments=b""):
    return struct.pack("!I", number) + arguments


def put(handle):
    return operation(PUTFH, opaque(handle))


def lookup_of(name):
    return operation(LOOKUPP) if name == b".." else operation(LOOKUP, opaque(name))


def take_opaque(reader):
    return reader.opaque()


def take_attributes(reader):
    reader.skip(4 * reader.take("I"))
    values = Reader(reader.opaque())
    kind, size, fsid, _, inode = values.take("IQQQQ")
    return Attributes(kind, 0, 0, 0, size, fsid, inode)


def take_content(reader):
    reader.take("I")
    return reader.opaque()


def take_entries(reader):
    reader.skip(8)
    found = []
    while reader.take("I"):
        reader.skip(8)
        name = reader.opaque()
        bits = reader.take(f"{reader.take('I')}I")
        values = Reader(reader.opaque())
        first = bits[0] if isinstance(bits, tuple) else bits
        if first & 1 << 11:
            values.take("I")
        found.append(Entry(name, values.opaque() if first & 1 << 19 else None))
    return found


def channel():
    return struct.pack("!IIIIIII", 0, LARGEST, LARGEST, 0, OPERATIONS, SLOTS, 0)


class Nfs4:
    """Each method takes a list and returns a list as long; refused is None."""

    def __init__(self, server):
        self.connection = Connection(server, NFS_PORT)
        self.session, self.sequences = None, []
        self.begin()

    # ---- compounds ----

    def call(self, *operations):
        arguments = opaque(b"") + struct.pack("!II", MINOR, len(operations)) + b"".join(operations)
        return (NFS, 4, COMPOUND, arguments)

    def results(self, body):
        """A reader behind the compound's head, and its status."""
        if body is None:
            return None, None
        reader = Reader(body)
        status = reader.take("I")
        reader.opaque()
        reader.take("I")
        return reader, status

    def must(self, what, *operations):
        reader, status = self.results(self.connection.run([self.call(*operations)])[0])
        if status != 0:
            raise Unreachable(f"{what}: status {status}")
        reader.take("II")
        return reader

    def begin(self):
        owner = os.urandom(8) + opaque(b"nfs-forge %d" % os.getpid()) + struct.pack("!III", 0, 0, 0)
        reader = self.must("EXCHANGE_ID", operation(EXCHANGE_ID, owner))
        client, sequence = reader.take("QI")
        tail = struct.pack("!II", 0x40000000, 1) + struct.pack("!I", 0)
        reader = self.must("CREATE_SESSION", operation(CREATE_SESSION, struct.pack("!QII", client, sequence, 0) + channel() +
                                                       channel() + tail))
        self.session = reader.data[reader.at:reader.at + 16]
        reader.skip(16)
        slots = reader.take("IIIIIIII")[7]
        self.sequences = [0] * min(slots, SLOTS)
        self.run([operation(RECLAIM_COMPLETE, struct.pack("!I", 0))], lambda reader: True)

    def sequence(self, slot):
        self.sequences[slot] += 1
        return operation(SEQUENCE, self.session + struct.pack("!IIII", self.sequences[slot], slot, len(self.sequences) - 1, 0))

    def answer(self, body, decode, operations):
        """What decode makes of the last operation's result, if all went well."""
        reader, status = self.results(body)
        if status != 0:
            return None
        reader.skip(8 + 16 + 20)
        for last in range(operations):
            reader.take("II")
            if last + 1 < operations:
                continue
            return decode(reader)

    def run(self, wanted, decode):
        """Operations, or lists of them of which only the last has a result of its own."""
        wanted, results = [each if isinstance(each, list) else [each] for each in wanted], []
        slots = len(self.sequences)
        for start in range(0, len(wanted), slots):
            batch = wanted[start:start + slots]
            results += [self.answer(body, decode, len(each)) for body, each in zip(self.bodies(batch), batch)]
        return results

    def bodies(self, batch):
        """The replies to one compound a slot; those that are told to wait are sent again."""
        bodies, slots = [None] * len(batch), range(len(batch))
        for _ in range(TRIES):
            replies = self.connection.run([self.call(self.sequence(slot), *batch[slot]) for slot in slots])
            for slot, body in zip(slots, replies):
                bodies[slot] = body
            slots = [slot for slot in slots if self.results(bodies[slot])[1] in NOT_YET]
            if not slots:
                return bodies
            time.sleep(PAUSE)
        raise Unreachable(f"{len(slots)} calls were answered with a delay {TRIES} times")

    # ---- the calls ----

    def getattr(self, handles):
        return self.run([[put(handle), operation(GETATTR, LOOKED_AT)] for handle in handles], take_attributes)

    def lookup(self, pairs):
        return self.run([[put(handle), lookup_of(name), operation(GETFH)] for handle, name in pairs], take_opaque)

    def readlink(self, handles):
        return self.run([[put(handle), operation(READLINK)] for handle in handles], take_opaque)

    def read(self, handles):
        arguments = bytes(16) + struct.pack("!QI", 0, READ_BYTES)
        return self.run([[put(handle), operation(READ, arguments)] for handle in handles], take_content)

    def list(self, handles):
        arguments = bytes(16) + struct.pack("!II", LISTING_BYTES, LISTING_BYTES) + OF_ENTRIES
        return self.run([[put(handle), operation(READDIR, arguments)] for handle in handles], take_entries)

    def walk(self, names):
        """The handles of the server's root and of each name below it, one after the other."""
        paths = [names[:count] for count in range(len(names) + 1)]
        return self.run([[operation(PUTROOTFH), *map(lookup_of, path), operation(GETFH)] for path in paths], take_opaque)
