"""NFS version 3 and its MOUNT protocol (RFC 1813): the few calls that an intruder needs. Refused is None, everywhere."""

import collections
import struct

from .rpc import Connection, Reader, Unreachable, opaque

NFS_PORT, PORTMAP_PORT = 2049, 111
NFS, MOUNT, PORTMAP = 100003, 100005, 100000
GETATTR, LOOKUP, READLINK, READ, CREATE, MKDIR, SYMLINK, REMOVE, RMDIR, READDIRPLUS = 1, 3, 5, 6, 8, 9, 10, 12, 13, 17
REGULAR, DIRECTORY, LINK = 1, 2, 5
ATTRIBUTES = 84
NOTHING_SET = bytes(24)
READ_BYTES = 4096
LISTING_BYTES = 16384
LONGEST_PATH = 1024

Attributes = collections.namedtuple("Attributes", "kind mode uid gid size fsid inode")
Entry = collections.namedtuple("Entry", "name handle")


def attributes(reader):
    kind, mode, _, uid, gid, size, _, _, fsid, inode = reader.take("IIIIIQQQQQ")
    reader.skip(ATTRIBUTES - 60)
    return Attributes(kind, mode, uid, gid, size, fsid, inode)


def skip_attributes(reader):
    if reader.take("I"):
        reader.skip(ATTRIBUTES)


def entries(reader):
    """The list of a READDIRPLUS reply."""
    skip_attributes(reader)
    reader.skip(8)
    found = []
    while reader.take("I"):
        reader.skip(8)
        name = reader.opaque()
        reader.skip(8)
        skip_attributes(reader)
        found.append(Entry(name, reader.opaque() if reader.take("I") else None))
    return found


def looked_up(reader):
    return reader.opaque()


def content(reader):
    skip_attributes(reader)
    reader.skip(8)
    return reader.opaque()


def link_target(reader):
    skip_attributes(reader)
    return reader.opaque()


def made(reader):
    return reader.opaque() if reader.take("I") else None


class Nfs:
    """Each method takes a list and returns a list as long."""

    def __init__(self, server, privileged=True):
        self.connection = Connection(server, NFS_PORT, privileged)

    def calls(self, procedure, arguments, decode):
        results = []
        for body in self.connection.run((NFS, 3, procedure, each) for each in arguments):
            reader = Reader(body) if body else None
            results.append(decode(reader) if reader and reader.take("I") == 0 else None)
        return results

    def getattr(self, handles):
        return self.calls(GETATTR, (opaque(handle) for handle in handles), attributes)

    def lookup(self, pairs):
        return self.calls(LOOKUP, (opaque(handle) + opaque(name) for handle, name in pairs), looked_up)

    def readlink(self, handles):
        return self.calls(READLINK, (opaque(handle) for handle in handles), link_target)

    def read(self, handles):
        return self.calls(READ, (opaque(handle) + struct.pack("!QI", 0, READ_BYTES) for handle in handles), content)

    def list(self, handles):
        tail = struct.pack("!Q8xII", 0, LISTING_BYTES, LISTING_BYTES)
        return self.calls(READDIRPLUS, (opaque(handle) + tail for handle in handles), entries)

    def create(self, directory, name):
        return self.calls(CREATE, [opaque(directory) + opaque(name) + struct.pack("!I", 0) + NOTHING_SET], made)[0]

    def mkdir(self, directory, name):
        return self.calls(MKDIR, [opaque(directory) + opaque(name) + NOTHING_SET], made)[0]

    def symlink(self, directory, name, target):
        arguments = opaque(directory) + opaque(name) + NOTHING_SET + opaque(target)
        return self.calls(SYMLINK, [arguments], made)[0]

    def remove(self, pairs):
        self.connection.run((NFS, 3, REMOVE, opaque(directory) + opaque(name)) for directory, name in pairs)

    def rmdir(self, directory, name):
        self.connection.run([(NFS, 3, RMDIR, opaque(directory) + opaque(name))])


def service_port(server, program, version):
    """Where rpcbind says that a program is, over TCP."""
    question = struct.pack("!IIII", program, version, 6, 0)
    body = Connection(server, PORTMAP_PORT).run([(PORTMAP, 2, 3, question)])[0]
    port = Reader(body).take("I") if body else 0
    if port == 0:
        raise Unreachable(f"rpcbind knows no program {program}")
    return port


class Mount:
    def __init__(self, server, port, privileged=True):
        self.connection = Connection(server, port, privileged)

    def mount(self, paths):
        """The handle of each path, or None."""
        handles = []
        for path in paths:
            call = (MOUNT, 3, 1, opaque(path))
            body = self.connection.run([call])[0] if len(path) <= LONGEST_PATH else self.connection.once(call)
            reader = Reader(body) if body else None
            handles.append(reader.opaque() if reader and reader.take("I") == 0 else None)
        return handles
