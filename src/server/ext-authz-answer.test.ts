import { describe, expect, test } from "vitest";
import { CheckResponse, type OkHttpResponse } from "#proto/envoy/service/auth/v3/external_auth";
import { decision } from "../../test/server/fakes.ts";
import { CARRIED_LIMIT_BYTES } from "../attribute/carried.ts";
import { MASKED, maskOf } from "../attribute/mask.ts";
import { type Changes, type Decision, NO_CHANGES } from "../engine/decision.ts";
import { jsonOfValue, structEntries } from "./envoy-values.ts";
import { type Asked, encodeAnswer, encodeBug } from "./ext-authz-answer.ts";

const NO_MASK = maskOf([]);

function asked(changed: Partial<Asked> & { headers?: readonly string[] } = {}): Asked {
  const { headers = [], ...rest } = changed;
  return { grpc: false, query: "", hasHeader: (name) => headers.includes(name), ...rest };
}

/** As Envoy reads it: strict protobuf, and the status alone decides. */
function read(bytes: Uint8Array) {
  const { status, httpResponse, dynamicMetadata } = CheckResponse.fromBinary(bytes, { readUnknownField: "throw" });
  return { allowed: (status?.code ?? 0) === 0, code: status?.code, httpResponse, dynamicMetadata };
}

function answer(changed: Partial<Decision>, question: Asked = asked()) {
  return read(encodeAnswer(decision(changed), question, NO_MASK).bytes);
}

const RESPONSES = [
  { status: 403, headers: [], body: "" },
  { status: 401, headers: [["www-authenticate", "Bearer"]], body: "log in" },
  { status: 429, headers: [["retry-after", "3"]], body: "" },
  {
    status: 302,
    headers: [
      ["location", "/login"],
      ["set-cookie", "a=1"],
      ["set-cookie", "b=2"],
    ],
    body: "",
  },
  { status: 599, headers: [], body: "é" },
] as const;

describe("every refusal", () => {
  const refusals = (["denied", "limited", "undecided"] as const).flatMap((verdict) =>
    [undefined, ...RESPONSES].flatMap((response) => [true, false].map((grpc) => ({ verdict, response, grpc }))),
  );

  test.each(refusals)("$verdict with $response.status (gRPC: $grpc) is one to Envoy", ({ verdict, response, grpc }) => {
    const { allowed, httpResponse } = answer({ verdict, ...(response ? { response } : {}) }, asked({ grpc }));
    expect(allowed).toBe(false);
    if (httpResponse.oneofKind !== "deniedResponse") throw new Error("no denied_response");
    const { status, headers, body } = httpResponse.deniedResponse;
    expect([status?.code, body]).toEqual([response?.status ?? 403, response?.body ?? ""]);
    const own = headers.filter(({ header }) => header?.key !== "grpc-status");
    expect(own.map(({ header }) => [header?.key, header?.value])).toEqual(response?.headers ?? []);
    expect(headers.filter(({ append }) => append !== undefined)).toEqual([]);
  });

  test.each([
    ["denied", 403, 7],
    ["denied", 401, 16],
    ["undecided", 403, 9],
    ["limited", 429, 8],
  ] as const)("%s with status %d is gRPC %d to a gRPC client, and so says its header", (verdict, status, code) => {
    const given = answer({ verdict, response: { status, headers: [], body: "" } }, asked({ grpc: true }));
    expect(given.code).toBe(code);
    if (given.httpResponse.oneofKind !== "deniedResponse") throw new Error("no denied_response");
    const header = given.httpResponse.deniedResponse.headers.find((one) => one.header?.key === "grpc-status");
    expect(header?.header?.value).toBe(String(code));
  });

  test("leaves a grpc-status that the rule chose alone, and sends none to others", () => {
    const response = { status: 403, headers: [["grpc-status", "5"]], body: "" } as const;
    const chosen = answer({ verdict: "denied", response }, asked({ grpc: true }));
    const plain = answer({ verdict: "denied", response: { ...response, headers: [] } });
    const statuses = [chosen, plain].map(({ httpResponse }) =>
      httpResponse.oneofKind === "deniedResponse"
        ? httpResponse.deniedResponse.headers.map((one) => one.header?.value)
        : undefined,
    );
    expect(statuses).toEqual([["5"], []]);
  });

  test("is one even where we failed", () => {
    expect(read(encodeBug())).toMatchObject({ allowed: false, code: 9, httpResponse: { oneofKind: "deniedResponse" } });
  });
});

