import type { Family, Sample } from "./family.ts";

/** Label values a counter remembers, those of all labels together; what comes after is counted under `OTHER`. */
export const MAX_LABEL_VALUES = 20_000;

/** Stands for every label value there is no room for. */
export const OTHER = "(other)";

/**
 * A counter with labels, cheap enough for each request: prom-client's own takes 350 ns, this one a walk through one map per label.
 * Exact up to 2^53.
 */
export class Counter implements Family {
  readonly type = "counter";
  readonly name: string;
  readonly help: string;
  readonly #labels: readonly string[];
  readonly #root: Node = newNode();
  #labelValues = 0;

  constructor(name: string, help: string, labels: readonly string[]) {
    this.name = name;
    this.help = help;
    this.#labels = labels;
  }

  /** @param values one for each label, in order. */
  add(by: number, ...values: readonly string[]): void {
    let node = this.#root;
    for (const value of values) node = node.next.get(value) ?? this.#grow(node, value);
    node.count += by;
  }

  samples(): readonly Sample[] {
    const samples: Sample[] = [];
    this.#collect(this.#root, [], samples);
    return samples;
  }

  /** @returns what was counted since the last time, by label values, and begins again at zero: for another counter to `add`. */
  take(): readonly CountDelta[] {
    const taken: CountDelta[] = [];
    this.#take(this.#root, [], taken);
    return taken;
  }

  #take(node: Node, path: readonly string[], taken: CountDelta[]): void {
    if (path.length === this.#labels.length) {
      if (node.count !== 0) taken.push({ labels: path, by: node.count });
      node.count = 0;
      return;
    }
    for (const [value, next] of node.next) this.#take(next, [...path, value], taken);
  }

  #grow(parent: Node, value: string): Node {
    const full = this.#labelValues >= MAX_LABEL_VALUES;
    const key = full ? OTHER : value;
    const known = parent.next.get(key);
    if (known) return known;
    const node = newNode();
    parent.next.set(key, node);
    if (!full) this.#labelValues += 1;
    return node;
  }

  #collect(node: Node, path: readonly string[], samples: Sample[]): void {
    if (path.length === this.#labels.length) {
      const labels = Object.fromEntries(this.#labels.map((label, at) => [label, path[at] ?? ""]));
      samples.push({ labels, value: node.count });
      return;
    }
    for (const [value, next] of node.next) this.#collect(next, [...path, value], samples);
  }
}

/** What was counted of one series. */
export interface CountDelta {
  readonly labels: readonly string[];
  readonly by: number;
}

interface Node {
  count: number;
  readonly next: Map<string, Node>;
}

function newNode(): Node {
  return { count: 0, next: new Map() };
}
