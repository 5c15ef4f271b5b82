/** Overloads as a page shows them: those that differ in one type alone, or in which numbers they compare, are one form. */
export interface Form {
  readonly text: string;
  /** The types that X stands for in the text, one each time; none where there is no X. */
  readonly types: readonly string[];
}

/** @returns the forms of a function or operator, in the order of its signatures. */
export function foldedForms(signatures: readonly string[]): readonly Form[] {
  return foldTypes(foldNumbers(signatures));
}

const NUMBERS = ["int", "uint", "double"];
const NUMBER = /\b(?:int|uint|double)\b/g;

/** `number < number: bool`, in place of one for each pair of types. */
function foldNumbers(signatures: readonly string[]): readonly string[] {
  const pairs = signatures.filter((signature) => signature.match(NUMBER)?.length === 2);
  const alike = Map.groupBy(pairs, (signature) => signature.replace(NUMBER, "number"));
  const [folded, replaced = []] = [...alike].find(([, some]) => hasAllMixed(some)) ?? [];
  if (folded === undefined) return signatures;
  const withFolded = signatures.map((signature) => (signature === replaced[0] ? folded : signature));
  return withFolded.filter((signature) => !replaced.includes(signature));
}

function hasAllMixed(signatures: readonly string[]): boolean {
  const pairs = new Set(signatures.map((signature) => signature.match(NUMBER)?.join()));
  return NUMBERS.every((one) => NUMBERS.every((other) => one === other || pairs.has(`${one},${other}`)));
}

/** Fewer are sooner read one by one. */
const WORTH_FOLDING = 3;

/** Beginning with the form that stands for the most signatures. */
function foldTypes(signatures: readonly string[]): readonly Form[] {
  const patterns = Map.groupBy(signatures.flatMap(patternsOf), ({ text }) => text);
  const [most = []] = [...patterns.values()].toSorted((a, b) => b.length - a.length);
  const [pattern] = most;
  if (pattern === undefined || most.length < WORTH_FOLDING) return signatures.map((text) => ({ text, types: [] }));
  const covered = most.map(({ signature }) => signature);
  const others = (some: readonly string[]): readonly Form[] => foldTypes(some.filter((one) => !covered.includes(one)));
  const first = signatures.indexOf(pattern.signature);
  const form: Form = { text: pattern.text, types: most.map(({ type }) => type) };
  return [...others(signatures.slice(0, first)), form, ...others(signatures.slice(first))];
}

/** A signature in which X stands for a type, wherever that stands or only in some of the places. */
interface Pattern {
  readonly signature: string;
  readonly type: string;
  readonly text: string;
}

/** Without the functions that have a type's name: `int(string)`. */
const SIMPLE = /\b(?:bool|u?int|double|string|bytes|timestamp|duration|ip|cidr)\b(?!\()/g;
const OF_OTHERS = /\b(?:list|map)\([^()]*\)/g;

function patternsOf(signature: string): readonly Pattern[] {
  const found = [...signature.matchAll(SIMPLE), ...signature.matchAll(OF_OTHERS)];
  const places = Map.groupBy(found, ([type]) => type);
  return [...places].flatMap(([type, at]) =>
    subsets(at.map(({ index }) => index)).map((some) => ({ signature, type, text: withX(signature, type, some) })),
  );
}

/** All but the empty one, the largest first. */
function subsets(items: readonly number[]): readonly (readonly number[])[] {
  const all = Array.from({ length: 2 ** items.length - 1 }, (_, chosen) =>
    items.filter((_, index) => ((chosen + 1) >> index) % 2 === 1),
  );
  return all.toReversed();
}

function withX(signature: string, type: string, places: readonly number[]): string {
  return places.reduceRight((text, at) => `${text.slice(0, at)}X${text.slice(at + type.length)}`, signature);
}
