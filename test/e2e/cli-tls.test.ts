/** `weir serve` and `weir check` by TLS, as commands; two request threads where the server has them. */
import { renameSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { startWeir } from "../../deploy/weir-process.ts";
import { makeAuthority } from "../wire/certificates.ts";
import { eventually } from "./support/eventually.ts";
import { Folder, weir } from "./weir-command.ts";

const WEB = "spiffe://shop/ns/web/sa/storefront";
const authority = makeAuthority("the mesh", Date.now());

const POLICIES = {
  "weir.yaml": "doors:\n  weir: { requires: [request.method] }\n",
  "shop.yaml": `policy: shop\ncheck:\n  - allow: web\n    when: peer.principal == "${WEB}" && request.method == "GET"\n`,
};

function certificates() {
  const folder = new Folder();
  const own = authority.issue("weir", { dns: ["weir.mesh"] });
  const web = authority.issue("web", { uris: [WEB] });
  const files = {
    ca: folder.write("ca.crt", authority.certificate),
    cert: folder.write("tls.crt", own.certificate),
    key: folder.write("tls.key", own.key),
    webCert: folder.write("web.crt", web.certificate),
    webKey: folder.write("web.key", web.key),
  };
  return { folder, files };
}

type Files = ReturnType<typeof certificates>["files"];

const ask = (server: string, ...args: readonly string[]) =>
  weir(["check", "-a", "request.method=GET", "-o", "json", "--server", server, ...args]);
const trusting = ({ ca }: Files) => ["--server-ca", ca, "--server-name", "weir.mesh"];
const asWeb = ({ webCert, webKey }: Files) => ["--client-cert", webCert, "--client-key", webKey];

describe.each(["1", "2"])("with %s request threads", (workers) => {
  const serve = (policies: string, { cert, key, ca }: Files) =>
    startWeir({
      policies,
      args: ["--workers", workers, "--tls-cert", cert, "--tls-key", key, "--tls-client-ca", ca],
    });

  test("a caller is who his certificate says, and one without any is not served", async () => {
    using folder = new Folder(POLICIES);
    const { folder: kept, files } = certificates();
    using _ = kept;
    const server = await serve(folder.path, files);
    const { grpc } = server.serving;
    const answered = await ask(grpc, ...trusting(files), ...asWeb(files));
    expect(JSON.parse(answered.out)).toMatchObject({ verdict: "allowed" });
    expect((await ask(grpc, ...trusting(files))).code).toBe(6);
    expect((await ask(grpc)).code).toBe(6);
    expect(await server.stop()).toBe(0);
  });

  test("every thread takes the certificates that replace the others, also the authorities", async () => {
    using folder = new Folder(POLICIES);
    const { folder: kept, files } = certificates();
    using _ = kept;
    const server = await serve(folder.path, files);
    const other = makeAuthority("another mesh", Date.now());
    const own = other.issue("weir", { dns: ["weir.mesh"] });
    for (const [name, text] of [
      ["tls.crt", own.certificate],
      ["tls.key", own.key],
      ["ca.crt", other.certificate],
    ] as const) {
      kept.write("new", text);
      renameSync(join(kept.path, "new"), join(kept.path, name));
    }
    await server.logLine((line) => line.includes("certificates were replaced"), 10_000);
    const web = other.issue("web", { uris: [WEB] });
    const now = { ...files, webCert: kept.write("new.crt", web.certificate), webKey: kept.write("new.key", web.key) };
    // A thread hears of it by a message; each call is another connection, to either thread.
    await eventually(
      "an answer",
      async () => (await ask(server.serving.grpc, ...trusting(now), ...asWeb(now))).code === 0,
    );
    for (let call = 0; call < 6; call++)
      expect((await ask(server.serving.grpc, ...trusting(now), ...asWeb(now))).code).toBe(0);
    expect((await ask(server.serving.grpc, ...trusting(now), ...asWeb(files))).code).toBe(6);
    expect(await server.stop()).toBe(0);
  });
});

test.each([
  [["--client-cert", "web.crt"], "--client-cert and --client-key go together"],
  [["--server-name", "weir.mesh"], "--server-ca asks for"],
  [["--server-ca", "/nowhere/ca.crt"], "/nowhere/ca.crt"],
  [["--server-ca", "package.json", "--client-cert", "package.json", "--client-key", "package.json"], "cannot be used"],
])("%j makes no sense to `weir check`, and it says so", async (args, why) => {
  const ran = await ask("127.0.0.1:9", ...args);
  expect([ran.code, ran.out]).toEqual([2, ""]);
  expect(ran.err).toContain(why);
});
