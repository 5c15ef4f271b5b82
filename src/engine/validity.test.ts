import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Attributes,
  checkInput,
  engineFor,
  type Files,
  mapOf,
  NotingHandlers,
  snapshotOf,
} from "../../test/engine/folder.ts";
import { bagSource } from "../attribute/bag.ts";
import type { AttributeSource } from "../attribute/source.ts";
import { ABSENT, type CelValue, Invalid } from "../attribute/value.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import type { Decision, Validity } from "./decision.ts";

const NOW_MS = 1_000_000;

describe("an answer may be reused", () => {
  test("for as long and as often as its policy says, for requests equal on what it read", async () => {
    const { validity } = await decided(policy({ when: 'request.method == "GET" && !has(source.principal)' }));
    expect(validity).toEqual({
      forMs: 30_000,
      uses: 100,
      referenced: [
        { attribute: "request.method", condition: "exact" },
        { attribute: "source.principal", condition: "absent" },
      ],
    });
  });

  test("names map keys, with their absence", async () => {
    const when = 'request.headers["a"] == "1" && request.headers.get("b", "") == ""';
    const { referenced } = (await decided(policy({ when }))).validity;
    expect(referenced).toEqual([
      { attribute: "request.headers", key: "a", condition: "exact" },
      { attribute: "request.headers", key: "b", condition: "absent" },
    ]);
  });

  test("names derived attributes as what they are derived from", async () => {
    const files = {
      ...policy({ when: 'team == "GET-"' }),
      "attributes.yaml": 'derive: { team: \'request.method + "-" + source.principal.orDefault("")\' }\n',
    };
    expect((await decided(files)).validity.referenced).toEqual([
      { attribute: "request.method", condition: "exact" },
      { attribute: "source.principal", condition: "absent" },
    ]);
  });

  test("after reading what a native Check must have, map or not", async () => {
    const files = policy({ when: "true", requires: "request.method, request.headers" });
    expect((await decided(files)).validity).toMatchObject({
      forMs: 30_000,
      referenced: [{ attribute: "request.method" }, { attribute: "request.headers" }],
    });
  });

  test("by the shortest life and the fewest uses of the policies that apply", async () => {
    const others = {
      "q.yaml": "policy: q\ncache: { for: 10s, uses: 500 }\ncheck: [{ deny: d, when: 'request.method == \"PUT\"' }]\n",
      "r.yaml":
        'policy: r\nwhen: \'request.method.orDefault("") == "PUT"\'\ncheck: [{ deny: d, when: \'request.method == "PUT"\' }]\n',
    };
    const { validity } = await decided({ ...policy({ when: "true" }), ...others });
    // r allows no reuse at all, and is about other requests: that it is must be in the set.
    expect(validity).toMatchObject({ forMs: 10_000, uses: 100 });
    expect(validity.referenced).toContainEqual({ attribute: "request.method", condition: "exact" });
  });

  test("with what a later policy's `when` reads in its set, even where an earlier rule has decided", async () => {
    const others = {
      "a.yaml": "policy: a\ncache: { for: 10s, uses: 500 }\ncheck: [{ deny: d, when: 'request.method == \"GET\"' }]\n",
      "r.yaml":
        'policy: r\nwhen: request.headers.get("a", "") == "2"\ncheck: [{ deny: d, when: \'request.method == "PUT"\' }]\n',
    };
    const { verdict, validity } = await decided({ ...policy({ when: "true" }), ...others });
    expect(verdict).toBe("denied");
    expect(validity.referenced).toContainEqual({ attribute: "request.headers", key: "a", condition: "exact" });
  });

  test("whatever a shadow rule reads, and whatever the policy of shadow rules alone allows", async () => {
    const files = {
      ...policy({ when: 'request.method == "GET"' }),
      "s.yaml": "policy: s\ncheck:\n  - { deny: d, shadow: true, when: 'request.headers.exists(k, k == \"x\")' }\n",
      "t.yaml": "policy: t\ncheck: [{ change: c, shadow: true, request: { set: { x-a: b } } }]\n",
    };
    expect((await decided(files)).validity).toEqual({
      forMs: 30_000,
      uses: 100,
      referenced: [{ attribute: "request.method", condition: "exact" }],
    });
  });

  test("with what `respond`, `change` and `ask` read in its set", async () => {
    const refused = policy({
      when: "false",
      more: `  - deny: d
    when: request.method == "GET"
    respond: { status: 403, headers: { x-a: "\${request.headers['a']}" }, body: "\${source.principal}" }`,
    });
    expect((await decided(refused)).validity.referenced).toEqual([
      { attribute: "request.method", condition: "exact" },
      { attribute: "request.headers", key: "a", condition: "exact" },
      { attribute: "source.principal", condition: "absent" },
    ]);
    const allowed = policy({
      when: "true",
      more: `  - change: c
    request: { set: { x-b: "\${request.headers['b']}" } }
  - { ask: k, handler: list, value: request.method, on-unavailable: deny }`,
    });
    expect((await decided(allowed)).validity.referenced).toEqual([
      { attribute: "request.method", condition: "exact" },
      { attribute: "request.headers", key: "b", condition: "absent" },
    ]);
  });
});