describe("an allowed request", () => {
  function changed(changes: Partial<Changes>, question: Asked = asked()): OkHttpResponse {
    const { allowed, httpResponse } = answer({ changes: { ...NO_CHANGES, ...changes } }, question);
    if (!allowed || httpResponse.oneofKind !== "okResponse") throw new Error("not allowed");
    return httpResponse.okResponse;
  }
  const shown = (options: OkHttpResponse["headers"]) =>
    options.map(({ header, append }) => `${append?.value ? "append" : "set"} ${header?.key}=${header?.value}`);

  test("goes on as it is when nothing changes", () => {
    const ok = changed({});
    expect([ok.headers, ok.headersToRemove, ok.responseHeadersToAdd, ok.queryParametersToSet]).toEqual([
      [],
      [],
      [],
      [],
    ]);
  });

  test("has its headers overwritten by leaving `append` unset, empty values too", () => {
    const ok = changed({
      requestSet: [
        ["X-Version", "v2"],
        ["x-empty", ""],
      ],
    });
    expect(shown(ok.headers)).toEqual(["set x-version=v2", "set x-empty="]);
    expect(ok.headers.map((one) => one.keepEmptyValue)).toEqual([false, true]);
  });

  test("gets a value more in a header it has by `append`, and a new header without it: Envoy would lose it", () => {
    const adds = { requestAdd: [["x-seen-by", "weir"]] } as const;
    expect(shown(changed(adds, asked({ headers: ["x-seen-by"] })).headers)).toEqual(["append x-seen-by=weir"]);
    expect(shown(changed(adds).headers)).toEqual(["set x-seen-by=weir"]);
  });

  test("gets several values for one name in one operation", () => {
    const ok = changed({
      requestAdd: [
        ["x-a", "1"],
        ["x-a", "2"],
        ["cookie", "a=1"],
        ["cookie", "b=2"],
      ],
    });
    expect(shown(ok.headers)).toEqual(["set x-a=1, 2", "set cookie=a=1; b=2"]);
  });

  test("never has two operations for one name: what is removed and set or added is set", () => {
    const ok = changed(
      {
        requestSet: [["x-a", "1"]],
        requestAdd: [
          ["x-b", "2"],
          ["x-a", "3"],
        ],
        requestRemove: ["X-A", "x-b", "x-c"],
      },
      asked({ headers: ["x-a", "x-b", "x-c"] }),
    );
    expect(shown(ok.headers).sort()).toEqual(["set x-a=1, 3", "set x-b=2"]);
    expect(ok.headersToRemove).toEqual(["x-c"]);
  });

  test("has the headers of its response set and added, where `append_action` counts", () => {
    const ok = changed({
      responseSet: [["x-served-by", "v2"]],
      responseAdd: [
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2"],
      ],
    });
    expect(ok.responseHeadersToAdd.map(({ header, appendAction }) => [header?.value, appendAction])).toEqual([
      ["v2", 2],
      ["a=1", 0],
      ["b=2", 0],
    ]);
  });

  test("has query parameters percent-encoded by us", () => {
    const ok = changed({ querySet: [["q x", "a b&c=d/ü"]], queryRemove: ["deb ug"] });
    expect(ok.queryParametersToSet).toEqual([{ key: "q%20x", value: "a%20b%26c%3Dd%2F%C3%BC" }]);
    expect(ok.queryParametersToRemove).toEqual(["deb%20ug"]);
  });

  test("loses every spelling of a parameter that is set or removed: Envoy compares letters, servers decode", () => {
    const query = "v=1&%76=2&%64ebug=3&debug=4&other=5";
    const ok = changed({ querySet: [["v", "9"]], queryRemove: ["debug"] }, asked({ query }));
    expect(ok.queryParametersToSet).toEqual([{ key: "v", value: "9" }]);
    expect([...ok.queryParametersToRemove].sort()).toEqual(["%64ebug", "%76", "debug"]);
  });
});

describe("what travels with an answer", () => {
  const metadata = (changed: Partial<Decision>, mask = NO_MASK) => {
    const { bytes, leftOut } = encodeAnswer(decision(changed), asked(), mask);
    const struct = read(bytes).dynamicMetadata;
    return {
      json: jsonOfValue(struct && { kind: { oneofKind: "structValue", structValue: struct } }),
      leftOut,
      struct,
    };
  };

  test("names the decision, for refusals as well", () => {
    const named = {
      decision_id: "d-1",
      verdict: "denied",
      reason: "rule",
      rule: "shop/readers",
      snapshot: "snapshot-1",
      took_us: 120,
    };
    expect({ ...Object(metadata({ verdict: "denied" }).json) }).toEqual(named);
  });

  test("leaves the rule out where none decided", () => {
    const without = decision({ verdict: "denied", reason: "unmatched", rule: undefined });
    const { bytes } = encodeAnswer(without, asked(), NO_MASK);
    expect(structEntries(read(bytes).dynamicMetadata, "error").get("rule")).toBeTypeOf("symbol");
  });

  test("carries values by name, masked", () => {
    const carried = [
      { name: "request.auth.subject", value: "ana" },
      {
        name: "context",
        value: new Map([
          ["token", "secret"],
          ["set", "a"],
        ]),
      },
    ];
    const { struct } = metadata({ carried }, maskOf(["context.token"]));
    expect(structEntries(struct, "error").get("attr")).toEqual(
      new Map<string, unknown>([
        ["request.auth.subject", "ana"],
        [
          "context",
          new Map([
            ["token", MASKED],
            ["set", "a"],
          ]),
        ],
      ]),
    );
  });

  test("leaves out and counts what does not fit", () => {
    const carried = [
      { name: "a", value: "x".repeat(CARRIED_LIMIT_BYTES) },
      { name: "b", value: "y" },
    ];
    const { struct, leftOut } = metadata({ carried });
    expect(structEntries(struct, "error").get("attr")).toEqual(new Map([["b", "y"]]));
    expect(leftOut).toBe(1);
  });
});
