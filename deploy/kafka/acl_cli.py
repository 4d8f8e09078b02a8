"""`rotascope topics acls`: the least rights of each command, for the cluster's administrator."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from core.model.settings import Settings
from core.runtime.exit_codes import exit_codes
from core.runtime.settings import SETTINGS_VARIABLE, collect_settings
from deploy.kafka.acls import Grant, acl_line, as_json, choose_commands, grants_of, require_principal
from deploy.kafka.formats import Format, OutputFormat
from deploy.kafka.needs import COMMANDS
from deploy.kafka.topics import TOPICS_FILE, load_topics
from producers.feeds import feed_sections

Principal = Annotated[
    str, typer.Option("--principal", metavar="TYPE:NAME", help="Who gets the rights, as User:rotascope.")
]
Commands = Annotated[
    list[str] | None,
    typer.Option(
        "--command",
        metavar="NAME",
        help="Only this command, as 'consume' or 'topics apply'; 'backfill' stands for all that begin so. "
        "May be repeated.",
    ),
]
SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        envvar=SETTINGS_VARIABLE,
        help="TOML file of the command's settings: generation, group, slot, delivery and snapshots count.",
    ),
]
Servers = Annotated[
    str | None,
    typer.Option("--bootstrap-servers", metavar="HOST:PORT[,…]", help="Of the cluster; none is asked."),
]
CommandConfig = Annotated[
    str,
    typer.Option(
        "--command-config", metavar="FILE", help="With which kafka-acls.sh itself logs in; '' leaves it out."
    ),
]
Generation = Annotated[
    int | None, typer.Option("--generation", min=1, help="Of the ticks, in place of the settings'.")
]
GroupId = Annotated[str | None, typer.Option("--group-id", help="Of the workers, in place of the settings'.")]
File = Annotated[Path, typer.Option("--file", help="Another topics file.", show_default=False)]


def acls(
    principal: Principal,
    commands: Commands = None,
    settings_file: SettingsFile = None,
    bootstrap_servers: Servers = None,
    command_config: CommandConfig = "admin.properties",
    generation: Generation = None,
    group_id: GroupId = None,
    file: File = TOPICS_FILE,
    output: OutputFormat = Format.TEXT,
) -> None:
    """Print the least rights that commands need, as kafka-acls.sh lines.

    Speaks to no broker. An administrator runs the lines: each allows one
    principal some operations on topics, a group or transactional ids. A
    command that lacks one of them ends and names it.

    The principal is what the broker makes of a login: User: and the user
    name with PLAIN and SCRAM, User: and the token's subject with
    OAUTHBEARER, User: and the certificate's subject with client
    certificates. User:* is everybody.

    Give the settings that the command will run with: generation and group
    are part of names. A worker with a slot gets the transactional id of
    that slot only; without one, all ids that begin with its group.
    Operations that others imply are left out, as Describe beside Read.

    Brokers before 3.0 require one more right for writing:
    IdempotentWrite on the cluster.

    Exit codes: 0 printed; 2 a principal, command or settings that cannot be
    used.

    Examples:
      rotascope topics acls --principal User:rotascope --command consume
      rotascope topics acls --principal User:feed --command produce --command backfill
      rotascope topics acls --principal User:ops --command 'topics apply' | sh
    """
    with exit_codes():
        require_principal(principal)
        chosen = choose_commands(commands or ())
        flags: dict[str, Any] = {
            "kafka": {"bootstrap_servers": bootstrap_servers, "topic_generation": generation},
            "worker": {"group_id": group_id},
        }
        settings = collect_settings(settings_file, flags, feed_sections())
        topics = load_topics(file, generation=settings.kafka.topic_generation)
        needed = {command: grants_of(command, topics, settings) for command in chosen}
    if output is Format.JSON:
        typer.echo(json.dumps([as_json(command, grants, principal) for command, grants in needed.items()]))
        return
    if command_config:
        typer.echo(f"# {command_config}: how kafka-acls.sh logs in, as a user who may alter ACLs.")
    for command, grants in needed.items():
        typer.echo(f"\n# rotascope {command}: {COMMANDS[command].purpose}")
        for line in _lines(grants, principal, settings, command_config):
            typer.echo(line)


def _lines(grants: Iterable[Grant], principal: str, settings: Settings, command_config: str) -> Iterable[str]:
    servers = settings.kafka.bootstrap_servers
    for grant in grants:
        yield acl_line(grant, principal, bootstrap_servers=servers, command_config=command_config or None)
