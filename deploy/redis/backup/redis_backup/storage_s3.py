"""Object storage that speaks S3. Credentials come the usual ways: a file, or the identity of the workload."""

from __future__ import annotations

import base64
import hashlib
from typing import BinaryIO

from .errors import BackupError
from .storage import CHUNK, Storage

LARGEST_PUT = 5 << 30


class S3Storage(Storage):
    """Each object is one request with its checksum, and is read back."""

    def __init__(self, bucket: str, prefix: str, endpoint: str | None):
        try:
            import boto3
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError, ClientError
        except ImportError:
            raise BackupError("s3:// needs boto3: apt-get install python3-boto3") from None
        self.bucket = bucket
        self.prefix = f"{prefix}/" if prefix else ""
        self.errors = (BotoCoreError, ClientError)
        self.client_error = ClientError
        config = Config(
            connect_timeout=10,
            read_timeout=60,
            retries={"mode": "standard", "max_attempts": 4},
            s3={"addressing_style": "path" if endpoint else "auto"},
        )
        try:
            self.client = boto3.client("s3", endpoint_url=endpoint, config=config)
        except (*self.errors, ValueError) as error:
            raise BackupError(f"the object storage cannot be used: {error}") from None

    def put(self, name: str, source: BinaryIO, size: int, sha256: str) -> None:
        if size > LARGEST_PUT:
            raise BackupError(f"{name} has {size:,} bytes: more than one request to S3 takes. Use more shards")
        checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
        key = self.prefix + name
        try:
            self.client.put_object(
                Bucket=self.bucket,
                Key=key,
                Body=source,
                ContentLength=size,
                ChecksumAlgorithm="SHA256",
                ChecksumSHA256=checksum,
            )
            # Some storages keep the checksum that they are told, and do not compute it: so the bytes are asked for.
            arrived = self.read_back(key) == sha256
        except self.errors as error:
            raise BackupError(f"{name} cannot be stored in s3://{self.bucket}: {error}") from None
        if not arrived:
            raise BackupError(f"{name} was stored with another checksum than it has here")

    def read_back(self, key: str) -> str:
        """The SHA-256 of what is stored."""
        digest = hashlib.sha256()
        body = self.client.get_object(Bucket=self.bucket, Key=key)["Body"]
        for chunk in body.iter_chunks(CHUNK):
            digest.update(chunk)
        return digest.hexdigest()

    def get(self, name: str, target: BinaryIO, limit: int) -> None:
        try:
            answer = self.client.get_object(Bucket=self.bucket, Key=self.prefix + name)
            if answer["ContentLength"] > limit:
                raise BackupError(f"{name} has {answer['ContentLength']:,} bytes, and should have at most {limit:,}")
            for chunk in answer["Body"].iter_chunks(CHUNK):
                target.write(chunk)
        except self.client_error as error:
            if error.response.get("Error", {}).get("Code") in ("NoSuchKey", "404"):
                raise BackupError(f"{name} is not in the storage") from None
            raise BackupError(f"{name} cannot be read from s3://{self.bucket}: {error}") from None
        except self.errors as error:
            raise BackupError(f"{name} cannot be read from s3://{self.bucket}: {error}") from None

    def names(self) -> list[str]:
        try:
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix)
            return [entry["Key"][len(self.prefix) :] for page in pages for entry in page.get("Contents", [])]
        except self.errors as error:
            raise BackupError(f"s3://{self.bucket} cannot be listed: {error}") from None

    def delete(self, name: str) -> None:
        try:
            self.client.delete_object(Bucket=self.bucket, Key=self.prefix + name)
        except self.errors as error:
            raise BackupError(f"{name} cannot be deleted: {error}") from None
