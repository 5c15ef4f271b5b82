/**
 * Every command that a document shows is run as it stands there, or a test that runs it is named. A new one fails here until it has its row.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { commandsOf, outputPattern, type ShownCommand } from "../docs/commands.ts";
import { allFences, REPOSITORY } from "../docs/documents.ts";
import { type StartedServer, shellEnvironment, startShown } from "./support/shown-server.ts";

/** Run here, from the repository, as it stands there; the server that `npm start` began answers where one is asked. */
const RUN_HERE = /^npm run -s weir -- /u;

/** Not run here, for a reason. `by` is the file that runs it. */
interface Elsewhere {
  readonly by: string;
  readonly why: string;
}

const START = "npm start";

const RUN_ELSEWHERE: Readonly<Record<string, Elsewhere>> = {
  "npm ci && npm run demo": { by: "test/e2e/demo.test.ts", why: "it takes a while, and is looked at there" },
  "npm ci && npm test": { by: ".ci/run", why: "it is what runs this test" },
  [START]: { by: "test/e2e/docs-commands.test.ts", why: "the server that the other commands talk to" },
  "weir serve --grpc 0.0.0.0:9091 --tls-cert tls.crt --tls-key tls.key --tls-client-ca ca.crt": {
    by: "test/e2e/cli-tls.test.ts",
    why: "it needs certificates, which are made there",
  },
  "npm install && npm run mend-lock": {
    by: "test/tools/mend-lock.ts",
    why: "it changes the lock file, from the network",
  },
};

const shown = commandsOf(await allFences());
let server: StartedServer | undefined;

beforeAll(async () => {
  server = await startShown(START);
});

afterAll(async () => {
  if (server !== undefined) expect(await server.end()).toBe(0);
});

/** Where `weir check` and `weir report` find the server, when no flag says. */
const SERVER_VARIABLE = "WEIR_SERVER";

describe("commands shown in the documents", () => {
  test("are there", () => {
    expect(runs.length).toBeGreaterThan(3);
  });

  test("are run here, or said to be run elsewhere", () => {
    const unknown = shown.filter(({ command }) => !RUN_HERE.test(command) && !Object.hasOwn(RUN_ELSEWHERE, command));
    expect(unknown.map(({ document, line, command }) => `${document}:${line}: ${command}`)).toEqual([]);
  });

  test("have no row once no document shows them", () => {
    const commands = new Set(shown.map(({ command }) => command));
    expect(Object.keys(RUN_ELSEWHERE).filter((command) => !commands.has(command))).toEqual([]);
  });

  test.each(Object.entries(RUN_ELSEWHERE))("`%s` is run by a file that exists", (_, { by }) => {
    expect(existsSync(join(REPOSITORY, by))).toBe(true);
  });

  const runs = shown.filter(({ command }) => RUN_HERE.test(command));
  test.each(runs)("do what the document says: $document:$line: $command", async (command) => {
    const { exitCode, out, err } = await runShown(command, shellEnvironment({ [SERVER_VARIABLE]: server?.grpc }));
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: "" });
    if (command.output !== undefined) expect(out).toMatch(outputPattern(command.output));
  });
});

async function runShown({ command }: ShownCommand, env: NodeJS.ProcessEnv) {
  const child = spawn("sh", ["-c", command], { cwd: REPOSITORY, env, stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  await once(child, "close");
  return { exitCode: child.exitCode, out, err };
}
