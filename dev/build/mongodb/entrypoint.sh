#!/bin/bash
# Runs PostgreSQL and FerretDB before it, after creating the data directory the first time; any other command is
# run as it stands. When one of the two ends, the container does.
set -eu
[ "$1" = ferretdb ] || exec "$@"
: "${MONGO_INITDB_ROOT_USERNAME:?set MONGO_INITDB_ROOT_USERNAME}" "${MONGO_INITDB_ROOT_PASSWORD:?set MONGO_INITDB_ROOT_PASSWORD}"
umask 077
whole=$PGDATA/whole

# Written at each start, so that newer settings meet data that is kept.
settings() {
    cat >"$PGDATA/ferretdb.conf" <<END
listen_addresses = '127.0.0.1'
unix_socket_directories = '/tmp'
max_connections = 300
shared_buffers = 128MB
fsync = off
full_page_writes = off
log_min_messages = warning
shared_preload_libraries = 'pg_cron,pg_documentdb_core,pg_documentdb'
cron.database_name = 'postgres'
cron.host = '127.0.0.1'
cron.log_run = off
cron.log_statement = off
documentdb.localhost_connection_string = 'host=127.0.0.1'
documentdb.maxUserLimit = 500
END
}

if [ ! -e "$whole" ]; then
    rm -rf "$PGDATA"
    printf '%s' "$MONGO_INITDB_ROOT_PASSWORD" >/tmp/password
    initdb --username="$MONGO_INITDB_ROOT_USERNAME" --pwfile=/tmp/password --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync
    rm /tmp/password
    echo "include 'ferretdb.conf'" >>"$PGDATA/postgresql.conf"
    settings
    pg_ctl --silent --wait start
    psql -h /tmp -U "$MONGO_INITDB_ROOT_USERNAME" -d postgres -v ON_ERROR_STOP=1 -qc 'CREATE EXTENSION documentdb CASCADE'
    pg_ctl --silent --wait stop
    touch "$whole"
fi
unset MONGO_INITDB_ROOT_PASSWORD

settings
rm -f "$PGDATA/postmaster.pid" # of a container that was killed
postgres &
until pg_isready -q -h 127.0.0.1 -U "$MONGO_INITDB_ROOT_USERNAME" -d postgres; do kill -0 $! && sleep 0.1; done
ferretdb --postgresql-url="postgres://$MONGO_INITDB_ROOT_USERNAME@127.0.0.1:5432/postgres" --listen-addr=:27017 --state-dir=/tmp &
trap 'exit 0' TERM INT
trap 'jobs -pr | xargs --no-run-if-empty kill -INT; wait' EXIT
wait -n
