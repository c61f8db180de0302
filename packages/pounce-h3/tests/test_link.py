"""Whole connections over a network that loses, reorders, doubles and moves: requests and answers arrive all the same.

By a fixed clock: minutes of waiting cost nothing. With ``POUNCE_LONG_TESTS`` in the environment the large transfers
are made between all libraries and at every loss.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

import pytest
from far_apps import Site, pattern
from far_end import LIBRARIES, FarEnd
from fixed_clock import run
from link import Conditions, Network
from quic_clients import Http3Client

if TYPE_CHECKING:
    from collections.abc import Iterator

MEGABYTE: Final = 1_000_000
HALF: Final = MEGABYTE // 2
PATIENCE: Final = 600.0
"""Seconds without a datagram after which an end gives up. Where every fifth is lost, a few in a row mean that both
wait for as long as they have waited before, twice over.
"""

PAIRS: Final = [(server, client) for server in LIBRARIES for client in LIBRARIES]
"""Whose QUIC the server has, and whose the client."""
OWN: Final = LIBRARIES[0]

between = pytest.mark.parametrize(("server", "client"), PAIRS, ids=[" to ".join(reversed(pair)) for pair in PAIRS])
long = pytest.mark.skipif("POUNCE_LONG_TESTS" not in os.environ, reason="POUNCE_LONG_TESTS is not set")


class Scene:
    """A network, the server with its application, and one client that is connected."""

    network: Network
    site: Site
    far: FarEnd
    client: Http3Client

    def __init__(
        self,
        server: str = OWN,
        client: str = OWN,
        *,
        seed: int = 1,
        configuration: dict[str, Any] | None = None,
        **conditions: Any,
    ) -> None:
        self._libraries = server, client
        self._configuration = {"idle_timeout": PATIENCE} | (configuration or {})
        self._conditions = Conditions(**conditions)
        self._seed = seed

    def play(self, act: Callable[[Scene], Awaitable[None]], **settings: Any) -> Scene:
        """Connect, let it happen, say goodbye; afterwards nothing may be left anywhere."""

        async def scenario() -> None:
            server, client = self._libraries
            self.network = Network(self._conditions, seed=self._seed)
            self.site = Site()
            patience: dict[str, Any] = {"quic_idle_timeout": PATIENCE, "timeouts": {"write_stall": PATIENCE}}
            self.far = FarEnd(self.network, self.site, library=server, **(patience | settings))
            self.client = Http3Client(self.network, client, **self._configuration)
            await self.client.connected()
            await act(self)
            if not self.client.silent and not self.client.ended.is_set():
                await self.client.closed()
            await self.far.emptied()
            await self.far.stopped()

        run(scenario())
        return self


async def download(scene: Scene, size: int) -> None:
    answer = await scene.client.ask(f"/bytes/{size}")
    assert (answer.status, answer.ended, answer.reset) == (200, True, None), (answer, scene.client.end)
    assert answer.body == pattern(size)


async def upload(scene: Scene, size: int) -> None:
    answer = await scene.client.ask("/digest", body=pattern(size))
    assert (answer.status, answer.ended, answer.reset) == (200, True, None), (answer, scene.client.end)
    assert answer.body.decode() == hashlib.sha256(pattern(size)).hexdigest()


TRANSFERS: Final = {"download": download, "upload": upload}
Transfer = Callable[[Scene, int], Awaitable[None]]


@pytest.fixture(autouse=True)
def nothing_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A network is nobody's fault: no line in any log of ours."""
    yield
    assert [record.getMessage() for record in caplog.records if record.name.startswith("pounce")] == []


# -- loss ------------------------------------------------------------------------------------------------------------


@between
@pytest.mark.parametrize("loss", [0.01, 0.05, 0.20])
@pytest.mark.parametrize("transfer", TRANSFERS.values(), ids=TRANSFERS)
def test_transfers_with_losses(server: str, client: str, loss: float, transfer: Transfer) -> None:
    scene = Scene(server, client, loss=loss).play(lambda scene: transfer(scene, HALF))
    assert scene.network.down.lost + scene.network.up.lost > 0.5 * loss * HALF / 1500
    assert scene.site.http_versions == {"3"}


