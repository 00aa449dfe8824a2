"""What a board tells about itself: a log of steps, its state, and its console."""

import time


class BootFailure(Exception):
    """This attempt to boot is over; the ROM may start over."""

    def __init__(self, step, reason):
        super().__init__(f"{step} {reason}")
        self.step, self.reason = step, reason


class Record:
    """Files `log`, `state` and `console` in the board's directory; lines on stdout for who started us."""

    def __init__(self, directory):
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.started = time.monotonic()
        self.log = open(directory / "log", "a", encoding="utf-8", buffering=1)
        self.console_file = open(directory / "console", "ab", buffering=0)
        self.anomalies = 0

    def step(self, step, detail=""):
        """One line: time of day, seconds since power on, step, detail."""
        now = time.strftime("%H:%M:%S")
        self.log.write(f"{now} {time.monotonic() - self.started:8.3f} {step} {detail}".rstrip() + "\n")
        print("log", flush=True)

    def anomaly(self, detail):
        """Something that a board in the field may choke on, though this one went on."""
        self.anomalies += 1
        self.step("anomaly", detail)

    def state(self, state):
        self.step("state", state)
        (self.directory / "state").write_text(state + "\n", encoding="utf-8")
        print(f"state {state}", flush=True)

    def console(self, data):
        self.console_file.write(data)
        print("console", flush=True)

    def keep_file(self, name, data):
        """Keeps a fetched file for tests that compare it."""
        path = self.directory / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
