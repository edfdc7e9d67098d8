"""Where the API server is: a kubeconfig that cannot be used is told in a sentence, by operator and bridge."""

from pathlib import Path

import pytest

from controller.api.errors import InvalidSpec
from controller.cluster.wire import ApiServer


@pytest.mark.parametrize("content", [None, "", "no mapping", "{", "clusters: []\n"])
async def test_a_kubeconfig_that_cannot_be_used_is_told(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "kubeconfig"
    if content is not None:
        file.write_text(content)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setattr("kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(file))
    with pytest.raises(InvalidSpec) as caught:
        await ApiServer.connect()
    assert caught.value.reason == "KubeconfigMissing"
    assert "KUBECONFIG" in caught.value.message
