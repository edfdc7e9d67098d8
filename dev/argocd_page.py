"""`python -m dev.argocd_page`: what Argo CD is told of Previews, from the Lua files beside it.

health.lua, discovery.lua, wake.lua, … ──▶ argocd-cm.yaml
"""

from __future__ import annotations

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "examples/gitops/argocd"
TARGET = FOLDER / "argocd-cm.yaml"
ACTIONS = ("redeploy", "sleep", "wake")
HEAD = """\
# What Argo CD shows of a Preview, and what it offers to do with one. Made from the Lua files beside it by
# `python -m dev.argocd_page`; merge it into the ConfigMap that is there:
#
#   kubectl patch configmap argocd-cm --namespace argocd --patch-file argocd-cm.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: argocd-cm
  namespace: argocd
  labels:
    app.kubernetes.io/name: argocd-cm
    app.kubernetes.io/part-of: argocd
data:
"""


def page(folder: Path = FOLDER) -> str:
    """The ConfigMap that embeds exactly these files."""
    actions = f"discovery.lua: |\n{_indented(folder / 'discovery.lua', 2)}definitions:\n"
    for name in ACTIONS:
        actions += f"  - name: {name}\n    action.lua: |\n{_indented(folder / f'{name}.lua', 6)}"
    return (
        f"{HEAD}  resource.customizations.health.previewcloud.io_Preview: |\n"
        f"{_indented(folder / 'health.lua', 4)}"
        "  resource.customizations.actions.previewcloud.io_Preview: |\n"
        f"{_shifted(actions, 4)}"
    )


def _indented(path: Path, by: int) -> str:
    return _shifted(path.read_text(), by)


def _shifted(text: str, by: int) -> str:
    return "".join(f"{' ' * by}{line}" if line.strip() else line for line in text.splitlines(keepends=True))


if __name__ == "__main__":
    TARGET.write_text(page())
    sys.stdout.write(f"{TARGET}\n")
