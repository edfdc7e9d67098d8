import subprocess
from dataclasses import replace
from pathlib import Path

from controller.settings import Settings
from dev.databases import Databases
from dev.docker_cli import Docker
from dev.environment import (
    Addresses,
    for_bridge,
    for_operator,
    for_shell,
    read_shell_file,
    write_shell_file,
)
from dev.ports import choose
from dev.prepare import EngineImages, Facts
from dev.servers import Database
from dev.site import Acme, site_from
from webhook.settings import BridgeSettings

URL = "postgresql://postgres:it's@127.0.0.1:1/postgres"
SERVERS = ("postgres", "mysql", "mariadb", "mongodb")


def _addresses(root: Path) -> Addresses:
    site = site_from({"HOME": str(root), "PREVIEWCLOUD_STATE": str(root / "state dir")}, root)
    site.make_directories()
    return Addresses(
        site,
        choose(site.installation, lambda port: True),
        Docker("unix:///var/run/docker.sock"),
        site.kubeconfig,
        Facts("10.9.0.1", "proxy", "platform", "10.9.4.0/22"),
        EngineImages("traefik:1", "tools:1"),
        Databases({name: Database(URL, "10.9.0.1:1", "image:1") for name in SERVERS}, given=False),
    )


def test_the_file_reads_the_same_in_a_shell_and_here(tmp_path: Path) -> None:
    addresses = _addresses(tmp_path)
    variables = for_shell(addresses)
    write_shell_file(addresses.site, variables)
    assert read_shell_file(addresses.site) == variables
    script = f'. "{addresses.site.env_file}" && printf %s "$POSTGRES_URL|$PATH"'
    shell = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True)
    url, _, path = shell.stdout.partition("|")
    assert url == variables["POSTGRES_URL"]
    assert path.startswith(f"{addresses.site.bin}:")


def test_only_the_owner_reads_it(tmp_path: Path) -> None:
    addresses = _addresses(tmp_path)
    write_shell_file(addresses.site, for_shell(addresses))
    assert addresses.site.env_file.stat().st_mode & 0o077 == 0


def test_the_operators_variables_are_settings_that_it_knows(tmp_path: Path) -> None:
    of_libraries = {"KUBECONFIG", "DOCKER_HOST"}
    names = {name.lower() for name in set(for_operator(_addresses(tmp_path))) - of_libraries}
    assert names <= set(Settings.model_fields)


def test_the_bridges_variables_are_settings_that_it_knows(tmp_path: Path) -> None:
    names = {name.lower() for name in set(for_bridge(_addresses(tmp_path))) - {"KUBECONFIG"}}
    assert names <= set(BridgeSettings.model_fields)


def test_operator_and_bridge_agree_on_the_token_between_them(tmp_path: Path) -> None:
    variables = for_shell(_addresses(tmp_path))
    assert variables["OPERATOR_TOKEN"] == Path(variables["ROUTING_TOKEN_FILE"]).read_text()
    assert variables["OPERATOR_URL"] == f"http://{variables['ROUTING_LISTEN']}"


def test_the_engine_may_pull_from_the_registry_that_a_shell_is_told_of(tmp_path: Path) -> None:
    variables = for_shell(_addresses(tmp_path))
    assert variables["LOCAL_REGISTRIES"] == variables["REGISTRY"]


def test_secrets_and_the_token_stay_the_same(tmp_path: Path) -> None:
    first, again = (for_shell(_addresses(tmp_path)) for _ in range(2))
    assert first == again
    assert len(first["API_KEY"]) >= 43
    assert first["API_KEY"] != first["GITHUB_WEBHOOK_SECRET"]


def test_previews_are_served_by_https_when_certificates_are_ordered(tmp_path: Path) -> None:
    plain = _addresses(tmp_path)
    secure = replace(plain, site=replace(plain.site, acme=Acme("ops@example.com")))
    changed = set(for_operator(secure).items()) - set(for_operator(plain).items())
    assert dict(changed) == {
        "PREVIEW_SCHEME": "https",
        "PREVIEW_PORT": str(plain.ports.https),
        "TRAEFIK_HTTP_URL": f"https://127.0.0.1:{plain.ports.https}",
        "TRAEFIK_ENTRYPOINT": "websecure",
        "TRAEFIK_TLS": "true",
        "TRAEFIK_CERT_RESOLVER": "acme",
    }
    assert {name.lower() for name, _ in changed} <= set(Settings.model_fields)
