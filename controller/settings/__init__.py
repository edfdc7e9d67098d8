"""The operator's settings, read once from the environment; every variable is described in this package and
nowhere else.
"""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from controller.settings.databases import DatabaseVariables
from controller.settings.life import LifeVariables
from controller.settings.logs import LogVariables
from controller.settings.routing import RoutingVariables
from controller.settings.words import InstallationId
from controller.settings.work import RuntimeKind, WorkVariables

__all__ = ["RuntimeKind", "Settings"]


class GeneralVariables(BaseSettings):
    """Who the operator is, and what it watches."""

    installation_id: InstallationId = Field(
        default="previewcloud", description="Stands in every name and label; two installations never meet."
    )
    watch_namespace: str = Field(default="", description="Only this namespace; empty: all of them.")
    metrics_listen: str = Field(
        default="127.0.0.1:8093",
        description="host:port of the operator's metrics, and of its /healthz and /readyz; empty: nowhere.",
    )


# Fields come in the reverse order of the bases.
class Settings(
    DatabaseVariables, WorkVariables, LifeVariables, LogVariables, RoutingVariables, GeneralVariables
):
    """All settings; the name of the variable is the field's name in capitals."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    @property
    def proxy_network(self) -> str:
        """The network on which the proxy reaches instances."""
        return f"traefik-proxy-{self.installation_id}"

    @property
    def jobs_network(self) -> str:
        """The network of migrations, where the database servers are reached and nothing else."""
        return f"previewcloud-jobs-{self.installation_id}"
