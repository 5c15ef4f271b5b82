/**
 * What a gRPC server costs that decides nothing: grpc-js as it comes, and protobuf-ts, which decodes the whole request and encodes an
 * answer of 75 bytes. Prints its port.
 */
import { Server, ServerCredentials, type ServiceDefinition, type UntypedHandleCall } from "@grpc/grpc-js";
import { HeaderValueOption } from "#proto/envoy/config/core/v3/base";
import { CheckRequest, CheckResponse, OkHttpResponse } from "#proto/envoy/service/auth/v3/external_auth";

const service: ServiceDefinition<Record<"check", UntypedHandleCall>> = {
  check: {
    path: "/envoy.service.auth.v3.Authorization/Check",
    requestStream: false,
    responseStream: false,
    requestSerialize: (message: CheckRequest) => Buffer.from(CheckRequest.toBinary(message)),
    requestDeserialize: (bytes: Buffer) => CheckRequest.fromBinary(bytes),
    responseSerialize: (message: CheckResponse) => Buffer.from(CheckResponse.toBinary(message)),
    responseDeserialize: (bytes: Buffer) => CheckResponse.fromBinary(bytes),
  },
};

const ANSWER = CheckResponse.create({
  status: { code: 0 },
  httpResponse: {
    oneofKind: "okResponse",
    okResponse: OkHttpResponse.create({
      headers: [
        HeaderValueOption.create({
          header: { key: "x-decision", value: "0123456789-abcdefghijklmnopqrstuvwxyz-0123456789" },
        }),
      ],
    }),
  },
});

const server = new Server();
const check: UntypedHandleCall = (_call: unknown, respond: (error: null, answer: CheckResponse) => void) =>
  respond(null, ANSWER);
server.addService(service, { check });
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  process.stdout.write(`${JSON.stringify({ port })}\n`);
});
process.on("SIGTERM", () => process.exit());
