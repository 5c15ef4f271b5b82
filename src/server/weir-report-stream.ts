import { type ReportStreamResponse_Item as Item, ReportStreamResponse } from "#proto/weir/v1/stream";
import { type Call, type OpenStream, type Reply, STATUS, type StreamDoor, type StreamHandler } from "../wire/door.ts";
import type { NativeReport, Reported } from "./weir-report.ts";

const WEIR_REPORT_STREAM_PATH = "/weir.v1.Weir/ReportStream";

/** The native API's ReportStream: the unary Report, message by message, each acknowledged in its turn. */
export function weirReportStreamDoor(report: NativeReport): StreamDoor {
  return {
    kind: "stream",
    path: WEIR_REPORT_STREAM_PATH,
    open: (call, stream) => new ReportStream(report, call, stream),
  };
}

/** Reports of one stream that wait until it is known whether they came before. From there on the stream is not read. */
export const MAX_REPORTS_WAITING = 64;

class ReportStream implements StreamHandler {
  readonly #report: NativeReport;
  readonly #call: Call;
  readonly #stream: OpenStream;
  #messages = 0n;
  /** Reports that wait until it is known whether they came before, and those behind them: they are acknowledged in order. */
  #waiting = 0;
  #acknowledged: Promise<void> = Promise.resolve();
  /** Nothing is read until fewer wait. */
  #held = false;
  #cancelled = false;
  /** Of messages of this turn, or of those before it while the client does not read: then nothing more of it is taken. */
  #answers: Item[] = [];
  #congested = false;

  constructor(report: NativeReport, call: Call, stream: OpenStream) {
    this.#report = report;
    this.#call = call;
    this.#stream = stream;
  }

  message(bytes: Uint8Array): void {
    const index = this.#messages;
    this.#messages += 1n;
    const reported = this.#report(bytes, this.#call);
    if (this.#waiting === 0 && !(reported instanceof Promise)) this.#acknowledge(index, reported);
    else this.#acknowledgeLater(index, reported);
  }

  #acknowledge(index: bigint, reported: Reported): void {
    if (this.#cancelled) return;
    this.#answers.push(itemOf(index, reported));
    if (this.#answers.length === 1) this.#stream.afterTurn(() => this.#write());
  }

  #acknowledgeLater(index: bigint, reported: Reported | Promise<Reported>): void {
    this.#waiting += 1;
    if (this.#waiting >= MAX_REPORTS_WAITING && !this.#held) {
      this.#held = true;
      this.#stream.pause();
    }
    const before = this.#acknowledged;
    const inOrder = async (): Promise<void> => {
      await before;
      const settled = await reported;
      this.#waiting -= 1;
      this.#acknowledge(index, settled);
      if (!this.#held || this.#waiting >= MAX_REPORTS_WAITING) return;
      this.#held = false;
      this.#stream.resume();
    };
    this.#acknowledged = inOrder();
  }

  drained(): void {
    this.#congested = false;
    this.#write();
  }

  /** Every message was taken or refused when it came; what is left is to say so. */
  end(): Reply | Promise<Reply> {
    return this.#waiting === 0 ? this.#last() : this.#acknowledged.then(() => this.#last());
  }

  #last(): Reply {
    if (this.#answers.length === 0) return { kind: "status", code: STATUS.ok, message: "" };
    return { kind: "message", bytes: this.#taken() };
  }

  cancel(): void {
    this.#cancelled = true;
    this.#answers = [];
  }

  #write(): void {
    if (this.#answers.length > 0 && !this.#congested) this.#congested = !this.#stream.send(this.#taken());
  }

  #taken(): Uint8Array {
    const items = this.#answers;
    this.#answers = [];
    return ReportStreamResponse.toBinary({ items });
  }
}

function itemOf(index: bigint, { reportId, answer }: Reported): Item {
  if ("accepted" in answer) return { index, reportId, answer: { oneofKind: "accepted", accepted: answer } };
  const failure = { statusCode: answer.code, message: answer.message.toWellFormed() };
  return { index, reportId, answer: { oneofKind: "failure", failure } };
}