@pytest.mark.parametrize("transfer", TRANSFERS.values(), ids=TRANSFERS)
def test_ten_megabytes_with_a_fifth_lost(transfer: Transfer) -> None:
    client = "qh3" if "qh3" in LIBRARIES else OWN  # costs less
    Scene(OWN, client, loss=0.20).play(lambda scene: transfer(scene, 10 * MEGABYTE))


@long
@between
@pytest.mark.parametrize("loss", [0.01, 0.05, 0.20])
@pytest.mark.parametrize("transfer", TRANSFERS.values(), ids=TRANSFERS)
def test_ten_megabytes_with_losses(server: str, client: str, loss: float, transfer: Transfer) -> None:
    Scene(server, client, loss=loss, seed=2).play(lambda scene: transfer(scene, 10 * MEGABYTE))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("server", LIBRARIES)
def test_handshakes_and_small_requests_with_a_fifth_lost(server: str, seed: int) -> None:
    """Whichever datagram is lost: of the handshake, of a request, of an answer, of the goodbye."""

    async def act(scene: Scene) -> None:
        answers = await asyncio.gather(*(scene.client.ask(f"/{number}") for number in range(20)))
        assert [answer.body for answer in answers] == [b"hello /%d" % number for number in range(20)]

    Scene(server, server, loss=0.20, seed=seed).play(act)


@pytest.mark.parametrize("server", LIBRARIES)
def test_the_end_of_an_answer_that_is_lost_is_sent_again_without_being_asked(server: str) -> None:
    async def act(scene: Scene) -> None:
        answer = scene.client.answer(scene.client.begin("/wait"))
        await asyncio.sleep(1)  # the request is acknowledged, and all is quiet
        up, down = scene.network.up.sent, scene.network.down
        arrived = down.sent - down.lost
        dropped: list[bytes] = []
        down.drop = lambda data: len(dropped) < 2 and not dropped.append(data)  # type: ignore[func-returns-value]
        scene.site.go.set()
        while down.sent - down.lost == arrived:
            assert scene.network.up.sent == up, "the client has spoken first"
            await asyncio.sleep(0.001)
        assert len(dropped) == 2
        await answer.over.wait()
        assert answer.body == b"done"

    # No search for larger datagrams (RFC 8899): it would be the client that speaks.
    quiet = {"probe_datagram_size": False} if server == "qh3" else {}
    Scene(server, server, configuration=quiet).play(act)


# -- order, copies, narrow places ------------------------------------------------------------------------------------


@between
@pytest.mark.parametrize(
    "conditions",
    [
        {"reorder": 0.3, "late": 0.03},
        {"duplicate": 0.5},
        {"reorder": 0.2, "duplicate": 0.2, "loss": 0.05},
        {"bandwidth": 250_000.0, "queue": 0.05},
        {"largest": 1200, "configuration": {"max_datagram_size": 1200}},
        {"delay": 0.3},
    ],
    ids=["reordered", "doubled", "all three", "narrow", "small", "far away"],
)
def test_transfers_over_bad_networks(server: str, client: str, conditions: dict[str, Any]) -> None:

    async def act(scene: Scene) -> None:
        await asyncio.gather(download(scene, 300_000), upload(scene, 300_000), download(scene, 10))

    scene = Scene(server, client, **conditions).play(act)
    assert sorted(scene.site.done) == ["/bytes/10", "/bytes/300000", "/digest"]


# -- clients that move -----------------------------------------------------------------------------------------------


@between
@pytest.mark.parametrize("new_id", [True, False], ids=["migration", "a NAT forgot it"])
def test_a_client_that_moves_during_a_download(server: str, client: str, new_id: bool) -> None:
    async def act(scene: Scene) -> None:
        answer = scene.client.answer(scene.client.begin(f"/bytes/{HALF}"))
        for _ in range(3):
            await answer.grown(50_000)
            scene.client.move(new_id=new_id)
        await answer.over.wait()
        assert answer.body == pattern(HALF)
        assert scene.far.endpoint.connections == 1
        assert (await scene.client.ask("/after")).body == b"hello /after"

    scene = Scene(server, client).play(act)
    assert scene.far.host.came == 1


