import type { Fence } from "./fences.ts";

/** A command line that a document shows. */
export interface ShownCommand {
  readonly document: string;
  /** Of the command, from 1. */
  readonly line: number;
  readonly command: string;
  /** What it prints, where the document shows that; `…` stands for anything within a line, a line of `…` for any number of lines. */
  readonly output: string | undefined;
}

/**
 * @returns every command line in the blocks of shell. In `sh` each line is one; in `console` those that begin with `$ `, and what follows is
 * their output. Comments are none, and `\` at the end continues a line.
 */
export function commandsOf(fences: readonly Fence[]): readonly ShownCommand[] {
  return fences.flatMap((fence) => {
    switch (fence.language) {
      case "sh":
      case "bash":
      case "shell":
        return scriptCommands(fence);
      case "console":
        return consoleCommands(fence);
      default:
        return [];
    }
  });
}

function scriptCommands(fence: Fence): readonly ShownCommand[] {
  const commands: ShownCommand[] = [];
  let begun: { line: number; text: string } | undefined;
  for (const [index, written] of fence.text.split("\n").entries()) {
    const text = written.trim();
    if (begun === undefined && (text === "" || text.startsWith("#"))) continue;
    const { line, text: before } = begun ?? { line: fence.line + 1 + index, text: "" };
    if (text.endsWith("\\")) {
      begun = { line, text: `${before}${text.slice(0, -1).trimEnd()} ` };
    } else {
      begun = undefined;
      commands.push({ document: fence.document, line, command: `${before}${text}`, output: undefined });
    }
  }
  return commands;
}

function consoleCommands(fence: Fence): readonly ShownCommand[] {
  const commands: { document: string; line: number; command: string; lines: string[] }[] = [];
  for (const [index, text] of fence.text.trimEnd().split("\n").entries()) {
    const line = fence.line + 1 + index;
    const last = commands.at(-1);
    if (text.startsWith("$ "))
      commands.push({ document: fence.document, line, command: text.slice(2).trim(), lines: [] });
    else if (last === undefined) throw new Error(`${fence.document}:${line}: output before any command`);
    else if (last.command.endsWith("\\")) last.command = `${last.command.slice(0, -1).trimEnd()} ${text.trim()}`;
    else last.lines.push(text);
  }
  return commands.map(({ lines, ...shown }) => ({
    ...shown,
    output: lines.length === 0 ? undefined : `${lines.join("\n")}\n`,
  }));
}

/** @returns a pattern for shown output with its `…`. */
export function outputPattern(shown: string): RegExp {
  const lines = shown.trimEnd().split("\n");
  const pattern = lines.map((line) =>
    line.trim() === "…" ? "(?:[^\n]*\n)*?" : `${line.split("…").map(literal).join("[^\n]*")}\n`,
  );
  return new RegExp(`^${pattern.join("")}$`, "u");
}

function literal(text: string): string {
  return text.replaceAll(/[$()*+.?[\\\]^{|}]/gu, "\\$&");
}
