"""The rules that the API server keeps hold for the models too: the same table, without a server."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from controller.api.spec import PreviewSpec
from tests.integration.crd.case import Case, load, spec

CASES = load()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_the_api_server_accepts_the_models_accept(case: Case) -> None:
    PreviewSpec.model_validate(spec(case.before, case.accept))


@pytest.mark.parametrize("case", [case for case in CASES if not case.server_only], ids=str)
def test_what_the_api_server_refuses_the_models_refuse(case: Case) -> None:
    with pytest.raises(ValidationError):
        PreviewSpec.model_validate(spec(case.before, case.refuse))


def test_services_that_wait_for_each_other_are_refused() -> None:
    services = [
        {"name": "a", "image": "x", "dependsOn": ["b"]},
        {"name": "b", "image": "x", "dependsOn": ["a"]},
    ]
    with pytest.raises(ValidationError, match="a -> b -> a"):
        PreviewSpec.model_validate(spec({"services": services}))
