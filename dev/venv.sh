#!/bin/sh
# Makes a Python environment: venv.sh DIRECTORY REQUIREMENTS. Every package is checked against its pinned hash.
set -eu
venv=$1 requirements=$2

fail() {
    echo "error: $1" >&2
    exit 1
}

has_python() {
    command -v python3 >/dev/null && python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'
}

if [ ! -x "$venv/bin/python" ] || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    if ! has_python 2>/dev/null; then
        echo "  ....  Python: installing python3 and python3-venv"
        if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
            fail "Python 3.11 or later with venv is needed; as root: apt-get install python3-venv"
        fi
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -q >/dev/null
        apt-get install -y -q --no-install-recommends python3 python3-venv >/dev/null
        has_python || fail "this system's Python is older than 3.11: put a newer python3 on PATH"
    fi
    python3 -m venv --clear "$venv"
fi
started=$(date +%s)
echo "  ....  Python environment $venv: installing $requirements"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --requirement "$requirements"
echo "  done  Python environment $venv ($(($(date +%s) - started)) s)"
