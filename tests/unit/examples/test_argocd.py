"""What Argo CD is told of Previews holds exactly the Lua files beside it."""

import yaml

from dev.argocd_page import ACTIONS, FOLDER, TARGET, page


def test_the_config_map_is_as_the_lua_files_are() -> None:
    assert TARGET.read_text() == page(), "run: python -m dev.argocd_page"


def test_each_script_is_embedded_as_it_is() -> None:
    data = yaml.safe_load(TARGET.read_text())["data"]
    assert (
        data["resource.customizations.health.previewcloud.io_Preview"] == (FOLDER / "health.lua").read_text()
    )
    actions = yaml.safe_load(data["resource.customizations.actions.previewcloud.io_Preview"])
    assert actions["discovery.lua"] == (FOLDER / "discovery.lua").read_text()
    scripts = {each["name"]: each["action.lua"] for each in actions["definitions"]}
    assert scripts == {name: (FOLDER / f"{name}.lua").read_text() for name in ACTIONS}
