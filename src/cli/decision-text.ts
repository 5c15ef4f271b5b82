import { styleText } from "node:util";
import { type CheckResponse, Verdict } from "../wire/client.ts";

/** One word per verdict, the same as in metrics and logs. */
const VERDICTS: Readonly<Record<Verdict, string>> = {
  [Verdict.UNSPECIFIED]: "unspecified",
  [Verdict.ALLOWED]: "allowed",
  [Verdict.DENIED]: "denied",
  [Verdict.LIMITED]: "limited",
  [Verdict.UNDECIDED]: "undecided",
};

const UNALTERED = { set: [], add: [], remove: [] };

/** @returns the decision for people: the verdict first, then what there is to say, one line each. */
export function decisionText(answer: CheckResponse, color: boolean): string {
  const verdict = VERDICTS[answer.verdict] ?? "unspecified";
  const paint = color
    ? styleText(verdict === "allowed" ? "green" : "red", verdict, { validateStream: false })
    : verdict;
  const by = answer.rule ? ` by ${answer.rule.name} (${answer.rule.location})` : "";
  const rows: readonly (readonly [string, string])[] = [
    ["reason", answer.reason],
    ["status", answer.statusCode === 0 ? "" : `${answer.statusCode} ${answer.statusMessage}`.trimEnd()],
    ...responseRows(answer),
    ...changeRows("request", answer.requestHeaders),
    ...changeRows("response", answer.responseHeaders),
    ...(answer.query?.set ?? []).map(({ name, value }) => ["query set", `${name}=${value}`] as const),
    ...(answer.query?.remove ?? []).map((name) => ["query remove", name] as const),
    ...answer.quotas.map((quota) => ["quota", quotaText(quota)] as const),
    ["reusable", validityText(answer.validity)],
    ["snapshot", answer.snapshot],
    ["decision", answer.decisionId],
  ];
  const lines = rows
    .filter(([, value]) => value !== "")
    .map(([name, value]) => `  ${name.padEnd(NAME_WIDTH)}  ${value}\n`);
  return `${paint}${by}\n${lines.join("")}`;
}

const NAME_WIDTH = "response remove".length;

function responseRows({ directResponse }: CheckResponse): readonly (readonly [string, string])[] {
  if (!directResponse) return [];
  const { status, headers, body } = directResponse;
  return [
    ["responds", body === "" ? String(status) : `${status} ${JSON.stringify(body)}`],
    ...headers.map(({ name, value }) => ["with", `${name}: ${value}`] as const),
  ];
}

function changeRows(side: string, changes: CheckResponse["requestHeaders"]): readonly (readonly [string, string])[] {
  const { set, add, remove } = changes ?? UNALTERED;
  return [
    ...set.map(({ name, value }) => [`${side} set`, `${name}: ${value}`] as const),
    ...add.map(({ name, value }) => [`${side} add`, `${name}: ${value}`] as const),
    ...remove.map((name) => [`${side} remove`, name] as const),
  ];
}

function quotaText({ name, verdict, reason, granted, remaining, retryAfter }: CheckResponse["quotas"][number]): string {
  const left = remaining === undefined ? "" : `, ${remaining} left`;
  const wait = retryAfter ? `, again in ${seconds(retryAfter)} s` : "";
  return `${name} ${VERDICTS[verdict] ?? "unspecified"} (${reason}): ${granted} granted${left}${wait}`;
}

function validityText(validity: CheckResponse["validity"]): string {
  if (!validity?.duration) return "";
  const uses = validity.useCount === 0 ? "" : `, ${validity.useCount} times`;
  const same = validity.referenced.map(({ attribute, key }) => (key === undefined ? attribute : `${attribute}.${key}`));
  return `for ${seconds(validity.duration)} s${uses}, by ${same.join(", ") || "any request"}`;
}

function seconds(duration: { readonly seconds: bigint; readonly nanos: number }): number {
  return Number(duration.seconds) + duration.nanos / 1e9;
}

/** @returns the decision for programs: the names of the native API. Numbers beyond 2^53 are text. */
export function decisionJson(answer: CheckResponse): string {
  const { rule, directResponse } = answer;
  const data = {
    verdict: VERDICTS[answer.verdict] ?? "unspecified",
    reason: answer.reason,
    ...(rule ? { rule: { name: rule.name, location: rule.location } } : {}),
    status_code: answer.statusCode,
    status_message: answer.statusMessage,
    snapshot: answer.snapshot,
    decision_id: answer.decisionId,
    request_headers: changesJson(answer.requestHeaders),
    response_headers: changesJson(answer.responseHeaders),
    query: { set: answer.query?.set ?? [], remove: answer.query?.remove ?? [] },
    ...(directResponse
      ? {
          direct_response: {
            status: directResponse.status,
            headers: directResponse.headers,
            body: directResponse.body,
          },
        }
      : {}),
    ...validityJson(answer.validity),
    quotas: answer.quotas.map(quotaJson),
  };
  return `${JSON.stringify(data, null, 2)}\n`;
}

function changesJson(changes: CheckResponse["requestHeaders"]) {
  const { set, add, remove } = changes ?? UNALTERED;
  return { set, add, remove };
}

function quotaJson({
  name,
  verdict,
  reason,
  granted,
  remaining,
  retryAfter,
  validity,
}: CheckResponse["quotas"][number]) {
  return {
    name,
    verdict: VERDICTS[verdict] ?? "unspecified",
    reason,
    granted: integer(granted),
    ...(remaining === undefined ? {} : { remaining: integer(remaining) }),
    ...(retryAfter ? { retry_after: `${seconds(retryAfter)}s` } : {}),
    ...validityJson(validity),
  };
}

const CONDITIONS = ["unspecified", "exact", "absent"] as const;

function validityJson(validity: CheckResponse["validity"]) {
  if (!validity?.duration) return {};
  const referenced = validity.referenced.map(({ attribute, key, condition }) => ({
    attribute,
    ...(key === undefined ? {} : { key }),
    condition: CONDITIONS[condition] ?? "unspecified",
  }));
  return { validity: { duration: `${seconds(validity.duration)}s`, use_count: validity.useCount, referenced } };
}

function integer(value: bigint): number | string {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
}
