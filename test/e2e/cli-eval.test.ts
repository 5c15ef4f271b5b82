import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { casesOf, FILES, ORACLE_FOLDER, type OracleCase, readLines, textOf } from "../cel/oracle.ts";
import { canonical, type Typed } from "../cel/typed-value.ts";
import { fencesOf } from "../docs/fences.ts";
import { Folder, ROOT, weir } from "./weir-command.ts";

const VOCABULARY = join(ORACLE_FOLDER, "vocabulary.json");

describe("weir eval", () => {
  test("prints the value of an expression out of a file, with attributes out of another", async () => {
    using folder = new Folder({
      "rule.cel": 'request.method == "GET"\n  && "x-user" in request.headers // who asks\n',
      "request.yaml": "attributes:\n  request.method: GET\n  request.headers: { x-user: ana }\n",
    });
    const ran = await weir(["eval", "--file", "rule.cel", "--attributes", "request.yaml"], { cwd: folder.path });
    expect(ran).toEqual({ code: 0, out: "true : bool\n", err: "" });
  });

  test("reads an expression from standard input", async () => {
    expect(await weir(["eval", "-"], { stdin: "1 +\n 2" })).toEqual({ code: 0, out: "3 : int\n", err: "" });
  });

  test("tells by its exit code what makes no sense from what has no value", async () => {
    expect((await weir(["eval", "request.size > 1"])).code).toBe(8);
    expect((await weir(["eval", "request.size >"])).code).toBe(2);
  });

  test("says of what is not there what the document shows", async () => {
    const document = "docs/eval.md";
    const shown = fencesOf(document, readFileSync(join(ROOT, document), "utf8")).filter(
      ({ language }) => language === "text",
    );
    expect(shown).toHaveLength(1);
    const expression = 'request.method == "GET" || 10 / request.size > 2';
    const ran = await weir(["eval", expression, "-a", "request.method=POST"]);
    expect(ran).toEqual({ code: 8, out: "", err: shown[0]?.text });
  });
});

describe("weir eval --batch", () => {
  test("answers what cel-go judged as cel-go did, each line in its place", async () => {
    const cases = FILES.flatMap((file) => casesOf(file));
    const requests = readLines<{ readonly a: number; readonly vars: object }>(
      join(ORACLE_FOLDER, "activations.ndjson"),
    );
    const vars = new Map(requests.map((one) => [one.a, one.vars]));
    const lines = cases.map((one) =>
      JSON.stringify({ id: one.id, e: textOf(one), runs: (one.runs ?? []).map(({ a }) => ({ vars: vars.get(a) })) }),
    );
    const args = ["eval", "--batch", "--limits", "cel-go", "--vocabulary", VOCABULARY];
    const { code, out, err } = await weir(args, { stdin: lines.join("\n") });
    expect([code, err]).toEqual([0, ""]);
    const answers: readonly Answer[] = out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(answers.map(({ id }) => id)).toEqual(cases.map(({ id }) => id));
    const agree = cases.filter((one, index) => agrees(one, answers[index]));
    expect(agree.length / cases.length).toBeGreaterThan(0.995);
  });

  test("goes on after what is no text, and says so at its end", async () => {
    const child = spawn(process.execPath, [join(ROOT, "bin/weir.js"), "eval", "--batch"]);
    child.stdin.end(Buffer.from('\xff\xfe\x00\n{"id":1,"e":"1","runs":[{}]}\n', "latin1"));
    const [out, err] = await Promise.all([textOfStream(child.stdout), textOfStream(child.stderr)]);
    expect(out.split("\n")).toEqual([
      '{"line":1,"error":"the line is no text: it holds bytes that are not UTF-8"}',
      '{"id":1,"type":"int","runs":[{"v":{"int":"1"}}]}',
      "",
    ]);
    expect(err).toBe("weir: 1 of 2 lines could not be read\n");
  });

  test("answers at once, and ends when it is asked to", async () => {
    const child = spawn(process.execPath, [join(ROOT, "bin/weir.js"), "eval", "--batch"]);
    const ended = once(child, "close");
    child.stdin.write('{"id":1,"e":"1","runs":[]}\n');
    const [answer] = await once(child.stdout, "data");
    expect(String(answer)).toBe('{"id":1,"type":"int","runs":[]}\n');
    child.kill("SIGTERM");
    await ended;
  });

  test("ends when nobody reads its answers any more", async () => {
    const child = spawn(process.execPath, [join(ROOT, "bin/weir.js"), "eval", "--batch"]);
    const ended = once(child, "close");
    // What is left to be written when the command has ended is nobody's business.
    child.stdin.on("error", () => undefined);
    const feed = () => {
      while (child.stdin.writable && child.stdin.write('{"id":1,"e":"1","runs":[{},{},{}]}\n'.repeat(1_000)));
    };
    child.stdin.on("drain", feed);
    feed();
    await once(child.stdout, "data");
    child.stdout.destroy();
    await ended;
  });
});

interface Answer {
  readonly id: string;
  readonly fail?: unknown;
  readonly type?: string;
  readonly runs?: readonly { readonly v?: Typed; readonly err?: string }[];
}

function agrees(one: OracleCase, answer: Answer | undefined): boolean {
  if (one.fail !== undefined || answer?.fail !== undefined)
    return (one.fail === undefined) === (answer?.fail === undefined);
  return (one.runs ?? []).every((run, index) => {
    const ours = answer?.runs?.[index];
    if (run.other !== undefined) return true;
    if (run.v === undefined || ours?.v === undefined) return (run.v === undefined) === (ours?.v === undefined);
    return canonical(run.v, run.unordered === true) === canonical(ours.v, run.unordered === true);
  });
}

async function textOfStream(stream: AsyncIterable<unknown>): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += String(chunk);
  return text;
}
