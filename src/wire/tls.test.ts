import { connect as connectNet } from "node:net";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import { Client, credentials } from "@grpc/grpc-js";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Certificate, issuerWith, makeAuthority, selfSigned } from "../../test/wire/certificates.ts";
import { clientOf, echo, identity, message, say, serve } from "../../test/wire/echo-server.ts";
import type { Peer } from "./door.ts";
import type { RunningServer } from "./server.ts";
import type { TlsClients } from "./tls.ts";
import type { TlsMaterial } from "./tls-material.ts";

const DAY_MS = 86_400_000;
const WEB = "spiffe://shop/ns/web/sa/storefront";
const now = Date.now();
const authority = makeAuthority("the mesh", now);
const stranger = makeAuthority("somebody else", now);
const server = authority.issue("weir", { dns: ["localhost"] });
const web = authority.issue("web", { uris: [WEB] });

function material({ certificate, key }: Certificate, clientCa = true): TlsMaterial {
  return { certificate, key, ...(clientCa ? { clientCa: authority.certificate } : {}), expiresAtMs: now + DAY_MS };
}

/** A server that answers with who asks. */
async function whoServer(clients: TlsClients | "none" = "require", limits: { readonly handshakeMs?: number } = {}) {
  const who = ({ principal, local }: Peer) => message(`${principal ?? "nobody"}${local ? " here" : ""}`);
  return serve([echo((_, { peer }) => who(peer))], {
    tls: { material: material(server, clients !== "none"), clients: clients === "none" ? "require" : clients },
    limits,
  });
}

function portOf({ address }: RunningServer): number {
  return Number(address.slice(address.lastIndexOf(":") + 1));
}

async function ask(running: RunningServer, own?: Certificate, ca = authority.certificate) {
  const pair = own ? [Buffer.from(own.key), Buffer.from(own.certificate)] : [null, null];
  const client = new Client(
    `localhost:${portOf(running)}`,
    credentials.createSsl(Buffer.from(ca), ...(pair as [Buffer, Buffer] | [null, null])),
  );
  try {
    return await new Promise<string>((resolve) =>
      client.makeUnaryRequest("/test.v1.Echo/Say", identity, identity, Buffer.of(), (error, bytes) =>
        resolve(bytes?.toString() ?? `code ${error?.code}`),
      ),
    );
  } finally {
    client.close();
  }
}

/** A handshake with nothing after it. @returns the socket, once the server let it in or ended it. */
function shake(running: RunningServer, options: ConnectionOptions): TLSSocket {
  const socket = connectTls({
    host: "localhost",
    servername: "localhost",
    port: portOf(running),
    ca: authority.certificate,
    cert: web.certificate,
    key: web.key,
    ALPNProtocols: ["h2"],
    ...options,
  });
  socket.on("error", () => undefined);
  onTestFinished(() => void socket.destroy());
  return socket;
}

const ended = (socket: TLSSocket) => new Promise<void>((resolve) => void socket.once("close", resolve));

describe("who asks", () => {
  test("is who his certificate says", async () => {
    const { server: running } = await whoServer();
    expect(await ask(running, web)).toBe(`${WEB} here`);
  });

  test("is told apart on each connection", async () => {
    const { server: running } = await whoServer("optional");
    const other = authority.issue("api", { dns: ["api.shop.test"] });
    const all = await Promise.all([web, other, undefined, web].map((own) => ask(running, own)));
    expect(all).toEqual([`${WEB} here`, "api.shop.test here", "nobody here", `${WEB} here`]);
  });

  test("is nobody where no certificates are asked for, whatever is shown", async () => {
    const { server: running } = await whoServer("none");
    expect(await ask(running, web)).toBe("nobody here");
    expect(await ask(running, stranger.issue("x", { uris: [WEB] }))).toBe("nobody here");
  });
});

