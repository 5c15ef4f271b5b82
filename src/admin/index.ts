export { type AdminOptions, type RunningAdmin, startAdmin } from "./admin-server.ts";
export { metricsPage } from "./exposition.ts";
export type { AdminView, HandlerView, LastError, Readiness, Status } from "./view.ts";
