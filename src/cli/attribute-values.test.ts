import { describe, expect, test } from "vitest";
import { Duration, IpAddress, Optional, Timestamp, Uint } from "../attribute/value.ts";
import { type Attributes, addArgument, addPlain } from "./attribute-values.ts";
import { BadInput } from "./bad-input.ts";
import { type PlainValue, parsePlain } from "./plain-yaml.ts";

function fromArguments(...args: readonly string[]): Attributes {
  const attributes: Attributes = new Map();
  for (const argument of args) addArgument(attributes, argument);
  return attributes;
}

function fromYaml(text: string): Attributes {
  const attributes: Attributes = new Map();
  const root = parsePlain("request.yaml", text);
  for (const [name, value] of Object.entries(root as Record<string, PlainValue>)) addPlain(attributes, name, value);
  return attributes;
}

describe("an attribute on the command line", () => {
  test.each([
    ["request.method=GET", "request.method", "GET"],
    ["request.path=/a?b=c=d", "request.path", "/a?b=c=d"],
    ["request.host=", "request.host", ""],
    ["request.method=7", "request.method", "7"],
    ["response.code=503", "response.code", 503n],
    ["request.size=9007199254740993", "request.size", 9007199254740993n],
    ["connection.mtls=true", "connection.mtls", true],
    ["request.duration=1.5s", "request.duration", new Duration(1_500_000_000n)],
    ["request.duration=15ms", "request.duration", new Duration(15_000_000n)],
    ["request.duration=1h30m", "request.duration", new Duration(5_400_000_000_000n)],
    ["request.time=2026-11-21T12:00:00Z", "request.time", new Timestamp(1_795_262_400_000_000_000n)],
    ['request.auth.audiences=["a","b"]', "request.auth.audiences", ["a", "b"]],
  ])("%s has the type that the vocabulary says", (argument, name, value) => {
    expect(fromArguments(argument)).toEqual(new Map([[name, value]]));
  });

  test("whose name is below a map is a key in it, dots and all", () => {
    const attributes = fromArguments(
      "request.headers.X-User=ana",
      "request.headers.x.y=7",
      "request.headers.__proto__=z",
    );
    const headers = new Map([
      ["x-user", "ana"],
      ["x.y", "7"],
      ["__proto__", "z"],
    ]);
    expect(attributes).toEqual(new Map([["request.headers", headers]]));
  });

  test("is added to a map that was given whole, and claims are as in JSON", () => {
    const attributes = fromArguments(
      'request.auth.claims={"sub":"ana"}',
      'request.auth.claims.groups=["admins"]',
      "request.auth.claims.level=3",
    );
    expect(attributes.get("request.auth.claims")).toEqual(
      new Map<string, unknown>([
        ["sub", "ana"],
        ["groups", ["admins"]],
        ["level", 3],
      ]),
    );
  });

  test.each([
    ["order.total=12.5", 12.5],
    ["order.count=12", 12n],
    ["order.paid=true", true],
    ["order.name=plain text", "plain text"],
    ['order.name="7"', "7"],
    ["order.none=null", null],
    ['order.tags=["a"]', ["a"]],
  ])("that the vocabulary does not know takes the type it looks like: %s", (argument, value) => {
    expect([...fromArguments(argument).values()]).toEqual([value]);
  });

  test.each([
    ["order.count:uint=12", new Uint(12n)],
    ["order.count:int=9223372036854775807", 9223372036854775807n],
    ["order.count:string=12", "12"],
    ["order.count:double=12", 12],
    ["order.at:timestamp=2026-11-21T13:00:00+01:00", new Timestamp(1_795_262_400_000_000_000n)],
    ["order.wait:duration=1h30m", new Duration(5_400_000_000_000n)],
    ["order.key:bytes=AP8=", new Uint8Array([0, 255])],
    ["order.gone:null=null", null],
    ["order.from:ip=::1", new IpAddress(6, 1n)],
    ["order.lines:list(uint)=[1, 18446744073709551615]", [new Uint(1n), new Uint(18446744073709551615n)]],
    ['order.waits:map(int, duration)={"7": "1s"}', new Map([[7n, new Duration(1_000_000_000n)]])],
    ["order.maybe:optional(int)=3", new Optional(3n)],
    ["order.any:dyn=3", 3],
  ])("has the type that stands behind its name: %s", (argument, value) => {
    expect([...fromArguments(argument).values()]).toEqual([value]);
  });

  test("has a written type below a map, too, where anything may be", () => {
    expect(fromArguments("request.auth.claims.level:int=3", "request.auth.claims.urn:x=y")).toEqual(
      new Map([
        [
          "request.auth.claims",
          new Map<string, unknown>([
            ["level", 3n],
            ["urn:x", "y"],
          ]),
        ],
      ]),
    );
  });

  test("is exact within lists, however large", () => {
    expect(fromArguments("order.ids=[9007199254740993]").get("order.ids")).toEqual([9007199254740993n]);
  });

  test.each([
    ["response.code=abc", "`response.code` is int, and `abc` is none"],
    ["response.code:uint=5", "`response.code` is int: write `response.code` without `:uint`"],
    ["request.headers.x:int=5", "`request.headers.x` is string"],
    ["order.count:integer=5", "`integer` in `order.count:integer` is no type: there are bool, int,"],
    ["order.count:uint=-5", "`order.count` is uint, and `-5` is none"],
    ["order.lines:list(int)=[1, true]", "`order.lines` is list(int), and `[1,true]` is none"],
    ["order.key:bytes=?", "`order.key` is bytes"],
    ["response.code=", "`response.code` is int"],
    ["response.code=12.5", "`response.code` is int"],
    ["response.code=99999999999999999999", "`response.code` is int"],
    ["connection.mtls=yes", "`connection.mtls` is bool"],
    ["request.duration=5", "`request.duration` is duration"],
    ["request.headers=text", "`request.headers` is map(string, string)"],
    ["request.auth.audiences=a,b", "`request.auth.audiences` is list(string)"],
    ["order.count=99999999999999999999", "has more than 64 bits"],
    ["request.method", "write NAME=VALUE"],
    ["=GET", "write NAME=VALUE"],
  ])("that makes no sense is refused in words: %s", (argument, words) => {
    expect(() => fromArguments(argument)).toThrow(words);
  });
});

describe("attributes in a file", () => {
  test("are YAML or JSON, typed by the vocabulary", () => {
    const yaml = fromYaml(
      "request.method: GET\nresponse.code: 200\nrequest.headers: { x-user: ana }\nrequest.auth.claims: { n: 1, list: [true] }\n",
    );
    const json = fromYaml(
      '{"request.method": "GET", "response.code": 200, "request.headers": {"x-user": "ana"}, "request.auth.claims": {"n": 1, "list": [true]}}',
    );
    expect(yaml).toEqual(json);
    expect(yaml.get("response.code")).toBe(200n);
    expect(yaml.get("request.headers")).toEqual(new Map([["x-user", "ana"]]));
  });

  test("that are no YAML are pointed at", () => {
    expect(() => fromYaml("a: [1,\n")).toThrow(BadInput);
    expect(() => fromYaml("a: [1,\n")).toThrow(/request\.yaml:\d+:\d+/);
    expect(() => fromYaml("")).toThrow("request.yaml is empty");
  });
});
