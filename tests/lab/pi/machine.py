"""A machine of QEMU that is judged by its console: the board after its firmware, with the kernel that was fetched, or a PC."""

import gzip
import os
import subprocess

from .processes import die_with_parent

ARM64_IMAGE = (56, b"ARM\x64")  # Documentation/arch/arm64/booting.rst
# Like the kernel, the machine that stands in for the board's: QEMU has none of a Pi 4 with its network.
PC = ["qemu-system-x86_64", "-cpu", "max", "-m", "256"]
ARM64 = ["qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a72", "-m", "768"]
# What they need to be seen and to call their interface eth0; a panic ends them.
PC_NEEDS = "console=ttyS0 net.ifnames=0 panic=-1 mitigations=off"
ARM64_NEEDS = "console=ttyAMA0 net.ifnames=0 panic=-1 mitigations=off"
REPORTED = b"REPORT done"
KERNEL = b"Linux version "
PANIC = b"Kernel panic"
GZIP = b"\x1f\x8b"


class Machine:
    """Runs until it powers off, panics or is stopped."""

    def __init__(self, record, namespace, tap, mac):
        self.record, self.namespace, self.tap, self.mac = record, namespace, tap, mac
        self.process = None

    def directory(self):
        directory = self.record.directory / "machine"
        directory.mkdir(exist_ok=True)
        return directory

    def launch(self, program, *arguments, device="virtio-net-pci", rom=False, first=False):
        """
        QEMU on the board's tap, with nothing but the network, and its console on our pipe. `device` is its kind. `rom`: it has
        the ROM that QEMU gives it, which alone it fits to the device. `first`: the firmware boots from it.
        """
        device += f",netdev=net,mac={self.mac}" + ("" if rom else ",romfile=") + (",bootindex=1" if first else "")
        command = [
            "ip", "netns", "exec", self.namespace, program, "-nodefaults", "-no-user-config",
            "-display", "none", "-no-reboot", "-accel", "tcg",
            "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console",
            "-netdev", f"tap,id=net,ifname={self.tap},script=no,downscript=no,vhost=off",
            "-device", device, *map(str, arguments), *self.dump()]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, preexec_fn=die_with_parent)

    def dump(self):
        """All that crosses its network device, if LAB_PCAP is set."""
        if "LAB_PCAP" not in os.environ:
            return []
        return ["-object", f"filter-dump,id=dump,netdev=net,file={self.record.directory}/network.pcap"]

    def write_files(self, kernel, initramfs):
        """The firmware unpacks a compressed kernel; so do we."""
        directory = self.directory()
        (directory / "kernel").write_bytes(kernel)
        files = ["-kernel", directory / "kernel"]
        if initramfs:
            (directory / "initramfs").write_bytes(initramfs)
            files += ["-initrd", directory / "initramfs"]
        return files

    def start(self, kernel, initramfs, cmdline):
        kernel = gzip.decompress(kernel) if kernel.startswith(GZIP) else kernel
        offset, magic = ARM64_IMAGE
        machine, needs = (ARM64, ARM64_NEEDS) if kernel[offset:offset + 4] == magic else (PC, PC_NEEDS)
        line = f"{cmdline} {needs}".strip()
        self.record.step("kernel", f"starts with: {line}")
        self.launch(*machine, *self.write_files(kernel, initramfs), "-append", line)
        self.record.state("kernel")

    def follow(self, state="kernel"):
        """Copies the console until the machine ends; returns its last state."""
        line = b""
        while data := self.process.stdout.read1(65536):
            self.record.console(data)
            *lines, line = (line + data).split(b"\n")
            for each in lines:
                state = self.judge(each, state)
        self.process.wait()
        if state in ("rom", "kernel"):
            state = f"failed {state} the machine ended before its userland reported"
        return state

    def judge(self, line, state):
        if line.startswith(b"REPORT "):
            self.record.step("report", line[7:].decode("utf-8", "replace").strip())
        if PANIC in line:
            self.record.step("panic", line.decode("utf-8", "replace").strip())
            return "failed kernel panic"
        if KERNEL in line and state == "rom":
            self.record.state("kernel")
            return "kernel"
        if line.startswith(REPORTED) and state == "kernel":
            self.record.state("booted")
            return "booted"
        return state

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
