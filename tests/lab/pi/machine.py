"""The board after its firmware: QEMU runs the kernel that was fetched, with the command line that was fetched."""

import gzip
import subprocess

from .processes import die_with_parent

MEMORY_MIB = 256
# What a PC needs to be seen and to call its interface eth0; a panic ends it.
PC_NEEDS = "console=ttyS0 net.ifnames=0 panic=-1 mitigations=off"
REPORTED = b"REPORT done"
PANIC = b"Kernel panic"
GZIP = b"\x1f\x8b"


class Machine:
    """Runs until it powers off, panics or is stopped."""

    def __init__(self, record, namespace, tap, mac):
        self.record, self.namespace, self.tap, self.mac = record, namespace, tap, mac
        self.process = None

    def write_files(self, kernel, initramfs):
        """The firmware unpacks a compressed kernel; so do we."""
        directory = self.record.directory / "machine"
        directory.mkdir(exist_ok=True)
        (directory / "kernel").write_bytes(gzip.decompress(kernel) if kernel.startswith(GZIP) else kernel)
        files = ["-kernel", directory / "kernel"]
        if initramfs:
            (directory / "initramfs").write_bytes(initramfs)
            files += ["-initrd", directory / "initramfs"]
        return files

    def start(self, kernel, initramfs, cmdline):
        command = [
            "ip", "netns", "exec", self.namespace, "qemu-system-x86_64", "-nodefaults", "-no-user-config",
            "-display", "none", "-no-reboot", "-accel", "tcg", "-cpu", "max", "-m", str(MEMORY_MIB),
            "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console",
            "-netdev", f"tap,id=net,ifname={self.tap},script=no,downscript=no,vhost=off",
            "-device", f"virtio-net-pci,netdev=net,romfile=,mac={self.mac}",
            *map(str, self.write_files(kernel, initramfs)), "-append", f"{cmdline} {PC_NEEDS}".strip()]
        self.record.step("kernel", f"starts with: {command[-1]}")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, preexec_fn=die_with_parent)
        self.record.state("kernel")

    def follow(self):
        """Copies the console until the machine ends; returns its last state."""
        state, line = "kernel", b""
        while data := self.process.stdout.read1(65536):
            self.record.console(data)
            *lines, line = (line + data).split(b"\n")
            for each in lines:
                state = self.judge(each, state)
        self.process.wait()
        if state == "kernel":
            state = "failed kernel the machine ended before its userland reported"
        return state

    def judge(self, line, state):
        if line.startswith(b"REPORT "):
            self.record.step("report", line[7:].decode("utf-8", "replace").strip())
        if PANIC in line:
            self.record.step("panic", line.decode("utf-8", "replace").strip())
            return "failed kernel panic"
        if line.startswith(REPORTED) and state == "kernel":
            self.record.state("booted")
            return "booted"
        return state

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
