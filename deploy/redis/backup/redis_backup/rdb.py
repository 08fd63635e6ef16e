"""Reads Redis' snapshot format: which keys there are and when each expires. Values are stepped over, not decoded.

It shares no code with Redis, so that what it finds can be held against what a server has loaded.
"""

from __future__ import annotations

import hashlib
import mmap
import pathlib
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from .errors import BackupError

MAGIC = re.compile(rb"REDIS\d{4}|VALKEY\d{3}")
EOF, SELECT_DATABASE, EXPIRE_SECONDS, EXPIRE_MILLISECONDS = 0xFF, 0xFE, 0xFD, 0xFC
RESIZE_DATABASE, AUXILIARY, FREQUENCY, IDLE, FUNCTION, SLOT_INFO = 0xFB, 0xFA, 0xF9, 0xF8, 0xF5, 0xF4
TRAILER_BYTES = 8
NO_EXPIRY = -1
# Value types that are one string, and those that are a count and so many strings. Streams and modules are not read.
ONE_STRING = {0, 9, 10, 11, 12, 13, 16, 17, 20}
STRINGS_PER_ELEMENT = {1: 1, 2: 1, 4: 2, 14: 1}
SCORED_SET, QUICKLIST = 5, 18
MODULUS = 1 << 256


@dataclass(frozen=True)
class Entry:
    """A key of one database, and the time at which it expires, in ms since 1970, or NO_EXPIRY."""

    database: int
    key: bytes
    expires_at: int


@dataclass
class Inventory:
    """What a set of keys comes to. The digests do not depend on the order: sums of each entry's SHA-256."""

    keys: int = 0
    keys_with_expiry: int = 0
    earliest_expiry: int | None = None
    latest_expiry: int | None = None
    keys_sum: int = field(default=0, repr=False)
    expiries_sum: int = field(default=0, repr=False)

    def add(self, entry: Entry) -> None:
        self.keys += 1
        name = struct.pack(">IQ", entry.database, len(entry.key)) + entry.key
        self.keys_sum = (self.keys_sum + _hash(name)) % MODULUS
        if entry.expires_at == NO_EXPIRY:
            return
        self.keys_with_expiry += 1
        self.expiries_sum = (self.expiries_sum + _hash(name + struct.pack(">q", entry.expires_at))) % MODULUS
        self.earliest_expiry = min(entry.expires_at, self.earliest_expiry or entry.expires_at)
        self.latest_expiry = max(entry.expires_at, self.latest_expiry or entry.expires_at)

    @property
    def keys_digest(self) -> str:
        return f"{self.keys_sum:064x}"

    @property
    def expiries_digest(self) -> str:
        return f"{self.expiries_sum:064x}"


def _hash(data: bytes) -> int:
    return int.from_bytes(hashlib.sha256(data).digest(), "big")


class Reader:
    """A position in a snapshot. Reading past the end is a BackupError."""

    def __init__(self, data: mmap.mmap, name: str):
        self.data, self.name = data, name
        self.position = 0
        self.end = len(data)

    def fail(self, what: str) -> BackupError:
        return BackupError(f"{self.name}: {what} at byte {self.position:,}")

    def skip(self, count: int) -> int:
        """Steps over `count` bytes, and returns where they began."""
        begin = self.position
        if begin + count > self.end:
            raise self.fail("the snapshot ends within a value: it is truncated,")
        self.position = begin + count
        return begin

    def byte(self) -> int:
        return self.data[self.skip(1)]

    def take(self, count: int) -> bytes:
        begin = self.skip(count)
        return self.data[begin : begin + count]

    def length(self) -> tuple[int, bool]:
        """A length, and whether it is the number of a special encoding instead."""
        first = self.byte()
        kind = first >> 6
        if kind == 0:
            return first & 0x3F, False
        if kind == 1:
            return (first & 0x3F) << 8 | self.byte(), False
        if kind == 3:
            return first & 0x3F, True
        if first == 0x80:
            return int.from_bytes(self.take(4), "big"), False
        if first == 0x81:
            return int.from_bytes(self.take(8), "big"), False
        raise self.fail(f"a length begins with 0x{first:02x}")

    def count(self) -> int:
        number, is_special = self.length()
        if is_special:
            raise self.fail("an encoding where a number belongs")
        return number

    def skip_string(self) -> None:
        size, is_special = self.length()
        if not is_special:
            self.skip(size)
        elif size in (0, 1, 2):
            self.skip(1 << size)
        elif size == 3:
            compressed = self.count()
            self.count()
            self.skip(compressed)
        else:
            raise self.fail(f"a string has the unknown encoding {size}")

    def string(self) -> bytes:
        size, is_special = self.length()
        if not is_special:
            return self.take(size)
        if size in (0, 1, 2):
            return str(int.from_bytes(self.take(1 << size), "little", signed=True)).encode()
        if size == 3:
            compressed, plain = self.count(), self.count()
            return decompress(self.take(compressed), plain, self)
        raise self.fail(f"a string has the unknown encoding {size}")

    def skip_value(self, kind: int) -> None:
        if kind in ONE_STRING:
            self.skip_string()
        elif kind in STRINGS_PER_ELEMENT:
            for _ in range(self.count() * STRINGS_PER_ELEMENT[kind]):
                self.skip_string()
        elif kind == SCORED_SET:
            for _ in range(self.count()):
                self.skip_string()
                self.skip(8)
        elif kind == QUICKLIST:
            for _ in range(self.count()):
                self.count()
                self.skip_string()
        else:
            raise self.fail(f"a value has the type {kind}, which is none that a cache of numbers holds,")


