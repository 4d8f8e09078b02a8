"""`rotascope events forward`: events to a web address.

Exit codes (see `core.runtime.exit_codes`): 0 stopped by a signal or by --until-end; 1 the broker failed;
2 invalid settings, address or secret, or a right on the cluster is missing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from consumers.inspect.event_filter import refuse_unknown
from consumers.inspect.event_options import (
    AtMostPerYear,
    CatalogueFile,
    Definitions,
    Families,
    Pairs,
    States,
    UniverseFile,
    filter_of,
    topics_of,
)
from core.runtime.exit_codes import exit_codes
from core.runtime.log import configure_log
from core.runtime.settings import SETTINGS_VARIABLE, collect_settings, sections_of

To = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="URL",
        help="Where events are posted: https, or http on this machine. If the address itself is a "
        "secret, set ROTASCOPE_FORWARD__TO instead.",
    ),
]
Mode = Annotated[
    str | None,
    typer.Option(
        metavar="binary|structured",
        help="CloudEvents content mode: attributes in headers (default), or all of it in the body.",
    ),
]
SecretFile = Annotated[
    Path | None,
    typer.Option(
        "--secret-file", help="File with the secret that signs posts; or set ROTASCOPE_FORWARD__SECRET."
    ),
]
CaFile = Annotated[
    Path | None,
    typer.Option("--ca-file", help="Certificates to trust, in PEM format; default: the system's."),
]
GroupId = Annotated[
    str | None,
    typer.Option(
        "--group-id",
        help="Consumer group that keeps the place; default: one of its own for each address. Forwarders of "
        "one group share the events.",
    ),
]
FromBeginning = Annotated[
    bool,
    typer.Option(
        "--from-beginning/--from-now",
        help="Where a group without a place begins: at the oldest event, or at the current end.",
    ),
]
UntilEnd = Annotated[
    bool, typer.Option("--until-end", help="End once every event of the topics is forwarded.")
]
Connections = Annotated[int | None, typer.Option(min=1, max=64, help="Posts at the same time; default 8.")]
SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings", envvar=SETTINGS_VARIABLE, help="TOML file of settings; flags take precedence."
    ),
]
Servers = Annotated[
    str | None, typer.Option("--bootstrap-servers", metavar="HOST:PORT[,…]", help="Where Kafka answers.")
]
MetricsPort = Annotated[
    int | None, typer.Option(min=0, max=65_535, help="Port of /metrics, /livez, /readyz; 0 picks a free one.")
]


def forward(
    context: typer.Context,
    to: To = None,
    mode: Mode = None,
    families: Families = None,
    definitions: Definitions = None,
    pairs: Pairs = None,
    states: States = None,
    at_most_per_year: AtMostPerYear = None,
    secret_file: SecretFile = None,
    ca_file: CaFile = None,
    group_id: GroupId = None,
    from_beginning: FromBeginning = True,
    until_end: UntilEnd = False,
    connections: Connections = None,
    catalogue: CatalogueFile = None,
    universe: UniverseFile = None,
    metrics_port: MetricsPort = None,
    settings_file: SettingsFile = None,
    bootstrap_servers: Servers = None,
) -> None:
    """Post events to a web address, as CloudEvents over HTTP.

    Every event arrives at least once, and the events of a pair in one
    family arrive in order. The same ce-id is the same event: a receiver
    ignores an id that it has seen. The place is kept in Kafka, so a
    restart goes on where it stopped.

    A 2xx answer accepts an event. 408, 429, 5xx, a broken connection and
    a time-out are tried again, with growing waits or after Retry-After,
    until the event is accepted; later events of the pair wait. Any other
    answer, a redirect included, is a refusal: after five within a minute
    the event goes to rotascope.dead-letters, and the next one follows.

    With a secret each post has the headers Rotascope-Timestamp and
    Rotascope-Signature: v1= and the HMAC-SHA256, in hexadecimal, of the
    timestamp, a full stop and the body. docs/forwarding.md shows how a
    receiver checks it. The secret comes from a file or from
    ROTASCOPE_FORWARD__SECRET.

    If Kafka or the receiver is away, the command waits and goes on by
    itself; /readyz is 503 meanwhile. Ctrl-C ends it in order.

    Exit codes: 0 ended as requested; 1 the broker failed; 2 an address,
    a secret, settings or rights that must change.

    Examples:
      rotascope events forward --to https://example.com/hook --secret-file secret
      rotascope events forward --to http://127.0.0.1:8080/ --state opened --from-now
      rotascope events forward --to https://example.com/hook --mode structured
    """
    flags: dict[str, Any] = {
        "kafka": {"bootstrap_servers": bootstrap_servers},
        "forward": {
            "to": to,
            "mode": mode,
            "secret_file": secret_file,
            "ca_file": ca_file,
            "group_id": group_id,
            "connections_max": connections,
        },
        "metrics": {"port": metrics_port},
        "catalogue_file": catalogue,
        "universe_file": universe,
    }
    with exit_codes():
        settings = collect_settings(settings_file, flags, sections_of(context))
        wanted = filter_of(definitions, pairs, states, at_most_per_year)
        refuse_unknown(wanted, settings.catalogue_file, settings.universe_file)
        configure_log(settings.log)
        # Its clients take half a second to load, which --help does not need.
        from consumers.forward.run import run_forwarder

        run_forwarder(
            settings, wanted, topics_of(families), from_beginning=from_beginning, until_end=until_end
        )
