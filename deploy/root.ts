import { fileURLToPath } from "node:url";

/** @returns a file or folder of the checkout by its path there, from the sources as from what is built in `dist`. */
export function inCheckout(path: string): string {
  const up = import.meta.url.includes("/dist/deploy/") ? "../../" : "../";
  return fileURLToPath(new URL(`${up}${path}`, import.meta.url));
}
