/**
 * One value, swapped whole. Whoever acquired it keeps what he got until he releases it; `swap` tells when the last one has let go of the
 * value before.
 */
export class Live<T> {
  #current: Held<T> | undefined;

  /** @returns the value with a way to let go of it, undefined before the first `swap`. `release` is called exactly once. */
  acquire(): { readonly value: T; release(): void } | undefined {
    const held = this.#current;
    if (held === undefined) return undefined;
    held.holders += 1;
    return { value: held.value, release: () => letGo(held) };
  }

  /** The value as of now, for looking only: it may be retired while you look. */
  peek(): T | undefined {
    return this.#current?.value;
  }

  /** Puts `next` in place at once. Resolves with the value before, when nobody holds it any more. */
  async swap(next: T): Promise<T | undefined> {
    const before = this.#current;
    // The cell itself is a holder, so that a value in place is never drained.
    this.#current = makeHeld(next);
    if (before === undefined) return undefined;
    letGo(before);
    await before.drained;
    return before.value;
  }
}

interface Held<T> {
  readonly value: T;
  holders: number;
  readonly drained: Promise<void>;
  readonly drain: () => void;
}

function makeHeld<T>(value: T): Held<T> {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { value, holders: 1, drained: promise, drain: resolve };
}

function letGo<T>(held: Held<T>): void {
  held.holders -= 1;
  // INVARIANT: releases never outnumber acquisitions; one more would drain a value that somebody still reads.
  if (held.holders < 0) throw new Error("a snapshot was released twice");
  if (held.holders === 0) held.drain();
}
