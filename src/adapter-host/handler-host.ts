import type { Adapter } from "../adapter/define-adapter.ts";
import type { AdapterLog } from "../adapter/env.ts";
import * as messages from "../diagnostics/messages/handler.ts";
import type { HandlerIssue, HandlerSet, HandlerSpec, QuotaStore } from "../snapshot/handler-set.ts";
import { type HostClock, systemClock } from "./clock.ts";
import { joinExpositions } from "./exposition.ts";
import { HandlerMemory } from "./handler-memory.ts";
import type { HandlerHost, HandlerStatus } from "./host.ts";
import { judgeConfig } from "./judge-config.ts";
import { Ledger } from "./ledger.ts";
import { DEFAULT_LIMITS, type HostLimits } from "./limits.ts";
import { loadAdapter } from "./load-adapter.ts";
import type { ModuleSource } from "./module-source.ts";
import { OpenHandler, openHandler } from "./open-handler.ts";

export interface HandlerHostOptions {
  /** Where adapters come from: `createModuleSource({ folder })`. */
  readonly resolve: ModuleSource;
  readonly log: AdapterLog;
  readonly clock?: HostClock;
  readonly limits?: Partial<HostLimits>;
}

/** Runs adapters in this thread. */
export function createHandlerHost(options: HandlerHostOptions): HandlerHost {
  return new InlineHost(options);
}

/** An open handler with the snapshots that use it. */
interface Tenancy {
  readonly handler: OpenHandler;
  readonly name: string;
  users: number;
}

/** What is known of a handler name, whichever of its handlers are open. */
interface Name {
  adapter: string;
  readonly ledger: Ledger;
  readonly memory: HandlerMemory;
  readonly open: Set<OpenHandler>;
  opening: number;
}

/** Names without an open handler whose account is still shown. */
const MAX_CLOSED_NAMES = 100;

class InlineHost implements HandlerHost {
  readonly #resolve: ModuleSource;
  readonly #log: AdapterLog;
  readonly #clock: HostClock;
  readonly #limits: HostLimits;
  /** By name and signature: what an equal definition in the next snapshot takes over. */
  readonly #tenancies = new Map<string, Tenancy>();
  readonly #names = new Map<string, Name>();
  readonly #closing = new Set<Promise<void>>();
  #closed = false;

  constructor({ resolve, log, clock, limits }: HandlerHostOptions) {
    this.#resolve = resolve;
    this.#log = log;
    this.#clock = clock ?? systemClock();
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
  }

