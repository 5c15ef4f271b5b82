import type { AdminView } from "./view.ts";

/** One answer. */
export interface Page {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Every page, one row each. To add one: its row. */
export interface PageRow {
  readonly path: string;
  /** Also on `--metrics-address`, where others than this machine may look. */
  readonly everywhere: boolean;
  readonly render: (view: AdminView) => Page | Promise<Page>;
}

export const PAGES: readonly PageRow[] = [
  { path: "/healthz", everywhere: true, render: () => text(200, "ok\n") },
  { path: "/readyz", everywhere: true, render: readyz },
  { path: "/metrics", everywhere: true, render: metrics },
  { path: "/status", everywhere: false, render: ({ status }) => json(status()) },
];

/** By the exposition format; scrapers read the version. */
const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

function readyz({ readiness }: AdminView): Page {
  const now = readiness();
  return now.ready ? text(200, "ready\n") : text(503, `not ready: ${now.why}\n`);
}

async function metrics(view: AdminView): Promise<Page> {
  return { status: 200, type: METRICS_TYPE, body: await view.metrics() };
}

export function text(status: number, body: string): Page {
  return { status, type: "text/plain; charset=utf-8", body };
}

function json(value: unknown): Page {
  return { status: 200, type: "application/json; charset=utf-8", body: `${JSON.stringify(value, null, 2)}\n` };
}
