"""A page with fifty resources in Chromium, over HTTP/2, and a WebSocket over the same connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.clients.site import RESOURCES
from tests.clients.ways import over_tls, websockets_over_tls

if TYPE_CHECKING:
    from pounce_testing import TestServer
    from tests.clients.chromium import Chromium

LOADED = """(async () => {
    if (document.readyState !== "complete") await new Promise(done => addEventListener("load", done));
    %s
})()"""

RESOURCE_PROTOCOLS = """
    const page = performance.getEntriesByType("navigation")[0];
    const resources = performance.getEntriesByType("resource");
    return {
        page: page.nextHopProtocol,
        counted: window.counted,
        resources: resources.map(one => [new URL(one.name).pathname, one.nextHopProtocol, one.responseStatus]),
    };
"""

UPLOAD = """
    const sent = new Uint8Array(2000000).map((_, index) => index % 251);
    const answer = await fetch("/echo", {method: "POST", body: sent});
    const back = new Uint8Array(await answer.arrayBuffer());
    return [back.length, back.every((value, index) => value === sent[index])];
"""

WEBSOCKET = """
    const socket = new WebSocket(`wss://${location.host}/socket`);
    socket.binaryType = "arraybuffer";
    const told = [];
    const long = "x".repeat(200000);
    return await new Promise((done, fail) => {
        socket.onerror = () => fail(new Error("the WebSocket failed after " + told.length));
        socket.onmessage = ({data}) => {
            told.push(data instanceof ArrayBuffer ? [...new Uint8Array(data)] : data === long ? "long" : data);
            if (told.length === 1) {
                socket.send("grüße 🐈");
                socket.send(long);
                socket.send(new Uint8Array([0, 255, 7]));
            }
            if (told.length === 4) socket.close(4321, "enough");
        };
        socket.onclose = ({code, reason, wasClean}) => done({told, code, reason, wasClean, how: socket.extensions});
    });
"""


@over_tls
def test_fifty_resources_over_http_2(chromium: Chromium, site: TestServer) -> None:
    seen: dict[str, Any] = chromium.visit(f"{site.url}/page", LOADED % RESOURCE_PROTOCOLS)
    assert seen["page"] == "h2"
    assert seen["counted"] == RESOURCES
    expected = [[f"/resource/{number}.js", "h2", 200] for number in range(RESOURCES)]
    assert sorted(seen["resources"]) == sorted(expected)


@over_tls
def test_an_upload_comes_back(chromium: Chromium, site: TestServer) -> None:
    assert chromium.visit(f"{site.url}/page", LOADED % UPLOAD) == [2_000_000, True]


@websockets_over_tls
def test_a_websocket_over_http_2(chromium: Chromium, site: TestServer) -> None:
    seen: dict[str, Any] = chromium.visit(f"{site.url}/page", LOADED % WEBSOCKET)
    assert seen["told"] == ["2", "grüße 🐈", "long", [0, 255, 7]], "it came over HTTP/2, and everything came back"
    assert (seen["code"], seen["reason"], seen["wasClean"]) == (4321, "enough", True)
    assert seen["how"].startswith("permessage-deflate")
