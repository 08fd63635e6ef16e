#!/usr/bin/env bash
# Starts redis-server. Arguments are options of redis.conf and come last.
set -euo pipefail

run_dir=${RUN_DIR:-/run/redis}
data_dir=${DATA_DIR:-/data}

# Nothing but nodes.conf is on disk. A primary that crashed comes back empty, and if it did before its replica had noticed, the replica would
# empty itself, too. So it waits until the replica has taken over; where there is none, nothing is lost by waiting.
if awk '$3 ~ /myself/ && $3 ~ /master/ && NF > 8 { found = 1 } END { exit !found }' "$data_dir/nodes.conf" 2>/dev/null; then
    echo "start: was a primary with slots; waiting ${RETURN_SECONDS:-15} s for its replica to take over"
    # In the background: a shell that waits for a command in front would take no signal until it ends.
    trap 'exit 143' TERM INT
    sleep "${RETURN_SECONDS:-15}" &
    wait $!
    trap - TERM INT
fi

exec redis-server "$run_dir/redis.conf" \
    --maxmemory "${MAXMEMORY:?such as 1gb}" \
    --cluster-announce-ip "${POD_IP:?the address that other nodes reach this one at}" \
    --cluster-announce-hostname "${ANNOUNCE_HOSTNAME:?a name that the certificate has}" \
    "$@"
