export type { MaskSettings } from "./mask-rules.ts";
export { openRecording, type Recording, type RecordingOptions } from "./recording.ts";
