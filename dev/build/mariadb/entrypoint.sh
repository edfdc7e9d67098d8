#!/bin/sh
# Runs the server, after creating its data directory the first time; any other command is run as it stands.
set -eu
umask 077
data=/var/lib/mysql
case "${1:-}" in -*) set -- mariadbd "$@" ;; esac
if [ "$1" = mariadbd ]; then
    shift
    : "${MARIADB_ROOT_PASSWORD:?set MARIADB_ROOT_PASSWORD}"
    if [ ! -e "$data/.whole" ]; then
        rm -rf "${data:?}"/*
        mariadb-install-db --no-defaults --datadir="$data" --skip-test-db --auth-root-authentication-method=normal
        touch "$data/.whole"
    fi
    # Run at each start, and then the same again: what a kill left half done is completed.
    quoted=$(printf '%s' "$MARIADB_ROOT_PASSWORD" | sed "s/[\\\\']/\\\\&/g")
    cat >/var/run/mysqld/init.sql <<END
CREATE OR REPLACE USER root@'%' IDENTIFIED BY '$quoted';
GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;
CREATE OR REPLACE USER root@localhost IDENTIFIED BY '$quoted';
GRANT ALL ON *.* TO root@localhost WITH GRANT OPTION;
DELETE FROM mysql.global_priv WHERE User = '' OR (User = 'root' AND Host NOT IN ('%', 'localhost'));
FLUSH PRIVILEGES;
END
    unset MARIADB_ROOT_PASSWORD
    set -- mariadbd --no-defaults --datadir="$data" --init-file=/var/run/mysqld/init.sql "$@"
fi
exec "$@"
