"""The environment becomes Settings, and nothing else does."""

from pathlib import Path

import pytest

from metier.errors import Invalid
from metier.settings import Settings


def test_variables_set_the_fields(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("METIER_HOME", str(tmp_path))
    monkeypatch.setenv("METIER_PORT", "9000")
    monkeypatch.setenv("METIER_LOG_LEVEL", "WARNING")
    monkeypatch.setenv("OPENAI_COMPATIBLE_MODEL_NAMES", "llama3.1, mistral,,codellama ")

    settings = Settings.load()

    assert (settings.home, settings.port, settings.log_level) == (tmp_path, 9000, "warning")
    assert settings.openai_compatible_model_names == ("llama3.1", "mistral", "codellama")


def test_variables_named_like_fields_are_not_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """HOME, HOST and PORT belong to the system and to hosting platforms."""
    for name, value in {"HOME": str(tmp_path), "HOST": "box", "PORT": "1"}.items():
        monkeypatch.setenv(name, value)
    for name in ("METIER_HOME", "METIER_HOST", "METIER_PORT"):
        monkeypatch.delenv(name, raising=False)

    settings = Settings.load()

    assert (settings.home, settings.host, settings.port) == (tmp_path / ".metier", "127.0.0.1", 8700)


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("METIER_PORT", "")

    settings = Settings.load()

    assert (settings.database_url, settings.port) == (None, 8700)


def test_a_relative_home_is_taken_from_where_metier_starts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("METIER_HOME", "./.metier")

    assert Settings.load().home == tmp_path / ".metier"


@pytest.mark.parametrize("url", ["postgres://u:p@h/d", "postgresql+psycopg://u:p@h/d", "postgresql://u:p@h/d"])
def test_database_urls_of_other_tools_are_read(tmp_path: Path, url: str):
    assert Settings.for_tests(tmp_path, database_url=url).database_url == "postgresql://u:p@h/d"


def test_wrong_variables_are_named_without_their_values(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("METIER_PORT", "99999")
    monkeypatch.setenv("DATABASE_URL", "mysql://ada:hunter2@host/db")
    monkeypatch.setenv("OPENAI_COMPATIBLE_BASE_URL", "localhost:11434")

    with pytest.raises(Invalid) as caught:
        Settings.load()

    problems = caught.value.problems
    assert {p.path for p in problems} == {"METIER_PORT", "DATABASE_URL", "OPENAI_COMPATIBLE_BASE_URL"}
    assert "hunter2" not in str(caught.value) + str(problems)


def test_secrets_are_not_shown(tmp_path: Path):
    key, older = "s3cret-3" * 4, "s3cret-4" * 4
    settings = Settings.for_tests(
        tmp_path, database_url="postgresql://u:s3cret-1@h/d", openai_api_key="s3cret-2", secret_key=f"{key}, {older}"
    )

    assert "s3cret" not in repr(settings)
    assert settings.hidden() == ["postgresql://u:s3cret-1@h/d", key, older, "s3cret-2"]


def test_a_key_that_could_be_guessed_is_refused_without_showing_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("METIER_SECRET_KEY", "x" * 32 + ",s3cret")

    with pytest.raises(Invalid, match="at least 32 characters") as caught:
        Settings.load()

    assert "s3cret" not in str(caught.value.to_json())


def test_tests_read_no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("METIER_PORT", "9000")
    monkeypatch.setenv("OPENAI_API_KEY", "k")

    settings = Settings.for_tests(tmp_path, host="0.0.0.0")

    assert (settings.port, settings.openai_api_key, settings.host) == (8700, None, "0.0.0.0")


def test_the_home_of_a_clone_is_found_by_its_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("METIER_HOME", raising=False)
    monkeypatch.setattr("sys.prefix", str(tmp_path / ".venv"))
    assert Settings.load().home == Path("~/.metier").expanduser()

    (tmp_path / ".metier").mkdir()

    assert Settings.load().home == tmp_path / ".metier"


def test_a_key_may_end_with_a_line_but_not_hold_two(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-one\n")
    assert Settings.load().openai_api_key == "sk-one"

    monkeypatch.setenv("OPENAI_API_KEY", "sk-one\nsk-two")

    with pytest.raises(Invalid, match="OPENAI_API_KEY") as caught:
        Settings.load()
    assert "sk-one" not in str(caught.value)


def test_places_and_ports_are_read(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("METIER_EGRESS_ALLOW", "wiki.local:8080, [fd00::7]:443,10.0.0.5:80,")
    monkeypatch.setenv("METIER_EGRESS_PORTS", "8443, 8080")

    settings = Settings.load()

    assert settings.egress_allow == (("wiki.local", 8080), ("fd00::7", 443), ("10.0.0.5", 80))
    assert settings.egress_ports == (8443, 8080)


@pytest.mark.parametrize(
    "place",
    ["wiki.local", ":80", "wiki.local:0", "wiki.local:99999", "http://wiki.local:80", "a@b:80", "a:80/x", "[::1:80"],
)
def test_a_place_without_host_or_port_is_told(monkeypatch: pytest.MonkeyPatch, place: str):
    monkeypatch.setenv("METIER_EGRESS_ALLOW", place)

    with pytest.raises(Invalid, match="hosts with their ports"):
        Settings.load()


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_a_port_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch, port: str):
    monkeypatch.setenv("METIER_EGRESS_PORTS", port)

    with pytest.raises(Invalid, match="METIER_EGRESS_PORTS"):
        Settings.load()
