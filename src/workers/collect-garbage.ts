import { getHeapSpaceStatistics, getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Where less is in use there is little to be given back, and looking for it takes a tenth of a start. In bytes. */
const WORTH_COLLECTING = 40 * 1024 * 1024;

/** How much of what was just made may lie about in a thread that has nothing to do. In bytes. */
const MUCH_THAT_IS_NEW = 1024 * 1024;

/** Collects the garbage of the thread that it is made in, at moments that V8 cannot know. */
export class Collector {
  readonly #collect: (what: { readonly type: "major" | "minor"; readonly flavor?: "last-resort" }) => void;

  constructor() {
    // Neither is taken back: they are of all threads, and another one may be about to do the same. With the second a collection leaves the
    // code in place: without it the first edit after a start was a tenth slower.
    setFlagsFromString("--expose-gc");
    setFlagsFromString("--no-flush-bytecode");
    // V8 says no other way how to ask for it.
    const collect: unknown = runInNewContext("globalThis.gc");
    this.#collect = typeof collect === "function" ? (what) => collect(what) : () => undefined;
  }

  /**
   * Gives back what loading or compiling left behind, which may be more than what it made. It takes up to a tenth of a second, so it is for
   * moments in which nobody waits for this thread.
   */
  all(): void {
    this.#collect({ type: "major", flavor: "last-resort" });
  }

  /** The same, where it is worth it. */
  allOfMuch(): void {
    if (getHeapStatistics().used_heap_size > WORTH_COLLECTING) this.all();
  }

  /**
   * Empties the room for what is new: V8 would fill all of it before it looks for garbage, and memory that was filled once stays taken. It
   * takes less than a millisecond where little is in use.
   */
  young(): void {
    const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space");
    if (young !== undefined && young.space_used_size > MUCH_THAT_IS_NEW) this.#collect({ type: "minor" });
  }
}
