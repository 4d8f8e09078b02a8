"""Consumers: Kafka in; events, bars and metrics out. Never imports `producers`.

worker/       `rotascope consume`: the loop, partitions, commits
transport/    interface of a Kafka client, and its implementations
snapshots/    writes state to its topic and restores it
metrics/      /metrics, /livez, /readyz
inspect/      `rotascope events tail`, `rotascope ticks cat`
forward/      `rotascope events forward`: events over HTTP
study/        `rotascope study`
claims/       `rotascope claims`
"""
