"""The machine with nfsd: QEMU with Debian's kernel on the host's own files."""

import asyncio
import hashlib
import os
import pathlib
import re
import shlex
import socket
import sys

from . import processes
from .processes import LabError

LAB = pathlib.Path(__file__).resolve().parent.parent
TOP = LAB.parent.parent
QEMU = "qemu-system-x86_64"
MEMORY_MIB = 2048
PROCESSORS = 2
STAGE_ONE_MODULES = "virtio_pci virtiofs overlay virtio_console"
KVM_PROBE_SECONDS = 10
PANIC = re.compile(r"Kernel panic|BUG:|Oops:")
PASSED_ON = ("DISKLESS_", "LAB_")
PASSED_ON_EXACTLY = {"VARIANT", "CC", "V", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "LLVM_PROFILE_FILE"}

# /usr/lib/qemu has the C program of Debian 12, /usr/libexec its successor in Rust; their options differ.
OLD_VIRTIOFSD = pathlib.Path("/usr/lib/qemu/virtiofsd")
NEW_VIRTIOFSD = pathlib.Path("/usr/libexec/virtiofsd")


def cache_directory():
    return pathlib.Path(os.environ.get("DISKLESS_CACHE", TOP / ".cache/lab"))


async def kernel_directory():
    """What tests/lab/kernel prints; its own words go to our stderr."""
    process = await processes.start([LAB / "kernel"], stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    if process.returncode != 0:
        raise LabError("no kernel for the lab's machine, see above")
    return pathlib.Path(output.decode().strip())


async def initramfs(kernel):
    """Stage one, packed once for each kernel and each form of the scripts that make it."""
    parts = [LAB / "initramfs", LAB / "machine/init", kernel / "release"]
    digest = hashlib.sha256(STAGE_ONE_MODULES.encode())
    for part in parts:
        digest.update(part.read_bytes())
    packed = cache_directory() / f"initramfs-{digest.hexdigest()[:12]}"
    if not packed.exists():
        beside = packed.with_name(f"{packed.name}.{os.getpid()}")
        await processes.run([LAB / "initramfs", beside, LAB / "machine/init", STAGE_ONE_MODULES])
        beside.rename(packed)
    return packed


async def accelerator(kernel):
    """Software emulation, unless KVM is asked for and a kernel gets to its panic under it in time."""
    if os.environ.get("DISKLESS_ACCEL", "tcg") != "kvm":
        return ["-accel", "tcg,thread=multi", "-cpu", "max"]
    kvm = ["-accel", "kvm", "-cpu", "host"]
    probe = await processes.start(
        [QEMU, "-nodefaults", "-display", "none", "-no-reboot", "-m", "256", *kvm,
         "-kernel", kernel / "vmlinuz", "-append", "panic=-1"],
        stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL)
    try:
        if await asyncio.wait_for(probe.wait(), KVM_PROBE_SECONDS) == 0:
            return kvm
    except asyncio.TimeoutError:
        pass
    finally:
        await processes.stop(probe)
    print("lab: run: KVM does not work here, falling back to emulation", file=sys.stderr)
    return ["-accel", "tcg,thread=multi", "-cpu", "max"]


class Share:
    """A virtiofsd that serves one directory on a socket that we made."""

    def __init__(self, directory, path, cache):
        self.directory, self.path, self.cache = directory, path, cache
        self.process = None

    def command(self, descriptor):
        # An overlay has no use for directories that are announced as mount points: each is "remote" to it.
        if NEW_VIRTIOFSD.exists():
            return [NEW_VIRTIOFSD, f"--fd={descriptor}", f"--shared-dir={self.directory}", f"--cache={self.cache}",
                    "--sandbox=chroot", "--no-announce-submounts", "--log-level=error"]
        if OLD_VIRTIOFSD.exists():
            return [OLD_VIRTIOFSD, "-f", f"--fd={descriptor}", "-o", f"source={self.directory}",
                    "-o", f"cache={self.cache}", "-o", "sandbox=chroot", "-o", "log_level=err"]
        raise LabError("no virtiofsd: install what packaging/packages names")

    async def start(self, log):
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(self.path))
        listener.listen(1)
        with listener:
            self.process = await processes.start(
                self.command(listener.fileno()), pass_fds=[listener.fileno()],
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log)

    def devices(self, tag):
        return ["-chardev", f"socket,id={tag},path={self.path}",
                "-device", f"vhost-user-fs-pci,chardev={tag},tag={tag}"]


