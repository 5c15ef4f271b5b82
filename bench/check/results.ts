import type { DoorFigures } from "./door/figures.ts";
import type { Flatness } from "./flatness.ts";
import type { Measured } from "./matrix.ts";
import type { ReloadFigures } from "./reload.ts";

/** Everything that one run has measured; what was not asked for is undefined. This is what `--json` writes. */
export interface Results {
  readonly machine: string;
  readonly date: string;
  readonly commit: string;
  /** How many rounds the medians are of. */
  readonly rounds: number;
  readonly quick: boolean;
  /** Which processors were whose; undefined: not kept apart. */
  readonly pinned: { readonly generator: readonly number[]; readonly servers: readonly number[] } | undefined;
  readonly matrix: readonly Measured[];
  /** The part of their CPU time that collections take, by the name of the row. */
  readonly collections: Readonly<Record<string, number>>;
  readonly reload: ReloadFigures | undefined;
  readonly flatness: Flatness | undefined;
  readonly doors: readonly DoorFigures[];
  /** What was left out, and why. */
  readonly left: readonly string[];
}
