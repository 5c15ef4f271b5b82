import { chmod, mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Certificate, makeAuthority } from "../../test/wire/certificates.ts";
import { type Log, SILENT } from "../telemetry/index.ts";
import { openTlsFiles } from "./tls-files.ts";
import { judgeTls, type TlsMaterial, type TlsPaths } from "./tls-material.ts";

const DAY_MS = 86_400_000;
const now = Date.now();
const authority = makeAuthority("the mesh", now);
const first = authority.issue("weir", { dns: ["localhost"] });
const second = authority.issue("weir", { dns: ["localhost"] });
const third = authority.issue("weir", { dns: ["localhost"] });

async function folder(pair: Certificate = first) {
  const directory = await mkdtemp(join(tmpdir(), "weir-tls-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const paths = {
    certificate: join(directory, "tls.crt"),
    key: join(directory, "tls.key"),
    clientCa: join(directory, "ca.crt"),
  };
  await writeFile(paths.certificate, pair.certificate);
  await writeFile(paths.key, pair.key, { mode: 0o600 });
  await writeFile(paths.clientCa, authority.certificate);
  return { directory, paths };
}

/**
 * Files that are watched by a clock of the test's: each step is what happens between two looks at them, or between the two readings of one
 * look. @returns what was handed on, counted and logged.
 */
async function watched(paths: TlsPaths, steps: readonly (() => unknown)[]) {
  const handedOn: TlsMaterial[] = [];
  const counted: string[] = [];
  const logged: string[] = [];
  const log: Log = { ...SILENT, error: (text, facts) => logged.push(`${text}: ${String(facts?.["problem"])}`) };
  const ending = new AbortController();
  let nowMs = now;
  const left = [...steps];
  const wait = async (ms: number): Promise<void> => {
    nowMs += ms;
    const step = left.shift();
    if (step === undefined) ending.abort();
    else await step();
  };
  const telemetry = { certificatesLoaded: (result: string) => counted.push(result) };
  const files = await openTlsFiles({ paths, log, telemetry, now: () => nowMs, wait });
  if ("problem" in files) throw new Error(files.problem);
  await files.watch((material) => handedOn.push(material), ending.signal);
  expect(files.current).toEqual(handedOn.at(-1) ?? files.current);
  return { handedOn: handedOn.map(({ certificate }) => certificate), counted, logged };
}

const nothing = () => undefined;
const looks = (count: number) => Array.from({ length: count }, () => nothing);

describe("files that change", () => {
  test("are handed on when they stood still for a moment", async () => {
    const { paths } = await folder();
    const write = async (pair: Certificate) => {
      await writeFile(paths.certificate, pair.certificate);
      await writeFile(paths.key, pair.key);
    };
    const { handedOn, counted, logged } = await watched(paths, [
      nothing,
      () => write(second),
      nothing,
      () => write(third),
      ...looks(4),
    ]);
    expect(handedOn).toEqual([second.certificate, third.certificate]);
    expect([counted, logged]).toEqual([["ok", "ok"], []]);
  });

  test("are never handed on half: the certificate first, the key some looks later", async () => {
    const { paths } = await folder();
    const { handedOn, counted, logged } = await watched(paths, [
      () => writeFile(paths.certificate, second.certificate),
      ...looks(5),
      () => writeFile(paths.key, second.key),
      ...looks(4),
    ]);
    expect(handedOn).toEqual([second.certificate]);
    expect([counted, logged]).toEqual([["ok"], []]);
  });

  test("are never handed on half: not between the two readings of one look either", async () => {
    const { paths } = await folder();
    const { handedOn } = await watched(paths, [
      () => writeFile(paths.key, second.key),
      () => writeFile(paths.certificate, second.certificate),
      ...looks(4),
    ]);
    expect(handedOn).toEqual([second.certificate]);
  });

  test("that go wrong for good are told once, and the last good ones stay until there are better ones", async () => {
    const { paths } = await folder();
    const { handedOn, counted, logged } = await watched(paths, [
      () => writeFile(paths.key, third.key),
      ...looks(60),
      () => rm(paths.key),
      ...looks(60),
      () => writeFile(paths.key, second.key),
      () => writeFile(paths.certificate, second.certificate),
      ...looks(4),
    ]);
    expect(logged).toEqual([
      expect.stringContaining("tls.key is not the key of the first certificate"),
      expect.stringContaining("tls.key cannot be read: it is not there"),
    ]);
    expect([handedOn, counted]).toEqual([[second.certificate], ["error", "error", "ok"]]);
  });

  test("that change back are nothing new", async () => {
    const { paths } = await folder();
    const { handedOn, counted } = await watched(paths, [
      () => writeFile(paths.certificate, second.certificate),
      ...looks(3),
      () => writeFile(paths.certificate, first.certificate),
      ...looks(3),
    ]);
    expect([handedOn, counted]).toEqual([[], []]);
  });

  test("may bring another authority alone", async () => {
    const { paths } = await folder();
    const other = makeAuthority("another", now);
    const { handedOn } = await watched(paths, [() => writeFile(paths.clientCa, other.certificate), ...looks(3)]);
    expect(handedOn).toEqual([first.certificate]);
  });

  test("are seen through a swapped `..data`, as Kubernetes does it, and an editor's rename", async () => {
    const { directory } = await folder();
    const version = async (name: string, pair: Certificate) => {
      await mkdir(join(directory, name));
      await writeFile(join(directory, name, "crt"), pair.certificate);
      await writeFile(join(directory, name, "key"), pair.key, { mode: 0o600 });
    };
    await version("..1", first);
    await symlink("..1", join(directory, "..data"));
    await symlink("..data/crt", join(directory, "crt"));
    await symlink("..data/key", join(directory, "key"));
    const paths = { certificate: join(directory, "crt"), key: join(directory, "key") };
    const swap = async () => {
      await version("..2", second);
      await symlink("..2", join(directory, "..new"));
      await rename(join(directory, "..new"), join(directory, "..data"));
    };
    const renamed = async () => {
      for (const [name, text] of [
        ["crt", third.certificate],
        ["key", third.key],
      ] as const) {
        await writeFile(join(directory, `${name}~`), text);
        await rename(join(directory, `${name}~`), join(directory, name));
      }
    };
    const { handedOn } = await watched(paths, [swap, ...looks(2), renamed, ...looks(3)]);
    expect(handedOn).toEqual([second.certificate, third.certificate]);
  });
});

describe("at the start", () => {
  test("a key that every user can read is warned about", async () => {
    const { paths } = await folder();
    const warned: unknown[] = [];
    const log: Log = { ...SILENT, warn: (_, facts) => warned.push(facts) };
    const open = () => openTlsFiles({ paths, log, telemetry: { certificatesLoaded: () => undefined }, now: () => now });
    await open();
    await chmod(paths.key, 0o644);
    await open();
    expect(warned).toEqual([{ file: paths.key }]);
  });

  test.each([
    ["a directory", async ({ key }: TlsPaths) => rm(key).then(() => mkdir(key)), /tls\.key is not a file/],
    ["nothing", async ({ certificate }: TlsPaths) => rm(certificate), /tls\.crt cannot be read: it is not there/],
    ["too much", async ({ key }: TlsPaths) => writeFile(key, Buffer.alloc(2_000_000)), /tls\.key is larger than 1 MiB/],
  ])("%s where a file should be is told", async (_, spoil, expected) => {
    const { paths } = await folder();
    await spoil(paths);
    const opened = await openTlsFiles({
      paths,
      log: SILENT,
      telemetry: { certificatesLoaded: () => undefined },
      now: () => now,
    });
    expect(opened).toEqual({ problem: expect.stringMatching(expected) });
  });
});

describe("what is wrong is said, and what to do", () => {
  const paths = { certificate: "tls.crt", key: "tls.key", clientCa: "ca.crt" };
  const good = { certificate: first.certificate, key: first.key, clientCa: authority.certificate, keyIsPublic: false };
  const encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
  const issued = (wishes: Parameters<typeof authority.issue>[1]) => {
    const { certificate, key } = authority.issue("weir", wishes);
    return { certificate, key };
  };

  test("a good set is what it was made of", () => {
    const { keyIsPublic: _, ...texts } = good;
    expect(judgeTls(paths, good, now)).toEqual({ ...texts, expiresAtMs: expect.any(Number) });
  });

  test.each([
    ["no PEM", { certificate: "hello" }, "tls.crt has no certificate in PEM (`-----BEGIN CERTIFICATE-----`)"],
    [
      "files exchanged",
      { certificate: first.key, key: first.certificate },
      "tls.crt has no certificate in PEM (`-----BEGIN CERTIFICATE-----`); it has a private key: are the two files exchanged?",
    ],
    [
      "half a certificate",
      { certificate: first.certificate.replace(/\n.{20}/, "\n") },
      "tls.crt has a certificate that cannot be read; is the file whole?",
    ],
    [
      "the key of another",
      { key: second.key },
      "tls.key is not the key of the first certificate in tls.crt; put the certificate of this key first, those of its issuers behind it",
    ],
    [
      "the issuer first",
      { certificate: authority.certificate + first.certificate },
      "tls.key is not the key of the first certificate in tls.crt; put the certificate of this key first, those of its issuers behind it",
    ],
    ["no key", { key: "hello" }, "tls.key has no private key in PEM (`-----BEGIN PRIVATE KEY-----`)"],
    [
      "an encrypted key",
      { key: encrypted },
      "the key in tls.key is encrypted; give it without a passphrase (`openssl pkey -in tls.key`)",
    ],
    [
      "an expired one",
      issued({ toMs: now - 1_000 }),
      /^the certificate in tls\.crt has expired \(.* GMT\); have it issued anew$/,
    ],
    [
      "one for later",
      issued({ fromMs: now + DAY_MS / 2 }),
      /^the certificate in tls\.crt is not valid before .* GMT; is the clock right\?$/,
    ],
    [
      "a client's",
      issued({ use: "client" }),
      "the certificate in tls.crt is not for servers; have it issued with the extended key usage serverAuth",
    ],
    ["no authority", { clientCa: "" }, "ca.crt has no certificate in PEM (`-----BEGIN CERTIFICATE-----`)"],
    [
      "others for authorities",
      { clientCa: first.certificate },
      "ca.crt has no certificate of an authority (basicConstraints CA:TRUE), only others",
    ],
    [
      "authorities of old",
      { clientCa: makeAuthority("old", now - 9 * DAY_MS).certificate },
      "every authority in ca.crt has expired; have them issued anew",
    ],
  ])("%s", (_, spoiled, problem) => {
    const expected = typeof problem === "string" ? problem : expect.stringMatching(problem);
    expect(judgeTls(paths, { ...good, ...spoiled }, now)).toEqual({ problem: expected });
  });
});
