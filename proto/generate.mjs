// Writes proto/gen from proto/**/*.proto: the messages in JavaScript with declarations, and weir.binpb, the descriptors that gRPC reflection
// serves. Needs no network.
//
//   node proto/generate.mjs [DIR]    DIR in place of proto/gen

import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const protoDirectory = dirname(fileURLToPath(import.meta.url));
const binDirectory = join(protoDirectory, "..", "node_modules", ".bin");

generate(resolve(process.argv[2] ?? join(protoDirectory, "gen")));

/** @param {string} outDirectory replaced whole, so that what no .proto makes any more is gone */
function generate(outDirectory) {
  // Beside the target, so that it can be renamed into place.
  const fresh = mkdtempSync(`${outDirectory}.`);
  try {
    buf("generate", "--output", fresh);
    const generated = join(fresh, "gen");
    for (const file of generatedModules(generated)) mend(file);
    buf("build", "--exclude-source-info", "--output", join(generated, "weir.binpb"));
    rmSync(outDirectory, { recursive: true, force: true });
    renameSync(generated, outDirectory);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** @param {string[]} args */
function buf(...args) {
  // The plugin is found by name, so the project's own programs come first.
  const env = { ...process.env, PATH: `${binDirectory}${delimiter}${process.env["PATH"] ?? ""}` };
  execFileSync("buf", args, { cwd: protoDirectory, env, stdio: "inherit" });
}

/** @param {string} directory */
function generatedModules(directory) {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".js") || name.endsWith(".d.ts"))
    .map((name) => join(directory, name));
}

/** @param {string} file */
function mend(file) {
  writeFileSync(file, withWireTypes(withImportExtensions(readFileSync(file, "utf8"))));
}

/**
 * Node and `module: nodenext` want the extension that the plugin leaves out.
 * @param {string} source
 */
function withImportExtensions(source) {
  return source.replace(/^((?:import|export) .* from ")(\.[^"]*)(";)$/gm, "$1$2.js$3");
}

/**
 * Generated code takes whatever stands where a submessage should be for the length of one. Told the wire type, a reader of our own can refuse
 * it and count how deep messages are nested; protobuf-ts's reader ignores the argument.
 * @param {string} source
 */
function withWireTypes(source) {
  return source.replaceAll(
    ".internalBinaryRead(reader, reader.uint32(), ",
    ".internalBinaryRead(reader, reader.uint32(wireType), ",
  );
}
