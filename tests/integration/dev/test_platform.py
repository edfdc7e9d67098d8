"""A platform of its own beside whatever else runs: up, up again, broken, repaired, down."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from dev.docker_cli import DEFAULT_HOST, INSTALLATION_LABEL, Docker
from dev.images import BASE
from dev.processes import until
from dev.programs import ACT, VERSITYGW
from dev.site import installation_of

ROOT = Path(__file__).resolve().parents[3]
NOBODY_ANSWERED = (1, 124)
"""How a knock ends: refused or without a way there, or unanswered when its time is up."""
SERVERS = ("postgres", "mysql", "mariadb", "mongodb", "registry")
PROCESSES = {"etcd", "kube-apiserver", "kube-controller-manager", "git-server"}


class Platform:
    """The commands of one platform, and what they left behind."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.installation = installation_of(state)
        self.docker = Docker(os.environ.get("DOCKER_HOST", DEFAULT_HOST))

    def run(self, *arguments: str) -> str:
        # A MongoDB that this test run was given is not in this platform's reach.
        around = {name: value for name, value in os.environ.items() if name != "MONGODB_URL"}
        ended = subprocess.run(
            [sys.executable, "-m", "dev", *arguments],
            cwd=ROOT,
            env={**around, "PREVIEWCLOUD_STATE": str(self.state), "CLUSTER": "local"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def up(self) -> dict[str, str]:
        self.run("up", "--no-operator", "--no-sample", "--tests")
        variables: dict[str, str] = json.loads(self.run("env", "--json"))
        return variables

    def pids(self) -> dict[str, int]:
        files = (self.state / "run").glob("*.pid")
        return {file.stem: int(json.loads(file.read_text())["pid"]) for file in files}

    def server(self, name: str) -> str:
        return f"previewcloud-{name}-{self.installation}"

    def containers(self) -> list[str]:
        return self.docker.labelled("container", f"{INSTALLATION_LABEL}={self.installation}")


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    started = Platform(tmp_path_factory.mktemp("platform") / ".local")
    try:
        yield started
    finally:
        started.run("down")


@pytest.fixture(scope="module")
def variables(platform: Platform) -> dict[str, str]:
    return platform.up()


def test_every_part_answers(platform: Platform, variables: dict[str, str]) -> None:
    assert set(platform.pids()) == PROCESSES
    nodes = subprocess.run(
        ["kubectl", "get", "namespaces"], env={**os.environ, **variables}, capture_output=True, check=False
    )
    assert nodes.returncode == 0, nodes.stderr
    assert _status(variables["TRAEFIK_HTTP_URL"]) == 404


def test_a_preview_reaches_every_database_with_the_client_of_its_image(variables: dict[str, str]) -> None:
    assert _psql(variables, "select 1") == "1"
    assert _mysql(variables, "MYSQL", "select version()").startswith("9.")
    assert "MariaDB" in _mysql(variables, "MARIADB", "select version()")
    assert _mongo(variables, "db.command({ping: 1})") == '{"ok":1}'


def test_mysql_lets_a_client_in_that_does_without_tls(variables: dict[str, str]) -> None:
    options = ("--ssl-mode=DISABLED", "--get-server-public-key")
    assert _mysql(variables, "MYSQL", "select 1", *options) == "1"


@pytest.mark.parametrize("name", ["MYSQL", "MARIADB"])
def test_no_administrator_of_mysql_is_without_a_password(variables: dict[str, str], name: str) -> None:
    found = _mysql(variables, name, "select host from mysql.user where user in ('', 'root') order by host")
    assert found.split() == ["%", "localhost"]
    client, port = variables[f"{name}_CLIENT_IMAGE"], variables[f"{name}_URL"].rpartition(":")[2]
    command = ("mysql", "--protocol=tcp", "-h127.0.0.1", f"-P{port}", "-uroot", "-Ne", "select 1")
    refused = _docker("run", "--rm", "--network=host", client, *command, check=False)
    assert "Access denied" in refused.stderr


def test_mongodb_lets_nobody_in_without_a_password(variables: dict[str, str]) -> None:
    url = f"mongodb://{variables['MONGODB_PREVIEW_ADDRESS']}/"
    assert "requires authentication" in _mongo(variables, "db.collection('x').findOne()", url)


def test_the_engine_pulls_what_was_pushed_to_the_registry(variables: dict[str, str]) -> None:
    _pull_and_remove(_push(variables))


@pytest.mark.parametrize("network", ["PROXY_NETWORK", "PLATFORM_NETWORK", ""])
def test_no_container_reaches_the_registry(
    platform: Platform, variables: dict[str, str], network: str
) -> None:
    addresses = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}"
    inside = platform.docker("container", "inspect", "--format", addresses, platform.server("registry"))
    published = f"{variables['GATEWAY']}/{variables['REGISTRY'].rpartition(':')[2]}"
    knocks = [f"timeout 2 bash -c 'echo >/dev/tcp/{door}'" for door in (f"{inside}/5000", published)]
    where = f"--network={variables.get(network, 'bridge')}"  # builds run on the engine's own bridge
    ran = _docker("run", "--rm", where, BASE, "bash", "-c", " || ".join(knocks), check=False)
    assert ran.returncode in NOBODY_ANSWERED, ran.stderr


def test_act_is_there_to_run_workflows(variables: dict[str, str]) -> None:
    env = {**os.environ, **variables}
    ended = subprocess.run(["act", "--version"], env=env, capture_output=True, text=True, check=True)
    assert ended.stdout == f"act version {ACT}\n"


def test_a_server_of_s3_is_there_for_tests(variables: dict[str, str]) -> None:
    env = {**os.environ, **variables}
    ended = subprocess.run(["versitygw", "--version"], env=env, capture_output=True, text=True, check=True)
    assert f"Version  : {VERSITYGW}\n" in ended.stdout


def test_a_second_up_changes_nothing(platform: Platform, variables: dict[str, str]) -> None:
    before = (platform.pids(), platform.containers())
    assert platform.up() == variables
    assert (platform.pids(), platform.containers()) == before


def test_what_broke_is_started_again_and_keeps_its_data(
    platform: Platform, variables: dict[str, str]
) -> None:
    _psql(variables, "create table kept (id int)")
    for server in ("MYSQL", "MARIADB"):
        _mysql(variables, server, "create database kept")
    _mongo(variables, "db.collection('kept').insertOne({_id: 1})")
    pushed = _push(variables)
    os.kill(platform.pids()["kube-apiserver"], signal.SIGKILL)
    platform.docker("rm", "--force", *(platform.server(name) for name in SERVERS))
    assert platform.up() == variables
    assert _psql(variables, "select count(*) from kept") == "0"
    for server in ("MYSQL", "MARIADB"):
        assert _mysql(variables, server, "show databases like 'kept'") == "kept"
    assert _mongo(variables, "db.collection('kept').findOne()") == '{"_id":1}'
    _pull_and_remove(pushed)


def test_down_leaves_nothing_behind(platform: Platform, variables: dict[str, str]) -> None:
    pids = platform.pids()
    platform.run("down")
    assert until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids.values()), 5)
    for kind in ("container", "network", "volume"):
        found = platform.docker(
            kind, "ls", "--quiet", "--filter", f"label={INSTALLATION_LABEL}={platform.installation}"
        )
        assert found == ""
    assert {path.name for path in platform.state.iterdir()} <= {"logs", "lock"}


