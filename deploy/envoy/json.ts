/** What an Envoy configuration is made of: JSON, which is YAML too. Undefined fields are left out. */
type Json = string | number | boolean | undefined | readonly Json[] | JsonObject;

export interface JsonObject {
  readonly [field: string]: Json;
}

/** A message of the named protobuf type. */
export function typed(type: string, fields: JsonObject = {}): JsonObject {
  return { "@type": `type.googleapis.com/${type}`, ...fields };
}

/** An Envoy extension: a filter, a logger, a transport socket. */
export function extension(name: string, type: string, fields?: JsonObject): JsonObject {
  return { name, typed_config: typed(type, fields) };
}

/** Protobuf's JSON of a duration. */
export function seconds(ms: number): string {
  return `${ms / 1000}s`;
}