class Machine:
    """Started once; `results` is shared with it as /run/lab, `sockets` is a private directory with a short name."""

    def __init__(self, results, sockets, command):
        self.results, self.sockets, self.command = results, sockets, command
        self.process = None
        self.shares = {"hostroot": Share("/", sockets / "root", "always"),
                       "labshare": Share(results, sockets / "share", "none" if not NEW_VIRTIOFSD.exists() else "never")}

    def write_orders(self, kernel):
        """Tells stages one and two where things are and what to run."""
        places = {"LAB_TOP": TOP, "LAB_CACHE": kernel.parent}
        text = "".join(f"{name}={shlex.quote(str(value))}\n" for name, value in places.items())
        (self.results / "machine").write_text(text)
        passed = {name: value for name, value in os.environ.items()
                  if name.startswith(PASSED_ON) or name in PASSED_ON_EXACTLY}
        passed["DISKLESS_CACHE"] = str(kernel.parent)
        exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in passed.items())
        (self.results / "command").write_text(
            f"{exports}cd {shlex.quote(str(TOP))} || exit\nexec {shlex.join(self.command)}\n")

    def arguments(self, kernel, packed, accel, tap, ports):
        """`ports` are names of virtio-serial ports whose sockets listen in `sockets`."""
        line = "console=ttyS0 panic=-1 oops=panic mitigations=off net.ifnames=0 quiet loglevel=6"
        devices = ["-device", "virtio-serial-pci"]
        for port in ports:
            devices += ["-chardev", f"socket,id={port},path={self.sockets / port}",
                        "-device", f"virtserialport,chardev={port},name=lab.{port}"]
        for tag, share in self.shares.items():
            devices += share.devices(tag)
        if tap:
            # No offloads: what leaves the machine is complete, checksums included, as on a wire.
            devices += ["-netdev", f"tap,id=net,ifname={tap},script=no,downscript=no,vhost=off",
                        "-device", "virtio-net-pci,netdev=net,romfile=,mac=52:54:00:00:00:0b,csum=off,gso=off,"
                        "guest_csum=off,guest_tso4=off,guest_tso6=off,guest_ufo=off,mrg_rxbuf=off"]
        if "LAB_DISK" in os.environ:
            devices += ["-drive", f"file={os.environ['LAB_DISK']},if=none,id=disk,format=raw,cache=writeback",
                        "-device", "virtio-blk-pci,drive=disk"]
        if tap and "LAB_PCAP" in os.environ:
            devices += ["-object", f"filter-dump,id=dump,netdev=net,file={self.results / 'network.pcap'}"]
        return [QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", *accel,
                "-smp", PROCESSORS, "-m", MEMORY_MIB,
                "-object", f"memory-backend-memfd,id=mem,size={MEMORY_MIB}M,share=on", "-numa", "node,memdev=mem",
                "-serial", f"file:{self.results / 'kernel.log'}",
                "-kernel", kernel / "vmlinuz", "-initrd", packed, "-append", line, *devices]

    async def start(self, namespace, tap, ports):
        kernel = await kernel_directory()
        packed = await initramfs(kernel)
        accel = await accelerator(kernel)
        self.write_orders(kernel)
        with open(self.results / "host.log", "ab") as log:
            for share in self.shares.values():
                await share.start(log)
            self.process = await processes.start(
                processes.in_namespace(namespace, self.arguments(kernel, packed, accel, tap, ports)),
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log)

    async def stop(self):
        await processes.stop(self.process)
        for share in self.shares.values():
            await processes.stop(share.process)

    def last_words(self, count):
        """The kernel's own explanation of a sudden end, and what QEMU and virtiofsd said."""
        words = []
        for name in ("kernel.log", "host.log"):
            path = self.results / name
            lines = path.read_text(errors="replace").splitlines() if path.exists() else []
            causes = [number for number, line in enumerate(lines) if PANIC.search(line)]
            start = max(causes[0] - 2, 0) if causes else max(len(lines) - count, 0)
            words += lines[start:start + count]
        return words

    def status(self):
        """The command's exit status, or None if the machine ended without telling one."""
        try:
            return int((self.results / "status").read_text())
        except FileNotFoundError:
            return None
