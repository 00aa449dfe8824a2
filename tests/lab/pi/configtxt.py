"""The little of config.txt that decides which files are fetched."""

LIMIT = 4096
SECTIONS = {3: {"all", "pi3"}, 4: {"all", "pi4"}, 5: {"all", "pi5"}}


class Config:
    """Reads what lies within the first 4096 bytes and in sections for this model; the last assignment counts."""

    def __init__(self, data, model):
        self.values = {}
        self.initramfs_line = None
        self.overlays = []
        self.cut = len(data) > LIMIT
        applies = True
        for line in data[:LIMIT].decode("utf-8", "replace").splitlines():
            line = line.split("#", 1)[0].strip()
            if line.startswith("[") and line.endswith("]"):
                applies = line[1:-1].lower() in SECTIONS[model]
            elif applies and line:
                self.take(line)

    def take(self, line):
        if line.startswith("initramfs "):
            self.initramfs_line = line.split()[1]
            return
        name, _, value = line.partition("=")
        name, value = name.strip(), value.strip()
        if name == "dtoverlay" and value:
            self.overlays.append(value.split(",")[0])
        self.values[name] = value

    def kernels(self, candidates):
        """The names to try: only the one that config.txt names, if it does."""
        if self.values.get("kernel"):
            return [self.values["kernel"]]
        if self.values.get("arm_64bit") == "0":
            return [name for name in candidates if "8" not in name]
        return list(candidates)

    def initramfs(self, kernel):
        """The named one, or with auto_initramfs=1 the one whose name follows from the kernel's."""
        if self.initramfs_line:
            return self.initramfs_line
        if self.values.get("auto_initramfs") == "1" and kernel.startswith("kernel"):
            return "initramfs" + kernel[len("kernel"):].rsplit(".", 1)[0]
        return None

    def cmdline(self):
        return self.values.get("cmdline") or "cmdline.txt"
