/** Calls that are not answered yet, and the streams that are open: what a drain waits for. */
export class InFlight {
  #calls = 0;
  readonly #streams = new Set<() => void>();
  #changed: () => void = () => undefined;

  /** Unary calls without an answer. */
  get calls(): number {
    return this.#calls;
  }

  /** Neither a call nor a stream. */
  get idle(): boolean {
    return this.#calls === 0 && this.#streams.size === 0;
  }

  /** A unary call has begun; `end` is to be called once, when it was answered. */
  begin(): void {
    this.#calls += 1;
    this.#changed();
  }

  end(): void {
    this.#calls -= 1;
    this.#changed();
  }

  /** A stream was opened. @param end ends it from our side. @returns what is called when it is over. */
  join(end: () => void): () => void {
    this.#streams.add(end);
    this.#changed();
    return () => {
      this.#streams.delete(end);
      this.#changed();
    };
  }

  endStreams(): void {
    for (const end of [...this.#streams]) end();
  }

  /** One listener: told after each change. */
  onChange(changed: () => void): void {
    this.#changed = changed;
  }
}
