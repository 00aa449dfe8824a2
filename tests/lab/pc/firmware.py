"""The kinds of firmware: which machine of QEMU it runs in, which files it is, and what it needs to boot from its network."""

import dataclasses
import pathlib
import shutil

OVMF = "/usr/share/OVMF/OVMF_"
AAVMF = "/usr/share/AAVMF/AAVMF_"
U_BOOT = "/usr/lib/u-boot/qemu_arm64/u-boot.bin"
X86 = "qemu-system-x86_64"
# TCG is slow where a table of pages has five levels.
X86_PROCESSOR = ("-cpu", "max,la57=off")
ARM64 = "qemu-system-aarch64"
ARM64_MACHINE = ("-machine", "virt", "-cpu", "cortex-a57")


class MissingFirmware(Exception):
    """What the person who runs the lab must install."""


@dataclasses.dataclass
class Kind:
    """One firmware. `flash` is its program and its variables, for UEFI; `rom`: its network device has the ROM of ipxe-qemu."""
    program: str
    arguments: tuple
    package: str
    network: str = "virtio-net-pci"
    rom: bool = False
    flash: tuple = ()
    memory_mib: int = 256

    def files(self):
        return [word for word in (*self.flash, *self.arguments) if word.startswith("/")]


KINDS = {
    # SeaBIOS, which shows its console on the serial port if there is no display.
    "ipxe": Kind(X86, ("-machine", "pc,graphics=off", *X86_PROCESSOR), "ipxe-qemu", rom=True),
    # Without a ROM the network device has EDK2's own driver.
    "ovmf": Kind(X86, ("-machine", "q35", *X86_PROCESSOR), "ovmf", memory_mib=512,
                 flash=(OVMF + "CODE_4M.fd", OVMF + "VARS_4M.fd")),
    "aavmf": Kind(ARM64, ARM64_MACHINE, "qemu-efi-aarch64", memory_mib=512, flash=(AAVMF + "CODE.fd", AAVMF + "VARS.fd")),
    # Its driver for virtio takes the first byte of the MAC for all six.
    "uboot": Kind(ARM64, (*ARM64_MACHINE, "-bios", U_BOOT), "u-boot-qemu", network="e1000", memory_mib=512),
}


def flash_drives(kind, directory):
    """The program as it is installed; of the variables a copy, which it writes to."""
    if not kind.flash:
        return []
    code, variables = kind.flash
    copy = shutil.copy(variables, directory / "variables")
    return ["-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={code}",
            "-drive", f"if=pflash,format=raw,unit=1,file={copy}"]


def arguments(kind, directory):
    """QEMU's, beside those of every board."""
    for path in kind.files():
        if not pathlib.Path(path).exists():
            raise MissingFirmware(f"no {path}: install {kind.package}")
    return [*kind.arguments, "-m", kind.memory_mib, "-boot", "reboot-timeout=1", "-device", "virtio-rng-pci",
            *flash_drives(kind, directory)]
