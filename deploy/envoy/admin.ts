/** What Envoy's admin port tells, as far as we ask. */
import { request } from "node:http";
import { LOOPBACK } from "../loopback.ts";

const ANSWER_LIMIT_MS = 5_000;
/** Of a whole `/stats`: a demo's is about 100 KB. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

export class Admin {
  readonly port: number;

  constructor(port: number) {
    this.port = port;
  }

  /** @returns whether Envoy serves; false also while nothing answers yet. */
  async ready(): Promise<boolean> {
    try {
      return (await this.#get("/ready")).trim() === "LIVE";
    } catch {
      // The port is announced a moment before it answers; whoever waits for ready has a deadline.
      return false;
    }
  }

  /** @returns the real port of each listener, by its name. */
  async listeners(): Promise<ReadonlyMap<string, number>> {
    const statuses = listIn(JSON.parse(await this.#get("/listeners?format=json")), "listener_statuses");
    return new Map(
      statuses.map((status) => {
        const address = fieldOf(fieldOf(status, "local_address"), "socket_address");
        return [String(fieldOf(status, "name")), Number(fieldOf(address, "port_value"))];
      }),
    );
  }

  /** @returns every counter and gauge, by its name. */
  async stats(): Promise<ReadonlyMap<string, number>> {
    const rows = listIn(JSON.parse(await this.#get("/stats?format=json&histogram_buckets=none")), "stats");
    return new Map(
      rows.flatMap((row) => {
        const value = fieldOf(row, "value");
        return typeof value === "number" ? [[String(fieldOf(row, "name")), value] as const] : [];
      }),
    );
  }

  #get(path: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const signal = AbortSignal.timeout(ANSWER_LIMIT_MS);
      const asked = request({ host: LOOPBACK, port: this.port, path, signal, agent: false }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
          if (text.length > MAX_ANSWER_BYTES) response.destroy(new Error(`more than ${MAX_ANSWER_BYTES} bytes`));
        });
        response.on("end", () => resolve(text));
        response.on("error", reject);
      });
      asked.on("error", (cause) => reject(new Error(`Envoy's admin port did not answer ${path}`, { cause })));
      asked.end();
    });
  }
}

function listIn(answer: unknown, name: string): readonly unknown[] {
  const list = fieldOf(answer, name);
  return Array.isArray(list) ? list : [];
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined;
}
