"""The bytes of the stand-in for the boot ROM, against what was captured from boards. Run by tests/lab/selftest."""

import argparse
import socket
import struct
import time
import unittest

from . import dhcp, firmware, tftp, wire

MAC = bytes.fromhex("dca632012503")
SERIAL = 0xb66c4c16


class FakeNic:
    mac = MAC


class FakeRecord:
    def step(self, *_):
        """Nobody reads it."""

    anomaly = step


def discover(profile):
    return dhcp.Client(FakeNic(), profile, FakeRecord()).message(dhcp.DISCOVER)


def rom_profile():
    options = argparse.Namespace(model=3, serial=f"{SERIAL:08x}", lockup=True, quirks=True)
    pi3 = firmware.Pi3(FakeNic(), FakeRecord(), options)
    return pi3.profile("rom", dhcp.PARAMETERS_ROM, b"\0" + b"\x44" * 16)


class Discover(unittest.TestCase):
    def test_mask_rom(self):
        message = discover(rom_profile())
        self.assertEqual(len(message), 320)
        self.assertEqual(message[:12].hex(), "0101060026f3033900000000")
        self.assertEqual(message[240:].hex(),
                         "350101" "370c2b3c43808182838485868742" "5d020000" "5e03010201" "611100" + "44" * 16
                         + "3c20" + b"PXEClient:Arch:00000:UNDI:002001".hex() + "ff")

    def test_bootcode(self):
        profile = dhcp.Profile("bootcode", dhcp.PARAMETERS_BOOTCODE, firmware.legacy_identity(SERIAL))
        message = discover(profile)
        self.assertEqual(len(message), 322)
        self.assertIn(bytes.fromhex("370e2b3c438081828384858687420103"), message)
        self.assertIn(bytes.fromhex("611100" + "164c6cb6" * 4), message)

    def test_eeprom(self):
        identity = firmware.modern_identity(4, MAC, SERIAL, 0x00c03140, swapped=False)
        message = discover(dhcp.Profile("eeprom", dhcp.PARAMETERS_EEPROM, identity))
        self.assertEqual(len(message), 322)
        self.assertEqual(14 + 20 + 8 + len(message), 364)
        self.assertIn(bytes.fromhex("370e01032b3c42438081828384858687"), message)
        self.assertIn(bytes.fromhex("6111005250693440" "31c00032012503" "164c6cb6"), message)

    def test_swapped_identity(self):
        identity = firmware.modern_identity(4, MAC, SERIAL, 0x00a03141, swapped=True)
        self.assertTrue(identity.startswith(bytes.fromhex("00346950524131a000")))


class Read(unittest.TestCase):
    @staticmethod
    def request(manners, name):
        client = argparse.Namespace(nic=FakeNic(), record=FakeRecord(), manners=manners, server="192.168.10.11")
        return tftp.Transfer(client, name, 49152, probe=False).request()

    def test_requests(self):
        self.assertEqual(self.request(tftp.Manners(tsize=False), "bootcode.bin"), b"\0\1bootcode.bin\0octet\0")
        self.assertEqual(self.request(tftp.Manners(tsize=True), "1/start.elf"), b"\0\1" b"1/start.elf\0octet\0tsize\0" b"0\0")
        self.assertEqual(self.request(tftp.Manners(tsize=True, blksize=1468), "c"),
                         b"\0\1c\0octet\0tsize\0" b"0\0blksize\0" b"1468\0")

    def test_early_terminate(self):
        self.assertEqual(tftp.EARLY_TERMINATE, bytes.fromhex("00050000") + b"Early terminate\0")


