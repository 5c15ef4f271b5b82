import {
  type ChannelCredentials,
  Client,
  connectivityState,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import type { IMessageType } from "@protobuf-ts/runtime";
import { CheckRequest, CheckResponse } from "#proto/weir/v1/check";
import { ReportRequest, ReportResponse } from "#proto/weir/v1/report";
import { type Address, formatAddress } from "./address.ts";
import { lenientReadOptions } from "./lenient.ts";

export type { AttributeValue as NativeValue } from "#proto/weir/v1/attribute";
export { CheckRequest, type CheckResponse, Verdict } from "#proto/weir/v1/check";
export { ReportRequest, type ReportResponse } from "#proto/weir/v1/report";
export { encodeReport } from "./report-encoder.ts";

/** What became of a call. */
export type Called<T> =
  | { readonly kind: "answered"; readonly message: T }
  /** The server answered with a gRPC status other than OK. */
  | { readonly kind: "refused"; readonly code: string; readonly message: string }
  /** Nobody answered at all, or not in time. */
  | { readonly kind: "unreachable"; readonly message: string };

/** A caller of the native API, one call at a time: what the commands need. Never rejects. */
export interface WeirClient {
  check(request: CheckRequest, timeoutMs: number): Promise<Called<CheckResponse>>;
  report(request: ReportRequest, timeoutMs: number): Promise<Called<ReportResponse>>;
  close(): void;
}

/** How the server is called by TLS. All PEM. */
export interface ClientTls {
  /** The authorities whose server certificates are believed. */
  readonly serverCa: string;
  /** The caller's own certificate and its key, where the server asks for one. */
  readonly own?: { readonly certificate: string; readonly key: string };
  /** The name that the server's certificate has, where it is not the one that is called. */
  readonly serverName?: string;
}

/** Connects when first called. @throws what OpenSSL says of certificates that are none. */
export function connectWeir(address: Address, tls?: ClientTls): WeirClient {
  const target = address.kind === "unix" ? `unix:${address.path}` : `dns:${formatAddress(address)}`;
  // A proxy named in the environment is for the web, not for a server of ours.
  const client = new Client(target, tls === undefined ? credentials.createInsecure() : secure(tls), {
    "grpc.enable_http_proxy": 0,
    ...(tls?.serverName === undefined
      ? {}
      : { "grpc.ssl_target_name_override": tls.serverName, "grpc.default_authority": tls.serverName }),
  });
  return {
    check: (request, timeoutMs) => call(client, CHECK, request, timeoutMs),
    report: (request, timeoutMs) => call(client, REPORT, request, timeoutMs),
    close: () => client.close(),
  };
}

function secure({ serverCa, own }: ClientTls): ChannelCredentials {
  const ca = Buffer.from(serverCa);
  if (own === undefined) return credentials.createSsl(ca);
  return credentials.createSsl(ca, Buffer.from(own.key), Buffer.from(own.certificate));
}

interface Method<I extends object, O extends object> {
  readonly path: string;
  readonly input: IMessageType<I>;
  readonly output: IMessageType<O>;
}

const CHECK: Method<CheckRequest, CheckResponse> = {
  path: "/weir.v1.Weir/Check",
  input: CheckRequest,
  output: CheckResponse,
};
const REPORT: Method<ReportRequest, ReportResponse> = {
  path: "/weir.v1.Weir/Report",
  input: ReportRequest,
  output: ReportResponse,
};

function call<I extends object, O extends object>(
  client: Client,
  { path, input, output }: Method<I, O>,
  request: I,
  timeoutMs: number,
): Promise<Called<O>> {
  const write = (message: I): Buffer => Buffer.from(input.toBinary(message));
  const read = (bytes: Buffer): O => output.fromBinary(bytes, lenientReadOptions);
  return new Promise((resolve) => {
    const deadline = Date.now() + timeoutMs;
    client.makeUnaryRequest(path, write, read, request, new Metadata(), { deadline }, (error, message) => {
      if (message !== undefined) resolve({ kind: "answered", message });
      else resolve(failure(client, error, timeoutMs));
    });
  });
}

/** grpc-js says UNAVAILABLE both for a server that says so and for one that is not there: the connection tells them apart. */
function failure(client: Client, error: ServiceError | null, timeoutMs: number): Called<never> {
  if (error?.code === status.DEADLINE_EXCEEDED)
    return { kind: "unreachable", message: `no answer within ${timeoutMs / 1000} s` };
  const connected = client.getChannel().getConnectivityState(false) === connectivityState.READY;
  // What grpc-js adds about name resolution is empty for an address.
  const message = (error?.details ?? "no answer").replace(/\. Resolution note: $/, "");
  if (!connected && error?.code === status.UNAVAILABLE) return { kind: "unreachable", message };
  return { kind: "refused", code: status[error?.code ?? status.UNKNOWN] ?? "UNKNOWN", message };
}
