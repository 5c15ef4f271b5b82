import type { Engine } from "../engine/engine.ts";
import type { DoorName } from "../policy/authored.ts";
import type { Door } from "../wire/door.ts";
import { accessLogDoor } from "./access-log.ts";
import type { DoorDeps } from "./door-deps.ts";
import { extAuthzDoor } from "./ext-authz.ts";
import { nativeCheck, weirCheckDoor } from "./weir-check.ts";
import { weirCheckStreamDoor } from "./weir-check-stream.ts";
import { nativeReport, weirReportDoor } from "./weir-report.ts";
import { weirReportStreamDoor } from "./weir-report-stream.ts";

interface DoorRow {
  /** As `weir.yaml` calls what comes in here. */
  readonly names: readonly DoorName[];
  readonly open: (engine: Engine, deps: DoorDeps) => readonly Door[];
}

/**
 * Every way in, one row each. To add one: its file here, its row, and its supply in the vocabulary. Whether a door is enabled is the
 * snapshot's to say at each request: all of them are carried.
 */
export const DOORS: readonly DoorRow[] = [
  { names: ["weir"], open: checkDoors },
  { names: ["weir"], open: reportDoors },
  { names: ["ext-authz", "ext-authz-tcp"], open: (engine, deps) => [extAuthzDoor(engine, deps)] },
  { names: ["access-log"], open: (engine, deps) => [accessLogDoor(engine, deps)] },
];

export function openDoors(engine: Engine, deps: DoorDeps): readonly Door[] {
  return DOORS.flatMap((row) => row.open(engine, deps));
}

/** One Check, alone or on a stream. */
function checkDoors(engine: Engine, deps: DoorDeps): readonly Door[] {
  const check = nativeCheck(engine, deps);
  return [weirCheckDoor(check), weirCheckStreamDoor(check, engine, deps)];
}

/** One Report, alone or on a stream. */
function reportDoors(engine: Engine, deps: DoorDeps): readonly Door[] {
  const report = nativeReport(engine, deps);
  return [weirReportDoor(report), weirReportStreamDoor(report)];
}
