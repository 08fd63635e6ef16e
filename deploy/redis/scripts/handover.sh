#!/usr/bin/env bash
# Before this node ends: if it is a primary, its replica takes over without loss of a write. Ends in bounded time, and never keeps the node
# from ending: what is not handed over here, a failover finds.
set -euo pipefail

run_dir=${RUN_DIR:-/run/redis}
tls_dir=${TLS_DIR:-/tls}
REDISCLI_AUTH=$(<"$run_dir/handover")
export REDISCLI_AUTH

ask() {
    timeout 5 redis-cli --tls --cacert "$tls_dir/ca.crt" --user handover --no-auth-warning -h "$1" -p "$2" "${@:3}" </dev/null | tr -d '\r'
}

role() {
    ask localhost "${PORT:-6379}" INFO replication || true
}

state=$(role)
[[ $state == *role:master* ]] || exit 0
if [[ ! $state =~ slave[0-9]+:ip=([^,]+),port=([0-9]+),state=online ]]; then
    echo 'handover: no replica is in step; this shard will be away' >&2
    exit 0
fi
replica=("${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}")
answer=$(ask "${replica[@]}" CLUSTER FAILOVER || true)
[ "$answer" = OK ] || { echo "handover: ${replica[0]} answered: ${answer:-nothing}" >&2; exit 0; }
for ((i = 0; i < 100; i++)); do
    state=$(role)
    if [[ $state == *role:slave* ]]; then
        echo "handover: ${replica[0]} has taken over"
        exit 0
    fi
    sleep 0.1
done
echo "handover: ${replica[0]} has not taken over in time" >&2
