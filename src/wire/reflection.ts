import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Server } from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";

/** With which its paths begin, of every version. */
export const REFLECTION_PREFIX = "/grpc.reflection.";

/** Lets tools like grpcurl ask for our messages. */
export function addReflection(server: Server): void {
  const fileDescriptorProtos = filesOf(readFileSync(descriptorsPath()));
  // The library looks at the descriptors of each entry and at nothing else of it.
  new ReflectionService({
    weir: { format: "Protocol Buffer 3 DescriptorProto", type: {}, fileDescriptorProtos },
  }).addToServer(server);
}

/** Found from the package's root, which is the same seen from the source and from the build. */
function descriptorsPath(): string {
  const manifest = createRequire(import.meta.url).resolve("weir-mesh/package.json");
  return join(dirname(manifest), "proto", "gen", "weir.binpb");
}

/** A FileDescriptorSet is `repeated FileDescriptorProto file = 1` and nothing else: tag, length, bytes. */
function filesOf(set: Buffer): Buffer[] {
  const files: Buffer[] = [];
  for (let at = 0; at < set.length; ) {
    if (set[at] !== 0x0a) throw new Error(`weir.binpb is no FileDescriptorSet: byte ${at}`);
    let length = 0;
    let shift = 0;
    let byte: number;
    do {
      at++;
      byte = set[at] ?? 0;
      length |= (byte & 0x7f) << shift;
      shift += 7;
    } while ((byte & 0x80) !== 0);
    files.push(set.subarray(at + 1, at + 1 + length));
    at += 1 + length;
  }
  return files;
}
