import { Client, type ClientDuplexStream, credentials, Metadata, status } from "@grpc/grpc-js";
import type { AttributeValue } from "#proto/weir/v1/attribute";
import { CheckRequest, type CheckResponse } from "#proto/weir/v1/check";
import { CheckBatchRequest, CheckBatchResponse, type CheckFailure } from "#proto/weir/v1/stream";

/** One check as a test asks it: its id, and attributes of text. */
export interface Asked {
  readonly id: number;
  readonly attributes: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
}

export interface Answered {
  readonly id: number;
  readonly decision: CheckResponse | undefined;
  readonly failure: CheckFailure | undefined;
  /** What the last notice before it said. */
  readonly noticed: string | undefined;
}

/** A caller of CheckStream, as somebody with grpc-js would write one. */
export class CheckStreamClient {
  readonly answers: Answered[] = [];
  readonly notices: string[] = [];
  /** The code that the stream ended with. */
  readonly ended: Promise<number>;
  /** Called with each answer. */
  onAnswer: (answer: Answered) => void = () => undefined;
  readonly #client: Client;
  readonly #call: ClientDuplexStream<CheckBatchRequest, CheckBatchResponse>;

  constructor(address: string) {
    this.#client = new Client(address, credentials.createInsecure(), { "grpc.enable_http_proxy": 0 });
    this.#call = this.#client.makeBidiStreamRequest(
      "/weir.v1.Weir/CheckStream",
      (message: CheckBatchRequest) => Buffer.from(CheckBatchRequest.toBinary(message)),
      (bytes: Buffer) => CheckBatchResponse.fromBinary(bytes),
      new Metadata(),
    );
    this.#call.on("data", (message: CheckBatchResponse) => this.#take(message));
    this.ended = new Promise((resolve) => {
      this.#call.on("status", ({ code }) => resolve(code));
    });
    // Its code is the status', which comes with every stream.
    this.#call.on("error", () => undefined);
  }

  /** Several checks in one message. */
  ask(...checks: readonly Asked[]): void {
    this.#call.write(batchOf(checks));
  }

  end(): void {
    this.#call.end();
  }

  cancel(): void {
    this.#call.cancel();
  }

  close(): void {
    this.#client.close();
  }

  #take({ notice, items }: CheckBatchResponse): void {
    if (notice) this.notices.push(notice.snapshot);
    for (const { id, answer } of items) {
      const answered: Answered = {
        id: Number(id),
        decision: answer.oneofKind === "decision" ? answer.decision : undefined,
        failure: answer.oneofKind === "failure" ? answer.failure : undefined,
        noticed: this.notices.at(-1),
      };
      this.answers.push(answered);
      this.onAnswer(answered);
    }
  }
}

export const CODES = status;

export function batchOf(checks: readonly Asked[]): CheckBatchRequest {
  return { items: checks.map(({ id, attributes }) => ({ id: BigInt(id), check: checkOf(attributes) })) };
}

function checkOf(attributes: Asked["attributes"]): CheckRequest {
  return CheckRequest.create({
    attributes: Object.entries(attributes).map(([name, value]) => ({ name, value: { kind: kindOf(value) } })),
  });
}

function kindOf(value: string | Readonly<Record<string, string>>): AttributeValue["kind"] {
  if (typeof value === "string") return { oneofKind: "string", string: value };
  const entries = Object.entries(value).map(([key, text]) => ({ key, value: text }));
  return { oneofKind: "stringMap", stringMap: { entries } };
}
