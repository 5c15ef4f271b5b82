import { describe, expect, test } from "vitest";
import { ATTRIBUTE_TYPES } from "./type.ts";
import { lookup, prefixConflict, suppliedBy, VOCABULARY } from "./vocabulary.ts";

describe("the vocabulary", () => {
  test("names every attribute once", () => {
    const names = VOCABULARY.map((row) => row.name);
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
  });

  test("has no attribute that is a prefix of another", () => {
    const names = VOCABULARY.map((row) => row.name);
    const conflicts = names.filter((name) => prefixConflict(name, names) !== undefined);
    expect(conflicts).toEqual([]);
  });

  test("uses only names and types that attributes.yaml could use", () => {
    const odd = VOCABULARY.filter(
      (row) => !/^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$/.test(row.name) || !ATTRIBUTE_TYPES.includes(row.type),
    );
    expect(odd.map((row) => row.name)).toEqual([]);
  });

  test("says in one sentence what each attribute is", () => {
    const odd = VOCABULARY.filter((row) => !/^[^|\n]+[.]$/.test(row.description) || /[|\n]/.test(row.absent ?? ""));
    expect(odd.map((row) => row.name)).toEqual([]);
  });

  test.each([
    ["request.path", "string"],
    ["request.headers", "map(string, string)"],
    ["request.time", "timestamp"],
    ["request.duration", "duration"],
    ["request.size", "int"],
    ["request.auth.audiences", "list(string)"],
    ["request.auth.claims", "map(string, dyn)"],
    ["response.code", "int"],
    ["response.flags", "int"],
    ["connection.id", "uint"],
    ["connection.mtls", "bool"],
    ["context", "map(string, string)"],
    ["metadata", "map(string, dyn)"],
  ])("%s is of type %s, as it is in Envoy's CEL", (name, type) => {
    expect(lookup(name)?.type).toBe(type);
  });

  test("only the two addresses, the peer's own, context and metadata are always there for a TCP connection", () => {
    const always = VOCABULARY.filter((row) => row.doors["ext-authz-tcp"].supply === "always");
    expect(always.map((row) => row.name)).toEqual([
      "source.address",
      "destination.address",
      "peer.address",
      "context",
      "metadata",
    ]);
  });

  test("takes source.service from no Envoy: a client can write that header", () => {
    const doors = lookup("source.service")?.doors;
    expect([doors?.["ext-authz"].supply, doors?.["ext-authz-tcp"].supply, doors?.["access-log"].supply]).toEqual([
      "never",
      "never",
      "never",
    ]);
  });

  test("believes what ext_authz says of a certificate no more than the proxy itself", () => {
    expect(lookup("source.principal")?.doors["ext-authz"].trust).toBe("proxy");
    expect(lookup("peer.principal")?.doors["ext-authz"].trust).toBe("tls");
    expect(lookup("request.headers")?.doors["ext-authz"].trust).toBe("client");
  });

  test("gives no check rule what is known only afterwards", () => {
    const checkDoors = ["weir", "ext-authz", "ext-authz-tcp"] as const;
    const early = VOCABULARY.filter(
      (row) => row.afterwards && checkDoors.some((door) => row.doors[door].supply !== "never"),
    );
    expect(early.map((row) => row.name)).toEqual([]);
    expect(lookup("response.code")?.afterwards).toBe(true);
    expect(lookup("check.verdict")?.afterwards).toBe(true);
  });

  test("lists what a door supplies", () => {
    expect(suppliedBy("ext-authz")).toContain("request.canonical_path");
    expect(suppliedBy("ext-authz")).not.toContain("response.code");
    expect(suppliedBy("decision")).toContain("check.location");
  });
});

describe("a name that attributes.yaml adds", () => {
  const names = VOCABULARY.map((row) => row.name);

  test("must not continue an attribute", () => {
    expect(prefixConflict("context.tenant", names)).toBe("context");
  });

  test("must not be continued by one", () => {
    expect(prefixConflict("request.auth", names)).toBe("request.auth.subject");
  });

  test("may share a beginning of letters, and may be new altogether", () => {
    expect(prefixConflict("request.pathology", names)).toBeUndefined();
    expect(prefixConflict("order.total", names)).toBeUndefined();
  });
});
