"""The edge that serves: Kafka in; events, bars and metrics out. Never imports `producers`.

worker/       `rotascope consume`: the loop, partitions, commits
transport/    what the loop asks of a Kafka client, and the clients
snapshots/    state in its topic, and back
metrics/      /metrics, /livez, /readyz
inspect/      `rotascope events tail`, `rotascope ticks cat`
study/        `rotascope study`
claims/       `rotascope claims`
"""
