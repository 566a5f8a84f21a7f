"""stack.toml: read, refused with its line, changed with its comments."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usenet_stack.errors import UsenetError
from usenet_stack.stack.editing import (
    change_text,
    get_setting,
    preview_setting,
    show_settings,
    validate_stack,
)
from usenet_stack.stack.settings import (
    Settings,
    load_settings,
    parse_settings,
)
from usenet_stack.stack.template import NewStack, new_settings_text

PATH = Path("/s/stack.toml")


def parsed(new: NewStack) -> Settings:
    return parse_settings(new_settings_text(new), PATH)


def test_a_new_stack_holds_what_was_chosen() -> None:
    new = NewStack(
        "home",
        sandbox=True,
        timezone="Europe/Berlin",
        puid=33,
        pgid=34,
        profile="light",
        bind="192.168.1.5",
        hosts=("media.lan",),
        enable=("plex",),
        disable=("tdarr",),
        ports={"sonarr": {"web": 18989}},
    )
    found = parsed(new)
    assert (found.stack.name, found.stack.sandbox) == ("home", True)
    assert (found.stack.puid, found.stack.pgid) == (33, 34)
    assert found.stack.timezone == "Europe/Berlin"
    assert found.stack.bind == "192.168.1.5"
    assert found.stack.hosts == ("media.lan",)
    assert found.services.enable == ("plex",)
    assert found.services.disable == ("tdarr",)
    assert found.ports == {"sonarr": {"web": 18989}}


def test_an_untouched_new_stack_has_only_defaults() -> None:
    assert parsed(NewStack("default")) == Settings()


@given(st.text(min_size=1, max_size=60))
def test_any_printable_name_survives_the_template(name: str) -> None:
    if name.isprintable() and "/" not in name:
        assert parsed(NewStack(name)).stack.name == name


FAULTS = {
    "[stack]\nbindd = '::1'\n": (
        ":2: stack.bindd: there is no such key: did you mean bind?"
    ),
    "[stak]\n": ":1: stak: there is no such key: did you mean stack?",
    "[stack]\n\nbind = 'nowhere'\n": ":3: stack.bind: 'nowhere' is no IP",
    "[stack]\npuid = '1000'\n": (
        ":2: stack.puid: expected a whole number, found text in quotes"
    ),
    "[stack]\npuid = -1\n": ":2: stack.puid: must be at least 0",
    "[stack]\nname = 'a/b'\n": ":2: stack.name: must be plain text",
    "[stack]\numask = '999'\n": ":2: stack.umask: must be text matching",
    "[stack]\nhosts = ['a b']\n": ":2: stack.hosts[1]: 'a b' is no host",
    "[ports]\nsonarr = 0\n": ":2: ports.sonarr: ",
    "[ports]\nradarr = 1\nsonarr = { web = 'x' }\n": ":3: ports.sonarr",
    "[pool]\nlayout = 'raid'\n": (
        ":2: pool.layout: 'raid' is not one of the allowed words: separate"
    ),
    "[pool]\npath = '/mnt'\n": ":2: pool.path: must be a folder inside",
    "[paths]\ndownloads = '../x'\n": ":2: paths.downloads: must be a",
    "[paths]\ndata = '~/x'\n": ":2: paths.data: write the whole path",
    "[profiles.quiet]\nheavy = { cpus = 2.0 }\n": (
        ":2: profiles.quiet.heavy.cpus: must be at most 1"
    ),
    "[services]\nenable = ['plex']\ndisable = ['plex']\n": (
        ":3: services.disable: 'plex' is enabled as well"
    ),
    "stack = 1\n": ":1: stack: expected a table, found a whole number",
    "[stack\n": ":1: ",
}


@pytest.mark.parametrize("text", FAULTS)
def test_a_bad_setting_says_where_and_why(text: str) -> None:
    with pytest.raises(UsenetError) as caught:
        parse_settings(text, PATH)
    assert caught.value.code == "settings.invalid"
    assert caught.value.details[0].startswith(f"{PATH}{FAULTS[text]}")


def test_no_file_is_no_stack(tmp_path: Path) -> None:
    with pytest.raises(UsenetError) as caught:
        load_settings(tmp_path)
    assert caught.value.code == "stack.not-found"


def test_a_binary_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "stack.toml").write_bytes(b"\xff\x00")
    with pytest.raises(UsenetError, match="is not UTF-8 text"):
        load_settings(tmp_path)


WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")),
    max_size=20,
)
CHANGES = st.one_of(
    st.tuples(st.just("stack.sandbox"), st.booleans()),
    st.tuples(st.just("stack.puid"), st.integers(0, 2**31)),
    st.tuples(st.just("stack.bind"), st.sampled_from(["::1", "0.0.0.0"])),
    st.tuples(st.just("pool.layout"), st.just("separate")),
    st.tuples(st.just("ports.sonarr"), st.integers(1, 65535)),
    st.tuples(st.just("ports.radarr.web"), st.integers(1, 65535)),
    st.tuples(
        st.just("services.enable"),
        st.permutations(["plex", "kavita", "komga"]).map(
            lambda names: names[: names.index("plex") + 1]
        ),
    ),
)


def same(one: object, other: object) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return sorted(one) == sorted(other)
    return one == other


@given(st.lists(WORDS, min_size=9, max_size=9), st.lists(CHANGES))
def test_changes_keep_every_comment_and_the_order(
    comments: list[str], changes: list[tuple[str, object]]
) -> None:
    notes = [f"# {index} {c}" for index, c in enumerate(comments)]
    text = "\n".join(
        [
            notes[0],
            f"[services]  {notes[1]}",
            f"enable = [  {notes[2]}",
            f'  "plex",  {notes[3]}',
            f"]  {notes[4]}",
            notes[5],
            "[stack]",
            f"puid = 7  {notes[6]}",
            f"sandbox = false  {notes[7]}",
            "[ports]",
            "lidarr = 5",
            notes[8],
            "",
        ]
    )
    for key, value in changes:
        text = change_text(text, PATH, {key: value})  # type: ignore[dict-item]
        found: object = tomllib.loads(text)
        for step in key.split("."):
            found = found[step]  # type: ignore[index]
        assert same(found, value)
    lines = text.split("\n")
    kept = [n for n in notes if any(n in line for line in lines)]
    assert kept == notes
    where = [next(i for i, x in enumerate(lines) if n in x) for n in notes]
    assert where == sorted(where)


def test_an_item_goes_with_the_comment_on_it_and_no_other() -> None:
    text = "[services]\nenable = [\n  'plex', # a\n  'komga', # b\n] # c\n"
    changed = change_text(text, PATH, {"services.enable": "komga"})
    assert tomllib.loads(changed)["services"]["enable"] == ["komga"]
    assert "# b" in changed and "# c" in changed


def test_setting_the_same_value_changes_nothing() -> None:
    text = new_settings_text(NewStack("default"))
    again = change_text(
        text, PATH, {"stack.puid": "1000", "services.enable": ""}
    )
    assert again == text


@pytest.mark.parametrize(
    ("key", "typed", "read"),
    [
        ("stack.sandbox", "true", True),
        ("stack.puid", "1001", 1001),
        ("stack.name", "true", "true"),
        ("stack.name", "12", "12"),
        ("stack.name", 'a "quoted" näme', 'a "quoted" näme'),
        ("services.enable", "plex, kavita", ["plex", "kavita"]),
        ("services.enable", '["plex"]', ["plex"]),
        ("services.enable", "plex", ["plex"]),
        ("services.enable", "", []),
        ("ports.sonarr", "18989", 18989),
        ("ports.transmission", "{ peer = 6000 }", {"peer": 6000}),
        ("profiles.quiet.heavy.cpus", "0.5", 0.5),
    ],
)
def test_typed_text_is_read_as_the_key_wants(
    key: str, typed: str, read: object
) -> None:
    text = change_text("", PATH, {key: typed})
    found: object = tomllib.loads(text)
    for step in key.split("."):
        found = found[step]  # type: ignore[index]
    assert found == read


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("stack.bnd", "x", "no setting stack.bnd: did you mean stack.bind?"),
        ("stack", "x", "no setting stack"),
        ("", "x", "no setting "),
        ("stack..bind", "x", "no setting stack..bind"),
        ("stack.bind.x", "x", "no setting stack.bind.x"),
        ("ports.sonarr.web.x", "1", "ports.sonarr.web.x cannot be 1"),
        ("profiles.a.b.c", "1", "no setting profiles.a.b.c"),
        ("stack.bind", "here", "'here' is no IP address"),
        ("stack.puid", "me", "expected a whole number"),
        ("pool.layout", "raid", "is not one of the allowed words"),
        ("ports.sonarr", "70000", "must be at most 65535"),
    ],
)
def test_a_refused_change_says_why(key: str, value: str, message: str) -> None:
    with pytest.raises(UsenetError) as caught:
        change_text("[stack]\n", PATH, {key: value})
    assert message in caught.value.message


def test_a_change_of_a_broken_file_is_refused() -> None:
    with pytest.raises(UsenetError) as caught:
        change_text("[stack]\nbind = 7\n", PATH, {"stack.puid": 1})
    assert caught.value.code == "settings.invalid"


def test_a_preview_tells_before_and_after(make_stack: object) -> None:
    stack = make_stack()  # type: ignore[operator]
    before = (stack.folder / "stack.toml").read_text()
    data = preview_setting(stack.folder, "stack.puid", "7").data
    assert (data["before"], data["after"]) == (1000, 7)
    assert data["changed"]
    same = preview_setting(stack.folder, "stack.puid", "1000").data
    assert not same["changed"]
    assert (stack.folder / "stack.toml").read_text() == before


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("services.enable", "plecks", "service.unknown"),
        ("ports.nosuch", "1", "service.unknown"),
        ("stack.profile", "fast", "profile.unknown"),
    ],
)
def test_names_that_do_not_exist_are_refused(
    key: str, value: str, code: str, make_stack: object
) -> None:
    stack = make_stack()  # type: ignore[operator]
    before = (stack.folder / "stack.toml").read_text()
    with pytest.raises(UsenetError) as caught:
        preview_setting(stack.folder, key, value)
    assert caught.value.code == code
    assert (stack.folder / "stack.toml").read_text() == before


def test_show_lists_defaults_too(make_stack: object) -> None:
    stack = make_stack()  # type: ignore[operator]
    shown = show_settings(stack.folder).data["settings"]
    assert shown["pool"]["path"] == "media"
    assert shown["pool"]["layout"] == "separate"
    assert get_setting(stack.folder, "stack").data["value"] == shown["stack"]
    with pytest.raises(UsenetError, match=r"no setting stack\.nmae"):
        get_setting(stack.folder, "stack.nmae")


def test_validate_tells_what_is_wrong(make_stack: object) -> None:
    stack = make_stack()  # type: ignore[operator]
    good = validate_stack(stack.folder)
    assert good.ok and good.data["valid"]
    assert any("Bookshelf" in m.text for m in good.messages)
    path = stack.folder / "stack.toml"
    text = change_text(path.read_text(), path, {"ports.sonarr": "7878"})
    path.write_text(text)
    bad = validate_stack(stack.folder)
    assert [error.code for error in bad.errors] == ["port.duplicate"]
    assert bad.errors[0].hint == "usenet config set ports.sonarr 27878"