  async validate(specs: readonly HandlerSpec[]): Promise<readonly HandlerIssue[]> {
    const judged = await Promise.all(specs.map((spec) => this.#judge(spec)));
    return judged.flatMap((one) => (one.ok ? [] : one.issues));
  }

  async open(specs: readonly HandlerSpec[]): Promise<HandlerSet | { readonly issues: readonly HandlerIssue[] }> {
    const opened = await Promise.all(specs.map((spec) => this.#reuse(spec) ?? this.#openNew(spec)));
    const tenancies = opened.flatMap((one) => (one.ok ? [one.tenancy] : []));
    const issues = opened.flatMap((one) => (one.ok ? [] : one.issues));
    if (issues.length === 0) return new OpenSet(tenancies, (tenancy) => this.#leave(tenancy));
    await Promise.all(tenancies.map((tenancy) => this.#leave(tenancy)));
    return { issues };
  }

  lost(handler: string, instances: number): void {
    const ledger = this.#names.get(handler)?.ledger;
    if (ledger === undefined) return;
    ledger.accepted += BigInt(instances);
    ledger.dropped += BigInt(instances);
  }

  status(): readonly HandlerStatus[] {
    return [...this.#names].map(([handler, { adapter, ledger, open }]) => {
      const { accepted, delivered, dropped, queued, lastError } = ledger;
      const failed = [...open].some((one) => one.failed);
      const state = open.size === 0 ? "closed" : failed ? "failed" : "open";
      return {
        handler,
        adapter,
        state,
        accepted,
        delivered,
        dropped,
        queued,
        ...(lastError === undefined ? {} : { lastError }),
      };
    });
  }

  async close(deadlineMs: number): Promise<void> {
    this.#closed = true;
    for (const tenancy of this.#tenancies.values()) void this.#closeTenancy(tenancy, deadlineMs);
    this.#tenancies.clear();
    await Promise.all(this.#closing);
  }

  /** A handler whose definition is equal goes on, with its queue and its connections. */
  #reuse(spec: HandlerSpec): Opened | undefined {
    const tenancy = this.#tenancies.get(keyOf(spec));
    if (tenancy === undefined) return undefined;
    tenancy.users += 1;
    return { ok: true, tenancy };
  }

  async #openNew(spec: HandlerSpec): Promise<Opened> {
    const judged = await this.#judge(spec);
    if (!judged.ok) return judged;
    const name = this.#nameOf(spec);
    name.opening += 1;
    const { memory, ledger } = name;
    const shared = { spec, memory, ledger, log: this.#log, clock: this.#clock, limits: this.#limits };
    const handler = await openHandler({ ...shared, adapter: judged.adapter, config: judged.config });
    name.opening -= 1;
    if (!(handler instanceof OpenHandler)) return this.#notOpened(spec, handler);
    if (this.#closed) {
      await handler.close(0);
      return this.#notOpened(spec, messages.openFailed(spec.adapter, "Weir is shutting down"));
    }
    name.adapter = spec.adapter;
    name.open.add(handler);
    const tenancy = { handler, name: spec.name, users: 1 };
    this.#tenancies.set(keyOf(spec), tenancy);
    return { ok: true, tenancy };
  }

  #notOpened(spec: HandlerSpec, words: messages.HandlerWords): Opened {
    this.#forgetUnusedNames();
    return { ok: false, issues: [{ handler: spec.name, part: "adapter", path: [], ...words }] };
  }

  async #judge(spec: HandlerSpec): Promise<Judged> {
    const surroundings = { clock: this.#clock, limits: this.#limits };
    const loaded = await loadAdapter(spec, { source: this.#resolve, ...surroundings });
    if (!loaded.ok) {
      const issues = loaded.refusals.map((why) => ({ handler: spec.name, part: "adapter", path: [], ...why }) as const);
      return { ok: false, issues };
    }
    const judged = await judgeConfig(spec, loaded.adapter, surroundings);
    return judged.ok ? { ok: true, adapter: loaded.adapter, config: judged.config } : judged;
  }

  /** One snapshot lets go of a handler; the last one closes it. */
  async #leave(tenancy: Tenancy): Promise<void> {
    tenancy.users -= 1;
    if (tenancy.users > 0) return;
    const key = keyOf(tenancy.handler.spec);
    if (this.#tenancies.get(key) === tenancy) this.#tenancies.delete(key);
    await this.#closeTenancy(tenancy, this.#limits.drainMs);
  }

  async #closeTenancy({ handler, name }: Tenancy, drainMs: number): Promise<void> {
    const closing = handler.close(drainMs);
    this.#closing.add(closing);
    await closing;
    this.#closing.delete(closing);
    this.#names.get(name)?.open.delete(handler);
    this.#forgetUnusedNames();
  }

  #nameOf(spec: HandlerSpec): Name {
    let name = this.#names.get(spec.name);
    if (name === undefined) {
      name = {
        adapter: spec.adapter,
        ledger: new Ledger(),
        memory: new HandlerMemory(this.#limits.sharedBytes),
        open: new Set(),
        opening: 0,
      };
      this.#names.set(spec.name, name);
    }
    return name;
  }

  /** The accounts of handlers that are gone stay to be seen, but not without end. */
  #forgetUnusedNames(): void {
    const unused = [...this.#names].filter(([, { open, opening }]) => open.size + opening === 0);
    const silent = unused.filter(([, { ledger }]) => ledger.accepted === 0n);
    for (const [name] of silent) this.#names.delete(name);
    const shown = unused.filter(([, { ledger }]) => ledger.accepted > 0n);
    for (const [name] of shown.slice(0, Math.max(0, shown.length - MAX_CLOSED_NAMES))) this.#names.delete(name);
  }
}

type Opened =
  | { readonly ok: true; readonly tenancy: Tenancy }
  | { readonly ok: false; readonly issues: readonly HandlerIssue[] };

type Judged =
  | { readonly ok: true; readonly adapter: Adapter; readonly config: unknown }
  | { readonly ok: false; readonly issues: readonly HandlerIssue[] };

function keyOf(spec: HandlerSpec): string {
  return `${spec.name}\n${spec.signature}`;
}

/** The handlers of one snapshot. */
class OpenSet implements HandlerSet {
  readonly #handlers: ReadonlyMap<string, OpenHandler>;
  readonly #tenancies: readonly Tenancy[];
  readonly #leave: (tenancy: Tenancy) => Promise<void>;
  #retired: Promise<void> | undefined;

  constructor(tenancies: readonly Tenancy[], leave: (tenancy: Tenancy) => Promise<void>) {
    this.#tenancies = tenancies;
    this.#leave = leave;
    this.#handlers = new Map(tenancies.map(({ name, handler }) => [name, handler]));
  }

  deliver(handler: string, batch: Parameters<HandlerSet["deliver"]>[1]): void {
    this.#get(handler).deliver(batch);
  }

  ask(handler: string, ...rest: Parameters<OpenHandler["ask"]>): ReturnType<OpenHandler["ask"]> {
    return this.#get(handler).ask(...rest);
  }

  quota(handler: string): QuotaStore {
    return this.#get(handler);
  }

  async exposition(): Promise<string> {
    const texts = await Promise.all([...this.#handlers.values()].map((handler) => handler.exposition()));
    return joinExpositions(texts.filter((text) => text !== ""));
  }

  retire(): Promise<void> {
    this.#retired ??= Promise.all(this.#tenancies.map(this.#leave)).then(() => undefined);
    return this.#retired;
  }

  #get(name: string): OpenHandler {
    const handler = this.#handlers.get(name);
    // INVARIANT: the plan that names a handler is the plan that this set was opened for.
    if (handler === undefined) throw new Error(`this snapshot has no handler \`${name}\``);
    return handler;
  }
}
