export { type RunningAdmin, startAdmin } from "./admin-server.ts";
export { metricsPage } from "./exposition.ts";
export type { HandlerView, LastError, Status } from "./view.ts";
