/**
 * What the handlers of one name keep in common while at least one of them is open: the `shared` and `kept` of the SDK. Each opened handler
 * leases it; a thing goes when the last lease that uses it ends.
 */
export class HandlerMemory {
  readonly #maxSharedBytes: number;
  readonly #things = new Map<string, { readonly value: unknown; readonly leases: Set<MemoryLease> }>();

  constructor(maxSharedBytes: number) {
    this.#maxSharedBytes = maxSharedBytes;
  }

  /** @param adapter whose memory: another adapter under the same handler name finds nothing of it. */
  lease(adapter: string): MemoryLease {
    return new MemoryLease(this, adapter);
  }

  /** @returns what stands under a key, made when nothing does. */
  use(lease: MemoryLease, key: string, make: () => unknown): unknown {
    let thing = this.#things.get(key);
    if (thing === undefined) {
      thing = { value: make(), leases: new Set() };
      this.#things.set(key, thing);
    }
    thing.leases.add(lease);
    return thing.value;
  }

  allocate(bytes: number): SharedArrayBuffer {
    let used = 0;
    for (const { value } of this.#things.values()) if (value instanceof SharedArrayBuffer) used += value.byteLength;
    if (used + bytes > this.#maxSharedBytes) {
      throw new RangeError(`no more than ${this.#maxSharedBytes} bytes of shared memory for one handler`);
    }
    return new SharedArrayBuffer(bytes);
  }

  end(lease: MemoryLease): void {
    for (const [key, { leases }] of this.#things) {
      leases.delete(lease);
      if (leases.size === 0) this.#things.delete(key);
    }
  }
}

/** One opened handler's hold on its memory. */
export class MemoryLease {
  readonly #memory: HandlerMemory;
  readonly #adapter: string;

  constructor(memory: HandlerMemory, adapter: string) {
    this.#memory = memory;
    this.#adapter = adapter;
  }

  shared(name: string, bytes: number): SharedArrayBuffer {
    const buffer = this.#memory.use(this, `${this.#adapter} shared ${name}`, () => this.#memory.allocate(bytes));
    if (!(buffer instanceof SharedArrayBuffer)) throw new Error("shared memory that is none");
    if (buffer.byteLength !== bytes) {
      throw new RangeError(`shared memory \`${name}\` has ${buffer.byteLength} bytes, not ${bytes}`);
    }
    return buffer;
  }

  kept<T>(name: string, make: () => T): T {
    // The adapter's own promise: one name, one type.
    return this.#memory.use(this, `${this.#adapter} kept ${name}`, make) as T;
  }

  end(): void {
    this.#memory.end(this);
  }
}
