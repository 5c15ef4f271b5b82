import { type AttributeRow, VOCABULARY } from "./vocabulary.ts";
import { VOCABULARY_DOORS, type VocabularyDoor } from "./vocabulary-row.ts";

const INTRODUCTION = `# Attributes

<!-- Written by \`UPDATE=1 npx vitest run src/attribute/attributes-page.test.ts\` from the tables in src/attribute: edit those. -->

What rules may read, and which door supplies it. The names are Envoy's CEL attributes where Envoy has one, then Mixer's. An attribute is never
a prefix of another, so that \`request.auth\` alone means nothing. \`attributes.yaml\` adds attributes and derives others.

An attribute is a value, **absent** (this request does not have it) or an **error** (it came, and makes no sense: text that is not UTF-8, a body of
which only a part was sent). A map's key that is not there is absent too. An error in one header is no error in the others.

**Doors.** \`weir\` is a native Check; what the caller must send is listed in \`weir.yaml\` under \`doors.weir.requires\` and is always there then.
\`ext-authz\` is Envoy's HTTP filter, \`ext-authz-tcp\` its network filter, \`access-log\` Envoy's access log, \`decision\` the record of a decision that
\`of: decision\` report rules read: it has what the decision's own door supplied.

| in the tables | means |
|---|---|
| always | there in every message of this door |
| sometimes | may be absent |
| carried | the access log does not know it; where a report rule reads it, the decision sends its value along |
| Report | only in a native Report, since it is known only when the request is over |
| – | never there |

**Trust.** *tls*: proven by TLS on our own listener. *proxy*: the proxy says so; a client cannot choose it. *client*: the client chooses it.

Header names are in lower case. A native caller sends maps with each name once. \`request.path\` and its kin are the path that the client sent
(\`request.upstream_path\` is what became of it); for entries of requests that were not decided, the access log trusts Envoy's
\`x-envoy-original-path\`, which clients can write unless the listener removes it.
`;

const SECTIONS: readonly (readonly [title: string, prefixes: readonly string[]])[] = [
  ["Request", ["request."]],
  ["Verified token", ["request.auth."]],
  ["Response", ["response."]],
  ["Source", ["source."]],
  ["Destination", ["destination."]],
  ["Our own caller", ["peer."]],
  ["Connection", ["connection."]],
  ["Upstream", ["upstream."]],
  ["Proxy", ["xds.", "context", "metadata", "filter_state", "upstream_filter_state", "log.", "api."]],
  ["The decision", ["check."]],
];

/** @returns docs/attributes.md. */
export function attributesPage(): string {
  const sections = SECTIONS.map(([title]) =>
    section(
      title,
      VOCABULARY.filter((row) => sectionOf(row) === title),
    ),
  );
  return `${[INTRODUCTION, ...sections].join("\n")}`;
}

/** The section with the longest prefix that fits. */
function sectionOf(row: AttributeRow): string {
  let best = "";
  let title = "";
  for (const [name, prefixes] of SECTIONS) {
    for (const prefix of prefixes) {
      if (row.name.startsWith(prefix) && prefix.length > best.length) [best, title] = [prefix, name];
    }
  }
  if (title === "") throw new Error(`no section of docs/attributes.md takes ${row.name}`);
  return title;
}

function section(title: string, rows: readonly AttributeRow[]): string {
  const head = ["attribute", "type", ...VOCABULARY_DOORS, "trust", "what it is"];
  const lines = [head, head.map(() => "---"), ...rows.map(cells)].map((line) => `| ${line.join(" | ")} |`);
  return `## ${title}\n\n${lines.join("\n")}\n`;
}

function cells(row: AttributeRow): readonly string[] {
  const absent = row.absent === undefined ? "" : ` *Absent:* ${row.absent}`;
  return [
    `\`${row.name}\``,
    row.type,
    ...VOCABULARY_DOORS.map((door) => supplyCell(row, door)),
    row.doors.weir.trust,
    `${row.description}${absent}`,
  ];
}

function supplyCell(row: AttributeRow, door: VocabularyDoor): string {
  const { supply } = row.doors[door];
  if (supply !== "never") return supply;
  if (door === "weir" && row.afterwards) return "Report";
  return door === "access-log" && isCarried(row) ? "carried" : "–";
}

function isCarried(row: AttributeRow): boolean {
  return row.doors["ext-authz"].supply !== "never" || row.doors["ext-authz-tcp"].supply !== "never";
}
