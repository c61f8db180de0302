"""The roles of threads: what is not in the table is an error."""

from __future__ import annotations

import itertools

import pytest

from pounce_workers.serving.thread_role import NEXT, Role, change

ALLOWED = {
    (Role.FRONT, Role.POOL),
    (Role.FRONT, Role.ENDED),
    (Role.POOL, Role.ENDED),
    (Role.SHARED, Role.ENDED),
}


@pytest.mark.parametrize(("role", "to"), list(itertools.product(Role, Role)))
def test_every_change(role: Role, to: Role) -> None:
    if (role, to) in ALLOWED:
        assert change(role, to) is to
    else:
        with pytest.raises(RuntimeError, match=f"{role.value} cannot become {to.value}"):
            change(role, to)


def test_every_role_is_in_the_table() -> None:
    assert set(NEXT) == set(Role)
