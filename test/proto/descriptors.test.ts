import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const bytes = readFileSync(new URL("../../proto/gen/weir.binpb", import.meta.url));

test.each([
  ["weir.v1", "Weir", ["Check", "Report"]],
  ["envoy.service.auth.v3", "Authorization", ["Check"]],
  ["envoy.service.accesslog.v3", "AccessLogService", ["StreamAccessLogs"]],
])("the descriptors for reflection have %s.%s", (name, service, methods) => {
  const file = files().find((text) => text.includes(name) && text.includes(service));
  for (const method of methods) expect(file).toContain(method);
});

/** FileDescriptorSet is `repeated FileDescriptorProto file = 1`: enough is read to tell the files apart. */
function files(): readonly string[] {
  const found: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    expect(bytes[at]).toBe(0x0a);
    let length = 0;
    let shift = 0;
    do {
      at++;
      length |= ((bytes[at] ?? 0) & 0x7f) << shift;
      shift += 7;
    } while (((bytes[at] ?? 0) & 0x80) !== 0);
    found.push(bytes.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return found;
}
