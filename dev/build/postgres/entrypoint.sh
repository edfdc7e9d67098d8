#!/bin/sh
# Runs the server, after creating its data directory the first time; any other command is run as it stands.
set -eu
case "${1:-}" in -*) set -- postgres "$@" ;; esac
if [ "$1" = postgres ]; then
    if [ ! -s "$PGDATA/PG_VERSION" ]; then
        : "${POSTGRES_PASSWORD:?set POSTGRES_PASSWORD}"
        printf '%s' "$POSTGRES_PASSWORD" >/tmp/password
        initdb --username=postgres --pwfile=/tmp/password --auth-local=trust --auth-host=scram-sha-256 \
            --encoding=UTF8 --locale=C.UTF-8 --no-sync
        rm /tmp/password
        echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
        echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"
    fi
    mkdir -p /var/run/postgresql 2>/dev/null || true
fi
exec "$@"
