#!/bin/sh
# Runs the server, after creating its data directory the first time; any other command is run as it stands.
set -eu
umask 077
data=/var/lib/mysql
case "${1:-}" in -*) set -- mysqld "$@" ;; esac
if [ "$1" = mysqld ]; then
    shift
    : "${MYSQL_ROOT_PASSWORD:?set MYSQL_ROOT_PASSWORD}"
    if [ ! -e "$data/.whole" ]; then
        rm -rf "${data:?}"/*
        tar -C "$data" -xzf /tmp/data.tar.gz
        touch "$data/.whole"
    fi
    # Run at each start, and then the same again: what a kill left half done is completed.
    quoted=$(printf '%s' "$MYSQL_ROOT_PASSWORD" | sed "s/[\\\\']/\\\\&/g")
    cat >/var/run/mysqld/init.sql <<END
CREATE USER IF NOT EXISTS root@'%';
ALTER USER root@'%' IDENTIFIED BY '$quoted';
GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;
ALTER USER root@localhost IDENTIFIED BY '$quoted';
END
    unset MYSQL_ROOT_PASSWORD
    set -- mysqld --no-defaults --datadir="$data" --init-file=/var/run/mysqld/init.sql "$@"
fi
exec "$@"