describe("an answer may not be reused", () => {
  test.each([
    ["without `cache:`", policy({ when: "true", cache: "" })],
    ["for no time", policy({ when: "true", cache: "{ for: 0s, uses: 5 }" })],
    ["where a map was iterated", policy({ when: 'request.headers.exists(k, k == "a")' })],
    ["where a map was passed whole", policy({ when: "size(request.headers) == 1" })],
    ["where the time of day was read", policy({ when: 'request.time > timestamp("1970-01-01T00:00:00Z")' })],
    ["where it is undecided", policy({ when: 'int(request.method) == 1 || request.method == "PUT"' })],
  ])("%s", async (_, files) => {
    const attributes = { ...GET, "request.time": new Invalid("never read as a value here") };
    expect((await decided(files, attributes)).validity).toEqual(NOT_REUSABLE);
  });

  test("where an adapter could not be asked", async () => {
    const more = "  - { ask: k, handler: list, value: request.method, on-unavailable: allow }";
    const handlers = new NotingHandlers();
    handlers.answer = () => ({ kind: "unavailable", reason: "down" });
    const { verdict, validity } = await decided(policy({ when: "true", more }), GET, handlers);
    expect(verdict).toBe("allowed");
    expect(validity).toEqual(NOT_REUSABLE);
  });

  test("where a limit refused: the next request may fit", async () => {
    const handlers = new NotingHandlers();
    handlers.charge = () => ({ kind: "refused", refusals: [{ charge: 0, remaining: 0n, retryAfterMs: 1000 }] });
    const files = policy({ when: "true", quota: "[{ limit: l, handler: q, max: 1, every: 1m }]" });
    const { verdict, validity } = await decided(files, GET, handlers);
    expect(verdict).toBe("limited");
    expect(validity).toEqual(NOT_REUSABLE);
  });
});

describe("an answer that rests on a token", () => {
  const files = policy({ when: 'request.auth.subject == "ann"' });
  const withExpiry = (exp: CelValue): Attributes => ({
    ...GET,
    "request.auth.subject": "ann",
    "request.auth.claims": mapOf({ exp }),
  });

  test.each([
    ["a double", NOW_MS / 1000 + 5, 5_000],
    ["an int", BigInt(NOW_MS / 1000 + 7), 7_000],
    ["later than the policy's life", NOW_MS / 1000 + 500, 30_000],
    ["over already", NOW_MS / 1000 - 1, 0],
    ["over this moment", NOW_MS / 1000, 0],
    ["not a number", Number.NaN, 0],
  ])("is not reused beyond its expiry, %s", async (_, exp, forMs) => {
    expect((await decided(files, withExpiry(exp))).validity.forMs).toBe(forMs);
  });

  test("is not reused for another token of the same subject, which may end earlier", async () => {
    const { referenced } = (await decided(files, withExpiry(NOW_MS / 1000 + 5))).validity;
    expect(referenced).toContainEqual({ attribute: "request.auth.claims", key: "exp", condition: "exact" });
  });

  test("that has no expiry is not bounded by it", async () => {
    const attributes = { ...GET, "request.auth.subject": "ann", "request.auth.claims": mapOf({}) };
    expect((await decided(files, attributes)).validity.forMs).toBe(30_000);
  });

  test("and only such a one: another is not bounded by a token it did not look at", async () => {
    const { validity } = await decided(policy({ when: "true" }), withExpiry(NOW_MS / 1000 - 1));
    expect(validity.forMs).toBe(30_000);
  });
});

