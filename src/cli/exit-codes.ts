/** How a command ended. Scripts rely on the numbers; they are the same in every output format. */
export const EXIT = {
  ok: 0,
  /** A bug of Weir's, or something of the machine's that failed: an address that is taken, a file that cannot be written. */
  internal: 1,
  /** The command line, or a file given on it, makes no sense. */
  usage: 2,
  invalidPolicy: 3,
  testsFailed: 4,
  differs: 5,
  /** Nobody answers, or who answers cannot work. */
  unreachable: 6,
  /** `weir check --exit-code`, and the verdict is not `allowed`. */
  refused: 7,
  /** `weir eval`, and the expression is an error, or absent. */
  noValue: 8,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
