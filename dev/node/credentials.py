"""Who may what between node and API server: tokens towards the API, certificates towards the kubelet.

The node's programs log in as what they are (system:node:…, system:kube-scheduler, system:kube-proxy)
and have the rights that Kubernetes gives those, no more. The API server shows the kubelet a certificate of an
authority that is made here, and knows the kubelet by one.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from dev import commands
from dev.node import rights
from dev.node.place import NodePlace
from dev.site import kept_secret

API_SERVER = rights.API_SERVER
DAYS = "3650"
NO_DEFAULTS = b"[req]\ndistinguished_name = dn\n[dn]\n"
"""The machine's own configuration would make an authority of everybody."""
ACCOUNTS = {
    "kubelet": ("system:node:{node}", "system:nodes"),
    "kube-scheduler": ("system:kube-scheduler", ""),
    "kube-proxy": ("system:kube-proxy", ""),
    "coredns": (rights.COREDNS, ""),
}


@dataclass(frozen=True)
class Certificates:
    """Files of one authority, of what it signed for the API server, and for the kubelet."""

    folder: Path

    @property
    def authority(self) -> Path:
        """The certificate of the authority."""
        return self.folder / "authority.crt"

    def certificate(self, name: str) -> Path:
        """The certificate of `kubelet` or of the API server."""
        return self.folder / f"{name}.crt"

    def key(self, name: str) -> Path:
        """The private key that belongs to it."""
        return self.folder / f"{name}.key"


def certificates(place: NodePlace) -> Certificates:
    """Return the certificates between API server and kubelet, made the first time."""
    made = Certificates(place.site.secrets / "node")
    made.folder.mkdir(mode=0o700, exist_ok=True)
    if not made.authority.exists():
        _sign(made, "authority", "/CN=previewcloud-node", "basicConstraints=critical,CA:TRUE")
    of_kubelet = f"subjectAltName=IP:{place.address},DNS:{place.name}"
    for name, subject, extension in (
        ("kubelet", f"/O=system:nodes/CN=system:node:{place.name}", of_kubelet),
        (API_SERVER, f"/CN={API_SERVER}", "extendedKeyUsage=clientAuth"),
    ):
        if not made.certificate(name).exists():
            _sign(made, name, subject, extension)
    return made


def token(place: NodePlace, account: str) -> str:
    """Return the token of one of ACCOUNTS, made the first time."""
    return kept_secret(place.site.secrets / f"{account}-token", 32)


def token_rows(place: NodePlace) -> list[str]:
    """Return the rows of the API server's file of tokens: token, user, uid, groups."""
    rows = []
    for account, (user, group) in ACCOUNTS.items():
        name = user.format(node=place.name)
        rows.append(f'{token(place, account)},{name},{account},"{group}"')
    return rows


def kubeconfig(server: str, authority: Path, bearer: str) -> str:
    """Return a kubeconfig, as JSON, for one who shows a token."""
    cluster: dict[str, object] = {"server": server, "certificate-authority": str(authority)}
    config: dict[str, object] = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "local", "cluster": cluster}],
        "users": [{"name": "own", "user": {"token": bearer}}],
        "contexts": [{"name": "local", "context": {"cluster": "local", "user": "own"}}],
        "current-context": "local",
    }
    return json.dumps(config, indent=2) + "\n"


def _sign(made: Certificates, name: str, subject: str, extension: str) -> None:
    """An authority signs itself; everything else is signed by the authority."""
    commands.install_packages({"openssl": "openssl"})
    by = () if name == "authority" else ("-CA", made.authority, "-CAkey", made.key("authority"))
    new = ("-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", DAYS)
    serial = ("-set_serial", str(secrets.randbits(63)))
    out = ("-keyout", made.key(name), "-out", made.certificate(name))
    command = ["openssl", "req", "-config", "/dev/stdin", *new, *by, *serial, *out]
    commands.run([*command, "-subj", subject, "-addext", extension], stdin=NO_DEFAULTS)
