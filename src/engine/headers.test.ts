import { describe, expect, test } from "vitest";
import { checkInput, engineFor, mapOf, snapshotOf } from "../../test/engine/folder.ts";
import type { CelValue } from "../attribute/value.ts";
import type { Decision } from "./decision.ts";
import { MAX_BODY_BYTES, MAX_WRITTEN_VALUE_BYTES } from "./headers.ts";

const FILES = {
  "weir.yaml": "doors: { weir: { requires: [request.headers] } }\n",
  "p.yaml": `policy: p
scope: all
check:
  - deny: d
    when: request.headers.get("x-refuse", "") == "1"
    respond:
      headers: { x-value: "\${request.headers.value}" }
      body: "\${request.headers.value}"
  - allow: a
  - change: c
    request: { set: { x-value: "\${request.headers.value}" }, add: { x-added: "\${request.headers.value}" } }
    response: { set: { x-value: "\${request.headers.value}" }, add: { x-added: "\${request.headers.value}" } }
`,
};

const LONGEST = "x".repeat(MAX_WRITTEN_VALUE_BYTES);
const INVALID: readonly (readonly [string, string])[] = [
  ["longer than the limit", `${LONGEST}x`],
  ["longer than the limit in bytes, though not in letters", "ü".repeat(MAX_WRITTEN_VALUE_BYTES / 2 + 1)],
  ["with a line break", "a\nb"],
  ["with a carriage return", "a\rb"],
  ["with a tab", "a\tb"],
  ["with a NUL", "a\0b"],
  ["with DEL", "a\u007fb"],
  ["with half a character", "a\ud800b"],
];

describe("a header value", () => {
  test.each(INVALID)("%s is not written: the client's is removed, the rest left out", async (_, value) => {
    const { changes } = await decided({ value });
    expect(changes).toMatchObject({
      requestSet: [],
      requestAdd: [],
      requestRemove: ["x-value"],
      responseSet: [],
      responseAdd: [],
    });
  });

  test.each([
    ["of the longest length", LONGEST],
    ["of the longest length in bytes", "ü".repeat(MAX_WRITTEN_VALUE_BYTES / 2)],
    ["that is empty", ""],
    ["with any other character", " \u0080ÿ\u{1f600}~"],
  ])("%s is written as it is", async (_, value) => {
    const { changes } = await decided({ value });
    expect(changes).toMatchObject({
      requestSet: [["x-value", value]],
      requestAdd: [["x-added", value]],
      requestRemove: [],
      responseSet: [["x-value", value]],
      responseAdd: [["x-added", value]],
    });
  });
});

describe("what a refused client is told", () => {
  test.each(INVALID)("leaves out a header %s; the verdict stays", async (_, value) => {
    const { verdict, response } = await decided({ "x-refuse": "1", value });
    expect(verdict).toBe("denied");
    expect(response).toMatchObject({ status: 403, headers: [] });
  });

  test.each([
    ["absent", {}],
    ["longer than the limit", { value: "x".repeat(MAX_BODY_BYTES + 1) }],
    ["longer than the limit in bytes", { value: "ü".repeat(MAX_BODY_BYTES / 2 + 1) }],
    ["with a control character", { value: "a\u001bb" }],
    ["with DEL", { value: "a\u007fb" }],
    ["with half a character", { value: "a\udc00b" }],
  ])("leaves out a body that is %s; the verdict stays", async (_, headers: Readonly<Record<string, string>>) => {
    expect(await decided({ "x-refuse": "1", ...headers })).toMatchObject({
      verdict: "denied",
      response: { status: 403, body: "" },
    });
  });

  test.each([
    ["of the longest length", "x".repeat(MAX_BODY_BYTES)],
    ["of several lines", "a\r\n\tb\n"],
    ["that is no ASCII", "ü\u{1f600}"],
  ])("has a body %s", async (_, value) => {
    expect((await decided({ "x-refuse": "1", value })).response?.body).toBe(value);
  });
});

async function decided(headers: Readonly<Record<string, CelValue>>): Promise<Decision> {
  const snapshot = snapshotOf(FILES);
  return engineFor().engine.check(snapshot, checkInput(snapshot, { "request.headers": mapOf(headers) }));
}
