#!/usr/bin/env bash
# probe.sh live: it answers, whatever it says. probe.sh ready: it serves: in a cluster that is up, and as a replica with its primary's data.
# A node that is not ready stops a rolling update, so that no primary ends whose replica is not there yet.
set -euo pipefail

run_dir=${RUN_DIR:-/run/redis}
REDISCLI_AUTH=$(<"$run_dir/probe")
export REDISCLI_AUTH

# The certificate is not looked at: this is the pod's own network, and a new authority, which is on disk before the server has read it, would
# have every node of the cluster ended at once.
ask() {
    timeout 5 redis-cli --tls --insecure -h localhost -p "${PORT:-6379}" --user probe --no-auth-warning "$@" </dev/null | tr -d '\r'
}

case ${1:?live or ready} in
    live)
        [ -n "$(ask PING)" ]
        ;;
    ready)
        cluster=$(ask CLUSTER INFO)
        [[ $cluster == *cluster_state:ok* ]] || { echo "the cluster is not up: ${cluster%%$'\n'*}" >&2; exit 1; }
        replication=$(ask INFO replication)
        [[ $replication == *role:master* || $replication == *master_link_status:up* ]] ||
            { echo 'a replica without its primary' >&2; exit 1; }
        ;;
    *)
        echo "probe: expected live or ready, got $1" >&2
        exit 2
        ;;
esac
