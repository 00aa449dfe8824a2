"""The stages of each model: who asks for an address, which files are asked for in which order, what is missed.

Missing files are normal. What a model cannot go on without raises BootFailure.
"""

import struct

from . import dhcp, tftp
from .configtxt import Config
from .record import BootFailure

REVISIONS = {3: 0x00a02082, 4: 0x00c03114, 5: 0x00c04170}


def legacy_identity(serial):
    """Option 97 of older firmware: the serial, little endian, four times."""
    return b"\0" + struct.pack("<I", serial) * 4


def modern_identity(model, mac, serial, revision, swapped):
    """Option 97 since 2020: FourCC, board revision, the MAC's last four bytes, serial."""
    fourcc = b"RPi%d" % model
    return b"\0" + (fourcc[::-1] if swapped else fourcc) + struct.pack("<I", revision) + mac[2:] \
        + struct.pack("<I", serial)


class Firmware:
    """What the models share: reading below the prefix, and the end product."""

    attempts = 0                    # 0: starts over for ever, as BOOT_ORDER with a restart does
    restart_seconds = 5.0

    def __init__(self, nic, record, options):
        self.nic, self.record, self.options = nic, record, options
        self.serial = int(options.serial, 16)
        self.files = None
        self.prefix = ""
        self.config = Config(b"", options.model)

    # -- reading

    def use_tftp(self, lease, manners, first_port=49152):
        options = self.options
        manners.file_seconds = options.file_timeout
        manners.asks_twice, manners.hangs_on_duplicates = options.ask_twice, options.quirks
        manners.loses_requests, manners.loses_packets = options.lose_requests, options.lose_packets
        self.files = tftp.Client(self.nic, lease.tftp_server, self.record, manners, first_port)

    def read(self, name, prefixed=True):
        """The file's bytes; None if it is missing or cannot be used. Silence ends the attempt."""
        path = self.prefix + name if prefixed else name
        result = self.files.transfer(path, probe=False)
        if result.status == tftp.SILENT:
            raise BootFailure("tftp", f"{path}: {result.detail}")
        if result.status != tftp.FOUND:
            return None
        self.record.keep_file(name, result.data)
        return result.data

    def need(self, name, prefixed=True):
        data = self.read(name, prefixed)
        if data is None:
            raise BootFailure("firmware", f"{name} is missing")
        return data

    def exists(self, name):
        path = self.prefix + name
        result = self.files.transfer(path, probe=True)
        if result.status == tftp.SILENT:
            raise BootFailure("tftp", f"{path}: {result.detail}")
        return result.status == tftp.FOUND

    def configured_prefix(self):
        """TFTP_PREFIX: the serial, the MAC with dashes, or a text."""
        wanted = self.options.tftp_prefix
        known = {"serial": f"{self.serial:08x}/", "mac": self.nic.mac.hex("-") + "/", "none": ""}
        return known.get(wanted, wanted)

    def choose_prefix(self, *markers):
        """The directory of TFTP_PREFIX if it has one of the marker files, else everything from the root."""
        self.prefix = self.configured_prefix()
        if any(self.exists(marker) for marker in markers):
            return
        if not self.prefix:
            return
        self.prefix = ""
        self.record.step("prefix", "cleared: nothing below the serial")

    def read_config(self):
        data = self.read("config.txt")
        self.config = Config(data or b"", self.options.model)
        if self.config.cut:
            self.record.anomaly("config.txt is longer than 4096 bytes; the rest is ignored")

    def read_all(self, *names):
        for name in names:
            self.read(name)

    def read_overlays(self):
        self.read_all(*(f"overlays/{name}.dtbo" for name in self.config.overlays))

    # -- the end product

    def read_cmdline(self):
        """One line; a board knows no second."""
        text = (self.read(self.config.cmdline()) or b"").decode("utf-8", "replace").strip("\0\r\n ")
        if "\n" in text:
            self.record.anomaly("cmdline.txt has more than one line; the rest is ignored")
        return text.split("\n", 1)[0].strip()

    def read_kernel(self, candidates):
        for name in self.config.kernels(candidates):
            if self.exists(name):
                return name, self.need(name)
        raise BootFailure("firmware", "no kernel: tried " + ", ".join(self.config.kernels(candidates)))

    def read_initramfs(self, kernel):
        name = self.config.initramfs(kernel)
        return self.read(name) if name else None


