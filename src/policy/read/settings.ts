import type * as z from "zod";
import type { Diagnostic, Span } from "../../diagnostics/diagnostic.ts";
import { emptyCollection } from "../../diagnostics/messages/schema.ts";
import type { AuthoredCache, AuthoredDoors, AuthoredPeer, AuthoredSettings, Located } from "../authored.ts";
import { FILES } from "../schema/files.ts";
import { type ReadRule, readRule } from "../schema/rule.ts";
import { validate } from "../schema/validate.ts";
import { entryOf, type YamlMap, type YamlNode } from "../yaml/node.ts";

const DEFAULT_REQUIRES = ["request.method", "request.path", "request.headers", "source.address"];
const DEFAULT_JWT = "envoy.filters.http.jwt_authn/jwt";
const DEFAULT_MASK = ["request.headers.authorization", "request.headers.cookie"];

type Written = z.output<typeof FILES.settings>;

/** @returns what `weir.yaml` says, with the default of everything it does not say. */
export function readSettings(
  map: YamlMap,
  file: string,
): { readonly settings: AuthoredSettings; readonly diagnostics: readonly Diagnostic[]; readonly complete: boolean } {
  const owner = { file, start: 0, end: 0 };
  const { value, diagnostics, complete } = validate(FILES.settings, map, { owner });
  const span = entryOf(map, "doors")?.key.span ?? owner;
  const noDoor = value.doors !== undefined && diagnostics.length === 0 && Object.keys(value.doors).length === 0;
  const peers = value.peers?.map((node) => readRule("peers", node));
  const listed = peers?.flatMap(({ rule }) => (rule === undefined ? [] : [peerOf(rule)]));
  return {
    settings: { ...settingsOf(value, map, owner), ...(listed && { peers: listed }) },
    complete,
    diagnostics: [
      ...diagnostics,
      ...(noDoor ? [emptyCollection(span, "door")] : []),
      ...(peers ?? []).flatMap((peer) => peer.diagnostics),
    ],
  };
}

/** The settings of a folder whose `weir.yaml` cannot be read, or is not there. */
export function defaultSettings(file: string): AuthoredSettings {
  const owner = { file, start: 0, end: 0 };
  return readSettings({ kind: "map", span: owner, entries: [] }, file).settings;
}

function settingsOf(written: Written, map: YamlMap, owner: Span): AuthoredSettings {
  return {
    unmatched: written.unmatched?.value ?? "deny",
    doors: doorsOf(written.doors, entryOf(map, "doors")?.value, owner),
    cache: cacheOf(written.cache) ?? { forMs: 0, uses: 0 },
    allowEmpty: written["allow-empty"],
    pathParams: written["path-params"]?.value ?? "refuse",
    mask: written.mask ?? locatedAt(DEFAULT_MASK, owner),
  };
}

function doorsOf(written: Written["doors"], node: YamlNode | undefined, owner: Span): AuthoredDoors {
  const span = (door: string): Span => (node?.kind === "map" ? entryOf(node, door)?.key.span : undefined) ?? owner;
  const weir = { requires: locatedAt(DEFAULT_REQUIRES, owner), span: span("weir") };
  const http = { jwt: { value: DEFAULT_JWT, span: owner }, span: span("ext-authz") };
  if (written === undefined) return { weir, "ext-authz": http, "access-log": { span: owner } };
  return {
    ...(written.weir && { weir: { ...weir, ...written.weir } }),
    ...(written["ext-authz"] && { "ext-authz": { ...http, ...written["ext-authz"] } }),
    ...(written["ext-authz-tcp"] && { "ext-authz-tcp": { span: span("ext-authz-tcp") } }),
    ...(written["access-log"] && { "access-log": { span: span("access-log") } }),
  };
}

function peerOf({ rule }: ReadRule<"peers">): AuthoredPeer {
  return { name: rule.peer, may: rule.may.map(({ value }) => value) };
}

/** @returns `cache:` in milliseconds and uses. */
export function cacheOf(written: Written["cache"]): AuthoredCache | undefined {
  return written && { forMs: written.for, uses: Number(written.uses.value) };
}

function locatedAt(values: readonly string[], span: Span): readonly Located<string>[] {
  return values.map((value) => ({ value, span }));
}
