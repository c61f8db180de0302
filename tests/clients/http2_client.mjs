// Visits the site with Node's HTTP/2 client, over one connection, and prints what it saw as JSON.
//
//     node http2_client.mjs URL FILE-WITH-THE-CERTIFICATE SIZE-OF-TRANSFERS STREAMS-AT-ONCE [websocket]

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import http2 from "node:http2";

const [url, authority, size, streams, websocket] = process.argv.slice(2);
const session = http2.connect(url, { ca: readFileSync(authority), settings: { enablePush: false } });
session.on("error", error => { throw error; });
const settings = new Promise(done => session.once("remoteSettings", done));

function collect(stream) {
    return new Promise((done, fail) => {
        const chunks = [];
        let headers;
        stream.on("response", given => { headers = given; });
        stream.on("data", chunk => chunks.push(chunk));
        stream.on("end", () => done({ status: headers[":status"], body: Buffer.concat(chunks) }));
        stream.on("error", fail);
    });
}

const get = path => collect(session.request({ ":path": path }));

function post(path, body) {
    const stream = session.request({ ":method": "POST", ":path": path });
    const answer = collect(stream);
    stream.end(body);
    return answer;
}

const sha256 = body => createHash("sha256").update(body).digest("hex");

// RFC 6455, 5.2, with RFC 8441 below it: a final frame with a mask of zeros, shorter than 126 bytes.
const frame = (opcode, payload) => Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0]), payload]);

function exchange() {
    const stream = session.request(
        { ":method": "CONNECT", ":protocol": "websocket", ":path": "/socket", "sec-websocket-version": "13" },
        { endStream: false },
    );
    const answer = collect(stream);
    stream.write(frame(1, Buffer.from("Hello")));
    stream.write(frame(2, Buffer.from([0, 255])));
    stream.write(frame(8, Buffer.from([0x10, 0xe1]))); // 4321
    stream.end();
    return answer;
}

const seen = { connectProtocol: (await settings).enableConnectProtocol, alpn: session.alpnProtocol };
seen.told = JSON.parse((await get("/told")).body);
const body = Buffer.alloc(Number(size), "Node's body. ");
const echoed = await post("/echo", body);
seen.echo = [echoed.status, echoed.body.equals(body)];
seen.download = sha256((await get(`/bytes/${size}`)).body);
const paths = Array.from({ length: Number(streams) }, (_, number) => `/bytes/${1000 + number}`);
seen.parallel = (await Promise.all(paths.map(get))).map(({ status, body }) => [status, body.length]);
if (websocket) {
    const { status, body } = await exchange();
    seen.websocket = [status, body.toString("hex")];
}
await new Promise(done => session.close(done));
console.log(JSON.stringify(seen));
