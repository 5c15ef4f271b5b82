import { connect } from "node:http2";
import { CheckBatchRequest, CheckBatchResponse } from "#proto/weir/v1/stream";
import { type Asked, batchOf } from "./check-stream.ts";

/**
 * A caller of CheckStream that takes nothing from its connection until it is told to: grpc-js' own client reads ahead, however little of it is
 * asked for.
 */
export class UnreadStream {
  readonly #session;
  readonly #stream;

  constructor(address: string) {
    this.#session = connect(`http://${address}`);
    this.#stream = this.#session.request({
      ":method": "POST",
      ":path": "/weir.v1.Weir/CheckStream",
      "content-type": "application/grpc",
      te: "trailers",
    });
  }

  ask(...checks: readonly Asked[]): void {
    this.#stream.write(framed(CheckBatchRequest.toBinary(batchOf(checks))));
  }

  /** Says that there is nothing more to come, and reads. @returns the ids that were answered with a decision, and the status. */
  async readToEnd(): Promise<{ readonly ids: readonly number[]; readonly status: string }> {
    const chunks: Buffer[] = [];
    let status = "";
    this.#stream.on("trailers", (trailers) => {
      status = String(trailers["grpc-status"]);
    });
    this.#stream.end();
    for await (const chunk of this.#stream) chunks.push(chunk);
    const ids = messagesIn(Buffer.concat(chunks)).flatMap(({ items }) =>
      items.filter(({ answer }) => answer.oneofKind === "decision").map(({ id }) => Number(id)),
    );
    return { ids, status };
  }

  close(): void {
    this.#session.destroy();
  }
}

const HEAD_BYTES = 5;

function framed(message: Uint8Array): Buffer {
  const frame = Buffer.alloc(HEAD_BYTES + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, HEAD_BYTES);
  return frame;
}

function messagesIn(bytes: Buffer): readonly CheckBatchResponse[] {
  const messages: CheckBatchResponse[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + HEAD_BYTES + bytes.readUInt32BE(at + 1);
    messages.push(CheckBatchResponse.fromBinary(bytes.subarray(at + HEAD_BYTES, end)));
    at = end;
  }
  return messages;
}
