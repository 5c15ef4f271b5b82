import type { Decision, Verdict } from "../engine/decision.ts";
import { STATUS } from "../wire/door.ts";

/** The gRPC codes that say no. 0 would say yes, so that it is not among them. */
export type RefusalCode =
  | typeof STATUS.permissionDenied
  | typeof STATUS.unauthenticated
  | typeof STATUS.resourceExhausted
  | typeof STATUS.failedPrecondition;

type Refused = Exclude<Verdict, "allowed">;

const UNAUTHORIZED = 401;

/** The verdict as a gRPC status code, on every door (semantics.md section 2). */
export function refusalCode(verdict: Refused, httpStatus: number): RefusalCode {
  switch (verdict) {
    case "denied":
      return httpStatus === UNAUTHORIZED ? STATUS.unauthenticated : STATUS.permissionDenied;
    case "limited":
      return STATUS.resourceExhausted;
    case "undecided":
      return STATUS.failedPrecondition;
  }
}

/** What is said beside the code: nothing about the policies. */
export const REFUSAL_MESSAGE: Readonly<Record<Decision["verdict"], string>> = {
  allowed: "",
  denied: "denied",
  limited: "limited",
  undecided: "could not be decided",
};
