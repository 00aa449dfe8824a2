"""The switch of the boards' power: serves tests/lab/board, which speaks through a port of the server's machine.

A request is one line, `ID<TAB>VERB<TAB>ARGUMENT...`. The answer is lines `ID>TEXT` and at last `ID=STATUS`.
There are several ports, because a waiting client keeps its port. A new request on a port ends the one before.
"""

import asyncio
import pathlib
import re

from . import processes

PORTS = [f"boards{number}" for number in range(6)]
LAB = pathlib.Path(__file__).resolve().parent.parent
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}$")


class RequestError(Exception):
    """What the client reads, with status 1."""


class Board:
    """One board under power. Its process writes lines of events; we keep the newest state and wake those who wait."""

    def __init__(self, name, directory):
        self.name, self.directory = name, directory
        self.process = None
        self.reader = None
        self.changed = asyncio.Condition()
        self.state = "off"

    @property
    def on(self):
        return self.process is not None and self.process.returncode is None

    async def switch_on(self, segment, arguments):
        self.keep_earlier_logs()
        self.state = "rom"
        program = LAB / ("virtual-pc" if "--kind" in arguments else "virtual-pi")
        self.process = await processes.start(
            [program, "--segment", segment, "--directory", self.directory, "--name", self.name, *arguments],
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
        self.reader = asyncio.ensure_future(self.follow())

    def keep_earlier_logs(self):
        """log, console and state are those of the newest time under power; older ones get a number."""
        self.directory.mkdir(parents=True, exist_ok=True)
        number = sum(1 for _ in self.directory.glob("log.*")) + 1
        for kind in ("log", "console", "state"):
            path = self.directory / kind
            if path.exists():
                path.rename(path.with_name(f"{kind}.{number}"))

    async def follow(self):
        """Each line of output is `state STATE...`, or `console` or `log`: something new stands there."""
        errors = asyncio.ensure_future(self.process.stderr.read())
        async for line in self.process.stdout:
            kind, _, text = line.decode().strip().partition(" ")
            await self.change(text if kind == "state" else self.state)
        await self.process.wait()
        words = (await errors).decode(errors="replace").strip()
        if words and self.process.returncode not in (0, -15):
            (self.directory / "errors").write_text(words + "\n")
            await self.change(f"failed lab {words.splitlines()[-1]}")
        elif not self.state.startswith(("failed", "fetched")):
            await self.change("off")

    async def change(self, state):
        async with self.changed:
            self.state = state
            self.changed.notify_all()

    async def switch_off(self):
        await processes.stop(self.process)
        if self.reader:
            await self.reader

    def text(self, kind):
        path = self.directory / kind
        return path.read_text(errors="replace") if path.exists() else ""

    async def wait_for(self, reached):
        async with self.changed:
            await self.changed.wait_for(reached)


class Boards:
    """All boards of a run, by name."""

    def __init__(self, segment, directory):
        self.segment, self.directory = segment, directory
        self.boards = {}

    async def serve(self, reader, writer):
        """One port: reads requests until the machine is gone."""
        task = None
        while line := await reader.readline():
            if task:
                task.cancel()
            task = asyncio.ensure_future(self.answer(line.decode(errors="replace").rstrip("\n"), writer))
        if task:
            task.cancel()
        writer.close()

    async def answer(self, line, writer):
        identity, *words = line.split("\t")
        try:
            status, text = 0, await self.perform(words)
        except RequestError as error:
            status, text = 1, f"lab: board: {error}"
        except processes.LabError as error:
            status, text = 125, f"lab: board: {error}"
        lines = "".join(f"{identity}>{part}\n" for part in text.splitlines())
        writer.write(f"{lines}{identity}={status}\n".encode())
        await writer.drain()

    async def perform(self, words):
        verb, *arguments = words
        verbs = {"on": self.on, "off": self.off, "wait": self.wait, "state": self.state,
                 "log": self.log, "console": self.console}
        if verb not in verbs:
            raise RequestError(f"unknown verb {verb}; there are {', '.join(verbs)}")
        if not arguments or not NAME.match(arguments[0]):
            raise RequestError("the board's name must be letters, digits and dashes")
        return await verbs[verb](*arguments)

    def board(self, name):
        if name not in self.boards:
            raise RequestError(f"{name} was never switched on")
        return self.boards[name]

    async def on(self, name, *arguments):
        board = self.boards.setdefault(name, Board(name, self.directory / name))
        if board.on:
            raise RequestError(f"{name} is already on")
        await board.switch_on(self.segment, arguments)
        return ""

    async def off(self, name):
        await self.board(name).switch_off()
        return ""

    async def state(self, name):
        return self.board(name).state

    async def log(self, name):
        return self.board(name).text("log")

    async def console(self, name):
        return self.board(name).text("console")

    async def wait(self, name, kind, wanted, seconds):
        """`kind` is state, console or log. A board that ended without what is wanted is told at once, not after the time."""
        board = self.board(name)

        def reached():
            if kind == "state":
                return board.state.startswith(wanted)
            return wanted in board.text(kind)

        def ended():
            return board.state.startswith(("failed", "off", "fetched"))

        try:
            await asyncio.wait_for(board.wait_for(lambda: reached() or ended()), float(seconds))
        except asyncio.TimeoutError:
            raise RequestError(f"{name}: no {kind} {wanted!r} after {seconds} s; it is: {board.state}") from None
        if not reached():
            raise RequestError(f"{name}: no {kind} {wanted!r}: it ended: {board.state}")
        return board.state

    async def all_off(self):
        await asyncio.gather(*(board.switch_off() for board in self.boards.values()))
