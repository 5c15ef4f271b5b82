/** Connections end because they are old, or so that threads share them fairly. Nobody behind Envoy may notice. */
import { describe, expect, test } from "vitest";
import { type Authority, makeAuthority } from "../wire/certificates.ts";
import { WITHOUT_ENVOY } from "./support/envoy.ts";
import { type Mesh, type MeshOptions, startMesh } from "./support/mesh.ts";
import { usualHandlers, WATCH } from "./support/policies.ts";
import { Folder } from "./weir-command.ts";

const CALLERS = `policy: callers
scope: all
check:
  - allow: everybody
`;
const MOVES = 3;
const CALLERS_AT_ONCE = 4;

describe.skipIf(WITHOUT_ENVOY)("connections that are older than they may be", () => {
  test("are moved without the loss of a request", async () => {
    await using mesh = await startMesh(options([]));
    expect(await statusesUntilMoved(mesh)).toEqual([200]);
  });

  test("are moved without the loss of a request where they are encrypted", async () => {
    const authority = makeAuthority("the mesh", Date.now());
    await using mesh = await startMesh({ ...options(filesOf(authority)), weirTls: clientOf(authority) });
    expect(await statusesUntilMoved(mesh)).toEqual([200]);
  });
});

function options(args: readonly string[]): MeshOptions {
  return {
    policies: ({ logFile }) => ({
      "weir.yaml": "",
      "handlers.yaml": usualHandlers(logFile),
      "callers.yaml": CALLERS,
      "watch.yaml": WATCH,
    }),
    args: () => ["--limit", "connection-age-ms=1000", ...args],
  };
}

function filesOf(authority: Authority): readonly string[] {
  const folder = new Folder();
  const own = authority.issue("weir", { uris: ["spiffe://shop/weir"] });
  return [
    ...["--tls-cert", folder.write("tls.crt", own.certificate), "--tls-key", folder.write("tls.key", own.key)],
    ...["--tls-client-ca", folder.write("ca.crt", authority.certificate)],
  ];
}

function clientOf(authority: Authority): NonNullable<MeshOptions["weirTls"]> {
  const own = authority.issue("edge", { uris: ["spiffe://shop/edge"] });
  return { ...own, serverCa: authority.certificate, serverUri: "spiffe://shop/weir" };
}

/** Callers that never rest. @returns every status that one of them saw, until some connections were moved. */
async function statusesUntilMoved(mesh: Mesh): Promise<readonly number[]> {
  const statuses = new Set<number>();
  let moved = 0;
  const caller = async (): Promise<void> => {
    while (moved < MOVES) statuses.add((await mesh.send({ path: "/orders/1" })).status);
  };
  const watcher = async (): Promise<void> => {
    while (moved < MOVES) moved = (await mesh.metrics()).sum("weir_connections_ended_total", { why: "age" });
  };
  await Promise.all([watcher(), ...Array.from({ length: CALLERS_AT_ONCE }, caller)]);
  return [...statuses];
}
