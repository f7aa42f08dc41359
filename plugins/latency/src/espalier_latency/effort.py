"""How much is measured."""

from typing import final

import attrs

from espalier.searching.confirming import MOST_ATTEMPTS


#: Subnets that one search may export and measure, the confirming ones included.
MOST_SUBNETS = 60


@final
@attrs.frozen
class Effort:
    """
    How many subnets are measured for one search, and how often each.

    Args:
        subnets: Most subnets to fit with, the largest and the smallest included.

        enough: From how many on to stop where the cross-validated error is small.

        error_percent: What error is small.

        group: Subnets that take turns with each other and with the largest one.

        rounds: Turns of each subnet of a group.

        confirming_rounds: Turns where one chosen subnet is measured.

        seconds: About what the turns of one group may take; there are at least three of each.

        confirming_seconds: The same where one chosen subnet is measured.

        turn_seconds: A turn repeats the forward pass so often that it takes this long.

        seed: What the subnets that are measured depend on.
    """

    subnets: int = attrs.field(default=48, validator=[attrs.validators.ge(2)])
    enough: int = 24
    error_percent: float = 2.0
    group: int = 6
    rounds: int = 15
    confirming_rounds: int = 41
    seconds: float = 3.0
    confirming_seconds: float = 8.0
    turn_seconds: float = 0.002
    seed: int = 0

    def __attrs_post_init__(self) -> None:
        most = MOST_SUBNETS - MOST_ATTEMPTS
        if self.subnets > most:
            raise ValueError(f"subnets must be at most {most}, got {self.subnets}.")