describe("two requests that are equal on the referenced set get equal answers", () => {
  test("whatever the policies", async () => {
    let reusable = 0;
    let equal = 0;
    await fc.assert(
      fc.asyncProperty(folders(), fc.array(requests(), { minLength: 12, maxLength: 12 }), async (files, asked) => {
        const answered = await Promise.all(asked.map((attributes) => answer(files, attributes)));
        for (const first of answered) {
          if (first.decision.validity.forMs === 0) continue;
          reusable += 1;
          for (const second of answered) {
            if (second === first || !equalOn(first.decision.validity, first, second)) continue;
            equal += 1;
            expect(told(second.decision)).toEqual(told(first.decision));
          }
        }
      }),
      { numRuns: 150 },
    );
    // Without these the property would hold of nothing.
    expect(reusable).toBeGreaterThan(300);
    expect(equal).toBeGreaterThan(300);
  });
});

const NOT_REUSABLE = { forMs: 0, uses: 0, referenced: [] };
const GET: Attributes = { "request.method": "GET", "request.headers": mapOf({ a: "1" }) };

interface Parts {
  readonly when: string;
  readonly cache?: string;
  readonly requires?: string;
  /** Further check rules. */
  readonly more?: string;
  readonly quota?: string;
}

/** One policy, `p`, with an allow rule. */
function policy({ when, cache = "{ for: 30s, uses: 100 }", requires = "", more = "", quota = "[]" }: Parts): Files {
  return {
    "weir.yaml": `doors: { weir: { requires: [${requires}] } }\n`,
    "handlers.yaml":
      "handlers: [{ handler: list, adapter: list, config: { mode: block, values: [] } }, { handler: q, adapter: memory-quota }]\n",
    "p.yaml": `policy: p
scope: all
${cache === "" ? "" : `cache: ${cache}`}
check:
  - allow: a
    when: >-
      ${when}
${more}
quota: ${quota}
`,
  };
}

async function decided(
  files: Files,
  attributes: Attributes = GET,
  handlers: NotingHandlers = new NotingHandlers(),
): Promise<Decision> {
  const snapshot = snapshotOf(files, handlers);
  return engineFor({ now: NOW_MS }).engine.check(snapshot, checkInput(snapshot, attributes));
}

interface Answer {
  readonly decision: Decision;
  readonly snapshot: Snapshot;
  readonly source: AttributeSource;
}

/** As `decided`, with an adapter that objects to `2`. */
async function answer(files: Files, attributes: Attributes): Promise<Answer> {
  const handlers = new NotingHandlers();
  handlers.objectsTo = "2";
  const snapshot = snapshotOf(files, handlers);
  const decision = await engineFor({ now: NOW_MS }).engine.check(snapshot, checkInput(snapshot, attributes));
  return { decision, snapshot, source: bagSource(new Map(Object.entries(attributes)), snapshot.slots) };
}

/** What a client compares: its own attributes, by name and key, an error being a value of its own. */
function equalOn({ referenced }: Validity, first: Answer, second: Answer): boolean {
  return referenced.every(({ attribute, key, condition }) => {
    const [mine, yours] = [first, second].map(({ snapshot, source }) => {
      const slot = snapshot.slots.find(({ name }) => name === attribute)?.slot;
      if (slot === undefined) throw new Error(`referenced ${attribute}, which has no slot`);
      return key === undefined ? source.read(slot) : source.readKey(slot, key);
    });
    return condition === "absent" ? yours === ABSENT : yours !== ABSENT && same(mine, yours);
  });
}

function same(mine: unknown, yours: unknown): boolean {
  if (mine instanceof Map && yours instanceof Map)
    return mine.size === yours.size && [...mine].every(([key, value]) => yours.get(key) === value);
  return mine === yours;
}

/** What a client would do with the answer. */
function told({ verdict, reason, rule, response, changes }: Decision): unknown {
  return { verdict, reason, rule: rule?.rule, response, changes };
}

const VALUES = ["1", "2", "x"] as const;

