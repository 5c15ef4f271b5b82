import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EnvoyOptions, envoyBootstrap } from "../../../deploy/envoy/bootstrap.ts";
import { obtainEnvoy } from "../../../deploy/envoy/obtain.ts";
import { type RunningEnvoy, startEnvoy } from "../../../deploy/envoy/run.ts";

/** Says that a machine has no Envoy and knows it: the tests that need one are skipped, and the summary names them. */
export const WITHOUT_ENVOY = process.env["WEIR_SKIP_ENVOY"] === "1";

const CACHE = new URL("../../../.cache/envoy/", import.meta.url).pathname;

/** @returns the path of a real Envoy. @throws the sentence that says how to get one. */
export async function envoyBinary(): Promise<string> {
  const obtained = await obtainEnvoy({ cacheDir: CACHE, log: (line) => console.log(line) });
  if (!obtained.ok) throw new Error(`${obtained.why}; WEIR_SKIP_ENVOY=1 skips these tests`);
  return obtained.path;
}

/** A real Envoy for one test file; stopping it removes its folder too. */
export async function envoyWith(options: EnvoyOptions, threads = 1): Promise<RunningEnvoy> {
  const dir = mkdtempSync(join(tmpdir(), "weir-envoy-"));
  const remove = () => rmSync(dir, { recursive: true, force: true });
  try {
    const envoy = await startEnvoy({ binary: await envoyBinary(), bootstrap: envoyBootstrap(options), dir, threads });
    const stop = async () => {
      await envoy.stop();
      remove();
    };
    return { ...envoy, stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    remove();
    throw error;
  }
}
