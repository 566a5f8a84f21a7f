"""What the Engine knows of one container, in our own words."""

import time
from datetime import datetime
from typing import Any

Known = dict[str, Any]
NEVER = "0001-01-01T00:00:00Z"
LOG_ENTRIES = 5
LONGEST_OUTPUT = 400


def container_facts(entry: Known) -> Known:
    """Return the state of a container and since when.

    Args:
        entry: `GET /containers/{id}/json`.
    """
    state: Known = entry["State"]
    running = bool(state.get("Running"))
    since = state.get("StartedAt" if running else "FinishedAt", "")
    if since == NEVER:
        since = entry.get("Created", "")
    return {
        "id": entry["Id"],
        "name": str(entry.get("Name", "")).lstrip("/"),
        "state": state["Status"],
        "since": since,
        "seconds": _age(since),
        "exit_code": None if running else state.get("ExitCode"),
        "out_of_memory": bool(state.get("OOMKilled")),
        "error": state.get("Error", ""),
        "restarts": entry.get("RestartCount", 0),
        "restart_policy": _host(entry).get("RestartPolicy", {}).get("Name", ""),
    }


def check_facts(entry: Known) -> Known | None:
    """Return what its own health check found last, None without one."""
    health: Known | None = entry["State"].get("Health")
    if not health or health.get("Status") in (None, "none"):
        return None
    entries: list[Known] = health.get("Log") or []
    return {
        "status": health["Status"],
        "failing": health.get("FailingStreak", 0),
        "log": [
            {
                "at": each.get("Start", ""),
                "exit_code": each.get("ExitCode"),
                "output": str(each.get("Output", "")).strip()[:LONGEST_OUTPUT],
            }
            for each in entries[-LOG_ENTRIES:]
        ],
    }


def mount_facts(entry: Known) -> list[Known]:
    """Return what is mounted into it, by the path inside."""
    mounts: list[Known] = entry.get("Mounts") or []
    found = [
        {
            "source": each.get("Source") or each.get("Name", ""),
            "target": each.get("Destination", ""),
            "type": each.get("Type", ""),
            "read_only": not each.get("RW", True),
            "propagation": each.get("Propagation", ""),
        }
        for each in mounts
    ]
    return sorted(found, key=lambda each: str(each["target"]))


def network_facts(entry: Known) -> list[Known]:
    """Return the networks it is in, with its address in each."""
    mode = str(_host(entry).get("NetworkMode", ""))
    if mode == "host" or mode.startswith("container:"):
        return [{"name": mode.partition(":")[0], "address": "", "aliases": []}]
    settings: Known = entry.get("NetworkSettings") or {}
    networks: dict[str, Known] = settings.get("Networks") or {}
    return [
        {
            "name": name,
            "address": each.get("IPAddress", ""),
            "aliases": sorted(each.get("Aliases") or []),
        }
        for name, each in sorted(networks.items())
    ]


def port_facts(entry: Known) -> list[Known]:
    """Return the ports that it publishes on this machine."""
    settings: Known = entry.get("NetworkSettings") or {}
    ports: dict[str, list[Known] | None] = settings.get("Ports") or {}
    return [
        {
            "container": inside,
            "address": each.get("HostIp", ""),
            "port": int(each.get("HostPort") or 0),
        }
        for inside, places in sorted(ports.items())
        for each in places or []
    ]


def environment_names(entry: Known) -> list[str]:
    """Return the names of its environment, never a value."""
    lines: list[str] = entry["Config"].get("Env") or []
    return sorted(line.partition("=")[0] for line in lines)


def limit_facts(entry: Known) -> Known:
    """Return how much of the machine it may use; None is no limit."""
    host = _host(entry)
    cpus = host.get("NanoCpus") or 0
    return {
        "memory_bytes": host.get("Memory") or None,
        "cpus": cpus / 1e9 if cpus else None,
        "cpu_shares": host.get("CpuShares") or None,
        "pids": host.get("PidsLimit") or None,
    }


def image_facts(entry: Known, image: Known | None) -> Known:
    """Return which image it runs, and how old that is.

    Args:
        image: `GET /images/{id}/json`; None when it was removed.

    Returns: `digest` is the registry's, None for one that was made here.
    """
    created = str((image or {}).get("Created", ""))
    digests: list[str] = (image or {}).get("RepoDigests") or []
    return {
        "image": entry["Config"].get("Image", ""),
        "image_id": entry.get("Image", ""),
        "image_digest": digests[0].partition("@")[2] if digests else None,
        "image_created": created or None,
        "image_age_seconds": _age(created) if created else None,
    }


def _host(entry: Known) -> Known:
    found: Known = entry.get("HostConfig") or {}
    return found


def _age(moment: str) -> float | None:
    try:
        return round(
            max(0.0, time.time() - datetime.fromisoformat(moment).timestamp()),
            1,
        )
    except ValueError:
        return None
