/** A real Envoy asks by mutual TLS: rules know who asks, `peers:` says who may, and certificates change without the loss of a request. */
import { rename, writeFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Certificate, makeAuthority } from "../wire/certificates.ts";
import { WITHOUT_ENVOY } from "./support/envoy.ts";
import { eventually } from "./support/eventually.ts";
import { CASE_HEADER, type Mesh, startMesh } from "./support/mesh.ts";
import { replaceByRename, usualHandlers, WATCH } from "./support/policies.ts";
import { Folder } from "./weir-command.ts";

const GATEWAY = "spiffe://shop/ns/edge/sa/gateway";
const WEIR = "spiffe://shop/ns/mesh/sa/weir";
const ROTATIONS = 3;

/** An address that other machines could connect to: who comes by it is not taken for somebody of this machine. */
const HOST = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ family, internal }) => family === "IPv4" && !internal)?.address;

const POLICY = `policy: callers
check:
  - allow: by-the-gateway
    when: peer.principal == "${GATEWAY}" && request.canonical_path.startsWith("/orders/")
report:
  - logentry: by
    handlers: [log]
    message: \${peer.principal}
    variables: { case: 'request.headers.get("x-case", "")', by: peer.principal }
`;

const peers = (name: string) => `peers:
  - peer: ${name}
    may: [check, report, assert-source]
`;

const authority = makeAuthority("the mesh", Date.now());

describe.skipIf(WITHOUT_ENVOY)("a real Envoy that asks by mutual TLS", () => {
  let mesh: Mesh;
  const folder = new Folder();
  const issue = () => authority.issue("weir", { uris: [WEIR], dns: ["weir.test"] });

  beforeAll(async () => {
    const own = issue();
    const files = [
      ["--tls-cert", folder.write("tls.crt", own.certificate)],
      ["--tls-key", folder.write("tls.key", own.key)],
      ["--tls-client-ca", folder.write("ca.crt", authority.certificate)],
    ];
    const gateway = authority.issue("gateway", { uris: [GATEWAY] });
    mesh = await startMesh({
      policies: ({ logFile }) => ({
        "weir.yaml": peers("spiffe://shop/ns/edge/*"),
        "handlers.yaml": usualHandlers(logFile),
        "callers.yaml": POLICY,
        "watch.yaml": WATCH,
      }),
      args: () => ["--grpc", `${HOST ?? "127.0.0.1"}:0`, ...files.flat()],
      // Many handshakes, so that each generation of certificates is used.
      weirCallsPerConnection: 10,
      ...(HOST === undefined ? {} : { weirHost: HOST }),
      weirTls: { ...gateway, serverCa: authority.certificate, serverUri: WEIR },
    });
  });

  afterAll(async () => {
    await mesh?.[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  test("is known to rules before the request and after it", async () => {
    const { status } = await mesh.send({ path: "/orders/1", headers: [[CASE_HEADER, "known"]] });
    expect(status).toBe(200);
    const { variables } = await mesh.line("callers/by", "known");
    expect(variables["by"]).toBe(GATEWAY);
  });

  test(`is answered through ${ROTATIONS} changes of certificates, and the new ones are used`, async () => {
    let going = true;
    const statuses: number[] = [];
    const traffic = async (): Promise<void> => {
      while (going) statuses.push((await mesh.send({ path: "/orders/1" })).status);
    };
    const running = [traffic(), traffic()];
    for (let round = 0; round < ROTATIONS; round++) {
      const before = await servedCertificate(mesh);
      await replace(folder.path, issue());
      await eventually("the new certificate", async () => (await servedCertificate(mesh)) !== before);
    }
    going = false;
    await Promise.all(running);
    expect(statuses.length).toBeGreaterThan(10 * ROTATIONS);
    expect(new Set(statuses)).toEqual(new Set([200]));
    const { sum } = await mesh.metrics();
    expect(sum("weir_connections_total", { event: "opened" })).toBeGreaterThan(10);
    // Our own looks at the certificate break off when they have seen it.
    expect(sum("weir_tls_handshakes_failed_total")).toBe(sum("weir_tls_handshakes_failed_total", { why: "closed" }));
    expect(sum("weir_tls_certificate_loads_total", { result: "ok" })).toBe(ROTATIONS);
    expect(sum("weir_tls_certificate_expiry_timestamp_seconds")).toBeGreaterThan(Date.now() / 1_000);
  });

  test.skipIf(HOST === undefined)(
    "is refused when it is no longer among the peers, and asked for no more than that",
    async () => {
      const { snapshot } = await mesh.status();
      await replaceByRename(mesh.policies, "weir.yaml", peers("spiffe://shop/ns/other/*"));
      await eventually("the new peers", async () => (await mesh.status()).snapshot !== snapshot);
      const { status } = await mesh.send({ path: "/orders/1" });
      expect(status).toBe(403);
      await eventually("the entry of the access log", async () => {
        const { sum } = await mesh.metrics();
        return sum("weir_door_records_dropped_total", { why: "not-granted" }) > 0;
      });
      const { sum } = await mesh.metrics();
      expect(sum("weir_decisions_total", { verdict: "undecided", reason: "not-granted" })).toBe(1);
      expect(sum("weir_bugs_total")).toBe(0);
    },
  );
});

/** As somebody copies it: one file after the other. */
async function replace(directory: string, { certificate, key }: Certificate): Promise<void> {
  await writeFile(join(directory, "new.crt"), certificate);
  await rename(join(directory, "new.crt"), join(directory, "tls.crt"));
  await writeFile(join(directory, "tls.key"), key);
}

/** @returns the serial number of the certificate that a new connection is shown. */
function servedCertificate({ weir }: Mesh): Promise<string> {
  const { certificate: cert, key } = authority.issue("looker", { dns: ["looker.test"] });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect({
    ...{ host: HOST ?? "127.0.0.1", port: weir.grpcPort, servername: "weir.test", ALPNProtocols: ["h2"] },
    ...{ ca: authority.certificate, cert, key },
  });
  socket.once("error", reject);
  socket.once("secureConnect", () => {
    resolve(socket.getPeerX509Certificate()?.serialNumber ?? "");
    socket.destroy();
  });
  return promise;
}