def decompress(data: bytes, size: int, reader: Reader) -> bytes:
    """LZF: literal runs, and references to what was written before."""
    result = bytearray()
    position = 0
    try:
        while position < len(data):
            control = data[position]
            position += 1
            if control < 32:
                result += data[position : position + control + 1]
                position += control + 1
                continue
            length = control >> 5
            if length == 7:
                length += data[position]
                position += 1
            begin = len(result) - ((control & 0x1F) << 8 | data[position]) - 1
            position += 1
            if begin < 0:
                raise IndexError
            for index in range(begin, begin + length + 2):
                result.append(result[index])
    except IndexError:
        raise reader.fail("a compressed key cannot be read") from None
    if len(result) != size:
        raise reader.fail(f"a compressed key has {len(result)} bytes instead of {size}")
    return bytes(result)


@dataclass(frozen=True)
class Located:
    """An entry, and where the eight or four bytes of its expiry stand, the byte of their kind included."""

    entry: Entry
    expiry: slice | None


def read(data: mmap.mmap, name: str) -> Iterator[Located]:
    """All keys of a snapshot, in its order. The trailer has to follow the last, and nothing that."""
    reader = Reader(data, name)
    if not MAGIC.fullmatch(reader.take(min(9, len(data)))):
        raise BackupError(f"{name} is no snapshot of Redis: it does not begin with REDIS and a version")
    database, expires_at, place = 0, NO_EXPIRY, None
    while (kind := reader.byte()) != EOF:
        if kind == SELECT_DATABASE:
            database = reader.count()
        elif kind == EXPIRE_MILLISECONDS:
            begin = reader.position - 1
            expires_at = int.from_bytes(reader.take(8), "little", signed=True)
            place = slice(begin, reader.position)
        elif kind == EXPIRE_SECONDS:
            begin = reader.position - 1
            expires_at = int.from_bytes(reader.take(4), "little", signed=True) * 1000
            place = slice(begin, reader.position)
        elif kind == RESIZE_DATABASE:
            reader.count(), reader.count()
        elif kind == SLOT_INFO:
            reader.count(), reader.count(), reader.count()
        elif kind == AUXILIARY:
            reader.skip_string(), reader.skip_string()
        elif kind == FREQUENCY:
            reader.skip(1)
        elif kind == IDLE:
            reader.count()
        elif kind == FUNCTION:
            reader.skip_string()
        elif kind >= 0xF0:
            raise reader.fail(f"a section of the unknown kind 0x{kind:02x}")
        else:
            key = reader.string()
            reader.skip_value(kind)
            yield Located(Entry(database, key, expires_at), place)
            expires_at, place = NO_EXPIRY, None
    checksum = reader.take(TRAILER_BYTES)
    if reader.position != reader.end:
        raise reader.fail("something follows the end of the snapshot,")
    if checksum == bytes(TRAILER_BYTES):
        raise BackupError(f"{name} has no checksum: set `rdbchecksum yes` on the server")


def inventory(path: pathlib.Path, name: str) -> Inventory:
    """What a snapshot holds."""
    found = Inventory()
    with path.open("rb") as file, _mapped(file, name) as data:
        for located in read(data, name):
            found.add(located.entry)
    return found


def entries(path: pathlib.Path, name: str) -> list[Entry]:
    with path.open("rb") as file, _mapped(file, name) as data:
        return [located.entry for located in read(data, name)]


def shift(source: pathlib.Path, target: pathlib.Path, milliseconds: int, name: str) -> None:
    """Copies a snapshot with every expiry so much later, and nothing else changed.

    The copy's checksum is 0, which says that there is none: the source's has to be checked before.
    """
    with source.open("rb") as file, _mapped(file, name) as data, target.open("wb") as output:
        copied = 0
        for located in read(data, name):
            if located.expiry is None:
                continue
            output.write(data[copied : located.expiry.start])
            output.write(struct.pack("<Bq", EXPIRE_MILLISECONDS, located.entry.expires_at + milliseconds))
            copied = located.expiry.stop
        output.write(data[copied : len(data) - TRAILER_BYTES])
        output.write(bytes(TRAILER_BYTES))


def _mapped(file, name: str) -> mmap.mmap:
    try:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError:
        raise BackupError(f"{name} is empty") from None
