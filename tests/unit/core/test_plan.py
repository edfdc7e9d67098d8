"""The rules of order: what a plan does, before what, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.core import actions as act
from controller.core.desired import Desired, desired
from controller.core.observed import Observed
from controller.core.plan import plan, repair, rollback
from controller.core.stages import Plan
from controller.databases.protocol import DatabaseState
from controller.runtime.protocol import InstanceState, Network, OwnImage, RuntimeState
from tests.unit.core.examples import KEY, LONE, RULES, beside, inputs, there, wanted
from tests.unit.core.world import COMMIT_B, COMMIT_C

OLD, NEW = wanted(), wanted(commit=COMMIT_B)


def kinds(made: Plan) -> list[str]:
    return [type(action).__name__ for action in made.actions]


def changed(observed: Observed, index: int, **fields: object) -> Observed:
    """The same with one instance changed."""
    instances = list(observed.runtime.instances)
    instances[index] = replace(instances[index], **fields)  # type: ignore[arg-type]
    return replace(observed, runtime=replace(observed.runtime, instances=tuple(instances)))


def without_instance(observed: Observed, index: int) -> Observed:
    instances = observed.runtime.instances
    kept = instances[:index] + instances[index + 1 :]
    return replace(observed, runtime=replace(observed.runtime, instances=kept))


def test_what_is_as_it_should_be_needs_nothing() -> None:
    assert not plan(OLD, there(OLD))
    assert not plan(Desired.nothing(KEY, "pr-1"), Observed())


def test_before_the_images_are_there_images_and_database_are_prepared() -> None:
    made = plan(desired(inputs(), RULES), Observed())
    assert not made.complete
    assert kinds(made) == ["BuildImage", "BuildImage", "StoreCredentials", "CreateDatabase", "Migrate"]
    assert len(made.stages[0].actions) == 2


def test_the_login_is_stored_before_the_database_is_made_and_migrated() -> None:
    stages = plan(OLD, replace(Observed(), images=there(OLD).images)).stages
    order = [type(action).__name__ for stage in stages for action in stage.actions]
    assert order.index("StoreCredentials") < order.index("CreateDatabase") < order.index("Migrate")
    assert order.index("Migrate") < order.index("ResumeInstance")


def test_instances_are_created_beside_the_database_and_started_after_it() -> None:
    made = plan(OLD, replace(Observed(), images=there(OLD).images))
    names = {spec.name for spec in OLD.instances or ()}
    database, services = made.stages[0].lanes
    assert [type(action) for action in database.actions] == [
        act.StoreCredentials,
        act.CreateDatabase,
        act.Migrate,
    ]
    assert isinstance(services.actions[0], act.CreateNetwork)
    assert {a.instance.name for a in services.actions if isinstance(a, act.CreateInstance)} == names
    assert {a.name for a in made.actions if isinstance(a, act.ResumeInstance)} == names
    assert "StartInstance" not in kinds(made)


def test_an_instance_that_was_created_and_not_started_is_started() -> None:
    observed = changed(there(OLD), 0, state=InstanceState.CREATED)
    resumed = [a.name for a in plan(OLD, observed).actions if isinstance(a, act.ResumeInstance)]
    assert resumed == [observed.runtime.instances[0].name]


def test_a_create_starts_dependencies_first_and_waits_for_them() -> None:
    made = plan(OLD, replace(there(OLD), runtime=RuntimeState(), published=None))
    started = [str(action) for action in made.actions if not isinstance(action, act.RemoveNetwork)]
    api, web = (spec.name for spec in sorted(OLD.instances or (), key=lambda spec: spec.service))
    assert [line.split(" from ")[0] for line in started] == [
        f"create network {OLD.network.name if OLD.network else ''}",
        f"start {api}",
        "wait for api",
        f"start {web}",
        "wait for web",
        f"route pr-1-acme.web.localhost to revision {OLD.revision[:8] if OLD.revision else ''}",
        "wait until the public hosts answer",
    ]


def test_a_private_service_gets_no_public_host() -> None:
    (publish,) = [a for a in plan(NEW, there(OLD)).actions if isinstance(a, act.Publish)]
    assert [route.host for route in publish.routes] == ["pr-1-acme.web.localhost"]


def test_nothing_that_serves_is_touched_before_its_replacement_answers() -> None:
    observed = replace(there(OLD), images=there(NEW).images)
    order = kinds(plan(NEW, observed))
    for touching in ("RetireInstance", "RemoveNetwork", "RemoveImage", "Linger"):
        assert order.index("ConfirmRoutes") < order.index(touching)
    assert order.index("Publish") < order.index("ConfirmRoutes")
    assert max(i for i, kind in enumerate(order) if kind == "AwaitReady") < order.index("Publish")


def test_the_old_revision_lingers_then_ends_dependents_first() -> None:
    made = plan(NEW, beside(there(OLD), there(NEW), NEW.revision))
    ends = [[str(action) for action in stage.actions] for stage in made.stages]
    web = next(s.name for s in OLD.instances or () if s.service == "web")
    api = next(s.name for s in OLD.instances or () if s.service == "api")
    assert [type(action).__name__ for action in made.actions][:2] == ["Publish", "ConfirmRoutes"]
    assert ends[2:5] == [["let the replaced revision finish"], [f"retire {web}"], [f"retire {api}"]]


def test_what_was_overtaken_ends_first_and_what_serves_last() -> None:
    middle, newest = wanted(commit=COMMIT_B), wanted(commit=COMMIT_C)
    observed = beside(there(OLD), there(middle), OLD.revision)
    made = plan(newest, replace(observed, images=there(newest).images))
    first = made.stages[0]
    assert {str(a) for a in first.actions} == {f"retire {spec.name}" for spec in middle.instances or ()}
    last = [str(a) for a in made.actions if isinstance(a, act.RetireInstance)][2:]
    assert set(last) == {f"retire {spec.name}" for spec in OLD.instances or ()}


def test_images_and_networks_of_the_old_version_go_at_the_end() -> None:
    made = plan(NEW, beside(there(OLD), there(NEW), NEW.revision))
    gone = [str(action) for action in made.stages[-1].actions]
    expected = [f"remove network {OLD.network.name}"] if OLD.network else []
    expected += [f"remove image {image.reference}" for image in OLD.images]
    assert gone == expected


def test_an_unknown_image_is_built_or_pulled_once() -> None:
    file = "services: {web: {image: nginx}, app: {image: nginx}, api: {port: 1}}"
    made = plan(desired(inputs(file), RULES), Observed())
    assert sorted(kinds(made)) == ["BuildImage", "PullImage"]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (InstanceState.EXITED, ["ResumeInstance", "AwaitReady", "Publish", "ConfirmRoutes"]),
        (InstanceState.CREATED, ["ResumeInstance", "AwaitReady", "Publish", "ConfirmRoutes"]),
        (InstanceState.RESTARTING, ["AwaitReady", "Publish", "ConfirmRoutes"]),
    ],
)
def test_an_instance_that_does_not_run_is_brought_back(state: InstanceState, expected: list[str]) -> None:
    assert kinds(plan(OLD, changed(there(OLD), 0, state=state))) == expected


def test_an_instance_that_is_ill_is_waited_for() -> None:
    assert kinds(plan(OLD, changed(there(OLD), 0, healthy=False)))[0] == "AwaitReady"


def test_an_instance_that_is_gone_is_started_again_in_its_place() -> None:
    made = plan(OLD, without_instance(there(OLD), 0))
    assert kinds(made) == ["StartInstance", "AwaitReady", "Publish", "ConfirmRoutes"]


def test_an_instance_off_its_network_is_attached_again() -> None:
    observed = changed(there(OLD), 1, networks=frozenset())
    assert kinds(plan(OLD, observed))[0] == "AttachInstance"
    dropped = replace(observed.runtime, networks=())
    assert kinds(plan(OLD, replace(observed, runtime=dropped)))[:2] == ["CreateNetwork", "AttachInstance"]


def test_an_instance_that_the_proxy_does_not_reach_is_replaced() -> None:
    first, second, *_ = plan(OLD, changed(there(OLD), 0, proxied=False)).stages
    assert [str(action).split()[0] for action in first.actions + second.actions] == ["retire", "start"]
    assert (len(first.actions), len(second.actions)) == (1, 1)


def test_a_stopped_instance_is_on_its_network_before_it_starts() -> None:
    observed = changed(there(OLD), 0, state=InstanceState.EXITED, networks=frozenset())
    first, second, *_ = plan(OLD, observed).stages
    assert [type(action) for action in first.actions] == [act.AttachInstance]
    assert [type(action) for action in second.actions] == [act.ResumeInstance]


def test_a_lone_service_needs_no_network() -> None:
    lone = wanted(LONE)
    assert lone.network is None
    assert "CreateNetwork" not in kinds(plan(lone, replace(there(lone), runtime=RuntimeState())))


def test_a_database_that_is_gone_is_made_and_migrated_again() -> None:
    observed = replace(there(OLD), databases={"postgres": (DatabaseState("pr_1_db", exists=False),)})
    assert kinds(plan(OLD, observed))[:2] == ["CreateDatabase", "Migrate"]


def test_a_login_that_is_gone_is_stored_and_set_again() -> None:
    secret = there(OLD).secret
    assert secret is not None
    for gone in (None, replace(secret, owned=False), replace(secret, data={**secret.data, "password": "x"})):
        made = kinds(plan(OLD, replace(there(OLD), secret=gone)))
        assert made[:2] == ["StoreCredentials", "CreateDatabase"]
        assert "Migrate" not in made


def test_only_what_the_ledger_lacks_is_run() -> None:
    state = DatabaseState("pr_1_db", exists=True)
    assert kinds(plan(OLD, replace(there(OLD), databases={"postgres": (state,)})))[0] == "Migrate"


def test_a_database_that_is_not_wanted_any_more_goes_last_and_its_login_after_it() -> None:
    lone = wanted(LONE, COMMIT_B)
    old = there(OLD)
    observed = beside(old, there(lone), OLD.revision)
    made = plan(lone, replace(observed, databases=old.databases, secret=old.secret))
    assert kinds(made)[-2:] == ["DropDatabase", "DeleteCredentials"]
    assert kinds(made).index("ConfirmRoutes") < kinds(made).index("DropDatabase")


def test_a_deletion_withdraws_first_and_takes_everything_of_it() -> None:
    made = plan(Desired.nothing(KEY, "pr-1"), there(OLD))
    assert kinds(made) == [
        "Withdraw",
        *["RetireInstance"] * 2,
        "RemoveNetwork",
        *["RemoveImage"] * 2,
        "DropDatabase",
        "DeleteCredentials",
    ]


def test_a_deletion_takes_what_a_crash_left() -> None:
    left = Observed(databases={"postgres": (DatabaseState("pr_1_db", exists=False),)})
    assert kinds(plan(Desired.nothing(KEY, "pr-1"), left)) == ["DropDatabase"]
    network = RuntimeState(networks=(Network("n", KEY, "r"),), images=(OwnImage("previewcloud/i", KEY),))
    assert kinds(plan(Desired.nothing(KEY, "pr-1"), Observed(runtime=network))) == [
        "RemoveNetwork",
        "RemoveImage",
    ]


def test_a_failed_attempt_is_taken_away_and_what_serves_is_not() -> None:
    observed = beside(there(OLD), there(NEW), OLD.revision)
    gone = {str(action) for action in rollback(observed, NEW.revision).actions}
    assert gone == {f"retire {spec.name}" for spec in NEW.instances or ()} | {
        f"remove network {NEW.network.name}" if NEW.network else ""
    }


def test_beside_what_serves_nothing_stays_and_without_it_only_the_failed_one_goes() -> None:
    third = wanted(commit=COMMIT_C)
    observed = beside(there(OLD), there(NEW), OLD.revision)
    assert rollback(observed, third.revision).actions == rollback(observed, NEW.revision).actions
    assert rollback(observed, None).actions == rollback(observed, NEW.revision).actions
    assert not rollback(replace(observed, published=None), third.revision)


def test_a_repair_without_the_configuration_starts_what_stopped() -> None:
    observed = changed(beside(there(OLD), there(NEW), OLD.revision), 0, state=InstanceState.EXITED)
    (action,) = repair(observed, OLD.revision).actions
    assert action == act.ResumeInstance((OLD.instances or ())[0].name)
    assert not repair(observed, None)


def test_the_same_revision_is_published_when_nothing_is_known_to_be() -> None:
    order = kinds(plan(OLD, there(OLD, published=False)))
    assert order == ["AwaitReady", "AwaitReady", "Publish", "ConfirmRoutes"]


def test_a_plan_prints_one_numbered_line_per_stage_and_no_secret() -> None:
    text = str(plan(NEW, Observed(images=there(NEW).images)))
    assert [line.split(".")[0] for line in text.splitlines()] == [
        str(number) for number in range(1, len(text.splitlines()) + 1)
    ]
    assert "s3cret" not in text
    assert "s3cret" not in repr(plan(NEW, Observed(images=there(NEW).images)))
    assert str(Plan()) == "nothing to do"
