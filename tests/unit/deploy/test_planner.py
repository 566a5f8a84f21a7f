"""The planner of deploy: plans compared as text."""

from pathlib import Path

from usenet_stack.deploy.planner import (
    Observed,
    Wanted,
    plan_deploy,
    plan_storage,
)
from usenet_stack.stack.layout import Folder
from usenet_stack.transaction import Plan, Step
from usenet_stack.transaction.files import MakeFolder

STACK = Path("/srv/stack")
WANTED = Wanted(
    folder=STACK,
    project="usenet",
    settings="settings",
    compose="compose",
    tiers=(("sabnzbd", "netdata"), ("sonarr",), ("jellyfin",)),
    sandbox_tag="",
)
ALL = frozenset(("sabnzbd", "netdata", "sonarr", "jellyfin"))
DONE = Observed(
    settings="settings",
    compose="compose",
    ignored="*",
    current=ALL,
    recorded=True,
    registered=True,
)


def lines(plan: Plan) -> list[str]:
    return [
        line
        for line in plan.as_text().splitlines()
        if not line.startswith("   why")
    ]


def test_a_fresh_machine_gets_everything_in_order() -> None:
    pool = Step(MakeFolder(STACK / "data"), "media lives there")
    observed = Observed(
        folders=(Folder(STACK / "config/sonarr", 1000, 1000, 0o750),),
        secrets=("SONARR_API_KEY", "SABNZBD_API_KEY"),
        seeds=(("sabnzbd", STACK / "config/sabnzbd/sabnzbd.ini"),),
        pool=(pool,),
        images=("a:1", "b:2"),
    )
    assert lines(plan_deploy(WANTED, observed)) == [
        "1. write /srv/stack/stack.toml",
        "2. write /srv/stack/.gitignore",
        "3. create folder /srv/stack/data",
        "4. create 1 folders in /srv/stack/config/sonarr",
        "5. generate 2 secrets in /srv/stack/.env",
        "6. write /srv/stack/config/sabnzbd/sabnzbd.ini for the first start "
        "of sabnzbd",
        "7. write /srv/stack/compose.yaml",
        "8. pull 2 images",
        "9. start sabnzbd, netdata and wait for their health",
        "10. start sonarr and wait for their health",
        "11. start jellyfin and wait for their health",
        "12. note this stack in your list of stacks",
        "13. record the digest of each image",
    ]


def test_nothing_changed_gives_an_empty_plan() -> None:
    plan = plan_deploy(WANTED, DONE)
    assert plan.steps == ()
    assert plan.as_text() == "Nothing to do.\n"


def test_only_the_tier_of_a_stopped_service_starts() -> None:
    observed = DONE._replace(current=ALL - {"sonarr"})
    assert lines(plan_deploy(WANTED, observed)) == [
        "1. start sonarr and wait for their health",
        "2. record the digest of each image",
    ]


def test_a_changed_compose_file_goes_through_all_tiers() -> None:
    observed = DONE._replace(compose="older")
    plan = plan_deploy(WANTED, observed)
    assert lines(plan)[:2] == [
        "1. write /srv/stack/compose.yaml",
        "2. start sabnzbd, netdata and wait for their health",
    ]
    assert len(plan.steps) == 5


def test_a_service_that_is_off_loses_its_container() -> None:
    plan = plan_deploy(WANTED, DONE._replace(orphans=("tdarr",)))
    assert lines(plan) == ["1. remove the containers of tdarr"]


def test_applications_are_wired_once_they_run() -> None:
    wiring = Step(MakeFolder(STACK / "wired"), "a later room gives these")
    observed = DONE._replace(current=frozenset(), wiring=(wiring,))
    assert [
        step.operation.kind for step in plan_deploy(WANTED, observed).steps
    ] == [*["stack.start-tier"] * 3, "file.make-folder", "stack.record-images"]


def test_a_service_may_fail_alone_but_a_file_may_not() -> None:
    plan = plan_deploy(WANTED, Observed(images=("a:1",)))
    assert {step.operation.kind: step.on_failure for step in plan.steps} == {
        "file.write": "abort",
        "stack.pull-images": "continue",
        "stack.start-tier": "continue",
        "stack.register": "abort",
        "stack.record-images": "continue",
    }


def test_the_sandbox_builds_its_image_and_pulls_nothing() -> None:
    wanted = WANTED._replace(sandbox_tag="usenet-sandbox:abc")
    observed = DONE._replace(images=("usenet-sandbox:abc",))
    assert lines(plan_deploy(wanted, observed)) == [
        "1. build image usenet-sandbox:abc from this Python, without a pull"
    ]


def test_a_deploy_that_was_cut_off_goes_forward() -> None:
    assert plan_deploy(WANTED, Observed()).recovery == "forward"


def test_storage_only_touches_no_container() -> None:
    pool = Step(MakeFolder(STACK / "data"), "media lives there")
    observed = Observed(pool=(pool,), images=("a:1",))
    assert lines(plan_storage(WANTED, observed)) == [
        "1. write /srv/stack/stack.toml",
        "2. write /srv/stack/.gitignore",
        "3. create folder /srv/stack/data",
    ]


def test_the_plan_holds_names_of_secrets_and_no_value() -> None:
    observed = Observed(secrets=("SONARR_API_KEY",))
    plan = plan_deploy(WANTED, observed)
    assert Plan.from_dict(plan.as_dict()) == plan
    assert "SONARR_API_KEY" in str(plan.as_dict())