/** Each of them is a certificate with the name that a good one has. */
const BAD: readonly (readonly [what: string, own: () => Certificate | undefined, why: string])[] = [
  ["none at all", () => undefined, "no-certificate"],
  ["one of another authority", () => stranger.issue("web", { uris: [WEB] }), "bad-certificate"],
  [
    "one of an authority that only calls itself the same",
    () => makeAuthority("the mesh", now).issue("web", { uris: [WEB] }),
    "bad-certificate",
  ],
  ["one that has expired", () => authority.issue("web", { uris: [WEB], toMs: now - 1_000 }), "bad-certificate"],
  [
    "one that is not valid yet",
    () => authority.issue("web", { uris: [WEB], fromMs: now + DAY_MS / 2 }),
    "bad-certificate",
  ],
  ["one for servers alone", () => authority.issue("web", { uris: [WEB], use: "server" }), "bad-certificate"],
  ["one that signed itself", () => selfSigned("web", { uris: [WEB] }, now), "bad-certificate"],
  ["one issued by another client", () => issuedBy(web), "bad-certificate"],
  ["one whose signature was tampered with", () => tampered(web), "bad-certificate"],
];

/** Somebody with a good certificate plays authority. */
function issuedBy(issuer: Certificate): Certificate {
  const own = issuerWith("web", issuer, now).issue("web", { uris: [WEB] });
  return { ...own, certificate: own.certificate + issuer.certificate };
}

/** The last byte of the signature is another; the rest can be read as before. */
function tampered({ certificate, key }: Certificate): Certificate {
  const der = Buffer.from(certificate.replace(/-----[^-]+-----/g, ""), "base64");
  der.writeUInt8(der.readUInt8(der.length - 1) ^ 1, der.length - 1);
  return { certificate: `-----BEGIN CERTIFICATE-----\n${der.toString("base64")}\n-----END CERTIFICATE-----\n`, key };
}

describe("a client certificate", () => {
  test.each(BAD)("that must be there: %s is refused, counted, and the next good one served", async (_, own, why) => {
    const { server: running, handshakes, connections } = await whoServer("require");
    expect(await ask(running, own())).toBe("code 14");
    expect(new Set(handshakes)).toEqual(new Set([why]));
    expect(await ask(running, web)).toBe(`${WEB} here`);
    expect(connections.opened).toBeGreaterThan(1);
  });

  test.each(BAD.slice(1))("that need not be there: %s is refused all the same", async (_, own, why) => {
    const { server: running, handshakes } = await whoServer("optional");
    expect(await ask(running, own())).toBe("code 14");
    expect(new Set(handshakes)).toEqual(new Set([why]));
    expect(await ask(running)).toBe("nobody here");
  });

  test("for clients alone is a good one, and so is one below an intermediate authority that is shown along", async () => {
    const { server: running } = await whoServer();
    expect(await ask(running, authority.issue("web", { uris: [WEB], use: "client" }))).toBe(`${WEB} here`);
    const intermediate = authority.intermediate("shop");
    const own = intermediate.issue("web", { uris: [WEB] });
    const chain = { ...own, certificate: own.certificate + intermediate.certificate };
    expect(await ask(running, chain)).toBe(`${WEB} here`);
  });
});

