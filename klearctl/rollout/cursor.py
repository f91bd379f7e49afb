"""Which problems come next: a seed and how many were drawn so far in, places of problems out. Pure."""

import random


def draw(problems: int, drawn: int, count: int, *, seed: int) -> list[int]:
    """The places of the next `count` of so many problems, after `drawn`; each pass over them has its own order."""
    orders: dict[int, list[int]] = {}
    places = []
    for position in range(drawn, drawn + count):
        epoch, place = divmod(position, problems)
        if epoch not in orders:
            orders[epoch] = random.Random(f"{seed}/rollout/{epoch}").sample(range(problems), problems)
        places.append(orders[epoch][place])
    return places
