import type { Engine } from "../engine/engine.ts";
import type { DoorName } from "../policy/authored.ts";
import type { Door } from "../wire/door.ts";
import { accessLogDoor } from "./access-log.ts";
import type { DoorDeps } from "./door-deps.ts";
import { extAuthzDoor } from "./ext-authz.ts";
import { weirCheckDoor } from "./weir-check.ts";
import { weirReportDoor } from "./weir-report.ts";

interface DoorRow {
  /** As `weir.yaml` calls what comes in here. */
  readonly names: readonly DoorName[];
  readonly open: (engine: Engine, deps: DoorDeps) => Door;
}

/**
 * Every way in, one row each. To add one: its file here, its row, and its supply in the vocabulary. Whether a door is enabled is the
 * snapshot's to say at each request: all of them are carried.
 */
export const DOORS: readonly DoorRow[] = [
  { names: ["weir"], open: weirCheckDoor },
  { names: ["weir"], open: weirReportDoor },
  { names: ["ext-authz", "ext-authz-tcp"], open: extAuthzDoor },
  { names: ["access-log"], open: accessLogDoor },
];

export function openDoors(engine: Engine, deps: DoorDeps): readonly Door[] {
  return DOORS.map((row) => row.open(engine, deps));
}
