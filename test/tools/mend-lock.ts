/**
 * Adds to package-lock.json the optional platform packages that the registry in use did not offer. `npm install` leaves
 * them out, and `npm ci` then refuses the lock ("Missing: … from lock file"). Run after every change of dependencies:
 * `npm install && npm run mend-lock`.
 */
import { readFileSync, writeFileSync } from "node:fs";
import * as z from "zod";

const entrySchema = z.looseObject({
  version: z.string().optional(),
  dev: z.boolean().optional(),
  optionalDependencies: z.record(z.string(), z.string()).optional(),
});
const lockSchema = z.looseObject({ packages: z.record(z.string(), entrySchema) });

type Entry = z.infer<typeof entrySchema>;

const CPUS: Readonly<Record<string, string>> = {
  aarch64: "arm64",
  arm: "arm",
  arm64: "arm64",
  armv7: "arm",
  ia32: "ia32",
  ppc64: "ppc64",
  riscv64: "riscv64",
  s390x: "s390x",
  x64: "x64",
};
const SYSTEMS: readonly string[] = ["android", "darwin", "freebsd", "linux", "openharmony", "win32"];

const path = new URL("../../package-lock.json", import.meta.url);
const lock = lockSchema.parse(JSON.parse(readFileSync(path, "utf8")));
const added = missingEntries(lock.packages);
const packages = Object.fromEntries(
  Object.entries({ ...lock.packages, ...added }).sort(([a], [b]) => a.localeCompare(b, "en")),
);
writeFileSync(path, `${JSON.stringify({ ...lock, packages }, null, 2)}\n`);
console.log(`package-lock.json: ${Object.keys(added).length} platform packages added`);

function missingEntries(known: Readonly<Record<string, Entry>>): Record<string, object> {
  const added: Record<string, object> = {};
  for (const [owner, entry] of Object.entries(known)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (!isInstalled(known, owner, name)) {
        added[`node_modules/${name}`] = platformEntry(name, version, entry.dev === true);
      }
    }
  }
  return added;
}

/** Node's own search: the owner's node_modules, then those of every package around it. */
function isInstalled(known: Readonly<Record<string, Entry>>, owner: string, name: string): boolean {
  for (let around = owner; around !== ""; around = around.slice(0, Math.max(0, around.lastIndexOf("/node_modules/")))) {
    if (`${around}/node_modules/${name}` in known) {
      return true;
    }
  }
  return `node_modules/${name}` in known;
}

/** A package that is not in the registry cannot tell its platform, so its name has to. */
function platformEntry(name: string, version: string, dev: boolean): object {
  const words = name.slice(name.indexOf("/") + 1).split(/[-_]/);
  const os = words.find((word) => SYSTEMS.includes(word));
  const cpu = words.map((word) => CPUS[word]).find((word) => word !== undefined);
  if (os === undefined || cpu === undefined) {
    throw new Error(`${name} names no platform: add it to package-lock.json by hand`);
  }
  const libc = words.some((word) => word.startsWith("musl"))
    ? "musl"
    : words.some((word) => word.startsWith("gnu"))
      ? "glibc"
      : undefined;
  return {
    version,
    cpu: [cpu],
    ...(dev ? { dev: true } : {}),
    ...(libc === undefined ? {} : { libc: [libc] }),
    optional: true,
    os: [os],
  };
}
