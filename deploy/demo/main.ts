import { breakPolicy, driveTraffic, editPolicy, keepDriving, Numbers, showTelemetry } from "./acts.ts";
import { EnvoyRequired, setStage } from "./stage.ts";

/** `npm run demo`: a real Envoy in front of two services, decided and measured by the policies in a folder. */
async function demo(say: (line: string) => void, env: NodeJS.ProcessEnv): Promise<void> {
  await using stage = await setStage(say, env);
  const numbers = new Numbers();
  say(
    `Weir serves policies/ (snapshot ${stage.weir.serving.snapshot}); ${stage.sidecar.name} stands in front of two services.\n`,
  );
  let requests = await driveTraffic(stage, numbers, say);
  requests += await keepDriving(stage, say);
  say("\nA policy is edited while it serves\n");
  await editPolicy(stage, numbers, say);
  say("\nA policy is broken\n");
  await breakPolicy(stage, numbers, say);
  requests += 3;
  await showTelemetry(stage, requests, say);
  say("\nEverything that was started is ended.");
}

try {
  await demo((line) => process.stdout.write(`${line}\n`), process.env);
} catch (error) {
  process.stderr.write(
    error instanceof EnvoyRequired
      ? `${error.message}\n`
      : `the demo failed: ${error instanceof Error ? error.stack : String(error)}\n`,
  );
  process.exitCode = 1;
}
