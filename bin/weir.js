#!/usr/bin/env node
// No static imports: an older Node must get as far as the sentence below, not a stack trace out of a dependency.
const REQUIRED_MAJOR = 24;

if (Number.parseInt(process.versions.node, 10) < REQUIRED_MAJOR) {
  console.error(`weir needs Node ${REQUIRED_MAJOR} or newer, and this is Node ${process.versions.node}.`);
  process.exitCode = 2;
} else {
  await import("../dist/src/main.js");
}