@between
def test_a_client_that_moves_during_an_upload(server: str, client: str) -> None:
    if (server, client) == ("qh3", "aioquic"):
        pytest.skip("AIOQUIC'S CLIENT LOSES A SERVER ON QH3 WHEN IT MOVES WHILE IT SENDS: not run")

    async def act(scene: Scene) -> None:
        done = asyncio.ensure_future(upload(scene, HALF))
        for _ in range(3):
            await asyncio.sleep(0.1)
            scene.client.move()
        await done

    assert Scene(server, client, loss=0.01).play(act).far.host.came == 1


# -- clients that are gone -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("server", LIBRARIES)
@pytest.mark.parametrize("path", ["/wait", f"/bytes/{10 * MEGABYTE}", "/"])
def test_a_client_that_vanishes(server: str, path: str) -> None:
    """After the idle timeout nothing is left of it (RFC 9000, 10.1)."""

    async def act(scene: Scene) -> None:
        begun = asyncio.get_running_loop().time()
        scene.client.begin(path)
        await asyncio.sleep(0.1)
        scene.client.vanish()
        await scene.far.emptied()
        assert asyncio.get_running_loop().time() - begun < 60
        scene.site.go.set()
        await asyncio.sleep(1)

    scene = Scene(server, server).play(act, quic_idle_timeout=20.0)
    assert scene.far.host.came == len(scene.far.host.closed) == 1


@pytest.mark.parametrize("server", LIBRARIES)
def test_a_client_that_vanishes_in_its_handshake(server: str) -> None:
    async def scenario() -> None:
        network = Network(Conditions())
        far = FarEnd(network, Site(), library=server)
        for _ in range(10):
            Http3Client(network, server).vanish()
        await asyncio.sleep(0.1)
        assert (far.host.came, far.endpoint.connections) == (0, 10)
        await far.emptied()
        await far.stopped()

    run(scenario())


@pytest.mark.parametrize("server", LIBRARIES)
def test_connections_that_come_and_go_leave_nothing(server: str) -> None:
    async def scenario() -> None:
        network = Network(Conditions(loss=0.02))
        far = FarEnd(network, Site(), library=server)
        for _ in range(10):
            clients = [Http3Client(network, server) for _ in range(5)]
            assert {(await client.ask("/")).body for client in clients} == {b"hello /"}
            await asyncio.gather(*(client.closed() for client in clients))
        await far.emptied()
        assert far.host.came == len(far.host.closed) == 50
        await far.stopped()

    run(scenario())


@pytest.mark.parametrize("server", LIBRARIES)
def test_a_server_that_ends_says_so(server: str) -> None:
    async def act(scene: Scene) -> None:
        answer = scene.client.answer(scene.client.begin("/wait"))
        await asyncio.sleep(0.1)
        scene.far.endpoint.give_up()
        await scene.client.ended.wait()
        assert scene.client.end is not None
        assert scene.client.end[0] == 0x100  # H3_NO_ERROR
        assert not answer.ended
        scene.site.go.set()

    Scene(server, server).play(act)


# -- keys and addresses ----------------------------------------------------------------------------------------------


@between
@pytest.mark.parametrize("whose", ["client", "server"])
def test_new_keys_during_a_download(server: str, client: str, whose: str) -> None:
    """RFC 9001, 6: packets of both generations are on the way at once."""

    async def act(scene: Scene) -> None:
        answer = scene.client.answer(scene.client.begin(f"/bytes/{HALF}"))
        for _ in range(3):
            await asyncio.sleep(1.0)  # longer than the acknowledgement takes: no two at once (RFC 9001, 6.1)
            if whose == "client":
                scene.client.quic.request_key_update()
                scene.client.quic.send_ping(1)  # a client that only acknowledges is never acknowledged
                scene.client.flush()
            else:
                connection: Any = scene.far.host.connections[0]
                connection.quic.update_keys()
            assert not answer.over.is_set()
        await answer.over.wait()
        assert answer.body == pattern(HALF)

    Scene(server, client, reorder=0.1, bandwidth=HALF / 5).play(act)


@between
@pytest.mark.parametrize("loss", [0.0, 0.2])
def test_a_retry_proves_the_address_first(server: str, client: str, loss: float) -> None:
    async def act(scene: Scene) -> None:
        assert (await scene.client.ask("/")).body == b"hello /"

    scene = Scene(server, client, loss=loss).play(act, quic_retry="always")
    assert scene.client.quic._retry_count == 1