function requests(): fc.Arbitrary<Attributes> {
  const value = fc.constantFrom(...VALUES);
  const headers = fc
    .record({ a: value, b: value, "x-user": value }, { requiredKeys: [] })
    .map((entries) => mapOf(entries));
  return fc.record(
    { "request.method": value, "request.host": value, "source.principal": value, "request.headers": headers },
    { requiredKeys: [] },
  );
}

/** Conditions over a few attributes; each may be true, false, absent or an error for some request. */
function conditions(): fc.Arbitrary<string> {
  const value = fc.constantFrom(...VALUES);
  const name = fc.constantFrom("request.method", "request.host", "source.principal", "team");
  const key = fc.constantFrom("a", "b");
  const atom = fc.oneof(
    fc.tuple(name, value).map(([attribute, text]) => `${attribute} == "${text}"`),
    name.map((attribute) => `int(${attribute}) > 1`),
    fc.constantFrom("has(source.principal)", "has(request.headers)", 'has(request.headers.a) || request.host == "1"'),
    fc.tuple(key, value).map(([header, text]) => `request.headers["${header}"] == "${text}"`),
    fc.tuple(key, value).map(([header, text]) => `request.headers.get("${header}", "2") == "${text}"`),
    fc.tuple(key, value).map(([header, text]) => `request.headers.values("${header}").exists(v, v == "${text}")`),
    key.map((header) => `"${header}" in request.headers`),
    fc.constantFrom('request.headers[request.host] == "1"', 'request.headers.exists(k, k == "a")'),
    fc.constantFrom('request.method.orDefault(request.host) == "1"', 'request.headers.?a.orValue("2") == "2"'),
  );
  const { condition } = fc.letrec<{ condition: string; compound: string }>((tie) => ({
    condition: fc.oneof({ maxDepth: 2, depthSize: "small" }, atom, tie("compound")),
    compound: fc.oneof(
      fc.tuple(tie("condition"), tie("condition")).map(([left, right]) => `(${left}) && (${right})`),
      fc.tuple(tie("condition"), tie("condition")).map(([left, right]) => `(${left}) || (${right})`),
      fc.tuple(atom, tie("condition"), tie("condition")).map(([test, yes, no]) => `(${test}) ? (${yes}) : (${no})`),
      tie("condition").map((inner) => `!(${inner})`),
    ),
  }));
  return condition;
}

function rules(): fc.Arbitrary<string> {
  const text = fc.constantFrom("plain", ...["request.host", "request.headers['b']", "source.principal"].map(inText));
  const when = conditions().map((condition) => `when: >-\n      ${condition}\n`);
  return fc.oneof(
    { weight: 4, arbitrary: when.map((line) => `allow: NAME\n    ${line}`) },
    fc.tuple(when, text).map(([line, body]) => `deny: NAME\n    respond: { body: "${body}" }\n    ${line}`),
    fc.tuple(when, text).map(([line, value]) => `change: NAME\n    request: { set: { x-n: "${value}" } }\n    ${line}`),
    when.map((line) => `ask: NAME\n    handler: list\n    value: request.host\n    on-unavailable: deny\n    ${line}`),
    when.map((line) => `deny: NAME\n    shadow: true\n    ${line}`),
  );
}

function inText(expression: string): string {
  return `\${${expression}}`;
}

function folders(): fc.Arbitrary<Files> {
  const guard = fc.constantFrom(
    "",
    'when: request.headers.get("x-user", "") != "x"\n',
    'when: source.principal.orDefault("1") == "1"\n',
  );
  const onePolicy = fc.tuple(guard, fc.array(rules(), { minLength: 1, maxLength: 4 })).map(([when, written]) => {
    const named = written.map((rule, index) => `  - ${rule.replace("NAME", `r${index}`)}`);
    return `scope: all\ncache: { for: 30s, uses: 9 }\n${when}check:\n${named.join("")}`;
  });
  return fc.array(onePolicy, { minLength: 1, maxLength: 3 }).map((policies) => ({
    "weir.yaml": "doors: { weir: { requires: [] } }\n",
    "handlers.yaml": "handlers: [{ handler: list, adapter: list, config: { mode: block, values: [] } }]\n",
    "attributes.yaml": "derive: { team: 'source.principal.orDefault(\"\") + request.host' }\n",
    ...Object.fromEntries(policies.map((text, index) => [`p${index}.yaml`, `policy: p${index}\n${text}`])),
  }));
}