class Pi3(Firmware):
    """Mask ROM, then bootcode.bin, then start.elf. The ROM has no second try: it is dead until a power cycle."""

    attempts = 1
    kernels = ("kernel8-32.img", "kernel8.img", "kernel7.img", "kernel.img")

    def profile(self, name, parameters, identity):
        rom = name == "rom"
        return dhcp.Profile(
            name, parameters, identity, constant_xid=True, udp_checksum=not rom, padded_menu=True, any_chaddr=rom,
            asks_for_lease=False, discover_seconds=5.0, discovers=5, total_seconds=25.0,
            locks_up_before=0.9 if rom and self.options.lockup else 0.0, needs_broadcast=rom and self.options.quirks)

    def boot(self):
        self.rom()
        self.bootcode()
        return self.start()

    def rom(self):
        """No prefix, no options; stops answering ARP when its transfer starts."""
        client = dhcp.Client(self.nic, self.profile("rom", dhcp.PARAMETERS_ROM, b"\0" + b"\x44" * 16), self.record)
        self.use_tftp(client.acquire(), tftp.Manners(tsize=False))
        self.nic.answers_arp = False
        self.need("bootcode.bin", prefixed=False)
        self.read("bootsig.bin", prefixed=False)
        self.nic.answers_arp = True

    def bootcode(self):
        """The second stage: an address again, then the serial's directory, tsize only."""
        self.record.step("stage", "bootcode.bin")
        profile = self.profile("bootcode", dhcp.PARAMETERS_BOOTCODE, legacy_identity(self.serial))
        lease = dhcp.Client(self.nic, profile, self.record).acquire()
        self.use_tftp(lease, tftp.Manners(tsize=True), first_port=49153)
        self.choose_prefix("start.elf")
        self.read("autoboot.txt")
        self.read_config()
        self.read("recovery.elf")
        self.need("start.elf")
        self.read("fixup.dat")

    def start(self):
        """The third stage, start.elf."""
        self.record.step("stage", "start.elf")
        self.read_all("recovery.elf", "config.txt")
        self.read_config()
        self.read_all("dt-blob.bin", "recovery.elf", "config.txt")
        self.read_config()
        self.read_all("bootcfg.txt", "bcm2710-rpi-3-b.dtb", "bcm2710-rpi-3-b.dtb", "overlays/overlay_map.dtb")
        self.read_config()
        self.read_overlays()
        self.read(self.config.cmdline())
        cmdline = self.read_cmdline()
        for name in ("recovery8.img", "recovery8-32.img", "recovery7.img", "recovery.img"):
            self.exists(name)
        name, kernel = self.read_kernel(self.kernels)
        return kernel, self.read_initramfs(name), cmdline


class Modern(Firmware):
    """What the boards with an EEPROM share."""

    def identity(self):
        if self.options.legacy_identity:
            return legacy_identity(self.serial)
        return modern_identity(self.options.model, self.nic.mac, self.serial,
                               REVISIONS[self.options.model], self.options.swapped_identity)

    early = False                   # has it the faults of the first images of its EEPROM?

    def acquire(self):
        """With TFTP_IP and CLIENT_IP set it asks nobody."""
        if self.options.static:
            return dhcp.static_lease(self.nic, *self.options.static, self.record)
        early = self.early and self.options.quirks
        profile = dhcp.Profile("eeprom", dhcp.PARAMETERS_EEPROM, self.identity(), class_in_request=not early,
                               chokes_on_padding=early, total_seconds=self.options.dhcp_timeout)
        return dhcp.Client(self.nic, profile, self.record).acquire()


class Pi4(Modern):
    """EEPROM, then start4.elf, which is a TFTP client again with an older block size."""

    early = True
    kernels = ("kernel8.img", "kernel7l.img", "kernel7.img", "kernel.img")

    def boot(self):
        lease = self.acquire()
        self.use_tftp(lease, tftp.Manners(tsize=True, blksize=1468))
        self.choose_prefix("start4.elf", "start.elf")
        self.read_config()
        self.read_all("pieeprom.sig", "recover4.elf", "recovery.elf")
        self.need("start4.elf")
        self.read("fixup4.dat")
        self.record.step("stage", "start4.elf")
        self.use_tftp(lease, tftp.Manners(tsize=True, blksize=1024), first_port=self.files.next_port)
        return self.start()

    def start(self):
        self.read("config.txt")
        self.read_config()
        self.read("dt-blob.bin")
        kernel_name = next((name for name in self.config.kernels(self.kernels) if self.exists(name)), None)
        if kernel_name is None:
            raise BootFailure("firmware", "no kernel: tried " + ", ".join(self.config.kernels(self.kernels)))
        initramfs = self.read_initramfs(kernel_name)
        self.read_all("bcm2711-rpi-4-b.dtb", "overlays/overlay_map.dtb", "config.txt")
        self.read_overlays()
        cmdline = self.read_cmdline()
        self.exists("armstub8-gic.bin")
        return self.need(kernel_name), initramfs, cmdline


class Pi5(Modern):
    """Everything inside the EEPROM's boot loader; no start*.elf is loaded."""

    kernels = ("kernel_2712.img", "kernel8.img", "kernel8_rt.img", "kernel7l.img", "kernel.img")

    def boot(self):
        self.use_tftp(self.acquire(), tftp.Manners(tsize=True, blksize=1468))
        self.choose_prefix("config.txt")
        self.read("autoboot.txt")
        self.read_config()
        self.read("pieeprom.sig")
        self.need("bcm2712-rpi-5-b.dtb")
        self.read_all("overlays/overlay_map.dtb", "overlays/hat_map.dtb")
        self.read_overlays()
        cmdline = self.read_cmdline()
        name, kernel = self.read_kernel(self.kernels)
        self.exists("armstub8-2712.bin")
        return kernel, self.read_initramfs(name), cmdline


MODELS = {3: Pi3, 4: Pi4, 5: Pi5}