def _push(variables: dict[str, str]) -> str:
    """Store an image in the registry, not on the engine; gives its name."""
    name = f"{variables['REGISTRY']}/acme/kept:1"
    _docker("tag", BASE, name)
    _docker("push", "--quiet", name)
    _docker("image", "rm", name)
    return name


def _pull_and_remove(name: str) -> None:
    _docker("pull", "--quiet", name)
    _docker("image", "rm", name)


def _client(variables: dict[str, str], name: str, *command: str) -> str:
    """Ask a server the way a preview does: from the proxy's network, on its gateway."""
    network, image = variables["PROXY_NETWORK"], variables[f"{name}_CLIENT_IMAGE"]
    return _docker("run", "--rm", f"--network={network}", image, *command).stdout.strip()


def _psql(variables: dict[str, str], statement: str) -> str:
    return _client(variables, "POSTGRES", "psql", "-XAtc", statement, _reached(variables, "POSTGRES"))


def _mysql(variables: dict[str, str], name: str, statement: str, *options: str) -> str:
    url = urlsplit(_reached(variables, name))
    login = (f"-h{url.hostname}", f"-P{url.port}", f"-u{url.username}", f"-p{url.password}")
    return _client(variables, name, "mysql", *login, *options, "-Ne", statement)


def _mongo(variables: dict[str, str], expression: str, url: str = "") -> str:
    """The answer to an expression as JSON, or the server's refusal."""
    script = """
        const {MongoClient} = require("/node_modules/mongodb");
        const client = new MongoClient(process.argv[1]), db = client.db("trial");
        const answer = %s;
        answer.then(JSON.stringify, error => error.message).then(console.log).then(() => client.close());
    """
    return _client(
        variables, "MONGODB", "node", "-e", script % expression, url or _reached(variables, "MONGODB")
    )


def _reached(variables: dict[str, str], name: str) -> str:
    """A server's URL under the address of previews."""
    url = urlsplit(variables[f"{name}_URL"])
    login = url.netloc.rpartition("@")[0]
    return url._replace(netloc=f"{login}@{variables[f'{name}_PREVIEW_ADDRESS']}").geturl()


def _docker(*arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=check, timeout=60)


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
