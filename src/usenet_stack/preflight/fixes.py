"""From findings to a plan of fixes."""

from pathlib import Path

from usenet_stack.preflight.finding import Finding
from usenet_stack.preflight.folders import missing_folders
from usenet_stack.preflight.operations import (
    ChangeOwner,
    InstallCompose,
    InstallDocker,
    RaiseLimit,
    StartDocker,
)
from usenet_stack.preflight.site import Site
from usenet_stack.storage import ShareFolder
from usenet_stack.transaction import Operation, Plan, Step
from usenet_stack.transaction.files import MakeFolder, MakeFolders

# What only root can do, and needs no stack for.
ROOT_ONLY = (
    InstallDocker,
    StartDocker,
    RaiseLimit,
    ChangeOwner,
    ShareFolder,
)


def plan_fixes(site: Site, findings: list[Finding]) -> Plan:
    """Return the fixes of what was found, in an order that works.

    Args:
        site: as the checks saw it.
        findings: from `run_checks`; those that are well give no step.

    Returns: a plan without what this user may not do: those findings stay,
        and their hints name the command for root.
    """
    steps: list[Step] = []
    for finding in findings:
        if finding.status == "ok":
            continue
        for operation in _operations(site, finding):
            allowed = site.is_root or not isinstance(operation, ROOT_ONLY)
            if allowed and all(operation != s.operation for s in steps):
                why = f"{finding.subject}: {finding.message}"
                steps.append(Step(operation, why, "continue"))
    # Shared last: what it binds must exist by then.
    steps.sort(key=lambda step: isinstance(step.operation, ShareFolder))
    return Plan("validate --fix", tuple(steps), "forward")


def _operations(site: Site, finding: Finding) -> list[Operation]:
    facts, path = finding.facts, Path(finding.subject)
    match finding.code:
        case "docker.installed":
            return [InstallDocker(), StartDocker(site.socket)]
        case "docker.running":
            return [StartDocker(site.socket)]
        case "compose.version":
            return [InstallCompose()]
        case "folder.missing":
            missing = [
                MakeFolder(folder.path, folder.mode, folder.uid, folder.gid)
                for folder in missing_folders(site)
            ]
            return [MakeFolders(tuple(missing))] if missing else []
        case "folder.writable":
            return [ChangeOwner(path, int(facts["uid"]), int(facts["gid"]))]
        case "kernel.inotify":
            return [RaiseLimit(str(facts["key"]), int(facts["value"]))]
        case "pool.propagation" if site.stack is not None:
            return [ShareFolder(site.stack.data_root.resolve())]
        case _:
            return []
