export { type HostClock, systemClock } from "./clock.ts";
export { configJsonSchema } from "./config-schema.ts";
export { FIRST_PARTY_ADAPTERS, type FirstPartyAdapter } from "./first-party.ts";
export { createHandlerHost, type HandlerHostOptions } from "./handler-host.ts";
export type { HandlerHost, HandlerStatus } from "./host.ts";
export { DEFAULT_LIMITS, type HostLimits } from "./limits.ts";
export { createModuleSource, type ModuleSource, type ModuleSourceOptions } from "./module-source.ts";
