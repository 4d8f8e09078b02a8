"""Which broker a fault takes for a group's coordinator."""

from __future__ import annotations

import pytest

from tests.chaos.cluster import coordinating_partition


# As brokers with four partitions of group offsets answered; the last two hash to negative numbers, of
# which a mask in place of the absolute value makes 3 and 1: the fault would strike another broker.
@pytest.mark.parametrize(
    ("group", "partition"),
    [
        ("chaos-2-65039420098718", 2),
        ("chaos-5-65039534981719", 1),
        ("chaos-1-65039377752453", 1),
        ("chaos-1-65042374280379", 3),
    ],
)
def test_the_coordinator_is_the_brokers_choice(group: str, partition: int) -> None:
    assert coordinating_partition(group, 4) == partition
