import * as messages from "../diagnostics/messages/load.ts";
import type { AttributeRead } from "../expression/tree.ts";
import type { AuthoredPolicy, DoorName } from "../policy/authored.ts";
import type { Attributes } from "./attributes.ts";
import { type Compiler, spanOf, type Use } from "./compiler.ts";

/** Doors on which requests are decided. */
const CHECK_DOORS = ["weir", "ext-authz", "ext-authz-tcp"] as const satisfies readonly DoorName[];

/** Whether a policy has rules that are evaluated on check doors, and not report rules alone. */
export function isAsked(policy: AuthoredPolicy): boolean {
  return policy.check.length > 0 || policy.quota.length > 0;
}

/**
 * The check doors on which a policy's check and quota rules are evaluated: those it names, or else the enabled ones that can supply
 * everything its rules read plainly. None for a policy of report rules alone.
 */
export function doorsOf(
  policy: AuthoredPolicy,
  checkUses: readonly Use[],
  enabled: readonly DoorName[],
  attributes: Attributes,
  compiler: Compiler,
): readonly DoorName[] {
  const doors =
    policy.doors === undefined
      ? doorsThatSupply(policy, checkUses, enabled, attributes, compiler)
      : doorsNamed(policy, checkUses, enabled, attributes, compiler);
  return isAsked(policy) ? doors : [];
}

function doorsNamed(
  policy: AuthoredPolicy,
  checkUses: readonly Use[],
  enabled: readonly DoorName[],
  attributes: Attributes,
  compiler: Compiler,
): readonly DoorName[] {
  const doors: DoorName[] = [];
  for (const door of policy.doors ?? []) {
    if (!isCheckDoor(door.value)) {
      compiler.add(messages.notACheckDoor(door.span, door.value));
    } else if (!enabled.includes(door.value)) {
      compiler.add(messages.doorNotEnabled(door.span, door.value, enabled));
    } else {
      doors.push(door.value);
    }
  }
  for (const door of doors) {
    for (const use of checkUses) {
      const missing = firstNever(use, door, attributes);
      if (missing) compiler.add(messages.neverSupplied(spanOf(use, missing.at), missing.attribute, door));
    }
  }
  return doors;
}

function doorsThatSupply(
  policy: AuthoredPolicy,
  checkUses: readonly Use[],
  enabled: readonly DoorName[],
  attributes: Attributes,
  compiler: Compiler,
): readonly DoorName[] {
  const candidates = CHECK_DOORS.filter((door) => enabled.includes(door));
  const missing = candidates.map((door) => ({
    door,
    read: firstOf(checkUses, (use) => firstNever(use, door, attributes)),
  }));
  const doors = missing.filter((entry) => entry.read === undefined).map((entry) => entry.door);
  if (doors.length === 0 && isAsked(policy)) {
    const why = missing.map(({ door, read }) => `\`${door}\` never supplies \`${read?.attribute ?? ""}\``).join(", ");
    compiler.add(
      messages.noDoorLeft(policy.name.span, policy.name.value, why === "" ? "no check door is enabled" : why),
    );
  }
  return doors;
}

function firstNever(use: Use, door: DoorName, attributes: Attributes): AttributeRead | undefined {
  return use.reads.find((read) => !hasAnswerForNever(read) && attributes.supply(read.attribute, door) === "never");
}

/** `in` and `?` have an answer for a key that is not there, and none for a map that never is. */
function hasAnswerForNever({ guard }: AttributeRead): boolean {
  return guard !== undefined && guard !== "in" && guard !== "?";
}

function firstOf<T, R>(items: readonly T[], pick: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const picked = pick(item);
    if (picked !== undefined) return picked;
  }
  return undefined;
}

function isCheckDoor(door: DoorName): boolean {
  return door !== "access-log";
}