class Faults(unittest.TestCase):
    """Of the boards in the field."""

    def test_padding(self):
        self.assertTrue(dhcp.has_padding(bytes.fromhex("350102" "00" "ff")))
        self.assertFalse(dhcp.has_padding(bytes.fromhex("350100" "ff" "0000")))

    def test_request_without_class(self):
        profile = dhcp.Profile("early", b"", b"", class_in_request=False)
        client = dhcp.Client(FakeNic(), profile, FakeRecord())
        self.assertIn(dhcp.VENDOR_CLASS, client.message(dhcp.DISCOVER))
        self.assertNotIn(dhcp.VENDOR_CLASS, client.message(dhcp.REQUEST))

    def test_offer_waits_for_a_broadcast(self):
        ours, board = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        with ours, board:
            nic = wire.Nic(Frames(board), "dc:a6:32:01:25:03", FakeRecord())
            nic.holds_back = True
            ours.send(frame(MAC, b"the offer"))
            self.assertIsNone(nic.receive(time.monotonic() + 0.05))
            ours.send(frame(wire.BROADCAST_MAC, b"another"))
            self.assertEqual(nic.receive(time.monotonic() + 1).payload, b"the offer")
            self.assertIsNone(nic.receive(time.monotonic() + 0.05))

    def test_duplicates_hang(self):
        client = tftp.Client(FakeNic(), "192.168.10.11", FakeRecord(), tftp.Manners(tsize=True, hangs_on_duplicates=True))
        transfer = tftp.Transfer(client, "f", 49152, probe=False)
        transfer.send = lambda payload: None
        transfer.handle(b"\0\6tsize\0" b"512\0")
        transfer.handle(b"\0\3\0\1" + b"x" * 512)
        with self.assertRaises(tftp.Hang):
            transfer.handle(b"\0\3\0\1" + b"x" * 512)

    def test_each_third_request_is_lost(self):
        client = tftp.Client(FakeNic(), "192.168.10.11", FakeRecord(), tftp.Manners(tsize=True, loses_requests=3))
        self.assertEqual([client.is_lost(b"\0\1") for _ in range(6)], [False, False, True] * 2)
        self.assertFalse(any(client.is_lost(b"\0\3\0\1") for _ in range(6)))


class Frames:
    """The socket of a Nic, over a pair of sockets."""

    def __init__(self, sock):
        self.sock, self.fileno = sock, sock.fileno

    def recvmsg(self, size, _):
        return self.sock.recv(size), [], 0, ("eth0", wire.ETH_IPV4, socket.PACKET_HOST)


def frame(destination, payload):
    source, target = wire.packed("192.168.10.11"), wire.packed("192.168.10.12")
    return destination + b"\2\0\0\0\0\1" + struct.pack("!H", wire.ETH_IPV4) + wire.ip_packet(
        source, target, wire.udp_datagram(source, target, 67, 68, payload, with_checksum=True))


class Datagram(unittest.TestCase):
    source, destination = wire.packed("0.0.0.0"), wire.packed("255.255.255.255")

    def test_without_checksum(self):
        datagram = wire.udp_datagram(self.source, self.destination, 68, 67, b"x", with_checksum=False)
        self.assertEqual(datagram[:8], struct.pack("!HHHH", 68, 67, 9, 0))

    def test_checksum_verifies(self):
        datagram = wire.udp_datagram(self.source, self.destination, 68, 67, b"odd", with_checksum=True)
        header = wire.udp_pseudo_header(self.source, self.destination, len(datagram))
        self.assertEqual(wire.checksum(header + datagram), 0)

    def test_ip_header(self):
        packet = wire.ip_packet(self.source, self.destination, b"")
        self.assertEqual(packet[:10].hex(), "45000014000000008011")
        self.assertEqual(wire.checksum(packet), 0)


class Offer(unittest.TestCase):
    @staticmethod
    def offer(menu):
        options = {60: b"PXEClient", 54: b"\xc0\xa8\x0a\x0b",
                   43: b"\6\1\3\x0a\4\0PXE\x09" + bytes([len(menu) + 3]) + b"\0\0" + bytes([len(menu)]) + menu + b"\xff"}
        return dhcp.Reply("192.168.10.11", 0, dhcp.OFFER, "0.0.0.0", "0.0.0.0", MAC, False, False, options)

    def test_menu(self):
        modern = dhcp.Client(FakeNic(), dhcp.Profile("eeprom", b"", b""), FakeRecord())
        rom = dhcp.Client(FakeNic(), rom_profile(), FakeRecord())
        for menu, modern_takes, rom_takes in ((b"Raspberry Pi Boot", True, False), (b"Raspberry Pi Boot   ", True, True),
                                              (b"~~Raspberry Pi Boot~~", True, False), (b"PXE", False, False)):
            self.assertEqual(modern.is_pxe(self.offer(menu)), modern_takes)
            self.assertEqual(rom.is_pxe(self.offer(menu)), rom_takes)


if __name__ == "__main__":
    unittest.main()
