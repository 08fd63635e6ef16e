#!/usr/bin/env bash
# Writes what redis-server needs of secrets to a directory in memory: the users with hashes of their passwords, a redis.conf with the
# password that replicas log in with, and the two passwords that probes and preStop use. Runs before redis-server, in a container of its own.
set -euo pipefail
shopt -s inherit_errexit
umask 077

conf_dir=${CONF_DIR:-/etc/redis}
secrets_dir=${SECRETS_DIR:-/secrets}
run_dir=${RUN_DIR:-/run/redis}
data_dir=${DATA_DIR:-/data}
tls_dir=${TLS_DIR:-/tls}

fail() {
    echo "render: $1" >&2
    exit 1
}

# The password of a user. Nothing in it may mean anything to redis.conf, and nobody may guess it.
password() {
    local file=$secrets_dir/$1 text
    [ -r "$file" ] || fail "no password for the user $1: expected a key of that name in the Secret"
    text=$(<"$file")
    [[ $text =~ ^[A-Za-z0-9._~-]{24,128}$ ]] ||
        fail "the password of $1 is not 24 to 128 of A-Z a-z 0-9 . _ ~ -; make one with: openssl rand -hex 32"
    printf '%s' "$text"
}

hash_of() {
    local text sum
    text=$(password "$1")
    sum=$(printf '%s' "$text" | sha256sum)
    printf '#%s' "${sum%% *}"
}

users=''
while IFS= read -r line || [ -n "$line" ]; do
    # Files of users know no comments.
    [[ $line =~ ^[[:space:]]*(#.*)?$ ]] && continue
    while [[ $line =~ @([a-z-]+)@ ]]; do
        name=${BASH_REMATCH[1]}
        hashes=$(hash_of "$name")
        # A second password is accepted while clients move to it.
        if [ -e "$secrets_dir/$name-next" ]; then hashes+=" $(hash_of "$name-next")"; fi
        line=${line//"@$name@"/$hashes}
    done
    users+=$line$'\n'
done <"$conf_dir/users.acl"

replication=$(password replication)
probe=$(password probe)
handover=$(password handover)
printf '%s' "$users" >"$run_dir/users.acl"
printf '%s' "$probe" >"$run_dir/probe"
printf '%s' "$handover" >"$run_dir/handover"
cat >"$run_dir/redis.conf" <<END
include $conf_dir/redis.conf
aclfile $run_dir/users.acl
masteruser replication
masterauth $replication
dir $data_dir
tls-cert-file $tls_dir/tls.crt
tls-key-file $tls_dir/tls.key
tls-ca-cert-file $tls_dir/ca.crt
END
