import type { SettingsPlan } from "../snapshot/plan.ts";
import type { MaskSettings, Recording } from "../traffic/index.ts";
import type { Call, Door, StreamHandler } from "../wire/door.ts";

/** @returns the same door, with everything that comes in recorded before the door sees it. */
export function recorded(
  door: Door,
  recording: Pick<Recording, "write">,
  settings: () => SettingsPlan | undefined,
): Door {
  const masks = maskSettings(settings);
  const take = (bytes: Uint8Array, call: Call): void =>
    recording.write({ path: door.path, peer: call.peer.principal ?? call.peer.address, bytes, settings: masks() });
  if (door.kind === "unary") {
    return {
      ...door,
      handle(bytes, call) {
        take(bytes, call);
        return door.handle(bytes, call);
      },
    };
  }
  return {
    ...door,
    open(call, stream): StreamHandler {
      const handler = door.open(call, stream);
      return {
        message(bytes) {
          take(bytes, call);
          handler.message(bytes);
        },
        drained: () => handler.drained?.(),
        end: () => handler.end(),
        cancel: () => handler.cancel(),
      };
    },
  };
}

/** The same object for the same snapshot: what is made of it is kept. */
export function maskSettings(settings: () => SettingsPlan | undefined): () => MaskSettings | undefined {
  let made: { readonly of: SettingsPlan; readonly masks: MaskSettings } | undefined;
  return () => {
    const now = settings();
    if (now === undefined) return undefined;
    if (made?.of !== now) made = { of: now, masks: { mask: now.mask, jwt: jwtOf(now) } };
    return made.masks;
  };
}

function jwtOf({ doors }: SettingsPlan): MaskSettings["jwt"] {
  return doors.find((door) => door.door === "ext-authz")?.jwt;
}
