"""What `rotascope check` looks at: every mistake is found and explained, none of them ends in a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.definitions.catalogue import parse_catalogue
from core.events.cards import RarityCards, RateCards
from core.runtime.files import CATALOGUE, UNIVERSE, read_text
from tests.support.check_command import check, found, written
from tests.support.definitions import opposite_day

GOOD_HISTORY = "date,close\n2024-07-01,2030.07\n2024-07-02,2033.87\n2024-07-03,2036.62\n2024-07-05,2026.73\n"


@pytest.fixture(autouse=True)
def _kernels_are_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.local.checks.missing_modules", lambda environ: [])


def test_a_settings_file_is_followed(tmp_path: Path) -> None:
    history = written(tmp_path, "RUT.csv", GOOD_HISTORY)
    settings = written(
        tmp_path,
        "rotascope.toml",
        f'[metrics]\nwatched_pairs = ["RUT/SPX"]\n[[history]]\nsymbol = "RUT"\nfile = "{history}"\n',
    )
    results = found("--settings", settings)
    assert {"subject": "history RUT", "level": "ok", "text": "4 sessions, 2024-07-01 to 2024-07-05",
            "operator_action": None} in results  # fmt: skip
    assert [result["level"] for result in results if result["subject"] == "history"] == ["note"]


def test_a_pair_that_lacks_its_leg_is_explained(tmp_path: Path) -> None:
    text = read_text(None, UNIVERSE).replace('benchmark = "SPX"', 'benchmark = "SPXX"')
    result = check("--universe", written(tmp_path, "universe.toml", text))
    assert result.exit_code == 2
    assert "'SPXX'" in result.stdout
    assert "did you mean 'SPX'" in result.stdout
    assert "catalogue" in result.stdout, "what does not depend on the universe is looked at all the same"


def test_a_definition_for_a_pair_that_is_not_there_is_explained(tmp_path: Path) -> None:
    text = opposite_day("up", more='pairs = ["RUT/SPXX"]')
    result = check("--catalogue", written(tmp_path, "catalogue.toml", text))
    assert result.exit_code == 2
    assert "RUT/SPXX" in result.stdout


def test_a_definition_over_an_indicator_that_is_not_there_is_explained(tmp_path: Path) -> None:
    text = '[[definition]]\nid = "up"\nfamily = "level"\nenter = ["drawdwn_pct <= -10"]\n'
    result = check("--catalogue", written(tmp_path, "catalogue.toml", text))
    assert result.exit_code == 2
    said = " ".join(result.stdout.split())
    assert "definition 'up': enter: no indicator gives 'drawdwn_pct' to a rule at 1d" in said
    assert "did you mean drawdown_pct or" in said


@pytest.mark.parametrize(
    ("history", "level", "said"),
    [
        (
            "date,close\n2024-07-05,2026.73\n2024-07-03,2036.62\n2024-07-08,2038.67\n",
            "problem",
            "dates must be ascending",
        ),
        ("date,close\n2024-07-02,2033.87\n2024-07-02,2034.87\n", "problem", "2024-07-02"),
        ("date,close\n2024-07-02,2033.87\n2024-07-02,2033.87\n", "note", "repeated_row"),
        ("date,close\n2024-07-02,2033.87\n2024-07-05,2026.73\n", "note", "missing_session"),
        ("date,open,close\n2024-07-02,0,2033.87\n", "note", "open_unknown"),
        ("date,close\n2024-07-02,\n2024-07-03,2036.62\n", "note", "blank_close"),
        ("day,close\n2024-07-02,2033.87\n", "problem", "no column 'date'"),
        ("date,close\n", "problem", "no rows"),
        ("date,close\n2024-07-02,twelve\n", "problem", "twelve"),
    ],
)
def test_a_history_with_faults_is_explained(tmp_path: Path, history: str, level: str, said: str) -> None:
    results = found("--history", f"RUT={written(tmp_path, 'RUT.csv', history)}")
    of_file = [result for result in results if result["subject"] == "history RUT"]
    assert any(result["level"] == level and said in result["text"] for result in of_file), of_file


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("calendar_events_file", "[[event]]\nkind = 'fomc'\n", "'dates' is missing"),
        ("base_rates_file", "{}", "base rates cannot be read"),
        ("base_rates_file", None, "cannot be read"),
        ("rarity_file", '{"format": "1", "entries": []}', "rarity of format '1'"),
    ],
)
def test_an_artefact_that_cannot_be_used_is_explained(
    tmp_path: Path, name: str, text: str | None, said: str
) -> None:
    file, settings = tmp_path / "artefact", tmp_path / "settings.toml"
    if text is not None:
        file.write_text(text)
    settings.write_text(f'{name} = "{file}"\n')
    result = check("--settings", str(settings))
    assert result.exit_code == 2
    line = next(line for line in result.stdout.splitlines() if "artefacts" in line)
    assert line.startswith("problem")
    assert said in line
    assert str(file) in line, "which of the files it is"


@pytest.mark.parametrize(
    ("lines", "level", "subject", "said"),
    [
        (
            'url = "ws://me:hush@far.example/v2"',
            "problem",
            "alpaca.url",
            "ws://far.example/v2 is not encrypted",
        ),
        ('url = "ws://me:hush@far.example/v2"\ninsecure = true', "note", "alpaca.insecure", "unencrypted"),
        ('url = "me:hush@far.example/v2"', "problem", "alpaca.url", "not a websocket URL"),
    ],
)
def test_where_the_secret_would_be_sent(
    tmp_path: Path, lines: str, level: str, subject: str, said: str
) -> None:
    settings = written(tmp_path, "rotascope.toml", f"[alpaca]\n{lines}\n")
    (result,) = [each for each in found("--settings", settings) if each["subject"].startswith("alpaca")]
    assert (result["level"], result["subject"]) == (level, subject)
    assert said in result["text"]
    assert result["operator_action"]
    assert "hush" not in str(result)


def test_a_feed_on_this_machine_needs_no_encryption(tmp_path: Path) -> None:
    settings = written(tmp_path, "rotascope.toml", '[alpaca]\nurl = "ws://127.0.0.1:9701/v2/sip"\n')
    assert not [each for each in found("--settings", settings) if each["subject"].startswith("alpaca")]


def test_a_scale_is_recommended_from_prices_and_volumes(tmp_path: Path) -> None:
    days = ["2024-07-01", "2024-07-02", "2024-07-03"]
    rows = "".join(f"{day},0.000012,50000000000\n" for day in days)
    history = written(tmp_path, "AAPL.csv", "date,close,volume\n" + rows)
    (advice,) = [
        result
        for result in found("--history", f"AAPL={history}")
        if "exponent" in (result["operator_action"] or "")
    ]
    assert (advice["subject"], advice["level"]) == ("history AAPL", "note")
    assert advice["operator_action"].startswith("set price_exponent = -15, size_exponent = -7 for AAPL")
    universe = read_text(None, UNIVERSE).replace(
        'symbol = "AAPL"', 'symbol = "AAPL"\nprice_exponent = -15\nsize_exponent = -7'
    )
    ours = written(tmp_path, "universe.toml", universe)
    results = found("--universe", ours, "--history", f"AAPL={history}")
    assert not [result for result in results if "exponent" in result["text"]]


@pytest.mark.parametrize(
    ("setting", "form", "command"),
    [
        ("base_rates_file", RateCards, "rotascope study base-rates "),
        ("rarity_file", RarityCards, "rotascope study nulls "),
    ],
)
def test_artefacts_of_earlier_versions_are_named_with_the_command_that_makes_them_anew(
    tmp_path: Path, setting: str, form: type[RateCards | RarityCards], command: str
) -> None:
    catalogue = parse_catalogue(read_text(None, CATALOGUE))
    up, current = catalogue.get("opposite_day_up"), catalogue.get("record_high")
    assert up.detector_version is not None
    cards = form(
        {
            (up.definition_id, up.detector_version, "RUT/SPX"): ((1, {}),),
            (current.definition_id, current.version, "RUT/SPX"): ((1, {}),),
            ("long_gone", "0123456789ab", "RUT/SPX"): ((1, {}),),
        }
    )
    file = tmp_path / "cards.json"
    file.write_bytes(cards.encode())
    settings = written(tmp_path, "rotascope.toml", f'{setting} = "{file}"\n')
    (note,) = [each for each in found("--settings", settings) if each["subject"] == setting]
    assert note["level"] == "note"
    assert note["text"].startswith(f"{file} was made under earlier versions of opposite_day_up:")
    assert command in note["operator_action"]
    assert note["operator_action"].endswith(f"--store {file}")
    assert check("--settings", settings).exit_code == 0


@pytest.mark.parametrize(("setting", "form"), [("base_rates_file", RateCards), ("rarity_file", RarityCards)])
@pytest.mark.parametrize(
    ("pairs", "named"), [(["IJR/SPY", "RUT/SP"], "IJR/SPY, RUT/SP"), ([], "no pair at all")]
)
def test_artefacts_of_no_pair_of_the_universe_are_a_problem(
    tmp_path: Path, setting: str, form: type[RateCards | RarityCards], pairs: list[str], named: str
) -> None:
    up = parse_catalogue(read_text(None, CATALOGUE)).get("opposite_day_up")
    file = tmp_path / "cards.json"
    file.write_bytes(form({(up.definition_id, up.version, pair): ((1, {}),) for pair in pairs}).encode())
    settings = written(tmp_path, "rotascope.toml", f'{setting} = "{file}"\n')
    (problem,) = [each for each in found("--settings", settings) if each["subject"] == setting]
    assert problem["level"] == "problem"
    assert problem["text"].startswith(f"{file} has cards of {named}, and of no pair of the universe")
    assert "rotascope study prepare" in problem["operator_action"]
    assert check("--settings", settings).exit_code == 2


def test_artefacts_of_present_versions_need_no_word(tmp_path: Path) -> None:
    up = parse_catalogue(read_text(None, CATALOGUE)).get("opposite_day_up")
    assert up.detector_version is not None
    keys = [(up.definition_id, version, "RUT/SPX") for version in (up.version, up.detector_version)]
    file = tmp_path / "cards.json"
    file.write_bytes(RateCards(dict.fromkeys(keys, ((1, {}),))).encode())
    settings = written(tmp_path, "rotascope.toml", f'base_rates_file = "{file}"\n')
    assert not [each for each in found("--settings", settings) if each["subject"] == "base_rates_file"]


def test_a_catalogue_with_detectors_is_a_problem_that_says_what_to_write(tmp_path: Path) -> None:
    text = '[[definition]]\nid = "up"\nkind = "opposite_day"\n'
    (problem,) = [
        each
        for each in found("--catalogue", written(tmp_path, "catalogue.toml", text))
        if each["subject"] == "catalogue"
    ]
    assert problem["level"] == "problem"
    enter = 'enter = ["instrument_return_pct:1d >= 3", "benchmark_return_pct:1d < 0"]'
    assert enter in problem["text"]
