import type { Cores } from "./cores.ts";
import { type PolicyFolder, writePolicies } from "./folder.ts";
import type { Generator } from "./load/generator.ts";
import type { Api, LoadJob } from "./load/job.ts";
import type { RuleVariant } from "./rule-sets.ts";
import { type Server, startCppEcho, startNodeEcho, startWeir } from "./servers/server.ts";

/** One row of the table: a server, and how it is asked. */
export interface Subject {
  readonly name: string;
  readonly api: Api;
  readonly checksPerMessage: number;
  readonly rules: number;
  /** Which server; several subjects may share one. */
  readonly server: ServerKind;
}

export type ServerKind =
  | { readonly kind: "weir"; readonly rules: number; readonly variant: RuleVariant; readonly workers: number }
  | { readonly kind: "weir-before" }
  | { readonly kind: "echo-node" }
  | { readonly kind: "echo-cpp" };

/** What an echo is asked, and what most of Weir is measured with. */
export const USUAL_RULES = 1_000;

export const NODE_ECHO = "echo, grpc-js + protobuf-ts";
export const CPP_ECHO = "echo, C++";
export const STREAMED = "Weir native, streamed";
export const STREAMED_BY_8 = "Weir native, streamed, 8 per message";

export function weirName(rules: number): string {
  return `Weir ext_authz, ${rules.toLocaleString("en")} rules`;
}

const BY_HEADER = `${weirName(USUAL_RULES)} by header`;
export const TWO_THREADS = `${weirName(USUAL_RULES)}, 2 request threads`;
export const BEFORE = `${weirName(USUAL_RULES)}, before`;

/** Every row there can be, in the order of the table. */
export const SUBJECTS: readonly Subject[] = [
  ...[10, USUAL_RULES, 10_000].map((rules) => authz(weirName(rules), weir(rules))),
  authz(BY_HEADER, weir(USUAL_RULES, "header")),
  { name: "Weir native, unary", api: "native", checksPerMessage: 1, rules: USUAL_RULES, server: weir(USUAL_RULES) },
  { name: STREAMED, api: "native-stream", checksPerMessage: 1, rules: USUAL_RULES, server: weir(USUAL_RULES) },
  { name: STREAMED_BY_8, api: "native-stream", checksPerMessage: 8, rules: USUAL_RULES, server: weir(USUAL_RULES) },
  authz(TWO_THREADS, weir(USUAL_RULES, "identity", 2)),
  authz(NODE_ECHO, { kind: "echo-node" }),
  authz(CPP_ECHO, { kind: "echo-cpp" }),
];

export function authz(name: string, server: ServerKind): Subject {
  const rules = server.kind === "weir" ? server.rules : USUAL_RULES;
  return { name, api: "ext-authz", checksPerMessage: 1, rules, server };
}

export function weir(rules: number, variant: RuleVariant = "identity", workers = 1): ServerKind {
  return { kind: "weir", rules, variant, workers };
}

export interface FleetOptions {
  readonly checkout: string;
  /** Of `weir-before`. */
  readonly checkoutBefore?: string;
  /** The C++ echo's program. */
  readonly cppEcho?: string;
  readonly cores: Cores | undefined;
  /** More of the servers' environment. */
  readonly env?: NodeJS.ProcessEnv;
}

/** Servers that run side by side, each started when it is first asked for. */
export class Fleet implements AsyncDisposable {
  readonly #options: FleetOptions;
  readonly #servers = new Map<string, Server>();
  readonly #folders = new Map<string, PolicyFolder>();

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  async server(kind: ServerKind): Promise<Server> {
    const key = JSON.stringify(kind);
    const running = this.#servers.get(key) ?? (await this.#start(kind));
    this.#servers.set(key, running);
    return running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#servers.values()].map((server) => server[Symbol.asyncDispose]()));
    for (const folder of this.#folders.values()) await folder[Symbol.asyncDispose]();
  }

  async #start(kind: ServerKind): Promise<Server> {
    const { checkout, checkoutBefore, cppEcho, cores, env = {} } = this.#options;
    const own = { cores: cores?.servers, env };
    switch (kind.kind) {
      case "weir": {
        const policies = await this.#folder(kind.rules, kind.variant);
        // Two request threads on one processor would not be two.
        const where = kind.workers > 1 ? { ...own, cores: undefined } : own;
        return await startWeir({ checkout, policies, args: ["--workers", String(kind.workers)], ...where });
      }
      case "weir-before":
        if (checkoutBefore === undefined) throw new Error("there is no version before");
        return await startWeir({
          checkout: checkoutBefore,
          policies: await this.#folder(USUAL_RULES, "identity"),
          args: ["--workers", "1"],
          ...own,
        });
      case "echo-node":
        return await startNodeEcho(own);
      case "echo-cpp":
        if (cppEcho === undefined) throw new Error("there is no C++ echo");
        return await startCppEcho(cppEcho, own);
    }
  }

  async #folder(rules: number, variant: RuleVariant): Promise<string> {
    const key = `${rules} ${variant}`;
    const folder = this.#folders.get(key) ?? (await writePolicies({ rules, variant }));
    this.#folders.set(key, folder);
    return folder.path;
  }
}

/** How hard servers are asked. `saturated`: the next check as soon as one is answered. */
export const LOADS = ["1k", "2k", "5k", "saturated"] as const;
export type LoadName = (typeof LOADS)[number];

/** Connections of every load; as many streams on each as Envoy opens by default, or ten that are never idle. */
const CONNECTIONS = 8;
const IN_FLIGHT = 100;
const IN_FLIGHT_SATURATED = 10;
/** Envoy's own default for ext_authz. */
const ENVOY_DEADLINE_MS = 200;
const LAST_ANSWERS_MS = 2_000;
const RATES: Readonly<Record<LoadName, number | undefined>> = {
  "1k": 1_000,
  "2k": 2_000,
  "5k": 5_000,
  saturated: undefined,
};

export type Timing = Pick<LoadJob, "warmUpMs" | "measureMs">;

/** Asks one subject's server. */
export function ask(
  generator: Generator,
  subject: Subject,
  server: Server,
  load: LoadName,
  timing: Timing,
  seed: number,
) {
  const { api, checksPerMessage, rules } = subject;
  const rate = RATES[load];
  return generator.load({
    port: server.port,
    pid: server.pid,
    api,
    checksPerMessage,
    rules,
    connections: CONNECTIONS,
    inFlight: rate === undefined ? IN_FLIGHT_SATURATED : IN_FLIGHT,
    rate,
    // Streams have none: each check on them waits as long as the door says.
    deadlineMs: api === "ext-authz" ? ENVOY_DEADLINE_MS : undefined,
    lastAnswersMs: LAST_ANSWERS_MS,
    demandVerdicts: subject.server.kind === "weir" || subject.server.kind === "weir-before",
    seed,
    ...timing,
  });
}
