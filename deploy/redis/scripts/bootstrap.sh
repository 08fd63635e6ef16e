#!/usr/bin/env bash
# Makes a cluster of empty nodes, and mends one that has come apart. Whatever is in order is left alone, so it may run at any time and as often
# as it likes. It gives slots that nobody owns, never takes one from a node, and never gives up data.
#
# REDIS_SHARDS has a line for each shard, of host:port: who should be the primary, then its replicas.
#
# Functions are given to `eventually` by name:
# shellcheck disable=SC2329
set -euo pipefail

: "${REDIS_SHARDS:?a line for each shard: host:port of its primary, then of its replicas}"
ca=${CA_FILE:-/tls/ca.crt}
# Where the nodes have their certificates; they read them again at each run.
server_tls_dir=${SERVER_TLS_DIR:-/tls}
# For nodes to answer, and for the cluster to agree.
wait_seconds=${WAIT_SECONDS:-120}
slots=16384

if [ -n "${PASSWORD_FILE:-}" ]; then REDISCLI_AUTH=$(<"$PASSWORD_FILE"); fi
: "${REDISCLI_AUTH:?the password of operator, or its file in PASSWORD_FILE}"
export REDISCLI_AUTH

say() { echo "bootstrap: $*"; }
problems=()
problem() {
    problems+=("$1")
    echo "bootstrap: $1" >&2
}
finish() {
    if [ ${#problems[@]} -gt 0 ]; then
        echo "bootstrap: the cluster is not in order, problems: ${#problems[@]}" >&2
        exit 1
    fi
    exit 0
}

# What a node answers. redis-cli ends with 0 for errors of the server, too, so callers look at the text.
ask() {
    local node=$1
    shift
    timeout 10 redis-cli --tls --cacert "$ca" --user operator --no-auth-warning -h "${node%:*}" -p "${node##*:}" "$@" \
        </dev/null 2>&1 | tr -d '\r' || true
}

order() {
    local answer
    answer=$(ask "$@")
    [ "$answer" = OK ] || { problem "$1: $2 ${3:-}: expected OK, got: ${answer:-nothing}"; return 1; }
}

# What another run of this job may have done a moment ago: whether it holds is looked at afterwards.
attempt() {
    local answer
    answer=$(ask "$@")
    [ "$answer" = OK ] || say "$1: $2 ${3:-}: ${answer:-nothing}"
}

# Asks again until `"$@"` holds or the time is over.
eventually() {
    local seconds=$1 deadline
    shift
    deadline=$((SECONDS + seconds))
    until "$@"; do
        [ $SECONDS -lt $deadline ] || return 1
        sleep 0.2
    done
}

info() { ask "$1" CLUSTER INFO | sed -n "s/^$2://p"; }
# The line of CLUSTER NODES about a node, as another sees it: id, ip:port@bus,name, flags, primary, ping, pong, epoch, link, slots.
line_of() { ask "$1" CLUSTER NODES | awk -v id="$2" '$1 == id'; }
answers() { [ "$(ask "$1" PING)" = PONG ]; }

shards=()
nodes=()
while read -ra members; do
    [ ${#members[@]} -gt 0 ] || continue
    shards+=("${members[*]}")
    nodes+=("${members[@]}")
done <<<"$REDIS_SHARDS"
[ ${#shards[@]} -ge 3 ] || { echo "bootstrap: ${#shards[@]} shards; expected 3 or more, or no majority can decide a failover" >&2; exit 1; }

# 1. Who is there.
declare -A id
up=()
deadline=$((SECONDS + wait_seconds))
for node in "${nodes[@]}"; do
    if eventually $((deadline > SECONDS ? deadline - SECONDS : 0)) answers "$node"; then
        id[$node]=$(ask "$node" CLUSTER MYID)
        [[ ${id[$node]} =~ ^[0-9a-f]{40}$ ]] || { problem "$node: no node of a cluster: ${id[$node]}"; finish; }
        up+=("$node")
    else
        problem "$node does not answer: $(ask "$node" PING)"
    fi
done
[ ${#up[@]} -gt 0 ] || finish

# The node to ask: one that has slots; else, before one that is new and knows nobody, one that knows who had them.
seed=${up[0]}
known=0
for node in "${up[@]}"; do
    if [ "$(line_of "$node" "${id[$node]}" | awk '{ print (NF > 8) }')" = 1 ]; then
        seed=$node
        break
    fi
    assigned=$(info "$node" cluster_slots_assigned)
    if [ "${assigned:-0}" -gt "$known" ]; then
        seed=$node
        known=$assigned
    fi
done

# 2. Everybody knows everybody, at the addresses that they have now.
for ((i = 0; i < ${#up[@]}; i++)); do
    node=${up[i]}
    # Epochs that differ from the start save the nodes a vote about who yields.
    if [ "$(info "$node" cluster_known_nodes)" = 1 ] && [ "$(info "$node" cluster_my_epoch)" = 0 ]; then
        attempt "$node" CLUSTER SET-CONFIG-EPOCH $((i + 1))
    fi
done

address_of() { line_of "$1" "${id[$1]}" | awk '{ sub(/,.*/, "", $2); print $2 }'; }

all_linked() {
    local viewer node text
    for viewer in "${up[@]}"; do
        text=$(ask "$viewer" CLUSTER NODES)
        for node in "${up[@]}"; do
            awk -v id="${id[$node]}" '$1 == id && $8 == "connected" && $3 !~ /fail|handshake|noaddr/ { found = 1 } END { exit !found }' \
                <<<"$text" || return 1
        done
    done
}

meet_all() {
    local node address
    for node in "${up[@]}"; do
        [ "$node" != "$seed" ] || continue
        address=$(address_of "$node")
        if ! line_of "$seed" "${id[$node]}" | awk -v address="$address" \
            '$8 == "connected" && $3 !~ /fail|handshake|noaddr/ && index($2, address) == 1 { found = 1 } END { exit !found }'; then
            [[ $address =~ ^(.+):([0-9]+)@([0-9]+)$ ]] || { problem "$node: no address in CLUSTER NODES: $address"; continue; }
            say "$seed meets $node at ${BASH_REMATCH[1]}"
            order "$seed" CLUSTER MEET "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" "${BASH_REMATCH[3]}" || true
        fi
    done
}

if ! all_linked; then
    meet_all
    eventually "$wait_seconds" all_linked || { problem "the nodes do not reach each other within $wait_seconds s: is the port of the bus open?"; finish; }
fi

# 3. Slots. Only what nobody owns is given, and only to a shard that has none.
first_slot() { echo $(($1 * slots / ${#shards[@]})); }

# Slots that nobody owns, as the seed sees it: "first last" a line.
unowned() {
    ask "$seed" CLUSTER NODES | awk -v slots=$slots '
        { for (i = 9; i <= NF; i++) if ($i ~ /^[0-9]/) { n = split($i, range, "-"); last = range[n > 1 ? 2 : 1]
            for (slot = range[1] + 0; slot <= last + 0; slot++) owned[slot] = 1 } }
        END { start = -1
            for (slot = 0; slot <= slots; slot++) {
                if (slot < slots && !owned[slot]) { if (start < 0) start = slot }
                else if (start >= 0) { print start, slot - 1; start = -1 } } }'
}

has_slots() { [ "$(line_of "$seed" "${id[$1]:-none}" | awk '{ print (NF > 8) }')" = 1 ]; }

free=$(unowned)
if [ -n "$free" ]; then
    # Ranges side by side run into one, so each shard's own is looked for within them.
    for ((i = 0; i < ${#shards[@]}; i++)); do
        read -ra members <<<"${shards[i]}"
        first=$(first_slot "$i")
        last=$(($(first_slot $((i + 1))) - 1))
        awk -v first="$first" -v last="$last" '$1 <= first && last <= $2 { found = 1 } END { exit !found }' <<<"$free" || continue
        for member in "${members[@]}"; do
            if has_slots "$member"; then continue 2; fi
        done
        primary=${members[0]}
        [ -n "${id[$primary]:-}" ] || { problem "$primary has to be there for slots $first-$last"; continue; }
        say "$primary gets slots $first-$last"
        attempt "$primary" CLUSTER ADDSLOTSRANGE "$first" "$last"
    done
    covered() { [ -z "$(unowned)" ]; }
    # What is left after that is of a shard that was lost, after slots had been moved: for the first that has none.
    if ! eventually 2 covered; then
        for shard in "${shards[@]}"; do
            read -ra members <<<"$shard"
            for member in "${members[@]}"; do
                if has_slots "$member"; then continue 2; fi
            done
            [ -n "${id[${members[0]}]:-}" ] || continue
            while read -r first last; do
                say "${members[0]} gets slots $first-$last"
                attempt "${members[0]}" CLUSTER ADDSLOTSRANGE "$first" "$last"
            done < <(unowned)
            break
        done
    fi
    eventually 30 covered ||
        problem "slots that nobody owns: $(unowned | tr ' \n' '- '); no shard is without slots to take them: redis-cli --cluster fix"
fi

# 4. Replicas. One whose primary is gone, and nobody else has its slots, holds the only copy of their data.
declare -A keeper=()
has_keeper() {
    local member
    for member in "$@"; do if [[ " ${keeper[*]} " == *" $member "* ]]; then return 0; fi; done
    return 1
}
for shard in "${shards[@]}"; do
    read -ra members <<<"$shard"
    owners=()
    for member in "${members[@]}"; do
        if [ -n "${id[$member]:-}" ] && has_slots "$member"; then owners+=("$member"); fi
    done
    if [ ${#owners[@]} -gt 1 ]; then
        problem "in one shard more than one node has slots: ${owners[*]}. Move them to one of these: redis-cli --cluster reshard"
        continue
    fi
    owner=${owners[0]:-${members[0]}}
    if [ -z "${id[$owner]:-}" ]; then continue; fi
    for member in "${members[@]}"; do
        if [ "$member" = "$owner" ] || [ -z "${id[$member]:-}" ]; then continue; fi
        primary=$(line_of "$member" "${id[$member]}" | awk '{ print $4 }')
        if [ "$primary" = "${id[$owner]}" ]; then continue; fi
        if [[ " ${id[*]} " != *" $primary "* ]] && [ "$(line_of "$seed" "$primary" | awk '{ print (NF > 8) }')" = 1 ]; then
            keeper[$primary]=$member
            problem "$member has the data of $primary, which is gone, and has not taken over. If it does not by itself: CLUSTER FAILOVER TAKEOVER there"
            continue
        fi
        say "$member replicates $owner"
        order "$member" CLUSTER REPLICATE "${id[$owner]}" || true
    done
    if [ ${#owners[@]} = 0 ] && ! has_keeper "${members[@]}"; then
        say "$owner has no slots: redis-cli --cluster rebalance --cluster-use-empty-masters gives it some"
    fi
done

# 5. Nodes that have lost their disk come back with another name; the old one is forgotten once all are there.
if [ ${#up[@]} = ${#nodes[@]} ]; then
    while read -r gone owned; do
        if [[ " ${id[*]} " == *" $gone "* || -n "${keeper[$gone]:-}" ]]; then continue; fi
        if [ "$owned" = 1 ]; then
            problem "$gone is gone with its slots and their data. To serve them again, empty: CLUSTER FORGET $gone at every node, and run this again"
            continue
        fi
        say "$gone is gone and forgotten"
        # Those that never knew it refuse.
        for node in "${up[@]}"; do ask "$node" CLUSTER FORGET "$gone" >/dev/null; done
    done < <(ask "$seed" CLUSTER NODES | awk '$3 ~ /fail|noaddr/ && $3 !~ /fail\?/ { print $1, (NF > 8) }')
fi

# 6. All slots are served, and each shard has a replica in step.
is_whole() {
    local node
    for node in "${up[@]}"; do
        [ "$(info "$node" cluster_state)" = ok ] && [ "$(info "$node" cluster_slots_ok)" = "$slots" ] || return 1
    done
}
eventually "$wait_seconds" is_whole || problem "after $wait_seconds s not all slots are served: $(ask "$seed" CLUSTER INFO | head -n 5 | tr '\n' ' ')"

in_step() { [[ $(ask "$1" INFO replication) =~ role:slave.*master_link_status:up ]]; }
for shard in "${shards[@]}"; do
    read -ra members <<<"$shard"
    for member in "${members[@]}"; do
        if [ -z "${id[$member]:-}" ] || ! line_of "$member" "${id[$member]}" | awk '$3 ~ /slave/ { found = 1 } END { exit !found }'; then continue; fi
        if has_keeper "$member"; then continue; fi
        eventually "$wait_seconds" in_step "$member" || problem "$member: no replica in step: $(ask "$member" INFO replication | grep -E 'master_(host|link)' | tr '\n' ' ')"
    done
done

# 7. Primaries are where they were planned: one in each failure domain, so that the loss of one leaves a majority. Only where all is well.
if [ ${#problems[@]} = 0 ]; then
    for shard in "${shards[@]}"; do
        read -ra members <<<"$shard"
        first=${members[0]}
        if [[ $(ask "$first" INFO replication) == *role:slave* ]]; then
            say "$first takes over"
            order "$first" CLUSTER FAILOVER || continue
            is_primary() { [[ $(ask "$first" INFO replication) == *role:master* ]]; }
            eventually 30 is_primary || problem "$first has not taken over"
        fi
    done
    eventually "$wait_seconds" is_whole || problem "not all slots are served: $(ask "$seed" CLUSTER INFO | head -n 5 | tr '\n' ' ')"
fi

# 8. A certificate that has been renewed is read by setting the path that is set.
for node in "${up[@]}"; do
    order "$node" CONFIG SET tls-cert-file "$server_tls_dir/tls.crt" tls-key-file "$server_tls_dir/tls.key" tls-ca-cert-file "$server_tls_dir/ca.crt" || true
done

if [ ${#problems[@]} = 0 ]; then say "${#shards[@]} shards, ${#nodes[@]} nodes, all slots served"; fi
finish
