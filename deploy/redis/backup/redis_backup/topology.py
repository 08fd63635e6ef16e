"""Which servers hold which keys, and from which of them a snapshot is best taken."""

from __future__ import annotations

import binascii
from collections.abc import Iterable
from dataclasses import dataclass, field

from .errors import BackupError
from .resp import Connection, Endpoint, information

SLOTS = 16384


@dataclass
class Shard:
    """Servers with the same keys. `slots` is what CLUSTER NODES says, such as `0-5460`; empty without a cluster."""

    primary: Endpoint
    replicas: list[Endpoint] = field(default_factory=list)
    slots: str = ""


@dataclass
class Topology:
    is_cluster: bool
    shards: list[Shard]

    def owners(self) -> list[Endpoint]:
        """The primary of each slot; of one alone without a cluster."""
        if not self.is_cluster:
            return [self.shards[0].primary]
        owners: list[Endpoint | None] = [None] * SLOTS
        for shard in self.shards:
            for slot in slot_numbers(shard.slots):
                owners[slot] = shard.primary
        return owners

    def layout(self) -> list[tuple[str, str]]:
        """What has to be the same before and after a backup."""
        return [(str(shard.primary), shard.slots) for shard in self.shards]


def slot_numbers(slots: str) -> list[int]:
    """`0-2 7` → 0, 1, 2, 7."""
    numbers: list[int] = []
    try:
        for part in slots.split():
            first, _, last = part.partition("-")
            numbers += range(int(first), int(last or first) + 1)
    except ValueError:
        raise BackupError(f"{slots!r} is no list of slots") from None
    return numbers


def uncovered(all_slots: list[str]) -> str | None:
    """What is wrong with the slots of all shards together: none may be missing, none may be twice."""
    seen = [0] * SLOTS
    for slots in all_slots:
        for slot in slot_numbers(slots):
            if not 0 <= slot < SLOTS:
                return f"there is no slot {slot}"
            seen[slot] += 1
    missing = [slot for slot, count in enumerate(seen) if count == 0]
    if missing:
        return f"{len(missing):,} of {SLOTS:,} slots are in no shard, the first is {missing[0]}"
    twice = [slot for slot, count in enumerate(seen) if count > 1]
    return f"slot {twice[0]} is in more than one shard" if twice else None


def slot_of(key: bytes) -> int:
    """The slot of a key: CRC-16 of the part between the first braces, or of the whole."""
    begin = key.find(b"{")
    if begin >= 0 and (end := key.find(b"}", begin + 1)) > begin + 1:
        key = key[begin + 1 : end]
    return binascii.crc_hqx(key, 0) % SLOTS


def strangers(slots: str, keys: Iterable[bytes]) -> list[bytes]:
    """The keys that are in none of `slots`. Without a cluster there are no slots, and no strangers."""
    own = set(slot_numbers(slots))
    return [key for key in keys if own and slot_of(key) not in own]


def discover(endpoint: Endpoint) -> Topology:
    """Asks one server for all."""
    with Connection.open(endpoint) as connection:
        if information(connection, "cluster").get("cluster_enabled") == "1":
            return Topology(True, cluster_shards(connection.call("CLUSTER", "NODES").decode(), endpoint))
        return Topology(False, [_alone(information(connection, "replication"), endpoint)])


def _alone(fields: dict[str, str], endpoint: Endpoint) -> Shard:
    shard = Shard(endpoint)
    for name, value in fields.items():
        if name.startswith("slave") and name[5:].isdecimal():
            parts = dict(part.split("=", 1) for part in value.split(","))
            if parts.get("state") == "online":
                shard.replicas.append(endpoint.at(parts["ip"], int(parts["port"])))
    return shard


def cluster_shards(nodes: str, endpoint: Endpoint) -> list[Shard]:
    """The shards that CLUSTER NODES tells of, by their first slot."""
    shards: dict[str, Shard] = {}
    replicas: list[tuple[str, Endpoint]] = []
    for line in nodes.splitlines():
        identifier, address, flags, primary, _, _, _, _, *slots = line.split()
        flags = set(flags.split(","))
        if any(part.startswith("[") for part in slots):
            raise BackupError(
                "slots are being moved between shards: try again when `redis-cli --cluster check` is quiet"
            )
        where = _place(address, endpoint, is_self="myself" in flags)
        if "master" in flags and slots:
            if "fail" in flags:
                raise BackupError(f"the primary {where} of the slots {' '.join(slots)} is down")
            shards[identifier] = Shard(where, slots=" ".join(slots))
        elif "slave" in flags and not flags & {"fail", "fail?", "handshake", "noaddr"}:
            replicas.append((primary, where))
    for primary, where in replicas:
        if primary in shards:
            shards[primary].replicas.append(where)
    problem = uncovered([shard.slots for shard in shards.values()])
    if problem:
        raise BackupError(f"the cluster is not whole: {problem}")
    return sorted(shards.values(), key=lambda shard: slot_numbers(shard.slots)[0])


def _place(address: str, endpoint: Endpoint, is_self: bool) -> Endpoint:
    """`10.0.0.7:6379@16379,redis-cache-0.nodes`: the name, where there is one, is what a certificate has."""
    first, *names = address.split(",")
    host, _, port = first.partition("@")[0].rpartition(":")
    name = next((part for part in names if part and "=" not in part), "")
    # A node that has met no other does not know its own address.
    return endpoint.at(name or host or (endpoint.host if is_self else ""), int(port))


def best_source(shard: Shard) -> tuple[Endpoint, str, str]:
    """A replica that is in step, else the primary: the server, its role, and its version."""
    reasons = []
    for candidate in [*shard.replicas, shard.primary]:
        try:
            with Connection.open(candidate) as connection:
                fields = information(connection, "replication", "server")
        except BackupError as error:
            reasons.append(str(error))
            continue
        role = "replica" if fields.get("role") == "slave" else "primary"
        if role == "replica" and fields.get("master_link_status") != "up":
            reasons.append(f"the replica {candidate} is not in step")
            continue
        version = fields.get("valkey_version") or fields.get("redis_version", "unknown")
        return candidate, role, version
    raise BackupError(f"no server of the shard {shard.slots or shard.primary} can be copied: {'; '.join(reasons)}")
