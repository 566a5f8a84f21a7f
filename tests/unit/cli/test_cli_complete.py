"""What completion offers at each place of a command line."""

from pathlib import Path

import pytest

from usenet_stack.cli.complete import answer, offers
from usenet_stack.cli.spec import SERVICE_GROUPS
from usenet_stack.storage.registry import Pool, PoolDrive, write_pool


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("USENET_STACK", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def values(line: str) -> list[str]:
    """Offers for a line; the word after its last space is being typed."""
    *before, current = line.split(" ")
    return [value for value, _ in offers(before, current)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("st", ["storage"]),
        ("storage st", ["status"]),
        ("storage r", ["remove"]),
        ("-v storage r", ["remove"]),
        ("--format json storage r", ["remove"]),
        ("services logs sona", ["sonarr"]),
        ("keys ", ["list", "show", "rotate"]),
        ("keys rotate sona", ["sonarr"]),
        ("services keys ro", ["rotate"]),
        ("services keys rotate --al", ["--all"]),
        ("services stop sonarr sona", []),
        ("services list --group me", ["media"]),
        ("services list --group=me", ["--group=media"]),
        ("services list --group = me", ["media"]),
        (
            "services list --group =",
            list(SERVICE_GROUPS),
        ),
        ("services list --gr", ["--group"]),
        ("--pro", ["--profile"]),
        ("deploy --profile l", ["light"]),
        ("deploy --services son", ["sonarr"]),
        ("deploy --services sonarr,rad", ["sonarr,radarr"]),
        ("deploy --services sonarr,son", []),
        ("completion ", ["bash", "zsh", "fish"]),
        ("help sto", ["storage"]),
        ("help storage re", ["remove"]),
        ("config get stack.time", ["stack.timezone"]),
        ("--stack ", [":folders"]),
        ("services exec sonarr l", [":files"]),
        ("nonsense ", []),
        ("storage nonsense ", []),
        ("storage list --nonsense=", []),
    ],
)
def test_offers(line: str, expected: list[str]) -> None:
    assert values(line) == expected


def test_options_once_given_are_not_offered_again() -> None:
    assert "--dry-run" in values("deploy --")
    assert "--dry-run" not in values("deploy -n --")
    assert "--verbose" in values("deploy -v --")


def test_every_service_of_the_catalogue_is_offered() -> None:
    found = values("services logs ")
    assert {"sonarr", "nfs-server", "jellyfin"} <= set(found)


def test_drives_are_mounted_file_systems_and_any_folder() -> None:
    found = values("storage add ")
    assert found[-1] == ":folders"
    assert "/" not in found and "/proc" not in found


def stack(folder: Path) -> Path:
    folder.mkdir()
    (folder / "stack.toml").write_text(
        '[stack]\nname = "tv"\n[profiles.tiny.heavy]\ncpus = 1\n'
    )
    return folder


def test_what_the_stack_holds_is_offered(nowhere: Path) -> None:
    folder = stack(nowhere / "tv")
    (folder / "services.d").mkdir()
    (folder / "services.d" / "invidious.toml").touch()
    (folder / ".usenet" / "journal").mkdir(parents=True)
    write_pool(folder, Pool("id", {"disk2": PoolDrive("/m")}))
    for name in ("20260101T000000Z-deploy", "20260102T000000Z-deploy"):
        (folder / ".usenet" / "journal" / f"{name}.jsonl").touch()
    at = f"--stack {folder}"
    assert values(f"{at} services logs invid") == ["invidious"]
    assert values(f"{at} deploy --profile t") == ["tiny"]
    assert values(f"{at} storage remove d") == ["disk2"]
    assert values(f"--stack={folder} journal show 2026") == [
        "20260102T000000Z-deploy",
        "20260101T000000Z-deploy",
    ]


def test_a_damaged_stack_offers_nothing_and_does_not_fail(
    nowhere: Path,
) -> None:
    folder = stack(nowhere / "tv")
    (folder / ".usenet").mkdir()
    (folder / ".usenet" / "pool.json").write_text("{")
    assert values(f"--stack {folder} storage remove ") == []


def test_the_answer_is_lines_of_words_and_texts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert answer(["2", "usenet", "storage", "re"]) == 0
    assert capsys.readouterr().out == ("remove\tTake a drive out of the pool\n")
    assert answer(["not-a-number"]) == 2