describe("a handshake", () => {
  test.each(["TLSv1", "TLSv1.1"] as const)("by %s is refused", async (version) => {
    const { server: running, handshakes } = await whoServer();
    const socket = shake(running, { minVersion: version, maxVersion: version, ciphers: "ALL:@SECLEVEL=0" });
    await ended(socket);
    expect(handshakes).toEqual(["protocol"]);
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)(
    "by %s gives HTTP/2 and a session that cannot be taken up again",
    async (version) => {
      const { server: running } = await whoServer();
      const options = { minVersion: version, maxVersion: version };
      const first = shake(running, options);
      // The server's first words come behind whatever it wants remembered of the session.
      await new Promise((resolve) => first.once("data", resolve));
      expect([first.alpnProtocol, first.getProtocol()]).toEqual(["h2", version]);
      const session = first.getSession();
      first.destroy();
      const second = shake(running, { ...options, ...(session && { session }) });
      await new Promise((resolve) => second.once("secureConnect", resolve));
      expect(second.isSessionReused()).toBe(false);
    },
  );

  test.each([
    ["another protocol", ["http/1.1"]],
    ["none", []],
  ])("in which the client offers %s ends", async (_, ALPNProtocols) => {
    const { server: running, handshakes } = await whoServer();
    await ended(shake(running, { ALPNProtocols }));
    expect(handshakes).toEqual(["no-http2"]);
  });

  test("that takes too long ends", async () => {
    const { server: running, handshakes } = await whoServer("require", { handshakeMs: 20 });
    const slow = connectNet(portOf(running), "localhost");
    await new Promise((resolve) => slow.once("close", resolve).on("error", () => undefined));
    expect(handshakes).toEqual(["timeout"]);
  });

  test.each([
    ["plain HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ["plain HTTP/1", "GET / HTTP/1.1\r\nhost: x\r\n\r\n"],
    ["nonsense", "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003nonsense"],
  ])("that is %s ends, and the next is served", async (_, text) => {
    const { server: running } = await whoServer();
    const socket = connectNet(portOf(running), "localhost");
    socket.on("error", () => undefined);
    socket.end(Buffer.from(text, "latin1"));
    await new Promise((resolve) => socket.once("close", resolve));
    expect(await ask(running, web)).toBe(`${WEB} here`);
  });

  test("of a plain client comes to nothing", async () => {
    const { server: running } = await whoServer();
    expect(await say(clientOf(running), "")).toMatchObject({ code: 14 });
  });
});

describe("certificates that are replaced", () => {
  test("count from the next handshake on; connections go on, under fifty replacements without a call lost", async () => {
    const { server: running } = await whoServer();
    const second = makeAuthority("the mesh a year on", now);
    const sets = [server, second.issue("weir", { dns: ["localhost"] })].map((own) => ({
      ...material(own),
      clientCa: authority.certificate + second.certificate,
    }));
    const both = authority.certificate + second.certificate;
    const client = new Client(
      `localhost:${portOf(running)}`,
      credentials.createSsl(Buffer.from(both), Buffer.from(web.key), Buffer.from(web.certificate)),
    );
    onTestFinished(() => client.close());
    const answers: Promise<unknown>[] = [];
    const issuers = new Set<string>();
    for (let round = 0; round < 50; round++) {
      answers.push(say(client, "kept"), ask(running, web, both));
      running.useCertificates(sets[round % 2] ?? material(server));
      const socket = shake(running, { ca: both });
      await new Promise((resolve) => socket.once("secureConnect", resolve));
      issuers.add(socket.getPeerX509Certificate()?.issuer ?? "");
      socket.destroy();
      answers.push(say(client, "kept"));
      if (round % 10 === 9) await Promise.all(answers);
    }
    const all = new Set((await Promise.all(answers)).map((answer) => JSON.stringify(answer)));
    expect(all).toEqual(new Set([JSON.stringify({ bytes: `${WEB} here` }), JSON.stringify(`${WEB} here`)]));
    expect(issuers).toEqual(new Set(["CN=the mesh", "CN=the mesh a year on"]));
  });

  test("may bring other authorities: who was believed before is not any more, unless he is connected", async () => {
    const { server: running } = await whoServer();
    const client = new Client(
      `localhost:${portOf(running)}`,
      credentials.createSsl(Buffer.from(authority.certificate), Buffer.from(web.key), Buffer.from(web.certificate)),
    );
    onTestFinished(() => client.close());
    expect(await say(client, "")).toEqual({ bytes: `${WEB} here` });
    running.useCertificates({ ...material(server), clientCa: stranger.certificate });
    expect(await ask(running, web)).toBe("code 14");
    expect(await ask(running, stranger.issue("x", { dns: ["x.test"] }))).toBe("x.test here");
    expect(await say(client, "")).toEqual({ bytes: `${WEB} here` });
  });
});

test("a drain closes TLS connections as it does others", async () => {
  const { server: running, connections } = await whoServer();
  const client = new Client(
    `localhost:${portOf(running)}`,
    credentials.createSsl(Buffer.from(authority.certificate), Buffer.from(web.key), Buffer.from(web.certificate)),
  );
  onTestFinished(() => client.close());
  expect(await say(client, "")).toEqual({ bytes: `${WEB} here` });
  await running.drain(10_000);
  expect(connections).toMatchObject({ opened: 1, closed: 1 });
});
