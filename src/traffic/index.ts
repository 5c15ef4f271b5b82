export type { MaskSettings } from "./mask-rules.ts";
export { openRecording, type Recording } from "./recording.ts";
