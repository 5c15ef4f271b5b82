import { readFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import { type Listening, LOOPBACK, listen } from "../../../deploy/loopback.ts";
import { Received } from "../../../deploy/received.ts";
import { inCheckout } from "../../../deploy/root.ts";
import type { PolicyFiles } from "./policies.ts";

/** Holds requests inside of Weir, where a real one would wait for a slow store. */
export interface Gate extends Listening {
  readonly url: string;
  /** One for each question that came to the gate. */
  readonly arrived: Received<true>;
  /** From now on they wait. */
  shut(): void;
  /** Everybody passes, those who wait and those who come. */
  open(): void;
}

/** @returns an open gate. */
export async function startGate(): Promise<Gate> {
  const arrived = new Received<true>();
  const waiting = new Set<ServerResponse>();
  let isOpen = true;
  const server = createServer((_, response) => {
    response.on("close", () => waiting.delete(response));
    if (isOpen) response.end();
    else waiting.add(response);
    arrived.push(true);
  });
  const listening = await listen(server);
  return {
    ...listening,
    url: `http://${LOOPBACK}:${listening.port}/`,
    arrived,
    shut: () => {
      isOpen = false;
      arrived.clear();
    },
    open: () => {
      isOpen = true;
      for (const response of waiting) response.end();
    },
  };
}

/** Weir waits 100 ms for one handler and then goes on to the next: so many make a request wait up to ten seconds. */
const HANDLERS = 100;
/** A request with this header goes to the gate. */
export const HOLD_HEADER = ["x-hold", "yes"] as const;

/** What `handlers:` gets for the gate. */
export function holdHandlers({ url }: Gate): string {
  return numbers(
    (number) => `  - handler: hold-${number}\n    adapter: ./adapters/hold.ts\n    config: { gate: "${url}" }\n`,
  );
}

/** The policy that sends requests to the gate, and the adapter. */
export async function holdFiles(): Promise<PolicyFiles> {
  const limits = numbers(
    (number) => `  - limit: hold-${number}
    handler: hold-${number}
    max: 1000000
    every: 1s
    when: request.headers.get("x-hold", "") == "yes"
    on-unavailable: allow
`,
  );
  return {
    "hold.yaml": `policy: hold\nquota:\n${limits}`,
    "adapters/hold.ts": await readFile(inCheckout("test/adapter-fixtures/hold.ts"), "utf8"),
  };
}

function numbers(each: (number: number) => string): string {
  return Array.from({ length: HANDLERS }, (_, number) => each(number)).join("");
}
