export { type HostClock, systemClock } from "./clock.ts";
export { configJsonSchema } from "./config-schema.ts";
export { FIRST_PARTY_ADAPTERS } from "./first-party.ts";
export { createHandlerHost } from "./handler-host.ts";
export type { HandlerStatus } from "./host.ts";
export { DEFAULT_LIMITS, type HostLimits } from "./limits.ts";
export { createModuleSource } from "./module-source.ts";
