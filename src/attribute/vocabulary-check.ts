import { type AttributeRow, type RowOptions, row } from "./vocabulary-row.ts";

/** What was decided: never there while it is being decided. */
const DECIDED: RowOptions = {
  log: "sometimes",
  decision: "always",
  afterwards: true,
  absent: "In the access log: an entry without a decision.",
};
const RECORD_ONLY: RowOptions = { weir: "never", decision: "always" };

export const CHECK_ROWS: readonly AttributeRow[] = [
  row("check.verdict", "string", "`allowed`, `denied`, `limited` or `undecided`.", DECIDED),
  row("check.reason", "string", "Why, in one word: `rule`, `unmatched`, `deny-error`.", DECIDED),
  row("check.rule", "string", "The rule that decided, as `policy/rule`.", {
    ...DECIDED,
    decision: "sometimes",
    absent: "No rule decided, or no decision.",
  }),
  row("check.snapshot", "string", "The policies that decided.", DECIDED),
  row("check.decision_id", "string", "Names the decision in answers, logs, metrics and traces.", DECIDED),
  row("check.took_us", "int", "Microseconds from the arrival of the Check to the decision.", DECIDED),
  row("check.location", "string", "Where the rule that decided stands, as `file:line`.", {
    ...RECORD_ONLY,
    decision: "sometimes",
    absent: "No rule decided.",
  }),
  row(
    "check.detail",
    "string",
    "In plain words, for people who look after policies: why it was decided so.",
    RECORD_ONLY,
  ),
  row("check.door", "string", "The door through which the Check came.", RECORD_ONLY),
  row("check.status", "int", "The HTTP status that the refused client gets.", {
    ...RECORD_ONLY,
    decision: "sometimes",
    absent: "It was allowed.",
  }),
];
