import { styleText } from "node:util";
import type { Diagnostic, Sources, Span } from "./diagnostic.ts";
import { type Cell, cells } from "./display-width.ts";
import { sortDiagnostics } from "./order.ts";
import { LineTable } from "./position.ts";

export interface RenderOptions {
  /** Escape sequences for a terminal; off unless asked for. */
  readonly color?: boolean;
  /** Put before each file, so that a path can be clicked: `policies/`. */
  readonly folder?: string;
}

/** A longer line is cut around what is underlined. */
const MAX_LINE_COLUMNS = 160;
/** Of a span over more lines, the first and the last are shown. */
const MAX_SPAN_LINES = 3;

type Style = Parameters<typeof styleText>[0];
type Paint = (style: Style, text: string) => string;

/** @returns the diagnostics for people, ordered: place, words, the line with carets under what is meant, the way out. */
export function renderText(diagnostics: readonly Diagnostic[], sources: Sources, options: RenderOptions = {}): string {
  const tables = new Map<string, LineTable>();
  const paint: Paint = options.color
    ? (style, text) => styleText(style, text, { validateStream: false })
    : (_, text) => text;
  const blocks = sortDiagnostics(diagnostics).map((each) => {
    const table = each.span === undefined ? undefined : tableOf(each.span.file, sources, tables);
    return renderOne(each, table, options.folder ?? "", paint);
  });
  return blocks.map((lines) => `${lines.join("\n")}\n`).join("\n");
}

function tableOf(file: string, sources: Sources, tables: Map<string, LineTable>): LineTable | undefined {
  const text = sources.get(file);
  if (text === undefined) return undefined;
  const table = tables.get(file) ?? new LineTable(text);
  tables.set(file, table);
  return table;
}

function renderOne(diagnostic: Diagnostic, table: LineTable | undefined, folder: string, paint: Paint): string[] {
  const { severity, code, message, help, span } = diagnostic;
  const title = `${paint(severity === "error" ? ["red", "bold"] : ["yellow", "bold"], severity)} ${code}: ${paint("bold", printable(message))}`;
  const helpText = help === undefined ? [] : [`= help: ${printable(help)}`];
  if (span === undefined) return [title, ...helpText.map((text) => `  ${text}`)];
  const { line, column } = table?.position(span.start) ?? { line: 1, column: 1 };
  const place = `${folder}${printable(span.file)}:${line}:${column}`;
  // A span 0…0 points at the file as a whole: there is nothing in it to underline.
  const frame = table === undefined || (span.start === 0 && span.end === 0) ? [] : renderFrame(span, table, paint);
  const margin = frame.length === 0 ? 1 : String(table?.position(span.end).line ?? line).length;
  return [`${place} ${title}`, ...frame, ...helpText.map((text) => `${" ".repeat(margin + 1)}${paint("cyan", text)}`)];
}

function printable(text: string): string {
  return cells(text)
    .map((cell) => cell.text)
    .join("");
}

interface Underlined {
  readonly line: number;
  /** UTF-16 offsets within the line. */
  readonly start: number;
  readonly end: number;
}

function renderFrame(span: Span, table: LineTable, paint: Paint): string[] {
  const parts = underlinedLines(span, table);
  const width = String(table.position(span.end).line).length;
  const gutter = (text: string) => paint("blue", `${text.padStart(width)} |`);
  const lines = [gutter("")];
  let previous: number | undefined;
  for (const part of parts) {
    if (previous !== undefined && part.line > previous + 1) lines.push(paint("blue", `${"…".padStart(width)} |`));
    const { shown, carets } = renderLine(table.lineText(part.line), part.start, part.end);
    lines.push(`${gutter(String(part.line))} ${shown}`.trimEnd());
    lines.push(`${gutter("")} ${paint("red", carets)}`);
    previous = part.line;
  }
  return lines;
}

function underlinedLines(span: Span, table: LineTable): readonly Underlined[] {
  const first = table.position(span.start).line;
  const last = Math.max(first, table.position(Math.max(span.start, span.end - 1)).line);
  const all: Underlined[] = [];
  for (let line = first; line <= last; line++) {
    if (last - first >= MAX_SPAN_LINES && line !== first && line !== last) continue;
    const text = table.lineText(line);
    const offset = table.lineStart(line);
    const start = Math.max(span.start - offset, line === first ? 0 : text.length - text.trimStart().length);
    const end = Math.min(span.end - offset, line === last ? text.length : text.trimEnd().length);
    if (line === first || end > start) all.push({ line, start, end });
  }
  return all;
}

function renderLine(text: string, start: number, end: number): { shown: string; carets: string } {
  const all = cells(text);
  const before = all.filter((cell) => cell.end <= start);
  // An empty span (something is missing here) still gets one caret.
  const meant = all.filter((cell) => cell.end > start && cell.start < Math.max(end, start + 1));
  const after = all.slice(before.length + meant.length);
  const cut = cutLine(before, meant, after);
  const carets = "^".repeat(Math.max(1, widthOf(cut.meant)));
  return { shown: cut.shown, carets: " ".repeat(cut.indent) + carets };
}

/** Leaves a window around what is meant when the line is too long to be shown whole. */
function cutLine(before: readonly Cell[], meant: readonly Cell[], after: readonly Cell[]) {
  const total = widthOf(before) + widthOf(meant) + widthOf(after);
  if (total <= MAX_LINE_COLUMNS) {
    return { shown: textOf([...before, ...meant, ...after]), indent: widthOf(before), meant };
  }
  const middle = meant.slice(0, MAX_LINE_COLUMNS / 2);
  const side = Math.floor((MAX_LINE_COLUMNS - middle.length) / 2);
  const left = before.slice(-side);
  const right = middle.length < meant.length ? [] : after.slice(0, side);
  const head = left.length < before.length ? "…" : "";
  const tail = right.length < after.length || middle.length < meant.length ? "…" : "";
  const shown = `${head}${textOf([...left, ...middle, ...right])}${tail}`;
  return { shown, indent: head.length + widthOf(left), meant: middle };
}

function widthOf(line: readonly Cell[]): number {
  return line.reduce((sum, cell) => sum + cell.width, 0);
}

function textOf(line: readonly Cell[]): string {
  return line.map((cell) => cell.text).join("");
}
