"""Shards of deploy/redis that are added, emptied and lost, by the commands of its README."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis_production import Node, ProductionCluster
from service import Service, wait_until

VALUES = 200
# What the service stores before it is asked for anything.
WARMED = 100


@pytest.fixture(scope="module")
def cluster() -> Iterator[ProductionCluster]:
    made = ProductionCluster("cache")
    try:
        yield made.start()
    finally:
        made.close()


@pytest.fixture(scope="module")
def filled(cluster: ProductionCluster, binary: str) -> Iterator[Service]:
    """A service that has stored values in all shards, and goes on."""
    settings = cluster.settings("") | {"REDIS_CA_FILE": str(cluster.tls / "ca.crt")}
    with Service(**settings, REDIS_TIMEOUT_MILLISECONDS=1000, CACHE_MEMORY_BYTES=0) as service:
        wait_until(lambda: service.admin("/readyz").json().get("redis") == "connected", 20, "Redis is connected")
        for n in range(1_000, 1_000 + VALUES):
            assert service.fib(n).status == 200
        wait_until(lambda: sum(keys(cluster)) == VALUES + WARMED, 20, "all values are stored", interval=0.1)
        yield service


def keys(cluster: ProductionCluster) -> list[int]:
    return [int(primary.cli("DBSIZE")) for primary, _ in cluster.shards]


def hits(service: Service) -> int:
    """How many of the values Redis has, as a caller sees it."""
    return sum("hit" in service.fib(n).field("Cache-Status") for n in range(1_000, 1_000 + VALUES))


def test_a_fourth_shard_takes_its_part_and_gives_it_back(cluster, filled):
    assert hits(filled) == VALUES
    total = sum(keys(cluster))
    added = [Node(cluster, f"{letter}-3") for letter in "ab"]
    cluster.shards.append(added)
    for node in added:
        node.start()
    for node in added:
        wait_until(node.answers, 20, f"{node.name} answers", interval=0.1)
    result = cluster.bootstrap()
    assert result.returncode == 0, result.stderr
    assert f"{added[0].endpoint} has no slots: redis-cli --cluster rebalance" in result.stdout
    seed = cluster.nodes[0].endpoint
    cluster.redis_cli("rebalance", seed, "--cluster-use-empty-masters", "--cluster-pipeline", "100")
    assert sum(keys(cluster)) == total and min(keys(cluster)) > 0
    assert hits(filled) == VALUES, "a value was lost on the way"
    cluster.redis_cli("rebalance", seed, "--cluster-weight", f"{added[0].cli('CLUSTER', 'MYID')}=0")
    assert keys(cluster)[3] == 0 and sum(keys(cluster)) == total
    assert hits(filled) == VALUES
    for node in cluster.shards.pop():
        identifier = node.cli("CLUSTER", "MYID")
        node.kill()
        for other in cluster.nodes:
            assert other.cli("CLUSTER", "FORGET", identifier) == "OK"


def test_a_shard_that_is_lost_is_made_again_only_when_a_person_says_so(cluster, filled):
    """The others serve meanwhile; nobody waits for a value."""
    lost = cluster.shards[1]
    identifiers = [node.cli("CLUSTER", "MYID") for node in lost]
    for node in lost:
        node.kill()
    for node in lost:
        for path in node.data.iterdir():
            path.unlink()
        node.start()
    for node in lost:
        wait_until(node.answers, 20, f"{node.name} answers", interval=0.1)
    assert filled.fib(1_000).status == 200
    seed = cluster.nodes[0]

    def are_given_up() -> bool:
        lines = [line.split() for line in seed.cli("CLUSTER", "NODES").splitlines()]
        gone = {fields[0] for fields in lines if {"fail", "noaddr"} & set(fields[2].split(","))}
        return gone >= set(identifiers)

    wait_until(are_given_up, 30, "the old nodes are given up", interval=0.1)
    refused = cluster.bootstrap(wait_seconds=3)
    assert refused.returncode == 1
    assert f"{identifiers[0]} is gone with its slots and their data" in refused.stderr
    assert f"CLUSTER FORGET {identifiers[0]} at every node" in refused.stderr
    for node in cluster.nodes:
        node.cli("CLUSTER", "FORGET", identifiers[0])
    mended = cluster.bootstrap()
    assert mended.returncode == 0, mended.stdout + mended.stderr
    assert f"{lost[0].endpoint} gets slots" in mended.stdout
    for node in cluster.nodes:
        wait_until(node.is_ready, 20, f"{node.name} is ready", interval=0.1)
    assert 0 < hits(filled) < VALUES
    # What is asked for while the service has no connection to the new nodes yet is computed, and stored the next time.
    wait_until(lambda: hits(filled) == VALUES, 20, "all values are hits again", interval=0.1)
