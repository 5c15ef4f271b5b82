import type { Server } from "@grpc/grpc-js";
import { HealthImplementation, type ServingStatus } from "grpc-health-check";

/** Stays open for as long as somebody watches. */
export const WATCH_PATH = "/grpc.health.v1.Health/Watch";

/** `grpc.health.v1.Health` for the server as a whole ("") and for each service. */
export class Health {
  readonly #services: readonly string[];
  readonly #health: HealthImplementation;

  constructor(services: readonly string[], status: ServingStatus) {
    this.#services = ["", ...new Set(services)];
    this.#health = new HealthImplementation(Object.fromEntries(this.#services.map((service) => [service, status])));
  }

  addTo(server: Server): void {
    this.#health.addToServer(server);
  }

  /** Those who watch are told at once. */
  set(status: ServingStatus): void {
    for (const service of this.#services) this.#health.setStatus(service, status);
  }
}
