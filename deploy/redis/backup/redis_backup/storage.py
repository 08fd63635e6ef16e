"""Where backups are kept: a directory here, object storage in `storage_s3`. Names are `BACKUP/FILE`."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import pathlib
import shutil
from abc import ABC, abstractmethod
from datetime import datetime
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from . import manifest
from .errors import BackupError

CHUNK = 1 << 20
PARTIAL = ".partial"


def sha256_of(source: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := source.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


class Storage(ABC):
    """Objects by name. What `put` returns from is stored whole, under its checksum, or not at all."""

    @abstractmethod
    def put(self, name: str, source: BinaryIO, size: int, sha256: str) -> None:
        """Stores what `source` has, and asks the storage whether it has arrived."""

    @abstractmethod
    def get(self, name: str, target: BinaryIO, limit: int) -> None:
        """Copies an object. One that is larger than `limit` or not there is a BackupError."""

    @abstractmethod
    def names(self) -> list[str]:
        """The names of all objects."""

    @abstractmethod
    def delete(self, name: str) -> None:
        """Removes an object. One that is not there is no fault."""

    def put_file(self, name: str, path: pathlib.Path, sha256: str) -> None:
        with path.open("rb") as source:
            self.put(name, source, path.stat().st_size, sha256)

    def put_bytes(self, name: str, data: bytes) -> None:
        self.put(name, io.BytesIO(data), len(data), hashlib.sha256(data).hexdigest())

    def get_file(self, name: str, path: pathlib.Path, limit: int) -> None:
        with path.open("wb") as target:
            self.get(name, target, limit)

    def get_manifest(self, identifier: str) -> manifest.Manifest:
        buffer = io.BytesIO()
        self.get(f"{identifier}/{manifest.NAME}", buffer, manifest.LARGEST)
        return manifest.Manifest.decoded(buffer.getvalue(), identifier)

    def backups(self) -> tuple[dict[str, datetime], dict[str, list[str]]]:
        """The times of complete backups, by name, oldest first; and the objects of each, also of incomplete ones."""
        objects: dict[str, list[str]] = {}
        for name in self.names():
            identifier, _, file = name.partition("/")
            if file and manifest.time_of(identifier):
                objects.setdefault(identifier, []).append(name)
        complete = [identifier for identifier, names in objects.items() if f"{identifier}/{manifest.NAME}" in names]
        return {identifier: manifest.time_of(identifier) for identifier in sorted(complete)}, objects

    def delete_backup(self, names: list[str]) -> None:
        """The manifest goes first: what is left when this is interrupted is no backup."""
        for name in sorted(names, key=lambda name: not name.endswith("/" + manifest.NAME)):
            self.delete(name)


class DirectoryStorage(Storage):
    """A directory: a volume, or NFS."""

    def __init__(self, root: pathlib.Path):
        self.root = root
        if not root.is_dir():
            raise BackupError(f"the storage {root} is no directory: is the volume mounted?")

    def put(self, name: str, source: BinaryIO, size: int, sha256: str) -> None:
        path = self.root / name
        partial = path.with_name(path.name + PARTIAL)
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            with partial.open("wb") as target:
                shutil.copyfileobj(source, target, CHUNK)
                target.flush()
                os.fsync(target.fileno())
            with partial.open("rb") as written:
                if sha256_of(written) != sha256:
                    raise BackupError(f"{name} was stored with another checksum than it has here")
            partial.rename(path)
            _sync(path.parent)
            _sync(self.root)
        except OSError as error:
            raise BackupError(f"{name} cannot be stored in {self.root}: {error.strerror}") from None
        finally:
            partial.unlink(missing_ok=True)

    def get(self, name: str, target: BinaryIO, limit: int) -> None:
        try:
            with (self.root / name).open("rb") as source:
                size = os.fstat(source.fileno()).st_size
                if size > limit:
                    raise BackupError(f"{name} has {size:,} bytes, and should have at most {limit:,}")
                shutil.copyfileobj(source, target, CHUNK)
        except FileNotFoundError:
            raise BackupError(f"{name} is not in the storage") from None
        except OSError as error:
            raise BackupError(f"{name} cannot be read from {self.root}: {error.strerror}") from None

    def names(self) -> list[str]:
        try:
            return [
                f"{directory.name}/{file.name}"
                for directory in self.root.iterdir()
                # Beside them there may be what nobody else may read, such as lost+found.
                if manifest.time_of(directory.name) and directory.is_dir()
                for file in _listed(directory)
            ]
        except OSError as error:
            raise BackupError(f"the storage {self.root} cannot be listed: {error.strerror}") from None

    def delete(self, name: str) -> None:
        path = self.root / name
        try:
            path.unlink(missing_ok=True)
            if not _listed(path.parent):
                # Another that deletes may be quicker.
                with contextlib.suppress(FileNotFoundError):
                    path.parent.rmdir()
        except OSError as error:
            raise BackupError(f"{name} cannot be deleted: {error.strerror}") from None


def _listed(directory: pathlib.Path) -> list[pathlib.Path]:
    """What is in a directory: nothing, if somebody else has just deleted it."""
    try:
        return list(directory.iterdir())
    except FileNotFoundError:
        return []


def _sync(directory: pathlib.Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_storage(address: str, endpoint: str | None = None) -> Storage:
    """`file:///backups`, or `s3://bucket/prefix`, of `endpoint` if that is not Amazon's."""
    parts = urlsplit(address)
    if parts.scheme == "file" and not parts.netloc and parts.path:
        return DirectoryStorage(pathlib.Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.netloc:
        from .storage_s3 import S3Storage

        return S3Storage(parts.netloc, parts.path.strip("/"), endpoint)
    raise BackupError(f"{address!r} is no storage: file:///DIRECTORY or s3://BUCKET/PREFIX")
