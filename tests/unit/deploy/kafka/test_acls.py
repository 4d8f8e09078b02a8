"""The rights that are printed: for every topic, under the settings' names, as kafka-acls.sh reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import rotascope
from core.model.errors import ConfigurationError
from core.model.settings import Settings, parse_settings
from deploy.kafka.acls import (
    Grant,
    Pattern,
    ResourceKind,
    acl_line,
    choose_commands,
    grants_of,
    require_principal,
)
from deploy.kafka.needs import COMMANDS, Operation
from deploy.kafka.topics import Topic, load_topics

TOPICS = load_topics()
IMPLIED = {
    Operation.DESCRIBE: {Operation.READ, Operation.WRITE, Operation.ALTER},
    Operation.DESCRIBE_CONFIGS: {Operation.ALTER_CONFIGS},
}
"""As `AclEntry.supportedOperations` and the authorizer of Apache Kafka have it."""


def grants(command: str, topics: tuple[Topic, ...] = TOPICS, **settings: Any) -> list[Grant]:
    return grants_of(command, topics, parse_settings(settings) if settings else Settings())


def topic_rights(command: str, **settings: Any) -> dict[str, set[Operation]]:
    rights: dict[str, set[Operation]] = {}
    for grant in grants(command, **settings):
        if grant.kind is ResourceKind.TOPIC:
            for name in grant.names:
                rights.setdefault(name, set()).update(grant.operations)
    return rights


def acls(*arguments: str) -> Result:
    return CliRunner().invoke(rotascope.app, ["topics", "acls", *arguments], prog_name="rotascope")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_name_is_one_of_the_topics_file(command: str) -> None:
    assert set(topic_rights(command)) <= {topic.name for topic in TOPICS}


def test_each_topic_is_written_by_one_command_and_read_by_another_or_by_people() -> None:
    written, read = set(), set()
    for command in COMMANDS:
        for name, operations in topic_rights(command).items():
            if Operation.WRITE in operations:
                written.add(name)
            if Operation.READ in operations:
                read.add(name)
    names = {topic.name for topic in TOPICS}
    assert written == names
    assert names - read == {"rotascope.bars.1m", "rotascope.dead-letters"}


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_is_listed_that_another_operation_implies(command: str) -> None:
    for need in COMMANDS[command].needs:
        for operation in need.operations:
            assert not IMPLIED.get(operation, set()) & set(need.operations)


def test_names_follow_the_settings() -> None:
    of_second = {"kafka": {"topic_generation": 2}, "worker": {"group_id": "desk"}}
    consume = grants("consume", load_topics(generation=2), **of_second)
    names = {name for grant in consume for name in grant.names}
    assert {"rotascope.ticks.v2", "rotascope.snapshots.v2", "desk"} <= names
    assert not {name for name in names if name.endswith(".v1")}
    migrate = grants("topics migrate", load_topics(generation=2), **of_second)
    assert (
        Grant(ResourceKind.TOPIC, Pattern.LITERAL, ("rotascope.ticks.v1",), (Operation.DESCRIBE,)) in migrate
    )


@pytest.mark.parametrize(
    ("worker", "pattern", "name"),
    [
        ({}, Pattern.PREFIXED, "rotascope-worker/"),
        ({"group_id": "desk"}, Pattern.PREFIXED, "desk/"),
        ({"slot": "a"}, Pattern.LITERAL, "rotascope-worker/a"),
        ({"slot": "a", "membership": "static"}, Pattern.LITERAL, "rotascope-worker/a"),
        # The partitions name it then, not the slot.
        ({"slot": "a", "membership": "manual"}, Pattern.PREFIXED, "rotascope-worker/"),
    ],
)
def test_the_transactional_id_is_as_narrow_as_the_settings_let_it_be(
    worker: dict[str, str], pattern: Pattern, name: str
) -> None:
    found = [
        grant for grant in grants("consume", worker=worker) if grant.kind is ResourceKind.TRANSACTIONAL_ID
    ]
    assert found == [Grant(ResourceKind.TRANSACTIONAL_ID, pattern, (name,), (Operation.WRITE,))]


def test_what_the_settings_switch_off_needs_no_right() -> None:
    worker = {"delivery": "at_least_once", "snapshot_interval_ms": 0}
    assert {grant.kind for grant in grants("consume", worker=worker)} == {
        ResourceKind.TOPIC,
        ResourceKind.GROUP,
    }
    assert "rotascope.snapshots.v1" in topic_rights("consume")
    assert "rotascope.snapshots.v1" not in topic_rights("consume", worker=worker)
    silent = {"publish_values": False}
    assert topic_rights("consume")["rotascope.values.v1"] == {Operation.WRITE}
    assert "rotascope.values.v1" not in topic_rights("consume", worker=silent)
    assert topic_rights("values cat", worker=silent) == {"rotascope.values.v1": {Operation.READ}}


def test_a_line_is_what_a_shell_and_kafka_acls_read() -> None:
    grant = Grant(
        ResourceKind.TOPIC, Pattern.PREFIXED, ("rotascope.", "other."), (Operation.READ, Operation.DESCRIBE)
    )
    line = acl_line(
        grant,
        "User:CN=a b,O=it's",
        bootstrap_servers="kafka:9093",
        command_config="my admin.properties",
    )
    assert line == (
        "kafka-acls.sh --bootstrap-server kafka:9093 --command-config 'my admin.properties' --add "
        "--allow-principal 'User:CN=a b,O=it'\"'\"'s' --operation Read --operation Describe "
        "--resource-pattern-type prefixed --topic rotascope. --topic other."
    )


@pytest.mark.parametrize(
    ("named", "chosen"),
    [
        ([], list(COMMANDS)),
        (["consume"], ["consume"]),
        (["topics apply"], ["topics apply"]),
        (["rotascope topics  check"], ["topics check"]),
        (["produce"], ["produce alpaca", "produce settings-mark", "produce artefacts-mark"]),
        (["backfill csv", "backfill"], ["backfill csv", "backfill parquet", "backfill baseline", "backfill"]),
    ],
)
def test_a_command_is_chosen_by_how_its_name_begins(named: list[str], chosen: list[str]) -> None:
    assert choose_commands(named) == chosen


@pytest.mark.parametrize("name", ["consum", "topics appl", "report", ""])
def test_an_unknown_command_is_refused_by_name(name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"is not a command that needs rights"):
        choose_commands([name])


@pytest.mark.parametrize("principal", ["rotascope", "User:", "User: x", ":x", "User name:x"])
def test_a_principal_that_the_tool_would_refuse_is_refused(principal: str) -> None:
    with pytest.raises(ConfigurationError, match=r"is not TYPE:NAME"):
        require_principal(principal)


def test_text_is_one_block_a_command_that_a_shell_can_run() -> None:
    done = acls("--principal", "User:x", "--command", "ticks cat", "--bootstrap-servers", "kafka:9093")
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "# admin.properties: how kafka-acls.sh logs in, as a user who may alter ACLs.",
        "",
        "# rotascope ticks cat: print ticks",
        "kafka-acls.sh --bootstrap-server kafka:9093 --command-config admin.properties --add "
        "--allow-principal User:x --operation Read --topic rotascope.ticks.v1",
    ]


def test_without_a_login_of_the_tool_the_option_is_left_out() -> None:
    done = acls("--principal", "User:x", "--command", "ticks cat", "--command-config", "")
    assert "--command-config" not in done.stdout
    assert "admin.properties" not in done.stdout


def test_json_holds_the_same_for_programs() -> None:
    done = acls("--principal", "User:x", "--command", "ticks cat", "--format", "json")
    assert json.loads(done.stdout) == [
        {
            "command": "ticks cat",
            "principal": "User:x",
            "grants": [
                {
                    "resource": "topic",
                    "pattern": "literal",
                    "names": ["rotascope.ticks.v1"],
                    "operations": ["Read"],
                }
            ],
        }
    ]


def test_group_and_generation_come_from_the_settings_file(tmp_path: Path) -> None:
    file = tmp_path / "rotascope.toml"
    file.write_text('[kafka]\ntopic_generation = 3\n[worker]\ngroup_id = "desk"\nslot = "one"\n')
    done = acls("--principal", "User:x", "--command", "consume", "--settings", str(file))
    assert done.exit_code == 0, done.output
    assert "--topic rotascope.ticks.v3" in done.stdout
    assert "--transactional-id desk/one" in done.stdout
    other = acls(
        "--principal", "User:x", "--command", "consume", "--settings", str(file), "--group-id", "night",
        "--generation", "4",
    )  # fmt: skip
    assert "--topic rotascope.ticks.v4" in other.stdout
    assert "--transactional-id night/one" in other.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--principal", "x"],
        ["--principal", "User:x", "--command", "nothing"],
        ["--principal", "User:x", "--file", "no"],
    ],
)
def test_what_cannot_be_used_ends_with_an_action(arguments: list[str]) -> None:
    done = acls(*arguments)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
