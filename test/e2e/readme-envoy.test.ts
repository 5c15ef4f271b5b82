/** The Envoy configuration that the README shows is one that Envoy takes. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { allFences } from "../docs/documents.ts";
import { envoyBinary, WITHOUT_ENVOY } from "./support/envoy.ts";

const fieldsSchema = z.record(z.string(), z.unknown());

const run = promisify(execFile);
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "weir-readme-envoy-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe.skipIf(WITHOUT_ENVOY)("the HTTP connection manager of the README", () => {
  test("is accepted by Envoy", async () => {
    const config = join(folder, "envoy.json");
    await writeFile(config, JSON.stringify(bootstrapWith(await shownFields())));
    const { stderr } = await run(await envoyBinary(), ["--mode", "validate", "-l", "warning", "-c", config]);
    expect(stderr).not.toMatch(/deprecated|unknown field/iu);
  });

  test("is refused when one of its settings does not exist", async () => {
    const config = join(folder, "wrong.json");
    await writeFile(config, JSON.stringify(bootstrapWith({ ...(await shownFields()), normalise_path: true })));
    const validated = run(await envoyBinary(), ["--mode", "validate", "-l", "error", "-c", config]);
    await expect(validated).rejects.toThrow("normalise_path");
  });
});

async function shownFields(): Promise<Record<string, unknown>> {
  const fences = (await allFences()).filter((fence) => fence.info.get("envoy") === "http-connection-manager");
  expect(fences).toHaveLength(1);
  return fieldsSchema.parse(parse(fences[0]?.text ?? ""));
}

const MANAGER = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/** What the snippet leaves to the reader: a listener, a route and the cluster `weir`. */
function bootstrapWith(fields: Record<string, unknown>) {
  const routes = [{ match: { prefix: "/" }, direct_response: { status: 200 } }];
  const manager = {
    "@type": MANAGER,
    stat_prefix: "readme",
    route_config: { virtual_hosts: [{ name: "all", domains: ["*"], routes }] },
    ...fields,
  };
  const filters = [{ name: "envoy.filters.network.http_connection_manager", typed_config: manager }];
  const http2 = {
    [HTTP_OPTIONS]: {
      "@type": `type.googleapis.com/${HTTP_OPTIONS}`,
      explicit_http_config: { http2_protocol_options: {} },
    },
  };
  return {
    static_resources: {
      listeners: [{ name: "readme", address: loopback(0), filter_chains: [{ filters }] }],
      clusters: [
        {
          name: "weir",
          type: "STATIC",
          typed_extension_protocol_options: http2,
          load_assignment: {
            cluster_name: "weir",
            endpoints: [{ lb_endpoints: [{ endpoint: { address: loopback(9091) } }] }],
          },
        },
      ],
    },
  };
}

function loopback(port: number) {
  return { socket_address: { address: "127.0.0.1", port_value: port } };
}
