/**
 * One value, swapped whole. Whoever acquired it keeps what he got until he releases it; `swap` tells when the last one has let go of the
 * value before.
 */
export class Live<T> {
  #current: Held<T> | undefined;
  readonly #listeners: ((value: T) => void)[] = [];
  /** Where there are several threads: says which generation serves, in all of them at once. */
  readonly #word: Int32Array | undefined;
  #generation = 0;
  readonly #staged = new Map<number, Staged<T>>();

  constructor(word?: Int32Array) {
    this.#word = word;
  }

  /** @returns the value with a way to let go of it, undefined before the first `swap`. Nothing is made: requests come often. */
  acquire(): Held<T> | undefined {
    if (this.#word !== undefined && Atomics.load(this.#word, 0) !== this.#generation) this.catchUp();
    const held = this.#current;
    held?.hold();
    return held;
  }

  /** The value as of now, for looking only: it may be retired while you look. */
  peek(): T | undefined {
    return this.#current?.value;
  }

  /** Tells of each value from the next `swap` on, before anybody can acquire it. A listener stays for good, and does not throw. */
  watch(listener: (value: T) => void): void {
    this.#listeners.push(listener);
  }

  /** Keeps `next` ready until the word says its generation. @param replaced told when nobody holds the value before any more. */
  stage(generation: number, next: T, replaced: (before: Generation<T>) => void): void {
    this.#staged.set(generation, { next, replaced });
    this.catchUp();
  }

  /** @returns whether it was staged: then it is no more. */
  unstage(generation: number): boolean {
    return this.#staged.delete(generation);
  }

  /** Puts in place what the word says, if it is not there. */
  catchUp(): void {
    const generation = this.#word === undefined ? 0 : Atomics.load(this.#word, 0);
    const staged = this.#staged.get(generation);
    if (staged === undefined) return;
    const before = this.#generation;
    this.#staged.delete(generation);
    this.#generation = generation;
    void this.swap(staged.next).then((value) => {
      if (value !== undefined) staged.replaced({ generation: before, value });
    });
  }

  /** Puts `next` in place at once. Resolves with the value before, when nobody holds it any more. */
  async swap(next: T): Promise<T | undefined> {
    const before = this.#current;
    this.#current = new Held(next);
    for (const listener of this.#listeners) listener(next);
    if (before === undefined) return undefined;
    before.release();
    await before.drained;
    return before.value;
  }
}

/** A value that served, and the number it served under. */
export interface Generation<T> {
  readonly generation: number;
  readonly value: T;
}

interface Staged<T> {
  readonly next: T;
  readonly replaced: (before: Generation<T>) => void;
}

/** A value and how many hold it. One for each value, whoever acquires it: `release` is called as often as it was acquired. */
export class Held<T> {
  readonly value: T;
  /** Resolves when nobody holds the value any more. */
  readonly drained: Promise<void>;
  readonly #drain: () => void;
  /** The cell itself is a holder, so that a value in place is never drained. */
  #holders = 1;

  constructor(value: T) {
    this.value = value;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.drained = promise;
    this.#drain = resolve;
  }

  hold(): void {
    this.#holders += 1;
  }

  release(): void {
    this.#holders -= 1;
    // INVARIANT: releases never outnumber acquisitions; one more would drain a value that somebody still reads.
    if (this.#holders < 0) throw new Error("a snapshot was released twice");
    if (this.#holders === 0) this.#drain();
  }
}
